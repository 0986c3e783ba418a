/* capture/agent/settings.h - what an agent is asked to do, as one line of text and as a
 * struct: the value of HEAPTRAIL=..., what `heaptrail run` hands on, and its options.
 *
 *     dir=/var/snap,every=10m,keep=5,rss=500M,grow=20%,signal=USR2,sample=512K,exit,memory-error,children
 *
 * Settings stand between commas, in any order, the last of a name counts; in a value "\,"
 * is a comma and "\\" a backslash. Blanks around a setting do not count.
 *
 * Memory: nothing is allocated.
 *
 * Errors: false, with one sentence (lower case, no full stop) in error. */
#ifndef HTRAIL_CAPTURE_AGENT_SETTINGS_H
#define HTRAIL_CAPTURE_AGENT_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { HTRAIL__SETTINGS_DIR_CAP = 4096, HTRAIL__SETTINGS_TEXT_CAP = 2 * HTRAIL__SETTINGS_DIR_CAP + 512, HTRAIL__SETTINGS_KEEP_MAX = 10000 };

typedef struct htrail__settings {
    char dir[HTRAIL__SETTINGS_DIR_CAP]; /* dir=PATH; "": the working folder */
    uint64_t every_ms;      /* every=T: a snapshot each T; 0: never */
    uint64_t rss_bytes;     /* rss=N: when the resident memory passes N */
    uint64_t max_pause_ns;  /* max-pause=S, max-bytes=N, max-memory=N: of every snapshot that a trigger takes */
    uint64_t max_bytes;
    uint64_t sample_bytes;  /* sample=N: remember where about one allocation in N bytes was asked for; 0: none */
    uint64_t max_memory_bytes;
    uint32_t mode_given;    /* mode=...: 1 + htrail_capture_mode; 0: auto */
    uint32_t grow_percent;  /* grow=N%: when it has grown by N % since the last time */
    uint32_t keep;          /* keep=K: the last K that triggers took; 0: all */
    uint32_t flags;         /* hashes, contents, no-cmdline: htrail_cpython_flags */
    int signal_number;      /* signal=NAME: 0 for none */
    bool at_exit;           /* exit */
    bool on_memory_error;   /* memory-error */
    bool children;          /* children: what the program forks or starts has an agent too */
} htrail__settings;

/* One setting; value is NULL where none was given. */
bool htrail__settings_set(htrail__settings *settings, const char *name, const char *value, char *error, size_t error_cap);

/* A whole line, onto what is set already. */
bool htrail__settings_parse(htrail__settings *settings, const char *text, char *error, size_t error_cap);

/* A line that parse reads back. false: it does not fit. */
bool htrail__settings_format(const htrail__settings *settings, char *text, size_t text_cap);

/* Whether any trigger besides `heaptrail snap` is set. */
bool htrail__settings_has_trigger(const htrail__settings *settings);

#endif
