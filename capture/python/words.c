/* words.c - see words.h. Each type with the file that its structure is in. */
#include "capture/python/words.h"

#include <string.h>

#include "capture/python/layout.h"

static const htrail__word known[] = {
    /* Modules/_functoolsmodule.c: lru_cache_object */
    {"functools._lru_cache_wrapper", 128, 72, "cache"},
    {"functools._lru_cache_wrapper", 128, 88, "__wrapped__"},
    {"functools._lru_cache_wrapper", 136, 72, "cache"},
    {"functools._lru_cache_wrapper", 136, 88, "__wrapped__"},
    {"functools._lru_cache_wrapper", 152, 72, "cache"},
    {"functools._lru_cache_wrapper", 152, 88, "__wrapped__"},
    /* Modules/_asynciomodule.c: FutureObj, TaskObj */
#define FUTURE(type, bytes) {type, bytes, 16, "loop"}, {type, bytes, 24, "callback"}, {type, bytes, 32, "callback context"}, \
                            {type, bytes, 40, "callbacks"}, {type, bytes, 48, "exception"}
    FUTURE("_asyncio.Future", 104),
    FUTURE("_asyncio.Future", 128),
#if PY_VERSION_HEX >= 0x030d0000
    FUTURE("_asyncio.Task", 144),
    {"_asyncio.Task", 144, 112, "fut_waiter"},
    {"_asyncio.Task", 144, 120, "coro"},
    {"_asyncio.Task", 144, 128, "name"},
    {"_asyncio.Task", 144, 136, "context"},
#elif PY_VERSION_HEX >= 0x030b0000
    FUTURE("_asyncio.Task", 176),
    {"_asyncio.Task", 176, 128, "fut_waiter"},
    {"_asyncio.Task", 176, 136, "coro"},
    {"_asyncio.Task", 176, 144, "name"},
    {"_asyncio.Task", 176, 152, "context"},
#endif
    /* Objects/genobject.c: PyAsyncGenASend */
    {"async_generator_asend", 40, 16, "generator"},
    {"async_generator_asend", 40, 24, "sent"},
    /* Modules/_threadmodule.c: localobject */
    {"_thread._local", 64, 24, "args"},
    {"_thread._local", 64, 48, "dicts of threads"},
    {"_thread._local", 56, 16, "args"},
    {"_thread._local", 56, 40, "dicts of threads"},
    /* Python/context.c: PyContext */
    {"_contextvars.Context", 48, 16, "previous"},
    {"_contextvars.Context", 48, 24, "variables"},
    {"Context", 48, 16, "previous"},
    {"Context", 48, 24, "variables"},
    {"hamt", 40, 16, "root"},
#if PY_VERSION_HEX >= 0x030c0000
    /* Objects/typevarobject.c */
#define TYPEVAR(type, bytes) {type, bytes, 24, "__bound__"}, {type, bytes, 32, "evaluate_bound"}, {type, bytes, 40, "__constraints__"}, \
                             {type, bytes, 48, "evaluate_constraints"}
    TYPEVAR("typing.TypeVar", 64),
    TYPEVAR("typing.TypeVar", 80),
    {"typing.TypeVar", 80, 56, "__default__"},
    {"typing.TypeVar", 80, 64, "evaluate_default"},
    {"typing.ParamSpec", 56, 32, "__default__"},
    {"typing.ParamSpec", 56, 40, "evaluate_default"},
    {"typing.TypeVarTuple", 40, 24, "__default__"},
    {"typing.TypeVarTuple", 40, 32, "evaluate_default"},
    {"typing.TypeAliasType", 56, 24, "__type_params__"},
    {"typing.TypeAliasType", 56, 32, "compute_value"},
    {"typing.TypeAliasType", 56, 40, "__value__"},
    {"typing.TypeAliasType", 56, 48, "__module__"},
#endif
    /* Modules/_sre: PatternObject */
    {"re.Pattern", 96, 32, "groupindex"},
    {"re.Pattern", 96, 40, "indexgroup"},
};
enum { KNOWN = sizeof known / sizeof *known };

const htrail__word *htrail__words_of(PyTypeObject *type)
{
    const char *name = htrail__layout_c_name(type);
    for (size_t i = 0; name && i < KNOWN; i++)
        if (known[i].basic_bytes == type->tp_basicsize && strcmp(known[i].type, name) == 0)
            return &known[i];
    return NULL;
}

const htrail__word *htrail__words_find(const htrail__word *words, size_t offset)
{
    for (const htrail__word *w = words; w && w < known + KNOWN && w->basic_bytes == words->basic_bytes && strcmp(w->type, words->type) == 0; w++)
        if (w->offset == offset)
            return w;
    return NULL;
}
