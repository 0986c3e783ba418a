/* viz/model.h - what to draw: merged holders (analyze/holders.h) as cards and arrows, within
 * bounds that keep a picture readable. What a bound leaves out is counted on a card. */
#ifndef HTRAIL_VIZ_MODEL_H
#define HTRAIL_VIZ_MODEL_H

#include "analyze/holders.h"
#include "viz/cards.h"
#include "viz/picture.h"

typedef struct htrail__model_opts {
    size_t cards_max;      /* 40 */
    size_t rank_cards_max; /* as many cards side by side: 6, and one in the place of "1 more kind" */
    size_t siblings_max;   /* kinds of objects held by one card: 5 */
    size_t run_max;        /* cards of a chain without a branch: 8 */
    size_t fold_below_one_in; /* groups with less than one in so many of what was asked for: 200; 0: none */
    htrail__cards_opts cards;
    bool apart;            /* nothing was merged */
    size_t depth_max;      /* references up from what was asked for; 0: to the roots */
    const size_t *group_ends; /* what was asked for by several selectors: where each ends among the targets of the holders; borrowed */
    size_t group_count;
} htrail__model_opts;

void htrail__model_opts_init(htrail__model_opts *opts);

/* question and subtitle are copied. opts NULL: defaults. *out is released by the caller
 * (htrail__picture_release), on failure too. */
HTRAIL_MUST_CHECK htrail_status htrail__model_build(htrail__picture *out, htrail__lookup *lookup, const htrail__holders *holders,
                                                    const char *question, const char *subtitle, const htrail__model_opts *opts);

#endif
