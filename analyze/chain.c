/* analyze/chain.c - see the header. */
#include "analyze/chain.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { EXPRESSION_BYTES_MAX = 4096, HOLDERS_MAX = 10000 };

const char htrail__chain_sql[] =
    "WITH RECURSIVE chain(id, up) AS (SELECT ?1, 0 UNION ALL\n"
    "  SELECT object.holder, up + 1 FROM chain JOIN object ON object.id = chain.id WHERE object.holder > 0)\n"
    "SELECT object.depth AS step, object.holder_kind AS kind, object.holder_label AS label, object.id, object.address,\n"
    "  object.type, object.module, object.name, object.length, object.size, object.refcount,\n"
    "  root.kind AS root_kind, root.name AS root_name\n"
    "FROM chain JOIN object ON object.id = chain.id LEFT JOIN root ON root.id = object.root ORDER BY up DESC";

static bool is(htrail_str text, const char *word)
{
    return text.len == strlen(word) && (text.len == 0 || memcmp(text.data, word, text.len) == 0);
}

static bool starts(htrail_str text, const char *word)
{
    return text.len >= strlen(word) && memcmp(text.data, word, strlen(word)) == 0;
}

static bool ends(htrail_str text, const char *word)
{
    size_t len = strlen(word);
    return text.len >= len && memcmp(text.data + text.len - len, word, len) == 0;
}

/* A metaclass is known by its name alone. */
static bool is_class(htrail_str type, htrail_str name)
{
    return name.len > 0 && (is(type, "type") || ends(type, "Meta") || ends(type, "Type"));
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

static bool is_identifier(htrail_str text)
{
    if (text.len == 0 || (text.data[0] >= '0' && text.data[0] <= '9'))
        return false;
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.data[i];
        if (!(c == '_' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c >= 0x80))
            return false;
    }
    return true;
}

static bool is_keyword(htrail_str text)
{
    static const char *const keywords[] = {"False", "None", "True", "and", "as", "assert", "async", "await", "break", "class", "continue",
                                           "def", "del", "elif", "else", "except", "finally", "for", "from", "global", "if", "import",
                                           "in", "is", "lambda", "nonlocal", "not", "or", "pass", "raise", "return", "try", "while",
                                           "with", "yield", "print", "exec"};
    for (size_t i = 0; i < sizeof keywords / sizeof *keywords; i++)
        if (is(text, keywords[i]))
            return true;
    return false;
}

/* A key whose text is not in the snapshot: "(int)". */
static bool is_unrecorded(htrail_str label)
{
    return label.len >= 2 && label.data[0] == '(' && label.data[label.len - 1] == ')';
}

/* A Python string literal. */
static void add_quoted(htrail__text *out, htrail_str text)
{
    htrail__text_add_string(out, "'");
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.data[i];
        if (c == '\'' || c == '\\')
            htrail__text_format(out, "\\%c", c);
        else if (c == '\n')
            htrail__text_add_string(out, "\\n");
        else if (c < 0x20 || c == 0x7f)
            htrail__text_format(out, "\\x%02x", c);
        else
            htrail__text_add(out, text.data + i, 1);
    }
    htrail__text_add_string(out, "'");
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
        } else if (is_unrecorded(label)) {
            htrail__text_add(out, label.data + 1, label.len - 2);
            htrail__text_add_string(out, " key");
        } else {
            add_quoted(out, label);
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
    if (is_class(type, name)) {
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
    if (!is(type, "dict"))
        return;
    if (is(label, "__dict__") && holder_type.len > 0) {
        htrail__text_add_string(out, " of ");
        htrail__chain_object_text(out, holder_type, holder_name, (htrail_str){0}, (htrail_str){0}, (htrail_str){0}, (htrail_str){0});
    } else if (module.len > 0 && !is(module, "builtins")) {
        htrail__text_add_string(out, " of module ");
        add(out, module);
    }
}

/* Fields that Python shows by the same name. */
static bool is_python_field(htrail_str label)
{
    static const char *const prefixes[] = {"__", "f_", "gi_", "cr_", "ag_", "tb_"};
    static const char *const names[] = {"co_names", "co_consts", "co_filename", "co_name", "co_qualname", "co_linetable", "co_exceptiontable",
                                        "func", "args", "keywords", "fget", "fset", "fdel", "start", "stop", "step"};
    if (is(label, "__subclasses__")) /* there a method */
        return false;
    for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++)
        if (starts(label, prefixes[i]) && (i > 0 || ends(label, "__")))
            return true;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (is(label, names[i]))
            return true;
    return false;
}

/* What getattr on the class gives as it stands in the class: no descriptor, and nothing that type
 * itself answers. */
static bool is_plain_in_class(htrail_str name, htrail_str type)
{
    static const char *const plain[] = {"function", "type", "str", "bytes", "int", "float", "bool", "NoneType", "tuple", "list", "dict", "set", "frozenset"};
    if (starts(name, "__") && ends(name, "__"))
        return false;
    for (size_t i = 0; i < sizeof plain / sizeof *plain; i++)
        if (is(type, plain[i]))
            return true;
    return false;
}

static bool is_sequence(htrail_str type)
{
    return is(type, "list") || is(type, "tuple") || is(type, "collections.deque");
}

typedef enum holder_of_names { NO_NAMES, OF_MODULE_OR_INSTANCE, OF_CLASS } holder_of_names;

static void add_attribute(htrail__text *out, htrail_str name)
{
    if (is_identifier(name) && !is_keyword(name)) {
        htrail__text_add_string(out, ".");
        add(out, name);
        return;
    }
    htrail__text whole;
    htrail__text_init(&whole, EXPRESSION_BYTES_MAX);
    htrail__text_add_string(&whole, "getattr(");
    htrail__text_add_string(&whole, htrail__text_string(out));
    htrail__text_add_string(&whole, ", ");
    add_quoted(&whole, name);
    htrail__text_add_string(&whole, ")");
    htrail__text_clear(out);
    htrail__text_add_string(out, htrail__text_string(&whole));
    out->failed |= whole.failed;
    htrail__text_release(&whole);
}

static htrail_str text_of(htrail__lookup *lookup, uint32_t text)
{
    return htrail__texts_get(htrail__lookup_texts(lookup), text);
}

/* The step from holder to object. names: what the dict that holder is gives names to; it is
 * not yet in out as __dict__. False: Python has no expression for it. */
static bool add_step(htrail__text *out, htrail__lookup *lookup, const htrail__found_object *holder, const htrail__found_object *object,
                     holder_of_names *names)
{
    htrail_str label = text_of(lookup, object->holder_label), holder_type = text_of(lookup, holder->type);
    holder_of_names of = *names;
    *names = NO_NAMES;
    switch (object->holder_kind) {
    case HTRAIL_REF_VALUE:
        if (label.len == 0 || is_unrecorded(label))
            return false;
        if (of != NO_NAMES && (of != OF_CLASS || is_plain_in_class(label, text_of(lookup, object->type)))) {
            add_attribute(out, label);
            return true;
        }
        if (of != NO_NAMES)
            htrail__text_add_string(out, ".__dict__");
        htrail__text_add_string(out, "[");
        add_quoted(out, label);
        htrail__text_add_string(out, "]");
        return true;
    case HTRAIL_REF_INDEX:
        if (of != NO_NAMES || !is_sequence(holder_type))
            return false;
        htrail__text_format(out, "[%" PRIu64 "]", object->holder_position);
        return true;
    case HTRAIL_REF_ATTR:
    case HTRAIL_REF_SLOT:
        if (label.len == 0)
            return false;
        add_attribute(out, label);
        return true;
    case HTRAIL_REF_FIELD:
        if (is(label, "__dict__")) {
            *names = is_class(holder_type, text_of(lookup, holder->name)) ? OF_CLASS : OF_MODULE_OR_INSTANCE;
            return true;
        }
        if (!is_python_field(label))
            return false;
        add_attribute(out, label);
        return true;
    case HTRAIL_REF_CELL:
        if (is(holder_type, "cell")) {
            htrail__text_add_string(out, ".cell_contents");
            return true;
        }
        return false;
    case HTRAIL_REF_LOCAL: {
        const char *frame = is(holder_type, "generator") ? ".gi_frame" : is(holder_type, "coroutine") ? ".cr_frame" : is(holder_type, "async_generator") ? ".ag_frame" : NULL;
        if (frame == NULL || label.len == 0)
            return false;
        htrail__text_add_string(out, frame);
        htrail__text_add_string(out, ".f_locals[");
        add_quoted(out, label);
        htrail__text_add_string(out, "]");
        return true;
    }
    default:
        return false;
    }
}

/* The cell of a closure is found by the name of its variable. */
static bool add_cell(htrail__text *out, htrail__lookup *lookup, const htrail__found_object *cell, size_t function_len)
{
    htrail_str name = text_of(lookup, cell->holder_label);
    htrail__text function;
    if (name.len == 0)
        return false;
    htrail__text_init(&function, EXPRESSION_BYTES_MAX);
    htrail__text_add(&function, htrail__text_string(out), function_len);
    htrail__text_format(out, "[%s.__code__.co_freevars.index(", htrail__text_string(&function));
    add_quoted(out, name);
    htrail__text_add_string(out, ")]");
    htrail__text_release(&function);
    return true;
}

/* Whether the module is in sys.modules, and its name there. */
static htrail_status listed_name(htrail__lookup *lookup, const htrail__found_object *module, bool *listed, uint32_t *name)
{
    htrail__found_object holder;
    htrail__found_root root;
    *listed = false;
    if (module->holder == 0 || module->holder_kind != HTRAIL_REF_VALUE || text_of(lookup, module->holder_label).len == 0)
        return HTRAIL_OK;
    htrail_status status = htrail__lookup_object(lookup, module->holder, &holder);
    if (status != HTRAIL_OK || holder.holder != 0 || holder.root == 0)
        return status;
    status = htrail__lookup_root(lookup, holder.root, &root);
    *listed = status == HTRAIL_OK && root.kind == HTRAIL_ROOT_MODULES;
    *name = module->holder_label;
    return status;
}

/* The same of the module whose dict this is. */
static htrail_status listed_owner(htrail__lookup *lookup, const htrail__found_object *dict, bool *listed, uint32_t *name)
{
    const htrail__found_holder *holders;
    size_t count;
    bool more;
    *listed = false;
    htrail_status status = htrail__lookup_holders(lookup, dict->id, HOLDERS_MAX, &holders, &count, &more);
    for (size_t i = 0; i < count && status == HTRAIL_OK && !*listed; i++) {
        htrail__found_object holder;
        if (holders[i].kind != HTRAIL_REF_FIELD || !is(text_of(lookup, holders[i].label), "__dict__"))
            continue;
        if ((status = htrail__lookup_object(lookup, holders[i].id, &holder)) == HTRAIL_OK && is(text_of(lookup, holder.type), "module"))
            status = listed_name(lookup, &holder, listed, name);
    }
    return status;
}

htrail_status htrail__chain_expression(htrail__text *out, bool *exists, htrail__lookup *lookup, const htrail__chain *chain)
{
    htrail_status status = HTRAIL_OK;
    holder_of_names names = NO_NAMES;
    htrail__text text;
    size_t start = chain->step_count, before_closure = 0;
    bool fine = true;

    *exists = false;
    htrail__text_init(&text, EXPRESSION_BYTES_MAX);
    /* The last step that sys.modules names. */
    for (size_t i = chain->step_count; i-- > 0 && start == chain->step_count;) {
        const htrail__found_object *step = &chain->steps[i];
        htrail_str type = text_of(lookup, step->type);
        bool listed = false;
        uint32_t name = 0;
        if (is(type, "module"))
            status = listed_name(lookup, step, &listed, &name);
        else if (is(type, "dict") && !is(text_of(lookup, step->module), "builtins"))
            status = listed_owner(lookup, step, &listed, &name);
        if (status != HTRAIL_OK)
            goto done;
        if (listed) {
            start = i;
            names = is(type, "module") ? NO_NAMES : OF_MODULE_OR_INSTANCE;
            htrail__text_add_string(&text, "sys.modules[");
            add_quoted(&text, text_of(lookup, name));
            htrail__text_add_string(&text, "]");
        }
    }
    if (start == chain->step_count) {
        if (chain->garbage || chain->step_count == 0)
            goto done;
        if (chain->root.kind == HTRAIL_ROOT_MODULES) {
            htrail__text_add_string(&text, "sys.modules");
        } else if (chain->root.kind == HTRAIL_ROOT_BUILTINS || chain->root.kind == HTRAIL_ROOT_SYS) {
            if (!is(text_of(lookup, chain->steps[0].type), "dict"))
                goto done;
            htrail__text_add_string(&text, chain->root.kind == HTRAIL_ROOT_SYS ? "sys" : "builtins");
            names = OF_MODULE_OR_INSTANCE;
        } else {
            goto done;
        }
        start = 0;
    }
    for (size_t i = start + 1; i < chain->step_count && fine && !text.failed; i++) {
        const htrail__found_object *holder = &chain->steps[i - 1], *step = &chain->steps[i];
        bool of_closure = holder->holder_kind == HTRAIL_REF_FIELD && is(text_of(lookup, holder->holder_label), "__closure__");
        size_t len = text.len;
        if (of_closure && step->holder_kind == HTRAIL_REF_CELL)
            fine = add_cell(&text, lookup, step, before_closure);
        else
            fine = add_step(&text, lookup, holder, step, &names);
        before_closure = len;
    }
    if (!fine || text.failed)
        goto done;
    /* The __dict__ of a class is only a view of the dict. */
    htrail__text_format(out, names == OF_CLASS ? "gc.get_referents(%s.__dict__)[0]" : names != NO_NAMES ? "%s.__dict__" : "%s", htrail__text_string(&text));
    *exists = true;
done:
    htrail__text_release(&text);
    return status;
}
