/* viz/around.h - what to draw of what is around some objects (analyze/around.h): cards and arrows within the bounds of
 * viz/model. From what was asked for outwards, of referrers the largest groups first and of what is referred to those
 * that retain most; what is left out is counted. */
#ifndef HTRAIL_VIZ_AROUND_H
#define HTRAIL_VIZ_AROUND_H

#include "analyze/around.h"
#include "viz/model.h"

/* As htrail__model_build. */
HTRAIL_MUST_CHECK htrail_status htrail__around_build(htrail__picture *out, htrail__lookup *lookup, const htrail__holders *holders, const char *question,
                                                     const char *subtitle, const htrail__model_opts *opts);

#endif
