/* capture/attach/objects.h - the programs and libraries that another process has loaded, as
 * its loader lists them, and the symbols that they export. Everything is read from its memory:
 * a file may have been replaced since, and no name of a file is believed.
 *
 * Memory: a fixed table. Every address and count that was read is doubted: an object that does
 * not add up is one without symbols. */
#ifndef HTRAIL_CAPTURE_ATTACH_OBJECTS_H
#define HTRAIL_CAPTURE_ATTACH_OBJECTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "capture/attach/memory.h"

enum { HTRAIL__OBJECTS_CAP = 2048, HTRAIL__SEGMENTS_CAP = 8 };

typedef struct htrail__object {
    uint64_t load, headers; /* what its addresses are relative to; where its program headers are */
    uint16_t header_count;
    uint64_t symbols, texts, hash, versions; /* of its dynamic section; 0: none */
} htrail__object;

typedef struct htrail__objects {
    int memory;
    size_t count;
    htrail__object objects[HTRAIL__OBJECTS_CAP]; /* in the order in which symbols are looked for */
} htrail__objects;

typedef enum htrail__objects_result {
    HTRAIL__OBJECTS_READ = 0,
    HTRAIL__OBJECTS_STATIC = 1,  /* no loader: nothing can be loaded into it */
    HTRAIL__OBJECTS_MUSL = 2,    /* another C library */
    HTRAIL__OBJECTS_NOT_YET = 3, /* the loader is at work */
    HTRAIL__OBJECTS_BROKEN = 4
} htrail__objects_result;

/* memory is borrowed. */
htrail__objects_result htrail__objects_read(htrail__objects *objects, pid_t pid, int memory);

typedef struct htrail__symbol {
    uint64_t address, bytes;
    const htrail__object *object;
} htrail__symbol;

/* The default version of name in one object; in the first object that has it. */
bool htrail__object_symbol(const htrail__objects *objects, const htrail__object *object, const char *name,
                           htrail__symbol *symbol);
bool htrail__objects_symbol(const htrail__objects *objects, const char *name, htrail__symbol *symbol);

typedef struct htrail__segment {
    uint64_t start, end;
    bool writable, executable;
} htrail__segment;

/* Its segments in memory; how many. */
size_t htrail__object_segments(const htrail__objects *objects, const htrail__object *object,
                               htrail__segment segments[HTRAIL__SEGMENTS_CAP]);

#endif
