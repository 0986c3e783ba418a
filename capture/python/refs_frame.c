/* refs_frame.c - frame objects, generators, coroutines, asynchronous generators: all hold
 * an interpreter frame, with variables by name and a value stack by position. */
#include "capture/python/cpython.h"

#if PY_VERSION_HEX >= 0x030b0000

#include "capture/python/layout.h"
#include "capture/python/refs.h"
#include "capture/python/stack.h"

static void field(htrail__walk *k, void *target, htrail__label_name label)
{
    if (target)
        htrail__push(k, target, htrail__label(k, label), HTRAIL_REF_FIELD);
}

/* Globals and builtins are borrowed from the function, which the frame holds: left out, as
 * tp_traverse does. */
void htrail__push_interpreter_frame(htrail__walk *k, _PyInterpreterFrame *frame)
{
    PyCodeObject *code = htrail__layout_frame_code(frame);
    if (!code)
        return;
    field(k, frame->frame_obj, L_frame_object);
    field(k, frame->f_locals, L_f_locals);
    field(k, htrail__layout_frame_function(frame), L_f_func);
    if (PY_VERSION_HEX < 0x030c0000 || frame->owner != FRAME_OWNED_BY_GENERATOR) /* the generator's one reference: gi_code */
        field(k, code, L_f_code);
    PyObject *names = code->co_localsplusnames;
    int locals = code->co_nlocalsplus;
    bool named = names && PyTuple_Check(names) && PyTuple_GET_SIZE(names) >= locals;
    for (int i = 0; i < locals; i++) {
        PyObject *value = frame->localsplus[i];
        if (!value)
            continue;
        PyObject *name = named ? PyTuple_GET_ITEM(names, i) : NULL;
        htrail_label label = name && htrail__text_check(name) ? htrail__label_object(k, name) : 0;
        htrail__push(k, value, label, label ? HTRAIL_REF_LOCAL : HTRAIL_REF_PLAIN);
    }
    for (int i = locals; i < frame->stacktop; i++)
        if (frame->localsplus[i])
            htrail__push(k, frame->localsplus[i], (htrail_label)(i - locals) + 1, HTRAIL_REF_STACK);
}

/* A frame that runs has -1 for its depth. An instruction may have taken and freed some of what
 * lay before it, so only what the walk has met elsewhere is believed to be an object still. */
void htrail__push_running_stack(htrail__walk *k, _PyInterpreterFrame *frame)
{
    int locals = htrail__layout_frame_code(frame)->co_nlocalsplus;
    int depth = frame->stacktop < 0 ? htrail__stack_depth(k, frame) : 0;
    for (int i = 0; i < depth; i++) {
        PyObject *item = frame->localsplus[locals + i];
        if (item && htrail__seen_bits(&k->seen, (uintptr_t)item) & SEEN_MET)
            htrail__push(k, item, (htrail_label)i + 1, HTRAIL_REF_STACK);
    }
}

uint64_t htrail__refs_frame(htrail__walk *k, PyObject *o, const htrail__type_info *info, uint64_t cursor)
{
    (void)info, (void)cursor;
    PyFrameObject *frame = (PyFrameObject *)o;
    field(k, frame->f_back, L_f_back);
    field(k, frame->f_trace, L_f_trace);
#if PY_VERSION_HEX >= 0x030d0000
    field(k, frame->f_extra_locals, L_f_extra_locals);
    field(k, frame->f_locals_cache, L_f_locals);
#endif
    if (frame->f_frame && frame->f_frame->owner == FRAME_OWNED_BY_FRAME_OBJECT)
        htrail__push_interpreter_frame(k, frame->f_frame);
    return 0;
}

static void name_field(htrail__walk *k, PyObject *target, htrail__label_name label)
{
    if (target && htrail__is_name(k, target))
        htrail__push_name(k, target, htrail__label(k, label), HTRAIL_REF_FIELD, 0);
    else
        field(k, target, label);
}

uint64_t htrail__refs_generator(htrail__walk *k, PyObject *o, const htrail__type_info *info, uint64_t cursor)
{
    (void)info, (void)cursor;
    PyGenObject *generator = (PyGenObject *)o;
    field(k, htrail__layout_generator_code(generator), L_gi_code);
    name_field(k, generator->gi_name, L_name);
    name_field(k, generator->gi_qualname, L_qualname);
    if (!PyGen_CheckExact(o)) /* of a plain generator the field is never written */
        field(k, generator->gi_origin_or_finalizer, PyCoro_CheckExact(o) ? L_origin : L_finalizer);
    field(k, generator->gi_exc_state.exc_value, L_exc_value);
    if (generator->gi_frame_state < FRAME_CLEARED)
        htrail__push_interpreter_frame(k, (_PyInterpreterFrame *)(void *)generator->gi_iframe);
    return 0;
}

#endif
