/* htrail/status.h - the one list of results that every htrail call can return.
 *
 * 0 is success, positive is "stop, nothing wrong" (HTRAIL_END), negative is an
 * error. Numbers are ABI: never reuse or renumber, only append. */
#ifndef HTRAIL_STATUS_H
#define HTRAIL_STATUS_H

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define HTRAIL_API __attribute__((visibility("default")))
#define HTRAIL_MUST_CHECK __attribute__((warn_unused_result))
#else
#define HTRAIL_API
#define HTRAIL_MUST_CHECK
#endif

/* X(name, number, text): numbers are written out, so that a line inserted in the
 * middle can never move another line's number. */
#define HTRAIL_STATUS_MAP(X)                                                      \
    X(OK, 0, "ok")                                                                \
    X(END, 1, "no more records")                                                  \
    X(E_NOMEM, -1, "out of memory")                                               \
    X(E_IO, -2, "input or output failed; errno tells why")                        \
    X(E_NOT_SNAPSHOT, -3, "not a snapshot file")                                  \
    X(E_VERSION, -4, "snapshot written by a newer, incompatible version")         \
    X(E_TRUNCATED, -5, "snapshot ends early")                                     \
    X(E_CORRUPT, -6, "snapshot is damaged")                                       \
    X(E_LIMIT, -7, "a limit set by the caller was reached")                       \
    X(E_MISUSE, -8, "call not allowed in this state, or a bad argument")          \
    X(E_CALLBACK, -9, "stopped by the caller's callback")                         \
    X(E_UNSUPPORTED, -10, "valid, but this build cannot do it")                   \
    X(E_DATABASE, -11, "the database failed; the sentence has its reason")        \
    X(E_NOT_FOUND, -12, "nothing matches what was asked for")                     \
    X(E_ENDED, -13, "the process that did the work was ended from outside")

typedef enum htrail_status {
#define X(name, number, text) HTRAIL_##name = number,
    HTRAIL_STATUS_MAP(X)
#undef X
} htrail_status;

/* Text for a status: static, never NULL, never freed, also for unknown numbers. */
HTRAIL_API const char *htrail_status_text(htrail_status status);

#ifdef __cplusplus
}
#endif
#endif
