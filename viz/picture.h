/* viz/picture.h - a picture of who holds what: cards (merged objects) and arrows
 * (references), a question above and a legend below. viz/model fills it, viz/render
 * places it, viz/svg, viz/dot and viz/png write it.
 *
 * Memory: the picture owns every text and array in it. Lengths are points, x to the
 * right, y downwards, from the upper left corner of the cards' area. Texts are clean
 * (viz/escape.h) but not yet escaped for any format. */
#ifndef HTRAIL_VIZ_PICTURE_H
#define HTRAIL_VIZ_PICTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum htrail__card_kind {
    HTRAIL__CARD_ROOT,
    HTRAIL__CARD_MODULE,
    HTRAIL__CARD_TYPE,
    HTRAIL__CARD_FUNCTION,
    HTRAIL__CARD_FRAME,
    HTRAIL__CARD_CONTAINER,
    HTRAIL__CARD_VALUE,
    HTRAIL__CARD_INSTANCE,
    HTRAIL__CARD_MORE, /* what a bound leaves out, counted */
    HTRAIL__CARD_KIND_COUNT
} htrail__card_kind;

typedef struct htrail__card {
    htrail__card_kind kind;
    bool suspect;     /* holds objects that were asked for */
    char *title;      /* at most 34 columns */
    char *count;      /* "× 19", or empty */
    char *detail;     /* "108 items · refcount 3", or empty */
    char *bytes;      /* "5.2 MiB", or empty */
    char *fresh;      /* "NEW", "12 NEW": of them were not there before; or NULL */
    char *info;       /* a line of the user's; or NULL */
    char **attributes; /* values for the picture's names; or NULL */
    bool highlight;   /* as the user asked for */
    char *whole;      /* the tooltip, lines parted by '\n' */
    double share;     /* 0 to 1, of the heap; < 0: no bar */
    double x, y, width, height; /* of the upper left corner, once placed */
} htrail__card;

typedef enum htrail__hold {
    HTRAIL__HOLD_ONLY,    /* nothing else holds the objects: cut it and they go */
    HTRAIL__HOLD_SEVERAL, /* one of several holders */
    HTRAIL__HOLD_UNKNOWN  /* not searched to the end */
} htrail__hold;

typedef struct htrail__point {
    double x, y;
} htrail__point;

typedef struct htrail__arrow {
    size_t from, to; /* cards */
    htrail__hold hold;
    char *label;
    char *whole;
    htrail__point *points; /* cubic Bézier: 1 + 3n points */
    size_t point_count;
    double label_x, label_y; /* the middle of the label */
} htrail__arrow;

typedef struct htrail__picture {
    const char *const *attribute_names; /* borrowed */
    size_t attribute_count;
    char *question, *subtitle;
    char *earlier; /* name of the snapshot that the cards' `fresh` speaks of; or NULL */
    htrail__card *cards;
    size_t card_count;
    htrail__arrow *arrows;
    size_t arrow_count;
    double width, height; /* of the cards' area */
} htrail__picture;

enum {
    HTRAIL__FONT_TITLE_TENTHS = 125, /* of cards: 12.5 points */
    HTRAIL__FONT_SMALL = 11,
    HTRAIL__INFO_HEIGHT = 15 /* of the line for it */
};

/* The width and height of each card, from its texts. */
void htrail__picture_size_cards(htrail__picture *picture);
/* The width of what stands in a pill. */
double htrail__picture_pill_width(const char *text);
/* A label's width. */
double htrail__picture_label_width(const char *label);
/* Frees what the picture holds, not the picture. */
void htrail__picture_release(htrail__picture *picture);

#endif
