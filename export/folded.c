/* export/folded.c - stacks a line each, "root;frame;frame bytes", as flamegraph.pl, speedscope and inferno read them. */
#include <inttypes.h>
#include <string.h>

#include "export/stacks.h"

enum { FRAMES_MAX = 256 };

bool htrail__export_folded(htrail__export_job *job)
{
    htrail__export_stacks stacks;
    uint32_t path[FRAMES_MAX];
    bool done = htrail__export_stacks_build(job, &stacks);
    for (size_t i = 1; done && i < stacks.node_count; i++) {
        size_t depth = 0;
        if (stacks.nodes[i].size_bytes == 0)
            continue;
        for (uint32_t at = (uint32_t)i; at != 0 && depth < FRAMES_MAX; at = stacks.nodes[at].parent)
            path[depth++] = stacks.nodes[at].frame;
        while (depth-- > 0) {
            htrail_str text = htrail__texts_get(&stacks.texts, path[depth]);
            for (size_t k = 0; k < text.len; k++)
                fputc(text.data[k] == ';' ? ',' : text.data[k], job->out); /* what parts frames stands for nothing else */
            fputc(depth > 0 ? ';' : ' ', job->out);
        }
        fprintf(job->out, "%" PRIu64 "\n", stacks.nodes[i].size_bytes);
    }
    htrail__export_stacks_release(&stacks);
    return done;
}
