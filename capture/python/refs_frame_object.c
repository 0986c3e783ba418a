/* refs_frame_object.c - up to CPython 3.10 every frame is an object, whether it runs, waits or has
 * returned; a generator refers to one. */
#include "capture/python/cpython.h"

#if PY_VERSION_HEX < 0x030b0000

#include "capture/python/layout.h"
#include "capture/python/refs.h"
#include "capture/python/roots.h"
#include "capture/python/stack.h"
#include "capture/python/thread.h"

static void field(htrail__walk *k, void *target, htrail__label_name label)
{
    if (target)
        htrail__push(k, target, htrail__label(k, label), HTRAIL_REF_FIELD);
}

/* ---- frames ---- */

static Py_ssize_t count_of(PyObject *tuple)
{
    return tuple && PyTuple_Check(tuple) ? PyTuple_GET_SIZE(tuple) : 0;
}

/* Variables [0, count) by the names in a tuple; where the next ones are. */
static PyObject **variables(htrail__walk *k, PyObject **value, Py_ssize_t count, PyObject *names)
{
    Py_ssize_t named = count_of(names);
    for (Py_ssize_t i = 0; i < count; i++) {
        if (!value[i])
            continue;
        PyObject *name = i < named ? PyTuple_GET_ITEM(names, i) : NULL;
        htrail_label label = name && htrail__text_check(name) ? htrail__label_object(k, name) : 0;
        htrail__push(k, value[i], label, label ? HTRAIL_REF_LOCAL : HTRAIL_REF_PLAIN);
    }
    return value + count;
}

/* How much is on the value stack, where the frame does not run; -1 where it does, and the depth
 * is in a register of the processor alone. */
static Py_ssize_t depth_of(const PyFrameObject *frame)
{
#if PY_VERSION_HEX >= 0x030a0000
    return frame->f_state == FRAME_EXECUTING && frame->f_stackdepth < 0 ? -1 : frame->f_stackdepth;
#else
    if (frame->f_stacktop)
        return frame->f_stacktop - frame->f_valuestack;
    return htrail__layout_frame_runs(frame) ? -1 : 0;
#endif
}

uint64_t htrail__refs_frame(htrail__walk *k, PyObject *o, const htrail__type_info *info, uint64_t cursor)
{
    (void)info, (void)cursor;
    PyFrameObject *frame = (PyFrameObject *)o;
    PyCodeObject *code = frame->f_code;
    field(k, frame->f_back, L_f_back);
    field(k, code, L_f_code);
    field(k, frame->f_builtins, L_f_builtins);
    field(k, frame->f_globals, L_f_globals);
    field(k, frame->f_locals, L_f_locals);
    field(k, frame->f_trace, L_f_trace);
#if PY_VERSION_HEX < 0x03070000
    field(k, frame->f_exc_type, L_exc_type);
    field(k, frame->f_exc_value, L_exc_value);
    field(k, frame->f_exc_traceback, L_exc_traceback);
#endif
    PyObject **value = frame->f_localsplus;
    value = variables(k, value, code->co_nlocals, code->co_varnames);
    value = variables(k, value, count_of(code->co_cellvars), code->co_cellvars);
    variables(k, value, count_of(code->co_freevars), code->co_freevars);

    Py_ssize_t depth = depth_of(frame);
    for (Py_ssize_t i = 0; i < depth; i++)
        if (frame->f_valuestack[i])
            htrail__push(k, frame->f_valuestack[i], (htrail_label)i + 1, HTRAIL_REF_STACK);
    return 0;
}

/* Of a frame that runs, an instruction may have taken and freed some of what lay before it, so only
 * what the walk has met elsewhere is believed to be an object still: a further part of
 * the frame, when the lists are done. */
static void add_running_stack(htrail__walk *k, PyFrameObject *frame)
{
    if (depth_of(frame) >= 0)
        return;
    htrail__walk_begin_part(k, (PyObject *)frame);
    int depth = htrail__stack_depth(k, frame);
    for (int i = 0; i < depth; i++) {
        PyObject *item = frame->f_valuestack[i];
        if (item && htrail__seen_bits(&k->seen, (uintptr_t)item) & SEEN_MET)
            htrail__push(k, item, (htrail_label)i + 1, HTRAIL_REF_STACK);
    }
    htrail__walk_end_part(k);
}

void htrail__roots_add_frames(htrail__walk *k, PyThreadState *thread)
{
    uint32_t depth = 0;
    for (PyFrameObject *frame = thread->frame; frame && k->status == HTRAIL_OK; frame = frame->f_back, depth++) {
        htrail__walk_from(k, (PyObject *)frame);
        add_running_stack(k, frame);
        htrail__thread_add_frame(k, thread, frame->f_code, PyFrame_GetLineNumber(frame), (htrail_id)(uintptr_t)frame, depth);
    }
}

/* ---- generators, coroutines, asynchronous generators ---- */

#if PY_MAJOR_VERSION >= 3
static void name_field(htrail__walk *k, PyObject *target, htrail__label_name label)
{
    if (target && htrail__is_name(k, target))
        htrail__push_name(k, target, htrail__label(k, label), HTRAIL_REF_FIELD, 0);
    else
        field(k, target, label);
}
#endif

uint64_t htrail__refs_generator(htrail__walk *k, PyObject *o, const htrail__type_info *info, uint64_t cursor)
{
    (void)info, (void)cursor;
    PyGenObject *generator = (PyGenObject *)o;
    field(k, generator->gi_frame, L_gi_frame);
    field(k, generator->gi_code, L_gi_code);
#if PY_MAJOR_VERSION >= 3
    name_field(k, generator->gi_name, L_name);
    name_field(k, generator->gi_qualname, L_qualname);
#endif
#if PY_VERSION_HEX >= 0x03070000
    field(k, generator->gi_exc_state.exc_type, L_exc_type);
    field(k, generator->gi_exc_state.exc_value, L_exc_value);
    field(k, generator->gi_exc_state.exc_traceback, L_exc_traceback);
    if (PyCoro_CheckExact(o))
        field(k, ((PyCoroObject *)o)->cr_origin, L_origin);
#endif
#if PY_VERSION_HEX >= 0x03060000
    if (PyAsyncGen_CheckExact(o))
        field(k, ((PyAsyncGenObject *)o)->ag_finalizer, L_finalizer);
#endif
    return 0;
}

#endif
