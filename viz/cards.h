/* viz/cards.h - what a card says of a node and an arrow of a reference: viz/model chooses
 * which, and this writes them into the picture.
 *
 * Errors: failed stays set once memory, or a text's limit, was not enough. */
#ifndef HTRAIL_VIZ_CARDS_H
#define HTRAIL_VIZ_CARDS_H

#include "analyze/fresh.h"
#include "analyze/holders.h"
#include "analyze/object_query.h"
#include "analyze/text.h"
#include "viz/picture.h"

/* What is said beside the usual. Begins as all zero; everything in it is borrowed. */
typedef struct htrail__cards_opts {
    const char *earlier;             /* the snapshot that they are not in, as the legend calls it */
    const htrail__fresh *fresh;     /* objects that get the pill NEW; NULL: none */
    htrail__object_query *highlight; /* cards with one for which it holds */
    htrail__object_query *info;      /* a line in each card: what it gives */
    htrail__object_query *const *attributes; /* what they give for a card's first object, by name: for .dot, and data-NAME in SVG */
    const char *const *attribute_names;
    size_t attribute_count;
    bool refcounts;                  /* in the card, not in its tooltip alone */
    size_t columns;                  /* of a title; 0: HTRAIL__LABEL_COLUMNS */
} htrail__cards_opts;

typedef struct htrail__cards {
    htrail__picture *out;
    htrail__cards_opts opts;
    htrail__lookup *lookup;
    const htrail__holders *holders;
    uint64_t heap_bytes; /* of all objects: what a bar is a share of */
    size_t card_room, arrow_room;
    bool failed;
} htrail__cards;

/* A card for the node; its place in the picture, or SIZE_MAX. */
size_t htrail__cards_add_node(htrail__cards *cards, uint32_t node);
/* A card that stands for what is left out. text becomes its title and is emptied. */
size_t htrail__cards_add_more(htrail__cards *cards, htrail__text *text);
/* What a card says of what is left out around it, where there is no card for that. text is emptied. */
void htrail__cards_note(htrail__cards *cards, size_t card, htrail__text *text);
/* The card's count and bytes are lower ones: "× 1,000+". */
void htrail__cards_at_least(htrail__cards *cards, size_t card);
/* label is emptied. objects of all of the card that it leads to are held so, which is said where it is not all; 0: not known. */
void htrail__cards_add_arrow(htrail__cards *cards, size_t from, size_t to, htrail__hold hold, htrail__text *label, uint64_t references, uint64_t objects, uint64_t all);
/* The same for the reference by which a node's objects are held. */
void htrail__cards_add_hold(htrail__cards *cards, size_t from, size_t to, uint32_t node, htrail__text *label);

/* What the options say of the whole picture. */
void htrail__cards_begin(htrail__cards *cards, const htrail__cards_opts *opts);
/* The title of a node's card, whole. */
void htrail__cards_add_title(const htrail__cards *cards, htrail__text *out, uint32_t node);
/* "frame run at /srv/app/server.py:65" -> "frame run at server.py:65" */
void htrail__cards_leave_out_folder(htrail__text *title);
/* What is wider than columns loses its file first, then the middle of its function. */
void htrail__cards_shorten_frame(htrail__text *title, size_t columns);
/* The label of the reference by which a node's objects are held. */
void htrail__cards_add_label(const htrail__cards *cards, htrail__text *out, uint32_t node);
htrail__hold htrail__cards_hold(const htrail__holder_node *node);
/* What kind of card an object is. name: its own, or empty. */
htrail__card_kind htrail__cards_kind(htrail_str type, htrail_str name);

const htrail__shape *htrail__cards_shape(const htrail__cards *cards, uint32_t node);
htrail_str htrail__cards_text(const htrail__cards *cards, uint32_t text);
/* The text as a string that the caller owns; text is emptied. */
char *htrail__cards_take(htrail__cards *cards, htrail__text *text);
/* The same, cleaned, and with its middle left out past so many columns. */
char *htrail__cards_take_short(htrail__cards *cards, htrail__text *text, size_t columns);

#endif
