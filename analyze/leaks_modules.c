/* analyze/leaks_modules.c - modules that are loaded again and again: functions of one name become more, and each load of a
 * module makes each once. */
#include "analyze/leaks_build.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/str.h"

/* By name, all that has one: a look at these tells of most heaps that nothing is loaded twice. */
static const char names_sql[] = "SELECT key, count FROM total WHERE \"by\" = 'name' AND count > 1 AND key NOT LIKE '%<%'";

typedef struct function {
    uint32_t module; /* text */
    uint64_t copies[HTRAIL__LEAKS_SNAPSHOTS_MAX];
} function;

typedef struct counting {
    htrail__leaks *leaks;
    htrail__texts names;
    function *functions; /* by text of the name */
    uint32_t room;
    uint32_t *paths;     /* of copies in the last snapshot, with their function */
    uint32_t *path_function;
    size_t path_count, path_room;
} counting;

static bool reserve(counting *c, uint32_t name)
{
    if (name < c->room)
        return true;
    uint32_t room = c->room ? c->room : 1024;
    while (room <= name)
        room *= 2;
    function *larger = realloc(c->functions, room * sizeof *larger);
    if (larger == NULL)
        return false;
    memset(larger + c->room, 0, (room - c->room) * sizeof *larger);
    c->functions = larger;
    c->room = room;
    return true;
}

static bool note_path(counting *c, uint32_t path, uint32_t name)
{
    if (c->path_count > 0 && c->paths[c->path_count - 1] == path && c->path_function[c->path_count - 1] == name)
        return true;
    if (c->path_count == c->path_room) {
        c->path_room = c->path_room ? c->path_room * 2 : 1024;
        uint32_t *paths = realloc(c->paths, c->path_room * sizeof *paths), *functions = NULL;
        if (paths != NULL)
            c->paths = paths;
        functions = paths == NULL ? NULL : realloc(c->path_function, c->path_room * sizeof *functions);
        if (functions == NULL)
            return false;
        c->path_function = functions;
    }
    c->paths[c->path_count] = path;
    c->path_function[c->path_count++] = name;
    return true;
}

/* Texts of a table of a database, by id. */
typedef struct texts_by_id {
    htrail__texts texts;
    uint32_t *text, *known_as; /* by id: in texts, and in names of counting; each + 1, 0: none, not yet */
    size_t room;
} texts_by_id;

static bool reserve_id(texts_by_id *t, size_t id)
{
    size_t room = t->room ? t->room : 1024;
    if (id < t->room)
        return true;
    while (room <= id)
        room *= 2;
    uint32_t *text = realloc(t->text, room * sizeof *text);
    if (text != NULL)
        t->text = text;
    uint32_t *known_as = text == NULL ? NULL : realloc(t->known_as, room * sizeof *known_as);
    if (known_as == NULL)
        return false;
    t->known_as = known_as;
    memset(text + t->room, 0, (room - t->room) * sizeof *text);
    memset(known_as + t->room, 0, (room - t->room) * sizeof *known_as);
    t->room = room;
    return true;
}

static htrail_status read_by_id(texts_by_id *t, sqlite3 *db, const char *rows_sql)
{
    sqlite3_stmt *statement = NULL;
    int stepped = SQLITE_ERROR;
    htrail_status status = htrail__texts_init(&t->texts, 1 << 30);
    if (status == HTRAIL_OK && sqlite3_prepare_v2(db, rows_sql, -1, &statement, NULL) == SQLITE_OK)
        while ((stepped = sqlite3_step(statement)) == SQLITE_ROW) {
            int64_t id = sqlite3_column_int64(statement, 0);
            htrail_str text = {(const char *)sqlite3_column_text(statement, 1), (size_t)sqlite3_column_bytes(statement, 1)};
            uint32_t number;
            if (id <= 0 || id >= UINT32_MAX / 2)
                continue;
            if (!reserve_id(t, (size_t)id) || htrail__texts_add(&t->texts, text, &number) != HTRAIL_OK) {
                status = HTRAIL_E_NOMEM;
                break;
            }
            t->text[id] = number + 1;
        }
    sqlite3_finalize(statement);
    return status != HTRAIL_OK ? status : stepped == SQLITE_DONE ? HTRAIL_OK : HTRAIL_E_DATABASE;
}

static bool has_text(const texts_by_id *t, uint32_t id) { return id < t->room && t->text[id] != 0; }

static bool name_of(counting *c, texts_by_id *t, uint32_t id, uint32_t *out)
{
    if (t->known_as[id] == 0) {
        if (htrail__texts_add(&c->names, htrail__texts_get(&t->texts, t->text[id] - 1), out) != HTRAIL_OK)
            return false;
        t->known_as[id] = *out + 1;
    }
    *out = t->known_as[id] - 1;
    return true;
}

static void texts_by_id_release(texts_by_id *t)
{
    htrail__texts_release(&t->texts);
    free(t->text);
    free(t->known_as);
}

/* How often each function of a module is there: not those that a call makes. */
static htrail_status count_copies(counting *c, sqlite3 *db, unsigned snapshot, bool is_last)
{
    const htrail__paths_snapshot *now = &c->leaks->paths.snapshots[snapshot];
    texts_by_id names = {0}, modules = {0};
    htrail_status status = read_by_id(&names, db, "SELECT id, text FROM name WHERE text <> '' AND instr(text, '<') = 0");
    if (status == HTRAIL_OK)
        status = read_by_id(&modules, db, "SELECT id, name FROM module");
    for (size_t i = 0; i < now->function_count && status == HTRAIL_OK; i++) {
        const htrail__path_function *f = &now->functions[i];
        uint32_t module, name;
        if (!has_text(&names, f->name) || !has_text(&modules, f->module))
            continue;
        if (!name_of(c, &modules, f->module, &module) || !name_of(c, &names, f->name, &name) || !reserve(c, name) ||
            (is_last && !note_path(c, now->path_of[f->id], name))) {
            status = HTRAIL_E_NOMEM;
        } else {
            c->functions[name].module = module;
            c->functions[name].copies[snapshot]++;
        }
    }
    texts_by_id_release(&names);
    texts_by_id_release(&modules);
    return status;
}

/* *may: whether a name is there more often in each snapshot than in the one before. */
static htrail_status look_at_names(htrail__leaks *leaks, sqlite3 *const *dbs, bool *may)
{
    counting c = {.leaks = leaks};
    unsigned last = leaks->snapshot_count - 1;
    htrail_status status = htrail__texts_init(&c.names, 1 << 30);
    *may = false;
    for (unsigned i = 0; i <= last && status == HTRAIL_OK; i++) {
        sqlite3_stmt *statement = NULL;
        int stepped = SQLITE_ERROR;
        uint32_t name;
        if (sqlite3_prepare_v2(dbs[i], names_sql, -1, &statement, NULL) == SQLITE_OK)
            while ((stepped = sqlite3_step(statement)) == SQLITE_ROW) {
                htrail_str text = {(const char *)sqlite3_column_text(statement, 0), (size_t)sqlite3_column_bytes(statement, 0)};
                if (htrail__texts_add(&c.names, text, &name) != HTRAIL_OK || !reserve(&c, name))
                    break;
                c.functions[name].copies[i] = (uint64_t)sqlite3_column_int64(statement, 1);
            }
        sqlite3_finalize(statement);
        status = stepped == SQLITE_DONE ? HTRAIL_OK : stepped == SQLITE_ROW ? HTRAIL_E_NOMEM : HTRAIL_E_DATABASE;
    }
    for (uint32_t name = 0; name < c.room && !*may; name++) {
        *may = true;
        for (unsigned i = 1; i <= last; i++)
            *may &= c.functions[name].copies[i] > c.functions[name].copies[i - 1];
    }
    htrail__texts_release(&c.names);
    free(c.functions);
    return status;
}

/* A function that is there more often each time, and at the end more than once: a module that is loaded for the first time brings
 * one of each. */
static bool is_copied(const counting *c, uint32_t name, uint64_t *steps)
{
    return name < c->room && c->functions[name].copies[c->leaks->snapshot_count - 1] > 1 && htrail__leaks_steady(c->functions[name].copies, c->leaks->snapshot_count, 1, HTRAIL__LEAKS_STEADY, steps) == NULL;
}

/* Modules most of whose functions are copied, and the commonest number of copies. A decorator's wrapper has one name in many copies, but its
 * module has other functions too. */
typedef struct module_copies {
    uint32_t functions, copied, best; /* best: a copied function, 0: none */
} module_copies;

static module_copies *find_modules(const counting *c)
{
    module_copies *modules = calloc((size_t)c->names.count + 1, sizeof *modules);
    uint64_t steps[HTRAIL__LEAKS_SNAPSHOTS_MAX];
    unsigned last = c->leaks->snapshot_count - 1;
    for (uint32_t name = 0; modules != NULL && name < c->room && name < c->names.count; name++) {
        const function *f = &c->functions[name];
        if (f->copies[last] == 0)
            continue;
        module_copies *m = &modules[f->module];
        m->functions++;
        if (!is_copied(c, name, steps))
            continue;
        m->copied++;
        if (m->best == 0 || f->copies[last] < c->functions[m->best].copies[last])
            m->best = name;
    }
    return modules;
}

static bool is_reloaded(const module_copies *m) { return m->copied > 0 && 2 * m->copied >= m->functions; }

static bool holds_copies(const counting *c, const htrail__leak *leak, const module_copies *modules)
{
    for (size_t i = 0; i < c->path_count; i++)
        if (is_reloaded(&modules[c->functions[c->path_function[i]].module]))
            for (uint32_t k = 0; k < leak->part_count; k++)
                if (htrail__shapes_is_below(&c->leaks->paths.shapes, c->paths[i], leak->parts[k]))
                    return true;
    return false;
}

/* "logging, logging.handlers, socket and 9 more" */
static char *names_of(const counting *c, const module_copies *modules, uint64_t *count)
{
    htrail__text text;
    uint64_t shown = 0;
    htrail__text_init(&text, 1 << 16);
    *count = 0;
    for (uint32_t i = 0; i < c->names.count; i++)
        *count += is_reloaded(&modules[i]);
    for (uint32_t i = 0; i < c->names.count && shown < 3; i++) {
        if (!is_reloaded(&modules[i]))
            continue;
        htrail_str name = htrail__texts_get(&c->names, i);
        if (shown++ > 0)
            htrail__text_add_string(&text, ", ");
        htrail__text_add(&text, name.data, name.len);
    }
    if (*count > shown)
        htrail__text_format(&text, " and %llu more", (unsigned long long)(*count - shown));
    char *names = text.failed ? NULL : strdup(htrail__text_string(&text));
    htrail__text_release(&text);
    return names;
}

htrail_status htrail__leaks_find_modules(htrail__leaks *leaks, sqlite3 *const *dbs, char *message, size_t message_cap)
{
    counting c = {.leaks = leaks};
    module_copies *modules = NULL;
    uint64_t steps[HTRAIL__LEAKS_SNAPSHOTS_MAX];
    uint32_t best = 0;
    bool may = false;
    htrail_status status = htrail__texts_init(&c.names, 1 << 30);
    if (status == HTRAIL_OK && (status = look_at_names(leaks, dbs, &may)) == HTRAIL_E_DATABASE) {
        snprintf(message, message_cap, "cannot read the database: %s", sqlite3_errmsg(dbs[0]));
        goto done;
    }
    if (status == HTRAIL_OK && !may)
        goto done;
    for (unsigned i = 0; i < leaks->snapshot_count && status == HTRAIL_OK; i++)
        if ((status = count_copies(&c, dbs[i], i, i + 1 == leaks->snapshot_count)) == HTRAIL_E_DATABASE) {
            snprintf(message, message_cap, "cannot read the database: %s", sqlite3_errmsg(dbs[i]));
            goto done;
        }
    if (status != HTRAIL_OK || (modules = find_modules(&c)) == NULL)
        goto no_memory;
    for (uint32_t i = 0; i < c.names.count; i++)
        if (is_reloaded(&modules[i]) && (best == 0 || c.functions[modules[i].best].copies[leaks->snapshot_count - 1] > c.functions[best].copies[leaks->snapshot_count - 1]))
            best = modules[i].best;
    if (best == 0 || !is_copied(&c, best, steps))
        goto done;
    htrail__leak *leak = htrail__leaks_add(leaks, HTRAIL__LEAK_MODULES), *largest = NULL;
    if (leak == NULL || (leak->what = names_of(&c, modules, &leak->names)) == NULL)
        goto no_memory;
    memcpy(leak->steps, steps, (leaks->snapshot_count - 1) * sizeof *steps);
    for (size_t i = 0; i + 1 < leaks->count; i++) {
        htrail__leak *other = &leaks->leaks[i];
        if (other->part_count == 0 || other->kind == HTRAIL__LEAK_THREADS || !holds_copies(&c, other, modules))
            continue;
        if (largest == NULL || other->bytes_growth > largest->bytes_growth)
            largest = other;
        if (!htrail__leaks_add_joint(leak, other->at) || !htrail__leaks_add_also(leak, other->at) || !htrail__leaks_absorb(leaks, leak, other))
            goto no_memory;
    }
    if (largest == NULL) {
        htrail__leak_release(leak);
        leaks->count--;
        goto done;
    }
    leak->at = largest->at;
    leak->grows = largest->grows;
    leak->noisy = NULL;
    goto done;
no_memory:
    snprintf(message, message_cap, "out of memory");
    status = HTRAIL_E_NOMEM;
done:
    htrail__texts_release(&c.names);
    free(c.functions);
    free(c.paths);
    free(c.path_function);
    free(modules);
    return status;
}
