/* frame_text.c - see frame_text.h. */
#include "capture/python/cpython.h"

#if PY_VERSION_HEX >= 0x03060000

#include "capture/python/frame_text.h"
#include "capture/python/text.h"

enum { TEXT_BYTES = 1024 };

uint32_t htrail__frames_text(htrail__sites *sites, PyObject *string)
{
    char bytes[TEXT_BYTES];
    htrail__text text;
    if (string == NULL || !htrail__text_of(string, &text))
        return 0;
    if (text.is_as_it_stands)
        return htrail__sites_add_text(sites, (htrail_str){text.data, text.length});
    return htrail__sites_add_text(sites, (htrail_str){bytes, htrail__text_put(bytes, sizeof bytes, &text)});
}

static htrail__sampler_frame frame_of(htrail__sites *sites, PyCodeObject *code, int line)
{
#if PY_VERSION_HEX >= 0x030b0000
    PyObject *function = code->co_qualname;
#else
    PyObject *function = code->co_name;
#endif
    return (htrail__sampler_frame){htrail__frames_text(sites, code->co_filename), htrail__frames_text(sites, function),
                                   line < 0 ? 0 : (uint32_t)line};
}

#if PY_VERSION_HEX >= 0x030b0000

static int line_of(_PyInterpreterFrame *frame, PyCodeObject *code)
{
#if PY_VERSION_HEX >= 0x030d0000
    const _Py_CODEUNIT *at = frame->instr_ptr;
#else
    const _Py_CODEUNIT *at = frame->prev_instr;
#endif
    return PyCode_Addr2Line(code, (int)((const char *)at - (const char *)_PyCode_CODE(code)));
}

unsigned htrail__frames_now(htrail__sites *sites, htrail__sampler_frame *frames, unsigned depth)
{
    PyThreadState *thread = _PyThreadState_UncheckedGet();
    unsigned count = 0;
    if (thread == NULL)
        return 0;
#if PY_VERSION_HEX >= 0x030d0000
    _PyInterpreterFrame *frame = thread->current_frame;
#else
    _PyInterpreterFrame *frame = thread->cframe ? thread->cframe->current_frame : NULL;
#endif
    for (; frame != NULL && count < depth; frame = frame->previous) {
        if (_PyFrame_IsIncomplete(frame))
            continue;
#if PY_VERSION_HEX >= 0x030d0000
        PyCodeObject *code = _PyFrame_GetCode(frame);
#else
        PyCodeObject *code = frame->f_code;
#endif
        frames[count++] = frame_of(sites, code, line_of(frame, code));
    }
    return count;
}

#else

unsigned htrail__frames_now(htrail__sites *sites, htrail__sampler_frame *frames, unsigned depth)
{
    PyThreadState *thread = _PyThreadState_UncheckedGet();
    unsigned count = 0;
    if (thread == NULL)
        return 0;
    for (PyFrameObject *frame = thread->frame; frame != NULL && count < depth; frame = frame->f_back)
        if (frame->f_code != NULL)
            frames[count++] = frame_of(sites, frame->f_code, PyFrame_GetLineNumber(frame));
    return count;
}

#endif
#endif
