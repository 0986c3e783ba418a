/* cli/why.h - what the files of `heaptrail why` share: cli/why.c finds the ways and writes the page,
 * cli/why_chain.c the lines of one chain, cli/why_independent.c what must let go, cli/why_tables.c the same as rows (--json, --show-sql). */
#ifndef HTRAIL_CLI_WHY_H
#define HTRAIL_CLI_WHY_H

#include "analyze/chain.h"
#include "analyze/holders.h"
#include "analyze/independent.h"
#include "analyze/library.h"
#include "analyze/retained_set.h"
#include "analyze/select.h"
#include "analyze/store.h"
#include "analyze/text.h"
#include "cli/command.h"
#include "cli/query.h"

enum { CLI_WHY_TEXT_BYTES_MAX = 1 << 20, CLI_WHY_LISTED_MAX = 20 };

/* One way to reach some of the objects. */
typedef struct cli_why_way {
    uint32_t node;
    uint64_t first;    /* object */
    uint32_t type;     /* of it */
    uint64_t objects;
    uint64_t through;  /* the last object that all of them come through; 0: only the root is */
    char *through_text; /* how Python would call it, or its root; NULL until it is asked for */
    bool stale; /* some of them are stale copies of a module */
} cli_why_way;

typedef struct cli_why_page {
    const cli_arguments *arguments;
    htrail__store *store;
    htrail__lookup *lookup;
    htrail__library *library;
    htrail__selection selection;
    htrail__holders *holders;
    cli_why_way *ways; /* most objects first */
    size_t way_count, way_shown;
    bool is_garbage;   /* no root reaches the first of them */
    uint64_t above;    /* what the independent chains begin at; 0: the roots */
    htrail__independent independent;
    htrail__retained_set retained; /* what comes back when all that was asked for goes */
    bool utf8;
} cli_why_page;

/* A chain, and what is known of its steps. */
typedef struct cli_why_chain {
    htrail__chain chain;
    bool *is_library; /* by step: code of a library owns it */
    bool *dominates;  /* by step: every chain to the object leads through it */
    size_t dominators; /* how many do */
    size_t suspect;   /* the step that should not be there, HTRAIL__NO_STEP: none is known */
    htrail__text reason;
} cli_why_chain;

int cli_why_fail(const cli_why_page *w, htrail_status status);
htrail_str cli_why_text(const cli_why_page *w, uint32_t text);

/* Release it afterwards, on failure too. */
HTRAIL_MUST_CHECK htrail_status cli_why_chain_find(cli_why_chain *out, const cli_why_page *w, uint64_t id);
/* An independent chain, with the references that it is made of. What is below is asked for, so the last step. */
HTRAIL_MUST_CHECK htrail_status cli_why_chain_of(cli_why_chain *out, const cli_why_page *w, const htrail__independent_chain *chain);
void cli_why_chain_release(cli_why_chain *chain);

typedef enum cli_why_print {
    CLI_WHY_WHOLE = 0,
    CLI_WHY_SHORT = 1 << 0, /* few of its steps */
    CLI_WHY_INSET = 1 << 1  /* and further in */
} cli_why_print;

void cli_why_chain_print(const cli_why_page *w, const cli_why_chain *chain, cli_why_print how);
/* "list id:4711" */
void cli_why_add_object(const cli_why_page *w, htrail__text *out, uint64_t id);
/* A sentence, broken where the terminal ends; the line is empty then. */
void cli_why_say(htrail__text *line, cli_style style, size_t hang);

/* What must let go of all that was asked for. The answer is in the page. */
HTRAIL_MUST_CHECK htrail_status cli_why_independent_find(cli_why_page *w);
/* shown: the chain that stands above it. */
int cli_why_independent_print(const cli_why_page *w, const cli_why_chain *shown);

/* --to: all that it prints. */
int cli_why_to(cli_why_page *w);
/* The queries of all tables on standard error, where --show-sql was given; with --json their rows too. */
int cli_why_tables(cli_why_page *w);

#endif
