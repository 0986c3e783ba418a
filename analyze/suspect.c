/* analyze/suspect.c - see the header. */
#include "analyze/suspect.h"

#include <inttypes.h>
#include <string.h>

#include "analyze/str.h"

/* Steps that are looked at, and times that sys.modules is: it has a thousand entries. */
enum { STEPS_MAX = 64, MODULES_ASKED_MAX = 6, ALIKE_MIN = 5, HANDLERS_MIN = 10 };

/* What sys.modules has under a name, and the namespace of that. */
static const char current_module[] =
    "SELECT e.dst FROM root JOIN heap_reference e ON e.src = root.object WHERE root.kind = 'sys.modules' AND e.label & 15 = 3 AND\n"
    "  CASE WHEN e.label & 16 THEN (SELECT text = ?2 FROM object_text WHERE object = e.label >> 5) ELSE e.label >> 5 = (SELECT id FROM label WHERE text = ?2) END LIMIT 1";
static const char namespace_of[] = "SELECT dst FROM reference WHERE src = ?1 AND kind = 'field' AND label = '__dict__' LIMIT 1";
static const char globals_of[] = "SELECT dst FROM reference WHERE src = ?1 AND kind = 'field' AND label = '__globals__' LIMIT 1";
static const char under_name[] = "SELECT dst FROM reference WHERE src = ?1 AND kind = 'value' AND label = ?2 LIMIT 1";
/* A namespace that an import made, and not exec(). */
static const char is_imported[] =
    "SELECT count(DISTINCT r.label) > 1 FROM reference r JOIN heap_object o ON o.id = r.dst JOIN type t ON t.id = o.type\n"
    "WHERE r.src = ?1 AND r.kind = 'value' AND (r.label = '__name__' OR r.label IN ('__spec__', '__file__') AND t.name <> 'NoneType')";
/* How often the functions of a namespace are there: all of them, so that one name used twice is no copy. */
static const char copies_of_namespace[] =
    "SELECT coalesce(min(n.objects), 1) FROM (SELECT dst FROM heap_reference WHERE src = ?1 LIMIT 4000) r JOIN heap_object o ON o.id = r.dst\n"
    "JOIN type t ON t.id = o.type AND t.name = 'function' JOIN name n ON n.id = o.name JOIN module m ON m.id = o.module AND m.name = ?2";
static const char copies_of_name[] = "SELECT coalesce(sum(objects), 1) FROM name WHERE text = ?2";
static const char callbacks_alike[] =
    "SELECT count(*) FROM root r JOIN heap_object o ON o.id = r.object JOIN heap_object c ON c.id = ?1 WHERE r.kind = ?2 AND o.type = c.type AND o.name = c.name";
static const char callbacks_alike_of_module[] =
    "SELECT count(*) FROM heap_object c JOIN heap_reference r ON r.src = c.holder AND r.label >> 5 IN (SELECT id FROM label WHERE text LIKE 'module state%') AND NOT r.label & 16 JOIN heap_object o ON o.id = r.dst\n"
    "WHERE c.id = ?1 AND o.type = c.type AND o.name = c.name";
static const char is_running[] = "SELECT count(*) FROM root WHERE object = ?1 AND kind = 'frame'";

typedef struct asking {
    sqlite3 *db;
    htrail__lookup *lookup;
    htrail_status status;
    unsigned modules_asked;
} asking;

static htrail_str text_of(const asking *a, uint32_t text) { return htrail__texts_get(htrail__lookup_texts(a->lookup), text); }

/* One number; 0 where there is no row. text: ?2. */
static uint64_t ask(asking *a, const char *sql, uint64_t id, htrail_str text)
{
    sqlite3_stmt *statement = NULL;
    uint64_t found = 0;
    int stepped = SQLITE_ERROR;
    if (a->status != HTRAIL_OK)
        return 0;
    if (sqlite3_prepare_v2(a->db, sql, -1, &statement, NULL) == SQLITE_OK) {
        sqlite3_bind_int64(statement, 1, (sqlite3_int64)id);
        if (sqlite3_bind_parameter_count(statement) > 1)
            sqlite3_bind_text(statement, 2, text.data != NULL ? text.data : "", (int)text.len, SQLITE_TRANSIENT);
        stepped = sqlite3_step(statement);
        if (stepped == SQLITE_ROW)
            found = (uint64_t)sqlite3_column_int64(statement, 0);
    }
    if (stepped != SQLITE_ROW && stepped != SQLITE_DONE)
        a->status = HTRAIL_E_DATABASE;
    sqlite3_finalize(statement);
    return found;
}

static uint64_t ask_current(asking *a, htrail_str module)
{
    a->modules_asked++;
    return ask(a, current_module, 0, module);
}

static void say_loaded_again(htrail__text *reason, htrail_str module, uint64_t copies, bool is_replaced)
{
    if (copies > 1)
        htrail__text_format(reason, "one of %" PRIu64 " copies of module ", copies);
    else
        htrail__text_add_string(reason, "an old copy of module ");
    htrail__text_add(reason, module.data, module.len);
    htrail__text_add_string(reason, is_replaced ? ": another is in sys.modules" : ": none is in sys.modules");
}

/* Of a namespace: another is in sys.modules, or none of several. */
static bool is_stale_namespace(asking *a, uint64_t dict, htrail_str module, htrail__text *reason)
{
    htrail_str none = {0};
    uint64_t current = ask_current(a, module);
    bool is_replaced = false;
    if (current != 0) {
        uint64_t names = ask(a, namespace_of, current, none);
        if (names == 0 || names == dict)
            return false;
        is_replaced = true;
    }
    if (ask(a, is_imported, dict, none) == 0)
        return false;
    uint64_t copies = ask(a, copies_of_namespace, dict, module);
    if (!is_replaced && copies < 2)
        return false;
    say_loaded_again(reason, module, copies, is_replaced);
    return true;
}

/* The class is not what its module has under its name, but another of that name is. */
static bool is_stale_class(asking *a, const htrail__found_object *class, htrail__text *reason)
{
    htrail_str none = {0}, module = text_of(a, class->module), name = text_of(a, class->name);
    if (name.len <= module.len + 1 || memcmp(name.data, module.data, module.len) != 0 || name.data[module.len] != '.')
        return false;
    htrail_str own = {name.data + module.len + 1, name.len - module.len - 1};
    if (memchr(own.data, '.', own.len) != NULL)
        return false;
    uint64_t current = ask_current(a, module);
    if (current == 0)
        return false;
    uint64_t other = ask(a, under_name, ask(a, namespace_of, current, none), own);
    htrail__found_object found;
    if (a->status != HTRAIL_OK || other == 0 || other == class->id)
        return false;
    if ((a->status = htrail__lookup_object(a->lookup, other, &found)) != HTRAIL_OK || found.name != class->name || found.type != class->type)
        return false;
    name = text_of(a, class->name);
    uint64_t copies = ask(a, copies_of_name, 0, name);
    if (copies > 1)
        htrail__text_format(reason, "one of %" PRIu64 " classes ", copies);
    else
        htrail__text_add_string(reason, "an old class ");
    htrail__text_add(reason, name.data, name.len);
    htrail__text_add_string(reason, ": another is in its module");
    return true;
}

/* Code that was loaded again. */
static bool is_stale(asking *a, const htrail__found_object *step, htrail__text *reason)
{
    htrail_str type = text_of(a, step->type), module = text_of(a, step->module), name = text_of(a, step->name), none = {0};
    if (a->modules_asked >= MODULES_ASKED_MAX || module.len == 0 || htrail__str_is(module, "builtins"))
        return false;
    if (htrail__str_is(type, "dict"))
        return is_stale_namespace(a, step->id, module, reason);
    if (htrail__str_is(type, "module")) {
        uint64_t names = ask(a, namespace_of, step->id, none);
        return names != 0 && is_stale_namespace(a, names, module, reason);
    }
    if (htrail__str_is(type, "function")) {
        uint64_t names = ask(a, globals_of, step->id, none);
        return names != 0 && is_stale_namespace(a, names, module, reason);
    }
    return htrail__chain_is_class(type, name) && is_stale_class(a, step, reason);
}

/* The registry that step i stands in, NULL: none. Before 3.10 callbacks of atexit hang from its module. */
static const char *registry_of(asking *a, const htrail__chain *chain, size_t i)
{
    if (i == 0)
        return chain->garbage ? NULL : chain->root.kind == HTRAIL_ROOT_ATEXIT ? "atexit" : chain->root.kind == HTRAIL_ROOT_ATFORK ? "os.register_at_fork" : NULL;
    return htrail__str_is(text_of(a, chain->steps[i].holder_label), "module state") && htrail__str_is(text_of(a, chain->steps[i - 1].name), "atexit") ? "atexit" : NULL;
}

static bool is_registered(asking *a, const htrail__chain *chain, size_t step, htrail__text *reason)
{
    const char *registry = registry_of(a, chain, step);
    size_t before = reason->len;
    if (registry == NULL)
        return false;
    htrail__text_format(reason, "%s keeps it for ever: ", registry);
    /* What is registered may be bound or wrapped. */
    for (size_t i = step; i < chain->step_count && i < step + 3; i++)
        if (is_stale(a, &chain->steps[i], reason))
            return true;
    uint64_t alike = step == 0 ? ask(a, callbacks_alike, chain->steps[0].id, text_of(a, chain->root.kind_text)) : ask(a, callbacks_alike_of_module, chain->steps[step].id, (htrail_str){0});
    if (alike >= ALIKE_MIN) {
        htrail__text_format(reason, "one of %" PRIu64 " callbacks alike", alike);
        return true;
    }
    reason->len = before;
    if (reason->data != NULL)
        reason->data[before] = '\0';
    return false;
}

static bool is_of_ended_call(asking *a, const htrail__chain *chain, size_t i)
{
    const htrail__found_object *step = &chain->steps[i];
    htrail_str none = {0};
    if (!htrail__str_is(text_of(a, step->type), "traceback") || chain->root.kind == HTRAIL_ROOT_EXCEPTION || chain->root.kind == HTRAIL_ROOT_FRAME ||
        chain->root.kind == HTRAIL_ROOT_THREAD)
        return false;
    /* Down the list of tracebacks to the frame that the chain goes through. */
    for (; i < chain->step_count && i < STEPS_MAX; i++) {
        htrail_str type = text_of(a, chain->steps[i].type);
        if (htrail__str_is(type, "frame"))
            return ask(a, is_running, chain->steps[i].id, none) == 0;
        if (!htrail__str_is(type, "traceback"))
            break;
    }
    return false;
}

/* wrapper -cache-> dict -> value. A cache with a bound keeps its values in links of a list. Python 3.6 does not say that
 * the field is the cache. */
static bool is_cache_without_bound(asking *a, const htrail__chain *chain, size_t i)
{
    const htrail__found_object *step = &chain->steps[i];
    return i > 0 && i + 1 < chain->step_count && htrail__str_is(text_of(a, step->type), "dict") &&
           (htrail__str_is(text_of(a, step->holder_label), "cache") || step->holder_kind == HTRAIL_REF_OFFSET) &&
           htrail__str_is(text_of(a, chain->steps[i - 1].type), "functools._lru_cache_wrapper") && chain->steps[i + 1].holder_kind == HTRAIL_REF_VALUE &&
           !htrail__str_is(text_of(a, chain->steps[i + 1].type), "functools._lru_list_elem");
}

static bool is_handlers(asking *a, const htrail__chain *chain, size_t i)
{
    const htrail__found_object *step = &chain->steps[i];
    if (i == 0 || step->length == HTRAIL__NO_LENGTH || step->length < HANDLERS_MIN || !htrail__str_is(text_of(a, step->type), "list") ||
        !htrail__str_is(text_of(a, step->holder_label), "handlers"))
        return false;
    /* By way of its __dict__, where it has one. */
    for (size_t up = 1; up <= 2 && up <= i; up++) {
        htrail_str holder = text_of(a, chain->steps[i - up].type);
        if (htrail__str_is(holder, "logging.Logger") || htrail__str_is(holder, "logging.RootLogger"))
            return true;
        if (!htrail__str_is(holder, "dict"))
            break;
    }
    return false;
}

htrail_status htrail__suspect_find(sqlite3 *db, htrail__lookup *lookup, const htrail__chain *chain, size_t *step, htrail__text *reason)
{
    asking a = {.db = db, .lookup = lookup};
    *step = HTRAIL__NO_STEP;
    /* What sys.modules leads to is the module, whatever else there is of that name. */
    size_t first = !chain->garbage && chain->root.kind == HTRAIL_ROOT_MODULES ? 2 : 0;
    for (size_t i = 0; i < chain->step_count && i < STEPS_MAX && *step == HTRAIL__NO_STEP && a.status == HTRAIL_OK; i++) {
        const htrail__found_object *at = &chain->steps[i];
        if (is_of_ended_call(&a, chain, i)) {
            htrail__text_add_string(reason, "a kept traceback holds the variables of calls that have ended");
        } else if (is_cache_without_bound(&a, chain, i)) {
            htrail__text_format(reason, "a cache without a bound: lru_cache(maxsize=None), %" PRIu64 " entries", at->length);
        } else if (is_handlers(&a, chain, i)) {
            htrail__text_format(reason, "%" PRIu64 " handlers of one logger", at->length);
        } else if (!is_registered(&a, chain, i, reason) && (i < first || !is_stale(&a, at, reason))) {
            continue;
        }
        *step = i;
    }
    return a.status;
}
