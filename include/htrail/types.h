/* htrail/types.h - the data model that both sides speak: what a writer is given
 * and what a reader gives back. Plain structs of fixed-width integers; no
 * functions, no CPython, no SQLite.
 *
 * Everything that has an identity is named by its address in the target
 * (htrail_id). Strings are met once and named by a string id, or are themselves
 * objects of the heap (attribute names, dict keys) and named by their address;
 * so a reference is 24 bytes without a pointer, and nothing on the hot path
 * hashes or copies text. Sizes are bytes, times nanoseconds since the Unix epoch.
 * Text is (data, len), UTF-8 by intent, never trusted to be. */
#ifndef HTRAIL_TYPES_H
#define HTRAIL_TYPES_H

#include <stddef.h>
#include <stdint.h>

/* Borrowed bytes: valid only as long as the call that hands them over says. */
typedef struct htrail_str {
    const char *data; /* not NUL-terminated; may be NULL when len is 0 */
    size_t len;
} htrail_str;

/* An address in the target. 0 means "none". */
typedef uint64_t htrail_id;

/* The name of a reference: 0 for none, a string id that the writer gave
 * (HTRAIL_LABEL_STRING), or the address of a heap string whose text comes in a
 * name record (HTRAIL_LABEL_OBJECT). Addresses of objects are even, string ids
 * are carried as odd numbers. */
typedef uint64_t htrail_label;
#define HTRAIL_LABEL_STRING(string_id) (((htrail_label)(string_id) << 1) | 1)
#define HTRAIL_LABEL_OBJECT(address) ((htrail_label)(address))
#define HTRAIL_LABEL_IS_STRING(label) (((label) & 1) != 0)
#define HTRAIL_LABEL_STRING_ID(label) ((uint32_t)((label) >> 1))

/* What a reference is in its source. Numbers are in the file: append only. */
typedef enum htrail_ref_kind {
    HTRAIL_REF_PLAIN = 0,   /* known to exist, nothing more; label unused */
    HTRAIL_REF_INDEX = 1,   /* item of a sequence or set. label 0: the position after
                               the last INDEX reference of this object, from 0;
                               otherwise the position + 1 */
    HTRAIL_REF_KEY = 2,     /* key of a mapping; label unused */
    HTRAIL_REF_VALUE = 3,   /* value under the KEY reference just before it. Where no
                               KEY is before it (split-table dict), label names it */
    HTRAIL_REF_ATTR = 4,    /* attribute of an instance kept outside a dict; label: name */
    HTRAIL_REF_SLOT = 5,    /* __slots__ member; label: name */
    HTRAIL_REF_FIELD = 6,   /* field of a built-in or extension object, as Python names it
                               where it does (__globals__, __dict__); label: name */
    HTRAIL_REF_LOCAL = 7,   /* local variable of a frame; label: name */
    HTRAIL_REF_CELL = 8,    /* content of, or reference to, a closure cell; label: name */
    HTRAIL_REF_DEFAULT = 9, /* default value of a parameter; label: name where known */
    HTRAIL_REF_OFFSET = 10, /* pointer found at a byte offset of a C object; label: offset + 1,
                               as a number */
    HTRAIL_REF_STACK = 11,  /* evaluation stack of a frame; label as INDEX */
    HTRAIL_REF_WEAK = 12    /* does not keep its target alive; label as FIELD */
} htrail_ref_kind;

enum htrail_ref_flags {
    /* The target was never met before and will be added as an INLINE object: next,
     * or after the INLINE objects that stand before it (see htrail/writer.h). */
    HTRAIL_REF_NEW = 1 << 0,
    /* Of a KEY reference: the target is a string that serves as a name (its name record
     * is in the file). Dicts with the same names as keys then share one description. */
    HTRAIL_REF_NAME = 1 << 1
};

typedef struct htrail_ref {
    htrail_id target;   /* need not be an object of this snapshot */
    htrail_label label; /* see htrail_ref_kind */
    uint32_t kind;      /* htrail_ref_kind */
    uint32_t flags;     /* htrail_ref_flags; a reader gives what the file still knows of them */
} htrail_ref;

enum htrail_object_flags {
    HTRAIL_OBJECT_TRACKED = 1 << 0,   /* in the runtime's own list of objects */
    HTRAIL_OBJECT_INLINE = 1 << 1,    /* the target of the NEW reference on top of the pending ones */
    HTRAIL_OBJECT_CONTINUED = 1 << 2, /* more references of an object added before: id and refs count,
                                         all else is ignored */
    HTRAIL_OBJECT_PSEUDO = 1 << 3,    /* memory of the runtime that is no object of its own
                                         (a key table, a frame); refcount is meaningless */
    HTRAIL_OBJECT_LENGTH = 1 << 4,    /* length is meaningful */
    HTRAIL_OBJECT_IMMORTAL = 1 << 5   /* refcount is a constant, not a count */
};

typedef struct htrail_object {
    htrail_id id;
    htrail_id type;         /* a type added before */
    uint64_t size_bytes;    /* shallow size, GC header included */
    uint64_t length;        /* items, characters or bytes, as len() would say */
    uint64_t refcount;      /* 0 where the runtime has none */
    const htrail_ref *refs; /* borrowed, ref_count of them */
    uint32_t ref_count;
    uint32_t flags;         /* htrail_object_flags */
} htrail_object;

enum htrail_type_flags {
    HTRAIL_TYPE_HEAP = 1 << 0,  /* made at run time: a class statement, a C heap type */
    HTRAIL_TYPE_PSEUDO = 1 << 1 /* invented by the walker for PSEUDO objects; id is any unique number */
};

typedef struct htrail_type {
    htrail_id id;
    htrail_id base;      /* first base, or 0 */
    htrail_str name;     /* qualified name: "dict", "Outer.Frame" */
    htrail_str module;   /* "builtins", "av.video.frame"; may be empty */
    uint64_t basic_bytes;
    uint64_t item_bytes;
    uint32_t flags;      /* htrail_type_flags */
    /* Where the objects of this type keep their name, so that it need not be written
     * once more for each: an object's name is the text (by its name record) of the
     * string that its reference with this label leads to; likewise its module. 0: the
     * objects have no name, or name records of their own, which come before this. */
    htrail_label name_label, module_label;
} htrail_type;

/* The name of an object: a function's or class's qualified name and its module, a
 * module's name, the text of a string that serves as a name, a cell's variable. */
typedef struct htrail_name {
    htrail_id object;
    htrail_str name;
    htrail_str module; /* empty where the kind of object has none */
} htrail_name;

/* What an object holds, where the user asked for it (--hashes, --contents). */
enum htrail_value_flags {
    HTRAIL_VALUE_HASH = 1 << 0, /* hash: keyed, comparable under the same hash_key_id of the metadata */
    HTRAIL_VALUE_TEXT = 1 << 1, /* text: the contents, or their beginning */
    HTRAIL_VALUE_CUT = 1 << 2   /* text is only the beginning */
};

typedef struct htrail_value {
    htrail_id object;
    uint64_t hash;
    htrail_str text;
    uint32_t flags; /* htrail_value_flags */
} htrail_value;

/* Why an object lives though no object holds it. In order of how much they explain:
 * where two chains are equally long, the one from the smaller number is shown.
 * Numbers are in the file: append only. X(name, number, text for people). */
#define HTRAIL_ROOT_MAP(X)                                                        \
    X(MODULES, 1, "sys.modules")                                                  \
    X(FRAME, 2, "frame")                                                          \
    X(ATEXIT, 3, "atexit callback")                                               \
    X(ATFORK, 4, "os.register_at_fork")                                           \
    X(THREAD, 5, "thread state")                                                  \
    X(EXCEPTION, 6, "exception being handled")                                    \
    X(CONTEXT, 7, "context")                                                      \
    X(CODECS, 8, "codec registry")                                                \
    X(BUILTINS, 9, "builtins")                                                    \
    X(SYS, 10, "sys")                                                             \
    X(INTERPRETER, 11, "interpreter")                                             \
    X(STATIC_TYPE, 12, "static type")                                             \
    X(FROZEN, 13, "frozen object")                                                \
    X(C_REFERENCE, 14, "C code")                                                  \
    X(INTERNED, 15, "interned string")                                            \
    X(C_GLOBAL, 16, "C global") /* a word of some library's static data: it may hold, it may only know */ \
    X(THREAD_OBJECT, 17, "thread")  /* from here on: of other runtimes, imported */ \
    X(JNI_LOCAL, 18, "JNI local")                                                 \
    X(JNI_GLOBAL, 19, "JNI global")                                               \
    X(MONITOR, 20, "monitor in use")                                              \
    X(NATIVE_STACK, 21, "native stack")                                           \
    X(STICKY_CLASS, 22, "sticky class")                                           \
    X(RUNTIME, 23, "runtime") /* its name says what of it */

typedef enum htrail_root_kind {
#define X(name, number, text) HTRAIL_ROOT_##name = number,
    HTRAIL_ROOT_MAP(X)
#undef X
} htrail_root_kind;

typedef struct htrail_root {
    htrail_id object;
    htrail_str name;    /* what of the root holds it: "callback 3", "after_in_child",
                           "run at server.py:65"; may be empty */
    uint64_t thread_id; /* the kernel's thread id, where the root belongs to one; else 0 */
    uint32_t kind;      /* htrail_root_kind */
    uint32_t depth;     /* FRAME: 0 is the innermost of the thread */
} htrail_root;

enum htrail_thread_flags {
    HTRAIL_THREAD_MAIN = 1 << 0,    /* the process's first */
    HTRAIL_THREAD_RUNTIME = 1 << 1, /* the runtime knows it: it may have frames */
    HTRAIL_THREAD_DAEMON = 1 << 2,  /* the program does not wait for it at its end */
    HTRAIL_THREAD_CAPTURE = 1 << 3  /* of the capture itself: the agent's */
};

/* A thread, as one source knows it: the kernel and the runtime each give a record of the same
 * tid, and what one leaves 0 or empty the other may say. */
typedef struct htrail_thread {
    uint64_t tid;       /* the kernel's; 0: a thread of the runtime that the kernel has no more */
    uint64_t ident;     /* the runtime's own number (threading.get_ident()) */
    htrail_id object;   /* that stands for it (threading.Thread) */
    uint64_t start_ns;  /* Unix time */
    uint64_t user_ns, system_ns; /* of processor time so far */
    htrail_str name;    /* "Thread-7 (serve)" */
    htrail_str comm;    /* the kernel's name for it */
    htrail_str wait;    /* where in the kernel it waits, where that may be read */
    uint32_t flags;     /* htrail_thread_flags */
    uint32_t state;     /* the kernel's letter: 'R', 'S', 'D', 'T', ...; 0 */
} htrail_thread;

/* A frame of a thread's stack in the runtime. Its variables are references of its object. */
typedef struct htrail_frame {
    uint64_t tid;       /* of its thread, or where that is 0 */
    uint64_t ident;     /* (htrail_thread) */
    htrail_id object;   /* the frame, or the generator it runs in; 0: not in the file */
    htrail_str function;/* qualified name, where the runtime has one */
    htrail_str file;
    uint32_t line;      /* it stands at; 0: not known */
    uint32_t depth;     /* 0 is the innermost */
} htrail_frame;

/* What a mapping is for. Numbers are in the file: append only. */
#define HTRAIL_MAPPING_MAP(X)                \
    X(OTHER, 0, "other")                     \
    X(ARENAS, 1, "python arenas")            \
    X(MALLOC, 2, "malloc heap")              \
    X(ANONYMOUS, 3, "anonymous")             \
    X(STACK, 4, "stacks")                    \
    X(LIBRARY, 5, "libraries")               \
    X(FILE, 6, "files")                      \
    X(CAPTURE, 7, "heaptrail")

typedef enum htrail_mapping_category {
#define X(name, number, text) HTRAIL_MAPPING_##name = number,
    HTRAIL_MAPPING_MAP(X)
#undef X
} htrail_mapping_category;

enum htrail_mapping_flags {
    HTRAIL_MAPPING_READ = 1 << 0,
    HTRAIL_MAPPING_WRITE = 1 << 1,
    HTRAIL_MAPPING_EXECUTE = 1 << 2,
    HTRAIL_MAPPING_SHARED = 1 << 3
};

/* A stretch of the process's memory, as the kernel lists it. */
typedef struct htrail_mapping {
    uint64_t start, end;
    uint64_t rss_bytes, pss_bytes, private_dirty_bytes, swap_bytes;
    htrail_str path;    /* "/usr/lib/x.so", "[heap]"; may be empty */
    uint32_t category;  /* htrail_mapping_category */
    uint32_t flags;     /* htrail_mapping_flags */
} htrail_mapping;

#define HTRAIL_NO_SITE UINT32_MAX

/* A place in the program where memory was asked for, and through it who called it: a frame. */
typedef struct htrail_site {
    uint32_t id;       /* from 0 on, in the order of the file */
    uint32_t caller;   /* id of a site that came before; HTRAIL_NO_SITE: none, or not kept */
    uint32_t line;     /* 0: not known */
    htrail_str file;
    htrail_str function; /* qualified name; empty where the source knows none */
} htrail_site;

/* A block of memory that was asked for at a site and is still in use: an object with what stands in front of it
 * (the collector's header), or memory that an object only points to. */
typedef struct htrail_site_of {
    uint64_t address;    /* of its first byte */
    uint64_t size_bytes; /* as it was asked for */
    uint64_t weight;     /* 0: all such blocks are in the file. Of a sample: how many blocks it stands
                            for, in 1 / HTRAIL_WEIGHT_ONE, at least that */
    uint32_t site;       /* a htrail_site's id */
} htrail_site_of;

enum { HTRAIL_WEIGHT_ONE = 1 << 16 };

#endif
