/* viz/chains.c - see the header. */
#include "viz/chains.h"

#include "analyze/holders.h"
#include "viz/model.h"
#include "viz/render.h"

htrail_status htrail__chains_svg(htrail__text *out, htrail__lookup *lookup, const uint64_t *ids, size_t count, const char *question, const char *subtitle,
                                 const htrail__cards_opts *cards, htrail__theme theme)
{
    htrail__holders *holders = NULL;
    htrail__holders_opts opts;
    htrail__picture picture = {0};
    htrail__model_opts model;

    htrail__holders_opts_init(&opts);
    htrail__model_opts_init(&model);
    if (cards != NULL)
        model.cards = *cards;
    htrail_status status = htrail__holders_find(&holders, lookup, ids, count, &opts);
    if (status == HTRAIL_OK)
        status = htrail__model_build(&picture, lookup, holders, question, subtitle, &model);
    if (status == HTRAIL_OK)
        status = htrail__render_layout(&picture);
    if (status == HTRAIL_OK)
        htrail__svg_write(out, &picture, theme);
    htrail__picture_release(&picture);
    htrail__holders_free(holders);
    return status == HTRAIL_OK && out->failed ? HTRAIL_E_NOMEM : status;
}
