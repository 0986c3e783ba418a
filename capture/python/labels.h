/* labels.h - the fixed names of references. A name enters a file when the first type
 * that uses it is met, so that a file has the names that it needs and no others. */
#ifndef HTRAIL_LABELS_H
#define HTRAIL_LABELS_H

#define HTRAIL_LABEL_MAP(X)                                                                       \
    X(class, "__class__") X(dict, "__dict__") X(keys, "keys") X(globals, "__globals__")           \
    X(builtins, "__builtins__") X(name, "__name__") X(qualname, "__qualname__")                   \
    X(code, "__code__") X(defaults, "__defaults__") X(kwdefaults, "__kwdefaults__")               \
    X(closure, "__closure__") X(doc, "__doc__") X(module, "__module__")                           \
    X(annotations, "__annotations__") X(func, "__func__") X(self, "__self__")                     \
    X(cell_contents, "cell_contents") X(objclass, "__objclass__") X(wrapped, "__wrapped__")       \
    X(mapping, "mapping") X(fget, "fget") X(fset, "fset") X(fdel, "fdel")                         \
    X(thisclass, "__thisclass__") X(self_class, "__self_class__") X(referent, "referent")         \
    X(callback, "__callback__") X(start, "start") X(stop, "stop") X(step, "step")                 \
    X(length, "length") X(state, "module state") X(spec, "__spec__")                              \
    X(bases, "__bases__") X(base, "__base__") X(mro, "__mro__") X(cache, "tp_cache")              \
    X(subclasses, "__subclasses__") X(slots, "__slots__") X(ht_module, "ht_module")               \
    X(co_consts, "co_consts") X(co_names, "co_names") X(co_exceptiontable, "co_exceptiontable")   \
    X(co_localsplusnames, "co_localsplusnames") X(co_localspluskinds, "co_localspluskinds")       \
    X(co_filename, "co_filename") X(co_name, "co_name") X(co_qualname, "co_qualname")             \
    X(co_linetable, "co_linetable") X(co_lnotab, "co_lnotab") X(co_code, "co_code")               \
    X(co_varnames, "co_varnames") X(co_cellvars, "co_cellvars") X(co_freevars, "co_freevars")     \
    X(type_params, "__type_params__") X(f_func, "f_func")                                         \
    X(f_code, "f_code") X(f_globals, "f_globals") X(f_builtins, "f_builtins")                     \
    X(f_locals, "f_locals") X(f_extra_locals, "f_extra_locals") X(f_back, "f_back") X(f_trace, "f_trace") X(frame, "frame")           \
    X(frame_object, "frame object") X(gi_code, "gi_code") X(gi_frame, "gi_frame")                 \
    X(exc_value, "exc_value") X(exc_type, "exc_type") X(exc_traceback, "exc_traceback") X(origin, "cr_origin") X(finalizer, "finalizer")                    \
    X(args, "args") X(notes, "__notes__") X(traceback, "__traceback__")                           \
    X(cause, "__cause__") X(context, "__context__") X(tb_next, "tb_next") X(tb_frame, "tb_frame") \
    X(default_factory, "default_factory") X(iterated, "iterated") X(obj, "obj")                   \
    X(dtype, "dtype") X(array_base, "base") X(cached, "cached") X(internal, "internal") X(tag, "tag") X(text, "text")             \
    X(abc_registry, "_abc_registry") X(abc_cache, "_abc_cache") X(abc_negative_cache, "_abc_negative_cache")  \
    X(offset, "offset") X(zone_name, "name") X(tzinfo, "tzinfo") X(tail, "tail") X(attrib, "attrib") \
    X(im_class, "im_class") X(cl_getattr, "__getattr__") X(cl_setattr, "__setattr__")             \
    X(cl_delattr, "__delattr__") X(message, "message") X(encoded, "encoded") X(mode, "mode")        \
    X(encoding, "encoding") X(errors, "errors") X(format, "format") X(groupindex, "groupindex")    \
    X(indexgroup, "indexgroup") X(pattern, "pattern") X(string, "string") X(regs, "regs") X(re, "re")

typedef enum htrail__label_name {
    L_none,
#define X(name, text) L_##name,
    HTRAIL_LABEL_MAP(X)
#undef X
    L_COUNT
} htrail__label_name;

#endif
