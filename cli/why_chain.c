/* cli/why_chain.c - a chain for people: one line a step, with a star where all chains lead
 * through it, grey where library code owns it, and a line below the step that should not be there. */
#include "cli/why.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/suspect.h"
#include "cli/escape.h"
#include "cli/fit.h"
#include "cli/flow.h"
#include "cli/number.h"
#include "cli/terminal.h"

/* Of a long chain (a linked list) the ends are printed; --json has all of it. */
enum { STEPS_AT_TOP = 24, STEPS_AT_END = 16, SHORT_AT_TOP = 4, SHORT_AT_END = 4, LABEL_COLUMNS_MAX = 32, PART_COLUMNS_MIN = 12, TOLD_MAX = 4096 };

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

static size_t columns_of(const char *text) { return cli_width(text, strlen(text)); }

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

void cli_why_add_object(const cli_why_page *w, htrail__text *out, uint64_t id)
{
    htrail__text text;
    htrail__found_object object;
    htrail__text_init(&text, CLI_WHY_TEXT_BYTES_MAX);
    if (htrail__lookup_object(w->lookup, id, &object) == HTRAIL_OK) {
        add_alone(w, &text, &object);
        htrail__text_add(out, htrail__text_string(&text), text.len);
        htrail__text_add_string(out, " ");
    }
    htrail__text_format(out, "id:%" PRIu64, id);
    htrail__text_release(&text);
}

void cli_why_say(htrail__text *line, cli_style style, size_t hang)
{
    cli_flow flow;
    cli_flow_begin(&flow, stdout, 0, hang);
    if (style != CLI_STYLE_NONE)
        cli_flow_style(&flow, style);
    cli_flow_text(&flow, htrail__text_string(line), line->len);
    if (style != CLI_STYLE_NONE)
        cli_flow_style(&flow, CLI_STYLE_NONE);
    cli_flow_end(&flow);
    htrail__text_clear(line);
}

/* In so many columns at most; 0: all of it. Returns how many it took. */
static size_t print_cut(const char *text, size_t len, size_t columns)
{
    size_t escaped_len = 0, width;
    char *escaped = cli_escaped(stdout, text, len, &escaped_len);
    if (escaped == NULL)
        return 0;
    width = cli_print_fitted(stdout, escaped, escaped_len, columns > 0 ? columns : SIZE_MAX);
    free(escaped);
    return width;
}

/* Of a line of a chain: what it takes, and what there is on the terminal. */
typedef struct step_columns {
    size_t limit, label, object; /* 0: as wide as it is */
    bool has_figures_below;      /* on a line of their own */
} step_columns;

/* The object first gets what it needs; then neither is cut below what tells them apart. */
static void choose_columns(step_columns *columns, size_t before, size_t label, size_t object, size_t length, size_t figures)
{
    size_t least = (label < PART_COLUMNS_MIN ? label : PART_COLUMNS_MIN) + (object < 2 * PART_COLUMNS_MIN ? object : 2 * PART_COLUMNS_MIN);
    columns->has_figures_below = columns->limit > 0 && before + least + length + figures > columns->limit;
    size_t after = columns->has_figures_below ? length : length + figures;
    size_t room = columns->limit > before + after ? columns->limit - before - after : 0;
    columns->label = columns->object = 0;
    if (columns->limit == 0 || label + object <= room)
        return;
    columns->label = room > object + PART_COLUMNS_MIN ? room - object : room / 2 > PART_COLUMNS_MIN ? room / 2 : PART_COLUMNS_MIN;
    if (columns->label > label)
        columns->label = label;
    columns->object = room > columns->label + PART_COLUMNS_MIN ? room - columns->label : PART_COLUMNS_MIN;
}

/* ", length 1,000  retained 2.1 MiB, refcount 1, id:4711": the length, then what is said aside. */
static void add_figures(htrail__text *length, htrail__text *figures, const htrail__found_object *step, bool is_last)
{
    bool has_more = step->retained_bytes > step->size_bytes;
    char bytes[32], number[32];
    htrail__text_clear(length);
    htrail__text_clear(figures);
    if (step->length != HTRAIL__NO_LENGTH) {
        cli_format_number(number, sizeof number, (int64_t)step->length);
        htrail__text_format(length, ", length %s", number);
    }
    cli_format_bytes(bytes, sizeof bytes, (int64_t)(has_more ? step->retained_bytes : step->size_bytes));
    htrail__text_format(figures, "  %s%s, ", has_more ? "retained " : "", bytes);
    if (is_last && step->refcount > 0)
        htrail__text_format(figures, "refcount %" PRIu64 ", ", step->refcount);
    htrail__text_format(figures, "id:%" PRIu64, step->id);
}

/* "* ─['tasks']──→ list, length 1,000  8.1 KiB, retained 2.1 MiB, id:4711" */
static void print_step(const cli_why_page *w, const cli_why_chain *c, size_t i, size_t label_columns, const char *inset, bool has_star)
{
    const htrail__found_object *step = &c->chain.steps[i];
    bool is_last = i + 1 == c->chain.step_count, is_grey = c->is_library[i] && !is_last, has_label = i > 0 || !c->chain.garbage;
    step_columns columns = {.limit = cli_terminal_columns(stdout)};
    const char *before = has_star ? "* " : i == 0 && c->chain.garbage ? "" : "  ";
    htrail__text label, object, length, figures;
    htrail__text_init(&label, CLI_WHY_TEXT_BYTES_MAX);
    htrail__text_init(&object, CLI_WHY_TEXT_BYTES_MAX);
    htrail__text_init(&length, CLI_WHY_TEXT_BYTES_MAX);
    htrail__text_init(&figures, CLI_WHY_TEXT_BYTES_MAX);
    if (has_label)
        add_label(w, &label, &c->chain, i);
    if (i > 0)
        add_object(w, &object, step - 1, step);
    else
        add_alone(w, &object, step);
    add_figures(&length, &figures, step, is_last);
    size_t wide = columns_of(htrail__text_string(&label));
    choose_columns(&columns, strlen(inset) + strlen(before) + (has_label ? w->utf8 ? 3 : 4 : 0), wide > label_columns ? wide : label_columns, columns_of(htrail__text_string(&object)),
                   length.len, figures.len);

    printf("%s%s%s", inset, before, is_grey ? cli_styled(stdout, CLI_STYLE_DIM) : "");
    if (has_label) {
        fputs(w->utf8 ? "─" : "-", stdout);
        size_t taken = print_cut(htrail__text_string(&label), label.len, columns.label), room = columns.label > 0 && columns.label < label_columns ? columns.label : label_columns;
        for (; taken < room; taken++)
            fputs(w->utf8 ? "─" : "-", stdout);
        fputs(w->utf8 ? "→ " : "-> ", stdout);
    }
    fputs(is_grey ? "" : cli_styled(stdout, CLI_STYLE_BOLD), stdout);
    print_cut(htrail__text_string(&object), object.len, columns.object);
    fputs(is_grey ? "" : cli_styled(stdout, CLI_STYLE_NONE), stdout);
    fputs(htrail__text_string(&length), stdout);
    if (columns.has_figures_below)
        printf("\n%s  ", inset);
    printf("%s%s%s\n", is_grey ? "" : cli_styled(stdout, CLI_STYLE_DIM), htrail__text_string(&figures), cli_styled(stdout, CLI_STYLE_NONE));
    if (i == c->suspect) {
        cli_flow flow;
        cli_flow_begin(&flow, stdout, (size_t)printf("%s  ", inset), strlen(inset) + 4);
        cli_flow_style(&flow, CLI_STYLE_RED);
        cli_flow_format(&flow, "%s", w->utf8 ? "▲" : "^");
        cli_flow_text(&flow, htrail__text_string(&c->reason), c->reason.len);
        cli_flow_style(&flow, CLI_STYLE_NONE);
        cli_flow_end(&flow);
    }
    htrail__text_release(&label);
    htrail__text_release(&object);
    htrail__text_release(&length);
    htrail__text_release(&figures);
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
        print_cut(htrail__text_string(&text), text.len, cli_terminal_columns(stdout));
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
