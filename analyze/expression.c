/* analyze/expression.c - see the header. */
#include "analyze/expression.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "analyze/str.h"

enum { EXPRESSION_BYTES_MAX = 4096, HOLDERS_MAX = 10000 };

static void add(htrail__text *out, htrail_str text)
{
    htrail__text_add(out, text.data, text.len);
}

static void add_quoted(htrail__text *out, htrail_str text)
{
    htrail__text_add_quoted(out, text.data, text.len);
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
        if (htrail__str_is(text, keywords[i]))
            return true;
    return false;
}

/* Fields that Python shows by the same name. */
static bool is_python_field(htrail_str label)
{
    static const char *const prefixes[] = {"__", "f_", "gi_", "cr_", "ag_", "tb_"};
    static const char *const names[] = {"co_names", "co_consts", "co_filename", "co_name", "co_qualname", "co_linetable", "co_exceptiontable",
                                        "func", "args", "keywords", "fget", "fset", "fdel", "start", "stop", "step"};
    if (htrail__str_is(label, "__subclasses__")) /* there a method */
        return false;
    for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++)
        if (htrail__str_starts(label, prefixes[i]) && (i > 0 || htrail__str_ends(label, "__")))
            return true;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (htrail__str_is(label, names[i]))
            return true;
    return false;
}

/* What getattr on the class gives as it stands in the class: no descriptor, and nothing that type
 * itself answers. */
static bool is_plain_in_class(htrail_str name, htrail_str type)
{
    static const char *const plain[] = {"function", "type", "str", "bytes", "int", "float", "bool", "NoneType", "tuple", "list", "dict", "set", "frozenset"};
    if (htrail__str_starts(name, "__") && htrail__str_ends(name, "__"))
        return false;
    for (size_t i = 0; i < sizeof plain / sizeof *plain; i++)
        if (htrail__str_is(type, plain[i]))
            return true;
    return false;
}

static bool is_sequence(htrail_str type)
{
    return htrail__str_is(type, "list") || htrail__str_is(type, "tuple") || htrail__str_is(type, "collections.deque");
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
        if (label.len == 0 || htrail__chain_is_unrecorded(label))
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
        if (htrail__str_is(label, "__dict__")) {
            *names = htrail__chain_is_class(holder_type, text_of(lookup, holder->name)) ? OF_CLASS : OF_MODULE_OR_INSTANCE;
            return true;
        }
        if (!is_python_field(label))
            return false;
        add_attribute(out, label);
        return true;
    case HTRAIL_REF_CELL:
        if (htrail__str_is(holder_type, "cell")) {
            htrail__text_add_string(out, ".cell_contents");
            return true;
        }
        return false;
    case HTRAIL_REF_LOCAL: {
        const char *frame = htrail__str_is(holder_type, "generator") ? ".gi_frame" : htrail__str_is(holder_type, "coroutine") ? ".cr_frame" : htrail__str_is(holder_type, "async_generator") ? ".ag_frame" : NULL;
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
        if (holders[i].kind != HTRAIL_REF_FIELD || !htrail__str_is(text_of(lookup, holders[i].label), "__dict__"))
            continue;
        if ((status = htrail__lookup_object(lookup, holders[i].id, &holder)) == HTRAIL_OK && htrail__str_is(text_of(lookup, holder.type), "module"))
            status = listed_name(lookup, &holder, listed, name);
    }
    return status;
}

htrail_status htrail__expression_of_chain(htrail__text *out, bool *exists, htrail__lookup *lookup, const htrail__chain *chain)
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
        if (htrail__str_is(type, "module"))
            status = listed_name(lookup, step, &listed, &name);
        else if (htrail__str_is(type, "dict") && !htrail__str_is(text_of(lookup, step->module), "builtins"))
            status = listed_owner(lookup, step, &listed, &name);
        if (status != HTRAIL_OK)
            goto done;
        if (listed) {
            start = i;
            names = htrail__str_is(type, "module") ? NO_NAMES : OF_MODULE_OR_INSTANCE;
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
            if (!htrail__str_is(text_of(lookup, chain->steps[0].type), "dict"))
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
        bool of_closure = holder->holder_kind == HTRAIL_REF_FIELD && htrail__str_is(text_of(lookup, holder->holder_label), "__closure__");
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
