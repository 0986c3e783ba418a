/* cli/graph.h - what the parts of `heaptrail graph` share: graph.c is the command, graph_asked.c what the user's
 * expressions and an earlier snapshot say of objects, graph_words.c the question and the line below it. */
#ifndef HTRAIL_CLI_GRAPH_H
#define HTRAIL_CLI_GRAPH_H

#include "analyze/fresh.h"
#include "analyze/holders.h"
#include "analyze/id_set.h"
#include "analyze/lookup.h"
#include "analyze/object_query.h"
#include "analyze/select.h"
#include "analyze/store.h"
#include "cli/command.h"
#include "viz/cards.h"
#include "viz/picture.h"
#include "viz/svg.h"

enum { CLI_GRAPH_TEXT_BYTES_MAX = 1 << 16, CLI_GRAPH_ATTRIBUTES_MAX = 16 };

typedef enum cli_graph_view {
    CLI_GRAPH_CHAINS,   /* the shortest chains from the roots, and other holders */
    CLI_GRAPH_CHAIN,    /* the shortest one of one object */
    CLI_GRAPH_BACKREFS, /* all that refers to the objects, some steps up */
    CLI_GRAPH_REFS      /* all that the objects refer to, some steps down */
} cli_graph_view;

/* What the user asked to be told of objects: expressions over the object table, and what is new. */
typedef struct cli_graph_asked {
    htrail__object_query *highlight, *info, *filter;
    htrail__object_query *attributes[CLI_GRAPH_ATTRIBUTES_MAX];
    char *attribute_names[CLI_GRAPH_ATTRIBUTES_MAX];
    size_t attribute_count;
    htrail__fresh *fresh;
    htrail__id_set ignored;
    bool has_ignored;
    htrail__id_set left_out[2]; /* what was met and is not drawn: by --filter, by --extra-ignore */
    bool failed;               /* there was no memory to note it */
} cli_graph_asked;

typedef struct cli_graph_page {
    const cli_arguments *arguments;
    int format;
    htrail__theme theme;
    cli_graph_view view;
    bool is_raw, is_unplaced; /* unplaced: the layout was given up */
    unsigned long long depth_max, too_many;
    htrail__store *store;
    htrail__lookup *lookup;
    htrail__selection selection;
    htrail__selector selector; /* the last one */
    size_t *group_ends;        /* of each selector in the selection */
    cli_graph_asked asked;
    htrail__holders *holders;
    htrail__picture picture;
} cli_graph_page;

/* From the options, with the store open. Returns a cli_exit; release it in any case. */
int cli_graph_asked_open(cli_graph_page *g);
/* Where a question failed: what cli_fail returns. */
int cli_graph_asked_check(const cli_graph_page *g);
void cli_graph_asked_release(cli_graph_asked *asked);
/* For the cards; all in it is borrowed from g. */
htrail__cards_opts cli_graph_cards_opts(const cli_graph_page *g);
/* Whether an object may be drawn by --filter and --extra-ignore; what may not is noted. arg: a cli_graph_asked. */
bool cli_graph_admits(void *arg, uint64_t id);

void cli_graph_add_question(const cli_graph_page *g, htrail__text *out);
HTRAIL_MUST_CHECK htrail_status cli_graph_add_subtitle(const cli_graph_page *g, htrail__text *out);

#endif
