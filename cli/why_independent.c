/* cli/why_independent.c - what `heaptrail why` says below a chain: how many chains that share no object lead
 * to what was asked for, so how many things must let go before it is free, and which they are. */
#include "cli/why.h"

#include <stdlib.h>

#include "analyze/common_dominator.h"
#include "cli/escape.h"
#include "cli/number.h"

/* Chains that are printed beside the shortest one; members of a set that are looked at one by one, and
 * chains to it that are looked for. */
enum { OTHERS_MAX = 3, SET_MAX = 200000, SET_CHAINS_MAX = 100 };

/* Of a set too large to be looked at the tree of dominators knows whether one object holds all of it: every
 * chain leads through it, the shortest too. */
static htrail_status find_through_one(cli_why_page *w, uint64_t one)
{
    htrail__independent *found = &w->independent;
    htrail__chain chain;
    htrail_status status = htrail__chain_find(&chain, w->lookup, w->ways[0].first);
    if (status == HTRAIL_OK) {
        found->chains = calloc(1, sizeof *found->chains);
        found->objects = calloc(chain.step_count, sizeof *found->objects);
        if (found->chains == NULL || found->objects == NULL)
            status = HTRAIL_E_NOMEM;
    }
    if (status == HTRAIL_OK) {
        *found->chains = (htrail__independent_chain){.root = chain.root.id, .target = w->ways[0].first, .count = chain.step_count - 1, .gate = one};
        for (size_t i = 0; i + 1 < chain.step_count; i++)
            found->objects[i] = chain.steps[i].id;
        found->chain_count = 1;
        found->complete = true;
    }
    htrail__chain_release(&chain);
    return status;
}

htrail_status cli_why_independent_find(cli_why_page *w)
{
    htrail__independent_opts opts;
    htrail__found_object first;
    const uint64_t *ids = w->selection.ids;
    size_t count = w->selection.count;
    uint64_t one = 0;
    htrail_status status = htrail__lookup_object(w->lookup, w->ways[0].first, &first);
    if (status != HTRAIL_OK)
        return status;
    w->is_garbage = first.root == 0;
    if (w->is_garbage)
        return HTRAIL_OK;
    htrail__independent_opts_init(&opts);
    opts.above = count == 1 ? first.dominator : 0;
    if (count > 1)
        opts.chains_max = SET_CHAINS_MAX;
    if (count > SET_MAX) {
        bool is_member;
        if ((status = htrail__common_dominator_find(&one, &is_member, w->lookup, ids, count)) != HTRAIL_OK)
            return status;
        if (one != 0 && !is_member)
            return find_through_one(w, one);
        /* A member that holds all others: chains to it are chains to all. */
        ids = one != 0 ? &one : ids;
        count = one != 0 ? 1 : SET_MAX;
    }
    status = htrail__independent_find(&w->independent, w->lookup, ids, count, &opts);
    /* All chains lead through one object: what is between it and them says more. */
    if (status == HTRAIL_OK && opts.above == 0 && w->independent.complete && w->independent.chain_count == 1 && w->independent.chains[0].gate != 0 &&
        w->independent.chains[0].count > 1) {
        opts.above = w->independent.chains[0].gate;
        htrail__independent_release(&w->independent);
        status = htrail__independent_find(&w->independent, w->lookup, ids, count, &opts);
    }
    w->above = opts.above;
    if (count < w->selection.count && one == 0)
        w->independent.complete = false;
    return status;
}

/* What must let go on a chain: 0: the root itself. */
static uint64_t gate_of(const cli_why_page *w, size_t i)
{
    const htrail__independent_chain *chain = &w->independent.chains[i];
    return chain->gate != 0 ? chain->gate : chain->count > 0 ? w->independent.objects[chain->first + chain->count - 1] : 0;
}

/* Two things that must let go and would be called the same. 0: roots, by their kinds. */
static bool is_alike(const cli_why_page *w, size_t one, size_t other)
{
    uint64_t left = gate_of(w, one), right = gate_of(w, other);
    if (left == 0 && right == 0) {
        htrail__found_root a, b;
        return htrail__lookup_root(w->lookup, w->independent.chains[one].root, &a) == HTRAIL_OK &&
               htrail__lookup_root(w->lookup, w->independent.chains[other].root, &b) == HTRAIL_OK && a.kind_text == b.kind_text;
    }
    htrail__found_object a, b;
    return left != 0 && right != 0 && htrail__lookup_object(w->lookup, left, &a) == HTRAIL_OK && htrail__lookup_object(w->lookup, right, &b) == HTRAIL_OK &&
           a.type == b.type && a.name == b.name;
}

/* What must let go of a set. Of neighbours alike the first is named. */
static void print_gates(const cli_why_page *w, htrail__text *line)
{
    for (size_t i = 0, alike; i < w->independent.chain_count; i += alike) {
        uint64_t gate = gate_of(w, i);
        htrail__found_root root;
        htrail__text_add_string(line, "  ");
        for (alike = 1; i + alike < w->independent.chain_count && is_alike(w, i, i + alike); alike++)
            ;
        if (gate != 0)
            cli_why_add_object(w, line, gate);
        else if (htrail__lookup_root(w->lookup, w->independent.chains[i].root, &root) == HTRAIL_OK)
            htrail__text_add(line, cli_why_text(w, root.kind_text).data, cli_why_text(w, root.kind_text).len);
        if (alike > 1)
            htrail__text_format(line, ", and %zu alike", alike - 1);
        cli_why_say(line, CLI_STYLE_NONE, 4);
    }
}

/* Which of the chains is the one that is printed in full: it ends with the same step; the root's own, where that is all of it. */
static size_t chain_shown(const cli_why_page *w, const cli_why_chain *shown)
{
    const htrail__independent *found = &w->independent;
    uint64_t holder = shown->chain.step_count > 1 ? shown->chain.steps[shown->chain.step_count - 2].id : 0;
    size_t i = 0;
    for (; i < found->chain_count; i++) {
        const htrail__independent_chain *chain = &found->chains[i];
        uint64_t last = chain->count > 0 ? found->objects[chain->first + chain->count - 1] : 0;
        if (last == holder && (holder != 0 || chain->root == shown->chain.root.id))
            break;
    }
    return i;
}

/* "2 independent chains lead to it from the roots: each must let go" */
static void print_count(const cli_why_page *w, const cli_why_chain *shown)
{
    const htrail__independent *found = &w->independent;
    bool is_set = w->selection.count > 1;
    const char *it = is_set ? "them" : "it";
    char number[32];
    htrail__text line;
    htrail__text_init(&line, CLI_WHY_TEXT_BYTES_MAX);
    putchar('\n');
    if (found->chain_count < 2 && !found->complete) {
        cli_format_number(number, sizeof number, (int64_t)found->looked_at);
        htrail__text_format(&line, "whether more than one independent chain leads to %s was not found out", it);
        if (found->looked_at > 0)
            htrail__text_format(&line, ": %s objects around were looked at", number);
    } else if (found->chain_count < 2 && !is_set) {
        htrail__text_format(&line, "one chain: it is free once %s lets go",
                            shown->dominators == 0 ? "this root" : shown->dominators + 1 >= shown->chain.step_count ? "any step of it" : "a step with a *");
    } else {
        htrail__text_format(&line, "%s%zu independent chain%s to %s from ", found->complete ? "" : "at least ", found->chain_count, found->chain_count == 1 ? " leads" : "s lead", it);
        if (w->above != 0)
            cli_why_add_object(w, &line, w->above);
        else
            htrail__text_add_string(&line, "the roots");
        htrail__text_add_string(&line, !is_set ? ": each must let go" : found->complete ? "; what must let go before all are free:" : "; of what must let go before all are free:");
    }
    cli_why_say(&line, CLI_STYLE_NONE, 2);
    if (is_set && (found->chain_count >= 2 || found->complete))
        print_gates(w, &line);
    htrail__text_release(&line);
}

/* How many things must let go, and the chains beside the one that is printed. */
int cli_why_independent_print(const cli_why_page *w, const cli_why_chain *shown)
{
    const htrail__independent *found = &w->independent;
    size_t printed = 0, left = found->chain_count, without = chain_shown(w, shown);
    if (w->is_garbage)
        return CLI_EXIT_OK;
    print_count(w, shown);
    if (w->selection.count > 1 || found->chain_count < 2)
        return CLI_EXIT_OK;
    for (size_t i = 0; i < found->chain_count; i++) {
        cli_why_chain other;
        if (i == without) {
            left--;
            continue;
        }
        if (printed == OTHERS_MAX)
            continue;
        if (printed++ == 0)
            printf("beside the one above:\n");
        else
            putchar('\n');
        left--;
        /* Chains that begin below one object have no root in them: it stands at their top. */
        htrail_status status = cli_why_chain_of(&other, w, &found->chains[i]);
        if (status == HTRAIL_OK)
            cli_why_chain_print(w, &other, CLI_WHY_SHORT | CLI_WHY_INSET);
        cli_why_chain_release(&other);
        if (status != HTRAIL_OK)
            return cli_why_fail(w, status);
    }
    if (left > 0)
        printf("  ... and %zu more with --json\n", left);
    return CLI_EXIT_OK;
}
