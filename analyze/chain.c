/* analyze/chain.c - see the header. */
#include "analyze/chain.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/str.h"

/* The step upwards is a subquery: for a join SQLite reads all objects first, to make a Bloom filter of them. */
const char htrail__chain_sql[] =
    "WITH RECURSIVE chain(id, up) AS (SELECT ?1, 0 UNION ALL\n"
    "  SELECT (SELECT holder FROM object WHERE id = chain.id), up + 1 FROM chain WHERE chain.id > 0)\n"
    "SELECT object.depth AS step, object.holder_kind AS kind, object.holder_label AS label, object.id, object.address,\n"
    "  object.type, object.module, object.name, object.length, object.size, object.refcount, object.c_references,\n"
    "  root.kind AS root_kind, root.name AS root_name, object.retained, object.dominator, object.owner_module\n"
    "FROM chain JOIN object ON object.id = chain.id LEFT JOIN root ON root.id = object.root ORDER BY up DESC";

const char htrail__chain_dominators_sql[] =
    "WITH RECURSIVE above(id) AS (SELECT dominator FROM object WHERE id = ?1 UNION ALL\n"
    "  SELECT (SELECT dominator FROM object WHERE id = above.id) FROM above WHERE above.id > 0) SELECT id FROM above WHERE id > 0";

bool htrail__chain_is_class(htrail_str type, htrail_str name)
{
    return name.len > 0 && (htrail__str_is(type, "type") || htrail__str_ends(type, "Meta") || htrail__str_ends(type, "Type"));
}

static void add(htrail__text *out, htrail_str text)
{
    htrail__text_add(out, text.data, text.len);
}

htrail_status htrail__chain_find(htrail__chain *out, htrail__lookup *lookup, uint64_t id)
{
    htrail_status status = HTRAIL_OK;
    size_t room = 0;

    *out = (htrail__chain){0};
    while (id != 0 && status == HTRAIL_OK) {
        if (out->step_count == room) {
            size_t more = room ? room * 2 : 16;
            htrail__found_object *steps = realloc(out->steps, more * sizeof *steps);
            if (steps == NULL)
                return HTRAIL_E_NOMEM;
            out->steps = steps;
            room = more;
        }
        status = htrail__lookup_object(lookup, id, &out->steps[out->step_count]);
        if (status == HTRAIL_OK)
            id = out->steps[out->step_count++].holder;
    }
    for (size_t i = 0, end = out->step_count; i + 1 < end; i++, end--) {
        htrail__found_object first = out->steps[i];
        out->steps[i] = out->steps[end - 1];
        out->steps[end - 1] = first;
    }
    if (status != HTRAIL_OK)
        return status;
    out->garbage = out->steps[0].root == 0;
    return out->garbage ? HTRAIL_OK : htrail__lookup_root(lookup, out->steps[0].root, &out->root);
}

void htrail__chain_release(htrail__chain *chain)
{
    free(chain->steps);
    *chain = (htrail__chain){0};
}

bool htrail__chain_is_unrecorded(htrail_str label)
{
    return label.len >= 2 && label.data[0] == '(' && label.data[label.len - 1] == ')';
}

void htrail__chain_label(htrail__text *out, uint32_t ref_kind, htrail_str label, uint64_t position)
{
    switch (ref_kind) {
    case HTRAIL_REF_INDEX:
    case HTRAIL_REF_STACK:
        htrail__text_add_string(out, ref_kind == HTRAIL_REF_STACK ? "stack" : "");
        if (position == HTRAIL__ANY_POSITION)
            htrail__text_add_string(out, "[i]");
        else
            htrail__text_format(out, "[%" PRIu64 "]", position);
        break;
    case HTRAIL_REF_KEY:
        htrail__text_add_string(out, "key");
        break;
    case HTRAIL_REF_VALUE:
        htrail__text_add_string(out, "[");
        if (label.len == 0) {
            htrail__text_add_string(out, "key");
        } else if (htrail__chain_is_unrecorded(label)) {
            htrail__text_add(out, label.data + 1, label.len - 2);
            htrail__text_add_string(out, " key");
        } else {
            htrail__text_add_quoted(out, label.data, label.len);
        }
        htrail__text_add_string(out, "]");
        break;
    case HTRAIL_REF_ATTR:
    case HTRAIL_REF_SLOT:
        htrail__text_add_string(out, ".");
        add(out, label);
        break;
    case HTRAIL_REF_LOCAL:
        htrail__text_add_string(out, "local ");
        add(out, label);
        break;
    case HTRAIL_REF_CELL:
        if (!htrail__str_is(label, "cell_contents"))
            htrail__text_add_string(out, label.len ? "cell " : "cell");
        add(out, label);
        break;
    case HTRAIL_REF_DEFAULT:
        htrail__text_add_string(out, label.len ? "default " : "default");
        add(out, label);
        break;
    case HTRAIL_REF_OFFSET:
        htrail__text_add_string(out, "+");
        add(out, label);
        break;
    default:
        add(out, label);
        break;
    }
}

void htrail__chain_root_label(htrail__text *out, uint32_t root_kind)
{
    if (root_kind == HTRAIL_ROOT_ATEXIT)
        htrail__text_add_string(out, "callback");
}

static bool is_word_end(char before)
{
    return before == ' ' || before == '.';
}

void htrail__chain_root_text(htrail__text *out, htrail_str kind, htrail_str name)
{
    /* A name may repeat the end of the kind: "atexit callback" + "callback 3 of 20", "sys.modules" + "modules". */
    size_t shared = 0;
    for (size_t len = 1; len <= kind.len && len <= name.len; len++)
        if ((len == kind.len || is_word_end(kind.data[kind.len - len - 1])) && (len == name.len || name.data[len] == ' ') &&
            memcmp(kind.data + kind.len - len, name.data, len) == 0)
            shared = len;
    add(out, kind);
    if (shared == 0 && name.len > 0)
        htrail__text_add_string(out, " ");
    htrail__text_add(out, name.data + shared, name.len - shared);
}

void htrail__chain_object_text(htrail__text *out, htrail_str type, htrail_str name, htrail_str module, htrail_str holder_type,
                               htrail_str holder_name, htrail_str label)
{
    if (htrail__chain_is_class(type, name)) {
        htrail__text_add_string(out, "class ");
        add(out, name);
        return;
    }
    add(out, type);
    if (name.len > 0) {
        htrail__text_add_string(out, " ");
        add(out, name);
        return;
    }
    if (!htrail__str_is(type, "dict"))
        return;
    if (htrail__str_is(label, "__dict__") && holder_type.len > 0) {
        htrail__text_add_string(out, " of ");
        htrail__chain_object_text(out, holder_type, holder_name, (htrail_str){0}, (htrail_str){0}, (htrail_str){0}, (htrail_str){0});
    } else if (module.len > 0 && !htrail__str_is(module, "builtins")) {
        htrail__text_add_string(out, " of module ");
        add(out, module);
    }
}
