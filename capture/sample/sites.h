/* capture/sample/sites.h - places in a program where memory was asked for, each once: a tree
 * of frames, in which a site's parent is the place that called it. File and function
 * are copied, so nothing here points into a runtime that may change its mind.
 *
 * Memory: private mappings that grow, nothing else; it may be used from within an allocator.
 * Threads: one at a time. Errors: out of memory gives HTRAIL_NO_SITE, and 0 for a text. */
#ifndef HTRAIL_SAMPLE_SITES_H
#define HTRAIL_SAMPLE_SITES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <htrail/types.h>
#include <htrail/writer.h>

typedef struct htrail__site_node {
    uint32_t caller;         /* a node that came before, or HTRAIL_NO_SITE */
    uint32_t line;
    uint32_t file, function; /* texts; 0: none */
    uint32_t number;         /* in the file that is being written; HTRAIL_NO_SITE: not in it */
} htrail__site_node;

/* A mapping that grows; its contents may move. */
typedef struct htrail__growing {
    void *data;
    size_t mapped_bytes;
} htrail__growing;

typedef struct htrail__sites {
    htrail__growing nodes, node_slots, texts, text_slots; /* slots: number + 1, 0 empty */
    uint32_t node_count, text_count, node_slot_count, text_slot_count;
    size_t text_bytes; /* of texts: u32 length and the bytes, from offset 4 on, in steps of 4 */
} htrail__sites;

/* All zeros is an empty one. */
void htrail__sites_release(htrail__sites *sites);
size_t htrail__sites_mapped_bytes(const htrail__sites *sites);

uint32_t htrail__sites_add_text(htrail__sites *sites, htrail_str text);
htrail_str htrail__sites_text(const htrail__sites *sites, uint32_t text);
uint32_t htrail__sites_add(htrail__sites *sites, uint32_t caller, uint32_t file, uint32_t function, uint32_t line);

/* Writing: forget the numbers of the last file; then say of each site that it is wanted, its
 * callers with it, by want; then write the rows. After it number is that of the row. */
void htrail__sites_want_none(htrail__sites *sites);
void htrail__sites_want(htrail__sites *sites, uint32_t site);
htrail_status htrail__sites_write(htrail__sites *sites, htrail_writer *w);

static inline const htrail__site_node *htrail__sites_node(const htrail__sites *sites, uint32_t site)
{
    return &((const htrail__site_node *)sites->nodes.data)[site];
}

/* data has room for so many bytes; false where there is no memory, and it is as it was. */
bool htrail__growing_reserve(htrail__growing *growing, size_t bytes);
void htrail__growing_release(htrail__growing *growing);

#endif
