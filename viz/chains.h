/* viz/chains.h - the merged chains to some objects as one SVG: from analyze/holders to viz/svg, with the usual bounds. */
#ifndef HTRAIL_VIZ_CHAINS_H
#define HTRAIL_VIZ_CHAINS_H

#include <stddef.h>
#include <stdint.h>

#include "analyze/lookup.h"
#include "analyze/text.h"
#include "viz/cards.h"
#include "viz/svg.h"

/* Adds the SVG to out. ids: what was asked for; cards: what they show more, or NULL. HTRAIL_E_LIMIT: no layout in time, nothing was added. */
HTRAIL_MUST_CHECK htrail_status htrail__chains_svg(htrail__text *out, htrail__lookup *lookup, const uint64_t *ids, size_t count, const char *question,
                                                   const char *subtitle, const htrail__cards_opts *cards, htrail__theme theme);

#endif
