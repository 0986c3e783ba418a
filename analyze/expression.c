/* analyze/expression.c - see the header. */
#include "analyze/expression.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "analyze/attribute.h"
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

/* A type whose objects are no data descriptors: under a name in a class they yield to what
 * stands in the instance. */
static bool is_plain(htrail_str type)
{
    static const char *const plain[] = {"function", "type", "str", "bytes", "int", "float", "bool", "NoneType", "tuple", "list", "dict", "set", "frozenset", NULL};
    return htrail__str_is_one_of(type, plain);
}

/* What getattr on the class gives as it stands in the class: no descriptor, and nothing that type
 * itself answers. */
static bool is_plain_in_class(htrail_str name, htrail_str type)
{
    return !(htrail__str_starts(name, "__") && htrail__str_ends(name, "__")) && is_plain(type);
}

static bool is_sequence(htrail_str type)
{
    return htrail__str_is(type, "list") || htrail__str_is(type, "tuple") || htrail__str_is(type, "collections.deque");
}

typedef enum names_kind { NO_NAMES, OF_MODULE_OR_INSTANCE, OF_CLASS } names_kind;

/* What the dict that was come to gives names to; the dict is not yet in the text as __dict__. */
typedef struct owner_of_names {
    names_kind kind;
    uint64_t object; /* 0: a module in sys.modules */
} owner_of_names;

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

/* What a name of an object is to Python. */
typedef enum attribute_answer {
    IN_OBJECT, /* x.name is what stands in the object */
    IN_DICT,   /* x.name is something of the class; x.__dict__['name'] is it */
    IN_SLOT,   /* of the class: a slot of the object */
    HIDDEN     /* the class answers for all attributes */
} attribute_answer;

/* A name of Python's own that a class may have. */
static htrail_status find_special(htrail__lookup *lookup, const htrail__mro *mro, size_t count, const char *name, bool *found, uint32_t *type)
{
    uint32_t text;
    htrail_status status = htrail__texts_add(htrail__lookup_texts(lookup), (htrail_str){name, strlen(name)}, &text);
    return status == HTRAIL_OK ? htrail__mro_find(mro, count, lookup, text, found, type) : status;
}

static htrail_status ask_class(htrail__lookup *lookup, uint64_t object, uint32_t name, attribute_answer *out, bool *known)
{
    htrail__mro mro;
    uint32_t type;
    bool found;
    *out = IN_OBJECT;
    *known = false;
    if (object == 0)
        return HTRAIL_OK;
    htrail_status status = htrail__mro_of(&mro, lookup, object);
    *known = mro.count > 0;
    if (status == HTRAIL_OK)
        status = find_special(lookup, &mro, mro.count, "__getattribute__", &found, &type);
    if (status != HTRAIL_OK)
        return status;
    if (found && !htrail__str_is(text_of(lookup, type), "wrapper_descriptor")) {
        *out = HIDDEN;
        return HTRAIL_OK;
    }
    status = htrail__mro_find(&mro, mro.count, lookup, name, &found, &type);
    if (status == HTRAIL_OK && found)
        *out = htrail__str_is(text_of(lookup, type), "member_descriptor") || htrail__str_is(text_of(lookup, type), "getset_descriptor") ? IN_SLOT
               : is_plain(text_of(lookup, type))                                                                                        ? IN_OBJECT
                                                                                                                                        : IN_DICT;
    return status;
}

/* Whether the class of an object that is no plain dict, list, tuple or deque has a __getitem__
 * before that of the builtin class that it comes from: *base, NULL where it comes from none. */
static htrail_status ask_item(htrail__lookup *lookup, uint64_t object, const char *const *bases, const char **base, bool *overridden)
{
    htrail__mro mro;
    uint32_t type;
    size_t place;
    *base = NULL;
    *overridden = false;
    htrail_status status = htrail__mro_of(&mro, lookup, object);
    if (status == HTRAIL_OK)
        status = htrail__mro_place(&mro, lookup, bases, &place, base);
    if (status == HTRAIL_OK && *base != NULL)
        status = find_special(lookup, &mro, place, "__getitem__", overridden, &type);
    return status;
}

/* out becomes before, out, after. */
static void enclose(htrail__text *out, const char *before, const char *after)
{
    htrail__text inner;
    htrail__text_init(&inner, EXPRESSION_BYTES_MAX);
    htrail__text_add_string(&inner, htrail__text_string(out));
    htrail__text_clear(out);
    htrail__text_format(out, "%s%s%s", before, htrail__text_string(&inner), after);
    out->failed |= inner.failed;
    htrail__text_release(&inner);
}

/* Among the values of a dict, or the items of a set, the one at this address: exact as long as it lives. */
static void add_by_address(htrail__text *out, const char *before, const char *after, uint64_t address)
{
    enclose(out, before, after);
    htrail__text_format(out, " if id(v) == 0x%" PRIx64 ")", address);
}

static void add_key(htrail__text *out, htrail_str key)
{
    htrail__text_add_string(out, "[");
    add_quoted(out, key);
    htrail__text_add_string(out, "]");
}

/* From a dict to what it has under a key. */
static htrail_status add_value(htrail__text *out, htrail__lookup *lookup, const htrail__found_object *holder, const htrail__found_object *object,
                               const owner_of_names *of, bool *fine)
{
    static const char *const bases[] = {"builtins.dict", NULL};
    htrail_str label = text_of(lookup, object->holder_label);
    htrail_status status = HTRAIL_OK;
    bool of_names = of->kind != NO_NAMES, overridden = false, known;
    attribute_answer answer = IN_OBJECT;
    const char *base;

    if (of_names && label.len > 0) {
        if ((status = ask_class(lookup, of->object, object->holder_label, &answer, &known)) != HTRAIL_OK)
            return status;
        if (answer == HIDDEN) {
            *fine = false;
            return HTRAIL_OK;
        }
    } else if (!of_names && !htrail__str_is(text_of(lookup, holder->type), "dict")) {
        if ((status = ask_item(lookup, holder->id, bases, &base, &overridden)) != HTRAIL_OK)
            return status;
    }
    label = text_of(lookup, object->holder_label); /* borrowed until the next question */
    if (label.len == 0 || htrail__chain_is_unrecorded(label)) {
        if (of_names)
            htrail__text_add_string(out, ".__dict__");
        add_by_address(out, of_names || !overridden ? "next(v for v in " : "next(v for v in dict.values(", of_names || !overridden ? ".values()" : ")", object->address);
    } else if (of_names && answer == IN_OBJECT && (of->kind != OF_CLASS || is_plain_in_class(label, text_of(lookup, object->type)))) {
        add_attribute(out, label);
    } else if (overridden) {
        enclose(out, "dict.__getitem__(", ", ");
        add_quoted(out, label);
        htrail__text_add_string(out, ")");
    } else {
        if (of_names)
            htrail__text_add_string(out, ".__dict__");
        add_key(out, label);
    }
    return HTRAIL_OK;
}

static htrail_status add_item(htrail__text *out, htrail__lookup *lookup, const htrail__found_object *holder, const htrail__found_object *object, bool *fine)
{
    static const char *const bases[] = {"builtins.list", "builtins.tuple", "collections.deque", NULL};
    htrail_str type = text_of(lookup, holder->type);
    const char *base;
    bool overridden = false;

    if (htrail__str_is(type, "set") || htrail__str_is(type, "frozenset")) {
        add_by_address(out, "next(v for v in ", "", object->address);
        return HTRAIL_OK;
    }
    if (!is_sequence(type)) {
        htrail_status status = ask_item(lookup, holder->id, bases, &base, &overridden);
        if (status != HTRAIL_OK)
            return status;
        /* Past its length: the hidden items of a structure sequence. */
        if (base == NULL || (overridden && base == bases[2]) || holder->length == HTRAIL__NO_LENGTH || object->holder_position >= holder->length) {
            *fine = false;
            return HTRAIL_OK;
        }
    }
    if (overridden) {
        enclose(out, base == bases[0] ? "list.__getitem__(" : "tuple.__getitem__(", "");
        htrail__text_format(out, ", %" PRIu64 ")", object->holder_position);
    } else {
        htrail__text_format(out, "[%" PRIu64 "]", object->holder_position);
    }
    return HTRAIL_OK;
}

/* The step from holder to object. *fine is false where Python has no expression for it. */
static htrail_status add_step(htrail__text *out, htrail__lookup *lookup, const htrail__found_object *holder, const htrail__found_object *object,
                              owner_of_names *names, bool *fine)
{
    htrail_str label = text_of(lookup, object->holder_label), holder_type = text_of(lookup, holder->type);
    owner_of_names of = *names;
    htrail_status status = HTRAIL_OK;
    attribute_answer answer = IN_OBJECT;
    bool known = false;

    *names = (owner_of_names){0};
    *fine = true;
    switch (object->holder_kind) {
    case HTRAIL_REF_VALUE:
        return add_value(out, lookup, holder, object, &of, fine);
    case HTRAIL_REF_INDEX:
        if (of.kind == NO_NAMES)
            return add_item(out, lookup, holder, object, fine);
        break;
    case HTRAIL_REF_ATTR:
    case HTRAIL_REF_SLOT:
    case HTRAIL_REF_FIELD:
        status = ask_class(lookup, holder->id, object->holder_label, &answer, &known);
        label = text_of(lookup, object->holder_label); /* borrowed until the next question */
        holder_type = text_of(lookup, holder->type);
        if (status != HTRAIL_OK || label.len == 0 || answer == HIDDEN)
            break;
        if (object->holder_kind == HTRAIL_REF_FIELD && htrail__str_is(label, "__dict__")) {
            if (answer == IN_DICT)
                break;
            names->kind = htrail__chain_is_class(holder_type, text_of(lookup, holder->name)) ? OF_CLASS : OF_MODULE_OR_INSTANCE;
            names->object = holder->id;
            return HTRAIL_OK;
        }
        if (object->holder_kind == HTRAIL_REF_ATTR && answer != IN_OBJECT) {
            htrail__text_add_string(out, ".__dict__");
            add_key(out, label);
            return HTRAIL_OK;
        }
        /* A slot has its descriptor in the class, or is covered by what has taken its name. */
        if (object->holder_kind == HTRAIL_REF_SLOT ? known && answer != IN_SLOT : object->holder_kind == HTRAIL_REF_FIELD && !is_python_field(label))
            break;
        add_attribute(out, label);
        return HTRAIL_OK;
    case HTRAIL_REF_CELL:
        if (!htrail__str_is(holder_type, "cell"))
            break;
        htrail__text_add_string(out, ".cell_contents");
        return HTRAIL_OK;
    case HTRAIL_REF_LOCAL: {
        const char *frame = htrail__str_is(holder_type, "generator") ? ".gi_frame" : htrail__str_is(holder_type, "coroutine") ? ".cr_frame" : htrail__str_is(holder_type, "async_generator") ? ".ag_frame" : NULL;
        if (frame == NULL || label.len == 0)
            break;
        htrail__text_add_string(out, frame);
        htrail__text_add_string(out, ".f_locals");
        add_key(out, label);
        return HTRAIL_OK;
    }
    default:
        break;
    }
    *fine = false;
    return status;
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

htrail_status htrail__expression_of_chain(htrail__text *out, bool *exists, size_t *missing, htrail__lookup *lookup, const htrail__chain *chain)
{
    htrail_status status = HTRAIL_OK;
    owner_of_names names = {0};
    htrail__text text;
    size_t start = chain->step_count, before_closure = 0;
    bool fine = true;

    *exists = false;
    if (missing != NULL)
        *missing = 0;
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
            names.kind = htrail__str_is(type, "module") ? NO_NAMES : OF_MODULE_OR_INSTANCE;
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
            names.kind = OF_MODULE_OR_INSTANCE;
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
            status = add_step(&text, lookup, holder, step, &names, &fine);
        if (status != HTRAIL_OK)
            goto done;
        if (!fine && missing != NULL)
            *missing = i;
        before_closure = len;
    }
    if (!fine || text.failed)
        goto done;
    /* The __dict__ of a class is only a view of the dict. */
    htrail__text_format(out, names.kind == OF_CLASS ? "gc.get_referents(%s.__dict__)[0]" : names.kind != NO_NAMES ? "%s.__dict__" : "%s", htrail__text_string(&text));
    *exists = true;
done:
    htrail__text_release(&text);
    return status;
}
