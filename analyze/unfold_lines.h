/* analyze/unfold_lines.h - what the objects of one line dominate, put together to the lines below it: those that are held under the same
 * name and are of one type, the ones that retain most first, and how many of them are kept.
 *
 * Order of calls: add for each object, make, then what was found; clear before the next ones. All zero to begin with; release at the
 * end. false: out of memory. */
#ifndef HTRAIL_ANALYZE_UNFOLD_LINES_H
#define HTRAIL_ANALYZE_UNFOLD_LINES_H

#include "analyze/unfold_words.h"

typedef struct htrail__unfold_sums {
    int64_t count, bytes, retained;
} htrail__unfold_sums;

/* Objects that are held under the same name and of one type. */
typedef struct htrail__unfold_group {
    uint64_t name;
    uint32_t type, slot, line; /* line: the number in `lines` */
    uint32_t kind, label, type_word;
    htrail__unfold_sums sums;
} htrail__unfold_group;

#define HTRAIL__UNFOLD_NOT_KEPT UINT32_MAX

/* Groups of the same words. */
typedef struct htrail__unfold_line {
    htrail_str kind_text, label_text, type_text; /* set before they are compared */
    uint32_t kind, label, type;                  /* numbers of texts */
    uint32_t into, rank;                         /* the line that it is part of, by number; its place below its parent, or not kept */
    htrail__unfold_sums sums;
} htrail__unfold_line;

typedef struct htrail__unfold_object_found {
    uint32_t id, group;
} htrail__unfold_object_found;

typedef struct htrail__unfold_rules {
    double size_bytes; /* of the heap */
    double percent_least, percent_own_line;
    uint64_t lines_max; /* 0: all */
} htrail__unfold_rules;

typedef struct htrail__unfold_lines {
    size_t count, kept; /* of lines; kept: the first so many */
    htrail__unfold_object_found *objects;
    size_t object_count, object_room;
    htrail__unfold_group *groups;
    size_t group_count, group_room;
    uint32_t *slots; /* number of a group + 1 */
    size_t slot_count;
    htrail__unfold_line *lines;
    size_t line_count, line_room;
    uint32_t *order; /* numbers of groups, then of lines */
    size_t order_room;
} htrail__unfold_lines;

HTRAIL_MUST_CHECK bool htrail__unfold_lines_add(htrail__unfold_lines *lines, const htrail__unfold_heap *heap, uint64_t name, uint32_t id);
HTRAIL_MUST_CHECK bool htrail__unfold_lines_make(htrail__unfold_lines *lines, htrail__unfold_words *words, const htrail__unfold_rules *rules);
/* The i-th of `count`. */
const htrail__unfold_line *htrail__unfold_lines_at(const htrail__unfold_lines *lines, size_t i);
/* The place of the line that the i-th object is of; HTRAIL__UNFOLD_NOT_KEPT: in that of the rest. */
uint32_t htrail__unfold_lines_rank(const htrail__unfold_lines *lines, size_t i);
void htrail__unfold_sums_add(htrail__unfold_sums *to, const htrail__unfold_sums *more);
void htrail__unfold_lines_clear(htrail__unfold_lines *lines);
void htrail__unfold_lines_release(htrail__unfold_lines *lines);

#endif
