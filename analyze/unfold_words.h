/* analyze/unfold_words.h - what a line of the tree is called, as numbers of texts: the kind and label of a reference or of a
 * root, and the type. Each is asked for when a line needs it.
 *
 * A name stands for objects that are held alike. It is the code of a reference (analyze/schema.h) without its position, and
 * without its key where that has no text; or of a root, the two texts themselves.
 *
 * Order of calls: open, then any; release, whatever open returned. Where asking fails, `status` stays set: look once, at the end. */
#ifndef HTRAIL_ANALYZE_UNFOLD_WORDS_H
#define HTRAIL_ANALYZE_UNFOLD_WORDS_H

#include "analyze/btree_scan.h"
#include "analyze/texts.h"
#include "analyze/unfold_heap.h"

enum { HTRAIL__UNFOLD_KINDS = 16 };

typedef struct htrail__unfold_asked htrail__unfold_asked;

typedef struct htrail__unfold_words {
    htrail__texts texts;
    sqlite3 *db;
    const htrail__unfold_heap *heap;
    htrail_status status;
    htrail__unfold_asked *labels, *names, *modules, *types, *type_modules; /* by id, each a small cache */
    sqlite3_stmt *key_text, *reference;
    htrail__btree_scan references; /* without a map: they are asked for */
    int64_t reference_row[3];      /* the next one, by the columns of heap_reference; source 0: none */
    unsigned char *has_text; /* by id, a bit; NULL until it is needed */
    uint32_t kinds[HTRAIL__UNFOLD_KINDS], dict, builtins;
} htrail__unfold_words;

htrail_status htrail__unfold_words_open(htrail__unfold_words *words, sqlite3 *db, const htrail__unfold_heap *heap);
void htrail__unfold_words_release(htrail__unfold_words *words);

/* Of what `above` dominates; quick where one's are asked for together, in the order of ids. */
uint64_t htrail__unfold_name(htrail__unfold_words *words, uint32_t above, uint32_t id);
/* Of what nobody dominates, by its root (kind "": it has none). */
uint64_t htrail__unfold_top_name(htrail__unfold_words *words, const htrail__unfold_top *top, const char *root_kind, const char *root_key);
/* Of one that was chosen, whatever holds it: without words. */
uint64_t htrail__unfold_chosen_name(void);

void htrail__unfold_name_words(htrail__unfold_words *words, uint64_t name, uint32_t *kind, uint32_t *label);
uint32_t htrail__unfold_type_word(htrail__unfold_words *words, uint32_t type);

#endif
