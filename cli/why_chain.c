/* cli/why_chain.c - a chain for people: one line a step, with a star where all chains lead
 * through it, grey where library code owns it, and a line below the step that should not be there. */
#include "cli/why.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/suspect.h"
#include "cli/escape.h"
#include "cli/number.h"
#include "cli/terminal.h"

/* Of a long chain (a linked list) the ends are printed; --json has all of it. */
enum { STEPS_AT_TOP = 24, STEPS_AT_END = 16, SHORT_AT_TOP = 4, SHORT_AT_END = 4, LABEL_COLUMNS_MAX = 32, TOLD_MAX = 4096 };

/* Of the first steps of a chain: what is marked and grey is seen there. */
static htrail_status tell(cli_why_chain *c, const cli_why_page *w, bool has_dominators)
{
    const htrail__chain *chain = &c->chain;
    htrail__chain head = *chain;
    uint64_t next = chain->step_count > 0 ? chain->steps[chain->step_count - 1].dominator : 0;

    c->is_library = calloc(chain->step_count + 1, sizeof *c->is_library);
    c->dominates = calloc(chain->step_count + 1, sizeof *c->dominates);
    if (c->is_library == NULL || c->dominates == NULL)
        return HTRAIL_E_NOMEM;
    if (head.step_count > TOLD_MAX)
        head.step_count = TOLD_MAX;
    htrail__library_mark(w->library, w->lookup, head.steps, head.step_count, c->is_library);
    for (size_t i = chain->step_count; has_dominators && i-- > 1;) {
        if (chain->steps[i - 1].id != next)
            continue;
        c->dominates[i - 1] = true;
        c->dominators++;
        next = chain->steps[i - 1].dominator;
    }
    return htrail__suspect_find(htrail__store_db(w->store), w->lookup, &head, &c->suspect, &c->reason);
}

htrail_status cli_why_chain_find(cli_why_chain *out, const cli_why_page *w, uint64_t id)
{
    *out = (cli_why_chain){.suspect = HTRAIL__NO_STEP};
    htrail__text_init(&out->reason, CLI_WHY_TEXT_BYTES_MAX);
    htrail_status status = htrail__chain_find(&out->chain, w->lookup, id);
    return status == HTRAIL_OK ? tell(out, w, true) : status;
}

htrail_status cli_why_chain_of(cli_why_chain *out, const cli_why_page *w, const htrail__independent_chain *chain)
{
    htrail_status status = HTRAIL_OK;
    *out = (cli_why_chain){.suspect = HTRAIL__NO_STEP, .chain.garbage = chain->root == 0};
    htrail__text_init(&out->reason, CLI_WHY_TEXT_BYTES_MAX);
    out->chain.steps = calloc(chain->count + 1, sizeof *out->chain.steps);
    if (out->chain.steps == NULL)
        return HTRAIL_E_NOMEM;
    if (chain->root != 0 && (status = htrail__lookup_root(w->lookup, chain->root, &out->chain.root)) != HTRAIL_OK)
        return status;
    for (size_t i = 0; i <= chain->count; i++) {
        htrail__found_object *step = &out->chain.steps[i];
        htrail__found_holder by = {0};
        uint64_t id = i < chain->count ? w->independent.objects[chain->first + i] : chain->target;
        if ((status = htrail__lookup_object(w->lookup, id, step)) != HTRAIL_OK ||
            (i > 0 && (status = htrail__lookup_reference(w->lookup, step[-1].id, id, &by)) != HTRAIL_OK))
            return status;
        if (i == 0) {
            out->chain.step_count++;
            continue;
        }
        step->holder = by.id;
        step->holder_kind = by.kind;
        step->holder_label = by.label;
        step->holder_position = by.position;
        out->chain.step_count++;
    }
    return tell(out, w, false);
}

void cli_why_chain_release(cli_why_chain *chain)
{
    htrail__chain_release(&chain->chain);
    htrail__text_release(&chain->reason);
    free(chain->is_library);
    free(chain->dominates);
}

static size_t columns_of(const char *text)
{
    size_t columns = 0;
    for (; *text != '\0'; text++)
        columns += ((unsigned char)*text & 0xc0) != 0x80;
    return columns;
}

static void print_escaped(const htrail__text *text) { cli_print_escaped(stdout, htrail__text_string(text), text->len); }

static void add_label(const cli_why_page *w, htrail__text *out, const htrail__chain *chain, size_t i)
{
    const htrail__found_object *step = &chain->steps[i];
    htrail__text_clear(out);
    if (i > 0)
        htrail__chain_label(out, step->holder_kind, cli_why_text(w, step->holder_label), step->holder_position);
    else
        htrail__chain_root_label(out, chain->root.kind);
}

static void add_object(const cli_why_page *w, htrail__text *out, const htrail__found_object *holder, const htrail__found_object *step)
{
    htrail_str none = {0};
    htrail__text_clear(out);
    htrail__chain_object_text(out, cli_why_text(w, step->type), cli_why_text(w, step->name), cli_why_text(w, step->module), holder != NULL ? cli_why_text(w, holder->type) : none,
                              holder != NULL ? cli_why_text(w, holder->name) : none, holder != NULL ? cli_why_text(w, step->holder_label) : none);
}

/* Without the object above it: a dict is called by whose it is all the same. */
static void add_alone(const cli_why_page *w, htrail__text *out, const htrail__found_object *object)
{
    htrail__found_object holder;
    bool is_held = object->holder != 0 && htrail__lookup_object(w->lookup, object->holder, &holder) == HTRAIL_OK;
    add_object(w, out, is_held ? &holder : NULL, object);
}

void cli_why_print_object(const cli_why_page *w, uint64_t id)
{
    htrail__text text;
    htrail__found_object object;
    htrail__text_init(&text, CLI_WHY_TEXT_BYTES_MAX);
    if (htrail__lookup_object(w->lookup, id, &object) == HTRAIL_OK) {
        add_alone(w, &text, &object);
        print_escaped(&text);
        putchar(' ');
    }
    printf("id:%" PRIu64, id);
    htrail__text_release(&text);
}

/* "* ─['tasks']──→ list, length 1,000  8.1 KiB, retained 2.1 MiB, id:4711" */
static void print_step(const cli_why_page *w, const cli_why_chain *c, size_t i, size_t label_columns, const char *inset, bool has_star)
{
    const htrail__found_object *step = &c->chain.steps[i];
    bool is_last = i + 1 == c->chain.step_count, is_grey = c->is_library[i] && !is_last;
    htrail__text text;
    char bytes[32], number[32];
    htrail__text_init(&text, CLI_WHY_TEXT_BYTES_MAX);
    printf("%s%s", inset, has_star ? "* " : i == 0 && c->chain.garbage ? "" : "  ");
    if (is_grey)
        fputs(cli_styled(stdout, CLI_STYLE_DIM), stdout);
    if (i > 0 || !c->chain.garbage) {
        add_label(w, &text, &c->chain, i);
        size_t pad = columns_of(htrail__text_string(&text));
        pad = pad < label_columns ? label_columns - pad : 0;
        fputs(w->utf8 ? "─" : "-", stdout);
        print_escaped(&text);
        while (pad-- > 0)
            fputs(w->utf8 ? "─" : "-", stdout);
        fputs(w->utf8 ? "→ " : "-> ", stdout);
    }
    if (i > 0)
        add_object(w, &text, step - 1, step);
    else
        add_alone(w, &text, step);
    if (!is_grey)
        fputs(cli_styled(stdout, CLI_STYLE_BOLD), stdout);
    print_escaped(&text);
    if (!is_grey)
        fputs(cli_styled(stdout, CLI_STYLE_NONE), stdout);
    if (step->length != HTRAIL__NO_LENGTH) {
        cli_format_number(number, sizeof number, (int64_t)step->length);
        printf(", length %s", number);
    }
    bool has_more = step->retained_bytes > step->size_bytes;
    cli_format_bytes(bytes, sizeof bytes, (int64_t)(has_more ? step->retained_bytes : step->size_bytes));
    printf("%s  %s%s, ", is_grey ? "" : cli_styled(stdout, CLI_STYLE_DIM), has_more ? "retained " : "", bytes);
    if (is_last && step->refcount > 0)
        printf("refcount %" PRIu64 ", ", step->refcount);
    printf("id:%" PRIu64 "%s\n", step->id, cli_styled(stdout, CLI_STYLE_NONE));
    if (i == c->suspect) {
        printf("%s  %s%s ", inset, cli_styled(stdout, CLI_STYLE_RED), w->utf8 ? "▲" : "^");
        print_escaped(&c->reason);
        printf("%s\n", cli_styled(stdout, CLI_STYLE_NONE));
    }
    htrail__text_release(&text);
}

void cli_why_chain_print(const cli_why_page *w, const cli_why_chain *c, cli_why_print how)
{
    const htrail__chain *chain = &c->chain;
    const char *inset = how & CLI_WHY_INSET ? "  " : "";
    size_t columns = 0, at_top = how & CLI_WHY_SHORT ? SHORT_AT_TOP : STEPS_AT_TOP, at_end = how & CLI_WHY_SHORT ? SHORT_AT_END : STEPS_AT_END;
    htrail__text text;
    htrail__text_init(&text, CLI_WHY_TEXT_BYTES_MAX);
    if (!chain->garbage) {
        htrail__chain_root_text(&text, cli_why_text(w, chain->root.kind_text), cli_why_text(w, chain->root.name));
        printf("%s%s", inset, cli_styled(stdout, CLI_STYLE_GREEN));
        print_escaped(&text);
        printf("%s\n", cli_styled(stdout, CLI_STYLE_NONE));
    }
    /* The dict of sys.modules is the root itself, and so is a frame. */
    size_t first = !chain->garbage && chain->step_count > 1 && (chain->root.kind == HTRAIL_ROOT_MODULES || chain->root.kind == HTRAIL_ROOT_FRAME);
    /* A star at every step tells nothing that the sentence below does not. */
    size_t starred = c->dominators - (first > 0 && c->dominates[0]);
    bool has_stars = starred > 0 && starred + 1 + first < chain->step_count;
    for (size_t i = first; i < chain->step_count; i++) {
        add_label(w, &text, chain, i);
        size_t wide = columns_of(htrail__text_string(&text));
        if (wide > columns && wide <= LABEL_COLUMNS_MAX)
            columns = wide;
    }
    for (size_t i = first; i < chain->step_count; i++) {
        if (i == first + at_top && chain->step_count - i > at_end + 1) {
            char number[32];
            size_t left_out = chain->step_count - i - at_end;
            cli_format_number(number, sizeof number, (int64_t)left_out);
            printf("%s  ... %s more steps ...\n", inset, number);
            i += left_out;
        }
        print_step(w, c, i, columns, inset, has_stars && c->dominates[i]);
    }
    if (has_stars)
        printf("%s* every chain to it leads through these\n", inset);
    htrail__text_release(&text);
}
