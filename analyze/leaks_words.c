/* analyze/leaks_words.c - see the header. */
#include "analyze/leaks_words.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/chain.h"
#include "analyze/expression.h"
#include "analyze/leaks_build.h"
#include "analyze/str.h"

enum { TEXT_MAX = 1 << 16, FEW_HOLDERS = 8, ALSO_MAX = 3, OTHERS_MAX = 16 };

static char *taken(htrail__text *text)
{
    char *copy = text->failed ? NULL : strdup(htrail__text_string(text));
    htrail__text_clear(text);
    return copy;
}

static void add_str(htrail__text *out, htrail_str text) { htrail__text_add(out, text.data, text.len); }

static htrail_str type_of(const htrail__leaks *leaks, uint32_t path) { return htrail__texts_get(&leaks->paths.texts, leaks->paths.shapes.shapes[path].type); }
static htrail_str label_of(const htrail__leaks *leaks, uint32_t path) { return htrail__texts_get(&leaks->paths.texts, leaks->paths.shapes.shapes[path].label); }

static uint64_t objects_of(const htrail__leaks *leaks, uint32_t path) { return htrail__paths_count(&leaks->paths, leaks->snapshot_count - 1, path)->objects; }

static htrail_str last_part(htrail_str type)
{
    for (size_t i = type.len; i-- > 1;)
        if (type.data[i - 1] == '.')
            return (htrail_str){type.data + i, type.len - i};
    return type;
}

static void add_number(htrail__text *out, uint64_t number)
{
    char digits[32];
    int len = snprintf(digits, sizeof digits, "%" PRIu64, number);
    for (int i = 0; i < len; i++) {
        if (i > 0 && (len - i) % 3 == 0)
            htrail__text_add_string(out, ",");
        htrail__text_add(out, digits + i, 1);
    }
}

static void add_bytes(htrail__text *out, int64_t bytes)
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    double value = (double)bytes;
    size_t unit = 0;
    for (; value >= 1023.95 && unit + 1 < sizeof units / sizeof *units; unit++)
        value /= 1024;
    if (unit == 0)
        htrail__text_format(out, "%" PRId64 " B", bytes);
    else {
        htrail__text_add_tenths(out, value);
        htrail__text_format(out, " %s", units[unit]);
    }
}

/* "10,000 Records", "1 Record", "20 bytes objects" */
static void add_plural(htrail__text *out, htrail_str type, uint64_t count)
{
    type = last_part(type);
    if (count > 1 && htrail__str_is(type, "copy")) {
        htrail__text_add_string(out, "copies");
        return;
    }
    add_str(out, type);
    if (count == 1)
        return;
    htrail__text_add_string(out, htrail__str_ends(type, "s") ? " objects" : htrail__str_ends(type, "y") ? " objects" : "s");
}

/* How a path's reference reads behind the expression of what holds it: ".users", "['users']", "[...]". */
static void add_step(const htrail__leaks *leaks, htrail__text *out, uint32_t path)
{
    const htrail__shape *shape = &leaks->paths.shapes.shapes[path];
    htrail_str label = label_of(leaks, path);
    bool is_of_names = shape->parent != HTRAIL__NO_SHAPE && leaks->paths.shapes.shapes[shape->parent].ref_kind == HTRAIL_REF_FIELD &&
                       htrail__str_is(label_of(leaks, shape->parent), "__dict__");
    if (shape->ref_kind == HTRAIL_REF_FIELD && htrail__str_is(label, "__dict__"))
        return;
    if (shape->ref_kind == HTRAIL_REF_VALUE && label.len == 0) {
        htrail__text_add_string(out, "[...]");
    } else if (shape->ref_kind == HTRAIL_REF_VALUE && is_of_names) {
        htrail__text_add_string(out, ".");
        add_str(out, label);
    } else {
        bool is_word = shape->ref_kind == HTRAIL_REF_FIELD || shape->ref_kind == HTRAIL_REF_KEY || shape->ref_kind == HTRAIL_REF_LOCAL ||
                       shape->ref_kind == HTRAIL_REF_CELL || shape->ref_kind == HTRAIL_REF_DEFAULT;
        if (is_word && out->len > 0)
            htrail__text_add_string(out, htrail__str_starts(label, "__") && shape->ref_kind == HTRAIL_REF_FIELD ? "." : " ");
        htrail__chain_label(out, shape->ref_kind, label, HTRAIL__ANY_POSITION);
    }
}

/* "keep.leak" of sys.modules['__main__'].keep.leak, "app.users" of sys.modules['app'].users. */
static void add_short(htrail__text *out, const char *expression)
{
    static const char front[] = "sys.modules['";
    const char *name = expression + sizeof front - 1, *end = NULL;
    if (strncmp(expression, front, sizeof front - 1) == 0)
        end = strstr(name, "']");
    if (end == NULL || (end[2] != '.' && end[2] != '\0')) {
        htrail__text_add_string(out, expression);
        return;
    }
    if (end[2] == '\0' || strncmp(name, "__main__']", 10) != 0) {
        htrail__text_add(out, name, (size_t)(end - name));
        htrail__text_add_string(out, end + 2);
    } else {
        htrail__text_add_string(out, end + 3);
    }
}

/* "f closure variable seen" for f.__closure__[f.__code__.co_freevars.index('seen')].cell_contents, which nobody reads. */
static void add_readable(htrail__text *out, const char *expression)
{
    static const char closure[] = ".__closure__[", index[] = ".__code__.co_freevars.index('", contents[] = "')].cell_contents";
    const char *at = expression, *next;
    while ((next = strstr(at, closure)) != NULL) {
        size_t front = (size_t)(next - expression);
        const char *inner = next + sizeof closure - 1, *name = inner + front + sizeof index - 1;
        bool is_same = strncmp(inner, expression, front) == 0 && strncmp(inner + front, index, sizeof index - 1) == 0;
        const char *end = is_same ? strstr(name, contents) : NULL;
        if (end == NULL)
            break;
        htrail__text_add(out, at, (size_t)(next - at));
        htrail__text_add_string(out, " closure variable ");
        htrail__text_add(out, name, (size_t)(end - name));
        at = end + sizeof contents - 1;
    }
    htrail__text_add_string(out, at);
}

/* The expression of an object; false where Python has none. */
static htrail_status expression_of(htrail__text *out, bool *exists, htrail__lookup *lookup, uint64_t id)
{
    htrail__chain chain;
    *exists = false;
    htrail_status status = htrail__chain_find(&chain, lookup, id);
    if (status == HTRAIL_OK && !chain.garbage)
        status = htrail__expression_of_chain(out, exists, NULL, lookup, &chain);
    htrail__chain_release(&chain);
    return status;
}

typedef enum place_form {
    PLACE_SHORT, /* "keep.leak" */
    PLACE_FULL,  /* "sys.modules['__main__'].keep.leak" */
    PLACE_EXACT  /* the same, for Python alone to read */
} place_form;

/* The place of path, which many objects may have: the expression of the nearest that is one or a few, and the names from there. */
static htrail_status add_place(htrail__text *out, const htrail__leaks *leaks, uint32_t path, uint64_t id, htrail__lookup *lookup, place_form form, bool *is_expression)
{
    htrail__text expression, readable;
    uint32_t steps[64];
    size_t count = 0;
    bool exists = false;
    htrail_status status = HTRAIL_OK;
    htrail__text_init(&expression, TEXT_MAX);
    htrail__text_init(&readable, TEXT_MAX);
    uint32_t at = path;
    while (objects_of(leaks, at) > FEW_HOLDERS && !htrail__path_is_root(&leaks->paths, leaks->paths.shapes.shapes[at].parent) && count < 64) {
        steps[count++] = at;
        at = leaks->paths.shapes.shapes[at].parent;
        id = 0;
    }
    while (!htrail__path_is_root(&leaks->paths, at)) {
        if (id == 0)
            id = htrail__paths_count(&leaks->paths, leaks->snapshot_count - 1, at)->first;
        if (id != 0 && (status = expression_of(&expression, &exists, lookup, id)) != HTRAIL_OK)
            goto done;
        /* One found by its address says nothing that holds for the next snapshot. */
        if (exists && strstr(htrail__text_string(&expression), "id(v) ==") == NULL && strstr(htrail__text_string(&expression), "gc.get_") == NULL)
            break;
        exists = false;
        htrail__text_clear(&expression);
        if (count < 64)
            steps[count++] = at;
        at = leaks->paths.shapes.shapes[at].parent;
        id = 0;
    }
    if (exists)
        add_readable(&readable, htrail__text_string(&expression));
    if (exists && form == PLACE_SHORT)
        add_short(out, htrail__text_string(&readable));
    else if (exists)
        htrail__text_add_string(out, htrail__text_string(form == PLACE_EXACT ? &expression : &readable));
    else
        htrail__chain_root_text(out, type_of(leaks, at), htrail__texts_get(&leaks->paths.texts, leaks->paths.shapes.shapes[at].name));
    if (is_expression != NULL)
        *is_expression = exists && count == 0;
    while (count-- > 0)
        if (!htrail__path_is_root(&leaks->paths, leaks->paths.shapes.shapes[steps[count]].parent))
            add_step(leaks, out, steps[count]);
done:
    htrail__text_release(&expression);
    htrail__text_release(&readable);
    return status;
}

/* Where what is linked begins: the topmost path above of a type that is in the ring of links. */
static uint32_t first_link(const htrail__leaks *leaks, uint32_t path)
{
    const htrail__shape *shapes = leaks->paths.shapes.shapes;
    uint32_t first = path, at = shapes[path].parent;
    for (int steps = 0; steps < 10 && at != HTRAIL__NO_SHAPE && !htrail__path_is_root(&leaks->paths, at); steps++, at = shapes[at].parent) {
        bool is_link = shapes[at].type == shapes[path].type;
        for (uint32_t i = path + 1; i < leaks->paths.shapes.count && !is_link; i++)
            is_link = shapes[i].type == shapes[at].type && 8 * objects_of(leaks, i) > objects_of(leaks, path) && htrail__shapes_is_below(&leaks->paths.shapes, i, path);
        if (is_link && !htrail__str_is(type_of(leaks, at), "dict"))
            first = at;
        else if (!is_link)
            break;
    }
    return first;
}

/* The holder of a path as people see it: not the dict of an instance, but the instance; not a cell, but the function. */
static uint32_t holder_of(const htrail__leaks *leaks, uint32_t path)
{
    uint32_t at = leaks->paths.shapes.shapes[path].parent;
    while (at != HTRAIL__NO_SHAPE && (leaks->paths.shapes.shapes[at].ref_kind == HTRAIL_REF_CELL ||
                                      (leaks->paths.shapes.shapes[at].ref_kind == HTRAIL_REF_FIELD &&
                                       (htrail__str_is(label_of(leaks, at), "__dict__") || htrail__str_is(label_of(leaks, at), "__closure__")))))
        at = leaks->paths.shapes.shapes[at].parent;
    return at;
}

static htrail_status add_holder(htrail__text *out, const htrail__leaks *leaks, const htrail__leak *leak, htrail__lookup *lookup)
{
    uint32_t place = leak->kind == HTRAIL__LEAK_LINKED ? first_link(leaks, leak->at) : leak->at;
    uint32_t at = place == HTRAIL__NO_SHAPE ? HTRAIL__NO_SHAPE : holder_of(leaks, place);
    htrail__chain chain;
    uint64_t id = 0;
    if (at == HTRAIL__NO_SHAPE)
        return HTRAIL_OK;
    if (htrail__path_is_root(&leaks->paths, at)) {
        htrail__chain_root_text(out, type_of(leaks, at), htrail__texts_get(&leaks->paths.texts, leaks->paths.shapes.shapes[at].name));
        return HTRAIL_OK;
    }
    /* Of the container that is shown, where there are several. */
    if (leak->container != 0) {
        htrail_status status = htrail__chain_find(&chain, lookup, leak->container);
        for (size_t i = chain.step_count; status == HTRAIL_OK && i-- > 0 && id == 0;)
            if (chain.steps[i].id <= leaks->paths.snapshots[leaks->snapshot_count - 1].object_count &&
                leaks->paths.snapshots[leaks->snapshot_count - 1].path_of[chain.steps[i].id] == at)
                id = chain.steps[i].id;
        htrail__chain_release(&chain);
        if (status != HTRAIL_OK)
            return status;
    }
    return add_place(out, leaks, at, id, lookup, PLACE_FULL, NULL);
}

/* "by 10,000 Records in each of 3 intervals" */
static void add_growth(htrail__text *out, const htrail__leaks *leaks, const htrail__leak *leak, htrail_str type, const char *carries)
{
    unsigned intervals = leaks->snapshot_count - 1;
    uint64_t least = UINT64_MAX, most = 0;
    for (unsigned i = 0; i < intervals; i++) {
        least = leak->steps[i] < least ? leak->steps[i] : least;
        most = leak->steps[i] > most ? leak->steps[i] : most;
    }
    htrail__text_add_string(out, "by ");
    add_number(out, least);
    if (most != least) {
        htrail__text_add_string(out, " to ");
        add_number(out, most);
    }
    htrail__text_add_string(out, " ");
    if (type.len == 0)
        htrail__text_add_string(out, most == 1 ? "item" : "items");
    else
        add_plural(out, type, most);
    if (carries[0] != '\0') {
        htrail__text_add_string(out, " of ");
        add_plural(out, (htrail_str){carries, strlen(carries)}, most);
    }
    if (intervals == 1)
        htrail__text_add_string(out, " in one interval");
    else
        htrail__text_format(out, " in each of %u intervals", intervals);
}

static void add_sentence(htrail__text *out, const htrail__leaks *leaks, const htrail__leak *leak, const htrail__leak_words *words)
{
    static const char *const confidences[] = {"low", "medium", "high"};
    htrail_str type = {words->type, strlen(words->type)};
    switch (leak->kind) {
    case HTRAIL__LEAK_THREADS: {
        uint64_t now = leak->objects[leaks->snapshot_count - 1], before = leak->objects[0];
        add_number(out, now);
        htrail__text_format(out, " thread%s (+%" PRIu64 ") at %s: ", now == 1 ? "" : "s", now - before, leak->what != NULL ? leak->what : "");
        htrail__text_add_string(out, "they grew ");
        add_growth(out, leaks, leak, (htrail_str){"thread", 6}, "");
        break;
    }
    case HTRAIL__LEAK_MODULES:
        htrail__text_format(out, "%s %s loaded again and again: grew ", leak->names == 1 ? "module" : "modules", leak->what);
        add_growth(out, leaks, leak, (htrail_str){"copy", 4}, "");
        break;
    case HTRAIL__LEAK_C_CODE:
        htrail__text_add_string(out, "C code (no known referrer) grew ");
        add_growth(out, leaks, leak, type, words->carries);
        break;
    case HTRAIL__LEAK_GARBAGE:
        htrail__text_add_string(out, "garbage that nobody collects (the collector is off) grew ");
        add_growth(out, leaks, leak, type, words->carries);
        break;
    case HTRAIL__LEAK_ROOT:
        htrail__text_format(out, "%s grew ", words->place);
        add_growth(out, leaks, leak, type, words->carries);
        break;
    case HTRAIL__LEAK_SPREAD:
        htrail__text_format(out, "%s (", words->place);
        add_number(out, leak->holders);
        htrail__text_add_string(out, " ");
        add_plural(out, (htrail_str){words->place_type, strlen(words->place_type)}, leak->holders);
        htrail__text_add_string(out, ") grew ");
        add_growth(out, leaks, leak, type, words->carries);
        break;
    case HTRAIL__LEAK_LINKED:
        htrail__text_format(out, "%s (%s, linked) grew ", words->place, words->place_type);
        add_growth(out, leaks, leak, type, words->carries);
        break;
    case HTRAIL__LEAK_LENGTH:
        htrail__text_format(out, "%s (%s) grew ", words->place, words->place_type);
        add_growth(out, leaks, leak, (htrail_str){0}, "");
        break;
    case HTRAIL__LEAK_CONTAINER:
        htrail__text_format(out, "%s (%s) grew ", words->place, words->place_type);
        add_growth(out, leaks, leak, type, words->carries);
        break;
    }
    htrail__text_add_string(out, ": +");
    add_bytes(out, leak->bytes_growth);
    htrail__text_add_string(out, " retained");
    if (words->holder[0] != '\0' && leak->kind != HTRAIL__LEAK_C_CODE && leak->kind != HTRAIL__LEAK_ROOT && leak->kind != HTRAIL__LEAK_GARBAGE)
        htrail__text_format(out, ", held from %s", words->holder);
    if (words->also[0] != '\0')
        htrail__text_format(out, ", also held by %s", words->also);
    if (leak->noisy != NULL)
        htrail__text_format(out, "; no verdict: %s", leak->noisy);
    else
        htrail__text_format(out, "; confidence %s", confidences[leak->confidence]);
}

/* The same by another way: what else holds the one object in which it gathers, as an expression; nothing where Python has none. Variables of
 * frames come and go. */
static htrail_status add_other_holder(htrail__text *out, const htrail__found_holder *holder, htrail__lookup *lookup)
{
    static const char dict[] = ".__dict__";
    htrail__text expression;
    htrail__found_object object;
    bool exists = false;
    htrail__text_init(&expression, TEXT_MAX);
    htrail_status status = htrail__lookup_object(lookup, holder->id, &object);
    if (status == HTRAIL_OK && !htrail__str_is(htrail__texts_get(htrail__lookup_texts(lookup), object.type), "frame"))
        status = expression_of(&expression, &exists, lookup, holder->id);
    if (status == HTRAIL_OK && exists) {
        const char *text = htrail__text_string(&expression);
        bool is_of_names = holder->kind == HTRAIL_REF_VALUE && expression.len > sizeof dict && strcmp(text + expression.len - (sizeof dict - 1), dict) == 0;
        htrail__text all, readable;
        htrail__text_init(&all, TEXT_MAX);
        htrail__text_init(&readable, TEXT_MAX);
        htrail__text_add(&all, text, is_of_names ? expression.len - (sizeof dict - 1) : expression.len);
        htrail__text_add_string(&all, is_of_names || holder->kind == HTRAIL_REF_CELL ? "." : "");
        if (is_of_names || holder->kind == HTRAIL_REF_CELL)
            add_str(&all, htrail__texts_get(htrail__lookup_texts(lookup), holder->label));
        else
            htrail__chain_label(&all, (htrail_ref_kind)holder->kind, htrail__texts_get(htrail__lookup_texts(lookup), holder->label), holder->position);
        add_readable(&readable, htrail__text_string(&all));
        add_short(out, htrail__text_string(&readable));
        htrail__text_release(&all);
        htrail__text_release(&readable);
    }
    htrail__text_release(&expression);
    return status;
}

static htrail_status add_other_holders(htrail__text *out, const htrail__leak *leak, htrail__lookup *lookup, uint32_t *shown)
{
    htrail__found_holder copy[OTHERS_MAX];
    const htrail__found_holder *holders;
    htrail__found_object container;
    size_t count = 0;
    bool more = false;
    if (leak->holders != 1 || leak->container == 0)
        return HTRAIL_OK;
    htrail_status status = htrail__lookup_object(lookup, leak->container, &container);
    if (status == HTRAIL_OK)
        status = htrail__lookup_holders(lookup, leak->container, OTHERS_MAX, &holders, &count, &more);
    if (status == HTRAIL_OK && count > 0)
        memcpy(copy, holders, count * sizeof *copy); /* the next question may take its place */
    for (size_t i = 0; i < count && status == HTRAIL_OK && *shown < ALSO_MAX; i++) {
        size_t before = out->len;
        if (copy[i].id == container.holder)
            continue;
        htrail__text one;
        htrail__text_init(&one, TEXT_MAX);
        status = add_other_holder(&one, &copy[i], lookup);
        if (status == HTRAIL_OK && one.len > 0) {
            htrail__text_add_string(out, before > 0 ? ", " : "");
            htrail__text_add(out, htrail__text_string(&one), one.len);
            ++*shown;
        }
        htrail__text_release(&one);
    }
    return status;
}

static htrail_status add_also(htrail__text *out, const htrail__leaks *leaks, const htrail__leak *leak, htrail__lookup *lookup)
{
    uint32_t shown = 0;
    for (uint32_t i = 0; i < leak->also_count; i++) {
        if (leak->also[i] == HTRAIL__NO_SHAPE || leak->also[i] == leak->at)
            continue;
        if (shown == ALSO_MAX) {
            htrail__text_add_string(out, " and others");
            break;
        }
        htrail__text_add_string(out, shown++ > 0 ? ", " : "");
        htrail_status status = add_place(out, leaks, leak->also[i], 0, lookup, PLACE_SHORT, NULL);
        if (status != HTRAIL_OK)
            return status;
        htrail_str type = last_part(type_of(leaks, leak->also[i]));
        htrail__text_add_string(out, " (");
        add_str(out, type);
        htrail__text_add_string(out, ")");
    }
    return add_other_holders(out, leak, lookup, &shown);
}

static bool is_own_type(htrail_str type) { return memchr(type.data, '.', type.len) != NULL; }

/* Below what gathers, where that is of a type of Python's own: the nearest of the program's types that half of it hangs on. */
static void add_carried(htrail__text *out, const htrail__leaks *leaks, uint32_t path)
{
    int64_t half = htrail__leaks_grown(leaks, path) / 2;
    /* A path stands before those below it, so that one pass finds each step's heaviest. */
    for (uint32_t at = path; !is_own_type(type_of(leaks, path)) && at != HTRAIL__NO_SHAPE;) {
        uint32_t heaviest = HTRAIL__NO_SHAPE;
        for (uint32_t i = at + 1; i < leaks->paths.shapes.count; i++)
            if (leaks->paths.shapes.shapes[i].parent == at && htrail__leaks_grown(leaks, i) > half &&
                (heaviest == HTRAIL__NO_SHAPE || htrail__leaks_grown(leaks, i) > htrail__leaks_grown(leaks, heaviest)))
                heaviest = i;
        at = heaviest;
        if (at != HTRAIL__NO_SHAPE && is_own_type(type_of(leaks, at))) {
            add_str(out, type_of(leaks, at));
            return;
        }
    }
}

/* From the root to what gathers, by path. */
static htrail_status make_steps(htrail__leak_words *out, const htrail__leaks *leaks, const htrail__leak *leak, htrail__lookup *lookup, htrail__text *text)
{
    size_t count = 0;
    for (uint32_t at = leak->grows; at != HTRAIL__NO_SHAPE; at = leaks->paths.shapes.shapes[at].parent)
        count++;
    out->steps = calloc(count + 1, sizeof *out->steps);
    if (out->steps == NULL)
        return HTRAIL_E_NOMEM;
    for (uint32_t at = leak->grows; at != HTRAIL__NO_SHAPE; at = leaks->paths.shapes.shapes[at].parent) {
        htrail__leak_step *step = &out->steps[--count];
        const htrail__path_count *now = htrail__paths_count(&leaks->paths, leaks->snapshot_count - 1, at);
        out->step_count++;
        htrail__text_clear(text);
        if (htrail__path_is_root(&leaks->paths, at)) {
            htrail__chain_root_text(text, type_of(leaks, at), htrail__texts_get(&leaks->paths.texts, leaks->paths.shapes.shapes[at].name));
            step->type = taken(text);
            step->reference = strdup("");
        } else {
            htrail__text label;
            htrail__text_init(&label, TEXT_MAX);
            if (leaks->paths.shapes.shapes[at].ref_kind == HTRAIL_REF_VALUE && label_of(leaks, at).len == 0)
                htrail__text_add_string(&label, "[...]");
            else if (!htrail__path_is_root(&leaks->paths, leaks->paths.shapes.shapes[at].parent))
                htrail__chain_label(&label, leaks->paths.shapes.shapes[at].ref_kind, label_of(leaks, at), HTRAIL__ANY_POSITION);
            step->reference = taken(&label);
            htrail__text_release(&label);
            add_str(text, type_of(leaks, at));
            step->type = taken(text);
            step->objects = at == leak->grows && leak->has_figures ? leak->objects[leaks->snapshot_count - 1] : now->objects;
        }
        /* Of several: where the first and the last are of one name. */
        htrail__found_object object, other;
        if (now->objects > 0 && htrail__lookup_object(lookup, now->first, &object) == HTRAIL_OK && htrail__lookup_object(lookup, now->last, &other) == HTRAIL_OK &&
            object.name == other.name)
            add_str(text, htrail__texts_get(htrail__lookup_texts(lookup), object.name));
        step->name = taken(text);
        if (step->type == NULL || step->reference == NULL || step->name == NULL)
            return HTRAIL_E_NOMEM;
    }
    return HTRAIL_OK;
}

htrail_status htrail__leak_words_make(htrail__leak_words *out, const htrail__leaks *leaks, const htrail__leak *leak, htrail__lookup *lookup)
{
    htrail__text text;
    bool is_expression = false;
    htrail_status status = HTRAIL_OK;
    *out = (htrail__leak_words){0};
    htrail__text_init(&text, TEXT_MAX);
    if (leak->kind == HTRAIL__LEAK_MODULES || leak->kind == HTRAIL__LEAK_THREADS)
        htrail__text_add_string(&text, leak->kind == HTRAIL__LEAK_MODULES ? "module" : "threading.Thread");
    else if (leak->grows != HTRAIL__NO_SHAPE)
        add_str(&text, type_of(leaks, leak->kind == HTRAIL__LEAK_LINKED ? first_link(leaks, leak->grows) : leak->grows));
    out->type = taken(&text);
    if (leak->grows != HTRAIL__NO_SHAPE)
        add_carried(&text, leaks, leak->grows);
    out->carries = taken(&text);
    if (leak->at != HTRAIL__NO_SHAPE) {
        uint32_t at = leak->kind == HTRAIL__LEAK_LINKED ? first_link(leaks, leak->at) : leak->at;
        uint64_t id = at == leak->at ? leak->container : 0;
        add_str(&text, last_part(type_of(leaks, at)));
        out->place_type = taken(&text);
        status = add_place(&text, leaks, at, id, lookup, PLACE_SHORT, &is_expression);
        out->place = taken(&text);
        if (status == HTRAIL_OK && is_expression)
            status = add_place(&text, leaks, at, id, lookup, PLACE_EXACT, NULL);
        out->expression = taken(&text);
        if (status == HTRAIL_OK)
            status = add_holder(&text, leaks, leak, lookup);
        out->holder = taken(&text);
    } else {
        htrail__text_add_string(&text, leak->what != NULL ? leak->what : "");
        out->place = taken(&text);
        out->place_type = strdup("thread");
        out->expression = strdup("");
        out->holder = strdup("");
    }
    if (status == HTRAIL_OK)
        status = add_also(&text, leaks, leak, lookup);
    out->also = taken(&text);
    if (status == HTRAIL_OK && leak->grows != HTRAIL__NO_SHAPE)
        status = make_steps(out, leaks, leak, lookup, &text);
    out->root = strdup(out->step_count > 0 && out->steps[0].type != NULL ? out->steps[0].type : "");
    if (status == HTRAIL_OK &&
        (out->type == NULL || out->place == NULL || out->place_type == NULL || out->expression == NULL || out->holder == NULL || out->also == NULL || out->root == NULL ||
         out->carries == NULL))
        status = HTRAIL_E_NOMEM;
    if (status == HTRAIL_OK) {
        htrail__text_clear(&text);
        add_sentence(&text, leaks, leak, out);
        out->sentence = taken(&text);
        if (out->sentence == NULL)
            status = HTRAIL_E_NOMEM;
    }
    htrail__text_release(&text);
    return status;
}

void htrail__leak_words_release(htrail__leak_words *words)
{
    for (size_t i = 0; i < words->step_count; i++) {
        free(words->steps[i].reference);
        free(words->steps[i].type);
        free(words->steps[i].name);
    }
    free(words->steps);
    free(words->sentence);
    free(words->place);
    free(words->place_type);
    free(words->holder);
    free(words->type);
    free(words->root);
    free(words->also);
    free(words->carries);
    free(words->expression);
    *words = (htrail__leak_words){0};
}
