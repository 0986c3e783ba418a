/* sites.c - see sites.h. */
#include "capture/python/sites.h"

#include "capture/process/facts.h"
#include "capture/python/sample.h"
#include "capture/sample/sampler.h"

void htrail__sites_add_all(htrail__walk *k)
{
    const char *wrong;
    uint64_t blocks;
    if (k->status != HTRAIL_OK)
        return;
    if (htrail__traces_write(k, &blocks, &wrong)) {
        htrail__facts_set_text(k->writer, "sites_source", "tracemalloc");
        htrail__facts_set_number(k->writer, "sites_blocks", blocks);
        if (wrong != NULL)
            htrail__facts_set_text(k->writer, "sites_incomplete", wrong);
        return;
    }
    if (!htrail__sampler_is_on())
        return;
    if (!htrail__sample_is_in()) {
        htrail__facts_set_text(k->writer, "sites_source", "sampler");
        htrail__facts_set_text(k->writer, "sites_incomplete", "the sampler's hooks were taken out (by tracemalloc.stop(), say)");
        return;
    }
    blocks = htrail__sampler_count();
    htrail_status status = htrail__sampler_write(k->writer);
    htrail__facts_set_text(k->writer, "sites_source", "sampler");
    htrail__facts_set_number(k->writer, "sites_sample_bytes", htrail__sampler_interval());
    htrail__facts_set_number(k->writer, "sites_blocks", blocks);
    if (status == HTRAIL_E_MISUSE)
        htrail__facts_set_text(k->writer, "sites_incomplete", "the sampler's tables were being changed");
    else if (status)
        k->status = status;
}
