/* roots.c - see roots.h: what is the same in every version. */
#include "capture/python/roots.h"

#include "capture/python/layout.h"
#include "capture/python/thread.h"

void htrail__roots_object(htrail__walk *k, uint32_t kind, PyObject *o, const char *name)
{
    if (!o)
        return;
    htrail__walk_from(k, o);
    htrail__walk_root(k, kind, (htrail_id)(uintptr_t)o, name);
}

void htrail__roots_object_if_new(htrail__walk *k, PyObject *o, const char *name)
{
    if (o && o != Py_None && !htrail__is_tracked(o) && !(htrail__seen_bits(&k->seen, (uintptr_t)o) & SEEN_MET))
        htrail__roots_object(k, HTRAIL_ROOT_INTERPRETER, o, name);
}

void htrail__roots_add(htrail__walk *k)
{
    htrail__roots_of_interpreter(k);
    for (PyThreadState *thread = htrail__layout_first_thread(k->interp); thread; thread = thread->next)
        htrail__roots_of_thread(k, thread);
    htrail__thread_add_names(k);
}

void htrail__roots_add_last(htrail__walk *k)
{
    htrail__roots_object(k, HTRAIL_ROOT_INTERNED, k->interned, "interned");
}
