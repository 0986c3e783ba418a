/* analyze/loader.h - what the parts of a load share (analyze/load*.c); nobody else includes it.
 *
 * In order: read the graph, name and search it; label and sort the references
 * (load_references.c); who dominates and owns whom (load_dominators.c); ids and sums (load_sums.c); the small tables through SQL
 * (load_tables.c), sums by owner, root and thread among them (load_groups.c); the large ones as pages (load_pages.c). */
#ifndef HTRAIL_ANALYZE_LOADER_H
#define HTRAIL_ANALYZE_LOADER_H

#include <sqlite3.h>

#include "analyze/btree.h"
#include "analyze/dominators.h"
#include "analyze/fingerprint.h"
#include "analyze/graph.h"
#include "analyze/joint.h"
#include "analyze/load.h"
#include "analyze/naming.h"
#include "analyze/reach.h"
#include "analyze/stacks.h"
#include "analyze/text.h"

enum {
    HTRAIL__LOADER_BUCKETS = 66, /* 0, then powers of two; the last is for what has no length */
    HTRAIL__LOADER_NO_LENGTH = 65,
    HTRAIL__LOADER_KEY_BYTES_MAX = 1 << 16
};

typedef struct htrail__sums {
    uint64_t count, bytes, retained, shared;
    uint32_t covered; /* while retained is summed up: what stands before this place lies below one that is counted */
} htrail__sums;

/* An object of a set; and, called in the order of the tree of dominators, what its members retain, where none
 * is counted that lies below another. */
void htrail__sums_add(htrail__sums *to, uint64_t bytes, uint64_t shared);
void htrail__sums_add_retained(htrail__sums *to, uint32_t place, uint32_t end, uint64_t retained);
/* The same for what a group holds together, of all rows of this place. sums: by group. */
void htrail__sums_add_together(htrail__sums *sums, htrail__joint_rows *rows, uint32_t place, uint32_t end, uint64_t retained);

typedef struct htrail__label_text {
    uint32_t text;
    bool is_number;  /* number is all of it */
    uint64_t number; /* otherwise: the n-th reference with this label of one object to another, 0 for the first */
} htrail__label_text;

typedef struct htrail__loader {
    const htrail__load_source *source;
    const char *db_path;
    char *message, *partial; /* partial: what is written, until it is whole */
    size_t message_cap;
    int partial_fd; /* holds the lock of the partial; -1: none yet */
    sqlite3 *db;
    htrail__graph *graph;
    htrail__reach reach;
    htrail__stacks stacks;
    htrail__naming naming;
    htrail__fingerprints fingerprints;
    htrail__btree_file file;
    htrail__btree tree;
    uint32_t object_root, reference_root, referrer_index_root, dominated_index_root;
    uint64_t total_bytes;

    /* Labels of the database. */
    htrail__label_text *labels;
    uint32_t label_count, label_room;
    uint32_t *label_of_text; /* by text: label + 1 */
    uint32_t *label_of_atom;

    /* Ids of the database, by text: id, 0 for none yet. */
    uint32_t *module_of_text, *name_of_text;
    uint32_t *module_texts, *name_texts; /* by id - 1 */
    uint32_t module_count, name_count;
    htrail__sums *module_sums, *name_sums, *type_sums;
    htrail__sums *type_name_sums; /* by type, of all types of its name; in the first of them */
    uint32_t *type_named;         /* by type: the first of its name */
    uint32_t *type_first, *type_last; /* numbers of the first and last object of a type */
    uint32_t *type_flags, *type_votes; /* flags that more than half of its objects have, if any; and by how many */
    htrail__sums size_sums[HTRAIL__LOADER_BUCKETS], length_sums[HTRAIL__LOADER_BUCKETS];

    /* References: by source, then sorted. */
    uint32_t *codes;  /* by number - 1: label code of the holding reference */
    uint32_t *srcs, *dsts, *edge_codes;
    uint32_t edge_count;

    /* By number: the text of the module whose it is, 0 for none; and bytes. */
    htrail__dominators dominators;
    uint64_t *is_root; /* a bit a number: dominated by nobody */
    htrail__joint *joint;
    bool sets_at_least; /* what groups hold together was too much to find out for some key */
    uint32_t *owner;
    uint64_t *shared;
} htrail__loader;

/* Say the sentence; they return the status for it. */
htrail_status htrail__loader_fail(htrail__loader *l, htrail_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
htrail_status htrail__loader_no_memory(htrail__loader *l);
htrail_status htrail__loader_database_failed(htrail__loader *l);
htrail_status htrail__loader_pages_failed(htrail__loader *l, htrail_status status);
void htrail__loader_step(htrail__loader *l, uint64_t done, uint64_t all);

htrail_status htrail__loader_label_atoms(htrail__loader *l);
htrail_status htrail__loader_encode_references(htrail__loader *l);
htrail_status htrail__loader_find_dominators(htrail__loader *l);
htrail_status htrail__loader_sum_up(htrail__loader *l);
/* Filling a table: NULL and false where SQLite fails, which end_statement (finalizes) then says. */
sqlite3_stmt *htrail__loader_prepare(htrail__loader *l, const char *sql);
void htrail__loader_bind_text(const htrail__loader *l, sqlite3_stmt *statement, int column, uint32_t text);
void htrail__loader_bind_number(sqlite3_stmt *statement, int column, uint64_t value);
bool htrail__loader_insert(sqlite3_stmt *statement);
htrail_status htrail__loader_end_statement(htrail__loader *l, sqlite3_stmt *statement, bool fine);

/* Sums over threads and mappings, with the statement that inserts a fact; and their tables (load_process.c). */
bool htrail__loader_insert_process_facts(const htrail__loader *l, sqlite3_stmt *statement);
htrail_status htrail__loader_write_process(htrail__loader *l);
/* Tables of sites (load_sites.c). */
htrail_status htrail__loader_write_sites(htrail__loader *l);
htrail_status htrail__loader_write_c_references(htrail__loader *l);
/* Objects by how they are held (load_paths.c). */
htrail_status htrail__loader_write_paths(htrail__loader *l);
/* Text of root.key and thread.key into out; and totals by root, thread, owner, package (load_groups.c). */
void htrail__loader_root_key(const htrail__loader *l, uint32_t root, htrail__text *out);
void htrail__loader_thread_key(const htrail__loader *l, uint32_t thread, htrail__text *out);
htrail_status htrail__loader_write_groups(htrail__loader *l);
/* The text of object.name; the empty text for none. */
uint32_t htrail__loader_name_text(const htrail__loader *l, uint32_t object);
htrail_status htrail__loader_write_tables(htrail__loader *l);
htrail_status htrail__loader_write_pages(htrail__loader *l);

#endif
