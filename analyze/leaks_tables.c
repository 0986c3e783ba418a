/* analyze/leaks_tables.c - see the header. */
#include "analyze/leaks_tables.h"

#include <stdio.h>

#include "analyze/lookup.h"

static const char schema[] =
    "CREATE TABLE leaks.snapshot(id INTEGER PRIMARY KEY, file TEXT NOT NULL, \"database\" TEXT NOT NULL, objects INTEGER NOT NULL, bytes INTEGER NOT NULL);\n"
    "CREATE TABLE leaks.leak(id INTEGER PRIMARY KEY, kind TEXT NOT NULL, confidence TEXT NOT NULL, verdict TEXT NOT NULL, place TEXT NOT NULL,\n"
    "  place_type TEXT NOT NULL, expression TEXT NOT NULL, holder TEXT NOT NULL, also TEXT NOT NULL, root TEXT NOT NULL, type TEXT NOT NULL, carries TEXT NOT NULL,\n"
    "  retained INTEGER NOT NULL, stayed REAL NOT NULL, holders INTEGER NOT NULL, example INTEGER, container INTEGER, noisy TEXT, suppressed TEXT);\n"
    "CREATE TABLE leaks.leak_growth(leak INTEGER NOT NULL, snapshot INTEGER NOT NULL, objects INTEGER NOT NULL, items INTEGER NOT NULL,\n"
    "  retained INTEGER NOT NULL, PRIMARY KEY(leak, snapshot)) WITHOUT ROWID;\n"
    "CREATE TABLE leaks.leak_step(leak INTEGER NOT NULL, step INTEGER NOT NULL, reference TEXT NOT NULL, type TEXT NOT NULL, name TEXT NOT NULL,\n"
    "  objects INTEGER NOT NULL, PRIMARY KEY(leak, step)) WITHOUT ROWID;\n"
    "CREATE TABLE leaks.leak_site(leak INTEGER NOT NULL, site INTEGER NOT NULL, file TEXT NOT NULL, line INTEGER NOT NULL, function TEXT NOT NULL,\n"
    "  objects INTEGER NOT NULL, bytes INTEGER NOT NULL, share REAL NOT NULL, PRIMARY KEY(leak, site)) WITHOUT ROWID;\n"
    "CREATE TABLE leaks.leak_path(leak INTEGER NOT NULL, path INTEGER NOT NULL, role TEXT NOT NULL, PRIMARY KEY(leak, path, role)) WITHOUT ROWID;\n"
    "CREATE TABLE leaks.path(id INTEGER PRIMARY KEY, parent INTEGER, kind TEXT NOT NULL, label TEXT NOT NULL, type TEXT NOT NULL, is_folded INTEGER NOT NULL);\n"
    "CREATE TABLE leaks.path_count(path INTEGER NOT NULL, snapshot INTEGER NOT NULL, objects INTEGER NOT NULL, bytes INTEGER NOT NULL, length INTEGER NOT NULL,\n"
    "  below INTEGER NOT NULL, retained INTEGER NOT NULL, sampled INTEGER NOT NULL, stayed INTEGER NOT NULL, moved INTEGER NOT NULL, fresh INTEGER NOT NULL,\n"
    "  PRIMARY KEY(path, snapshot)) WITHOUT ROWID;\n";

/* Texts of the kinds of references, as the view `reference` has them. */
static const char *const kinds[] = {"plain", "index", "key", "value", "attr", "slot", "field", "local", "cell", "default", "offset", "stack", "weak"};

/* values: one letter a column, i (int64_t), d (double), t (const char *), n (null); returns false on failure. */
typedef union value {
    int64_t number;
    double real;
    const char *text;
} value;

static void bind(sqlite3_stmt *statement, int column, char kind, value v)
{
    switch (kind) {
    case 'i': sqlite3_bind_int64(statement, column, v.number); break;
    case 'd': sqlite3_bind_double(statement, column, v.real); break;
    case 't': sqlite3_bind_text(statement, column, v.text, -1, SQLITE_TRANSIENT); break;
    default: sqlite3_bind_null(statement, column); break;
    }
}

static bool insert(sqlite3_stmt *statement, const char *columns, const value *values)
{
    for (int i = 0; columns[i] != '\0'; i++)
        bind(statement, i + 1, columns[i] == 't' && values[i].text == NULL ? 'n' : columns[i], values[i]);
    return sqlite3_step(statement) == SQLITE_DONE && sqlite3_reset(statement) == SQLITE_OK;
}

static bool prepare(sqlite3 *db, const char *sql, sqlite3_stmt **out) { return sqlite3_prepare_v2(db, sql, -1, out, NULL) == SQLITE_OK; }

#define I(x) {.number = (int64_t)(x)}
#define T(x) {.text = (x)}

static bool write_snapshots(sqlite3 *db, const htrail__leaks *leaks, const htrail__leaks_file *files)
{
    sqlite3_stmt *statement = NULL;
    bool fine = prepare(db, "INSERT INTO leaks.snapshot VALUES(?, ?, ?, ?, ?)", &statement);
    for (unsigned i = 0; fine && i < leaks->snapshot_count; i++) {
        const value row[] = {I(i + 1), T(files[i].file), T(files[i].database), I(leaks->paths.snapshots[i].object_count), I(leaks->paths.snapshots[i].bytes)};
        fine = insert(statement, "ittii", row);
    }
    sqlite3_finalize(statement);
    return fine;
}

static bool write_leaks(sqlite3 *db, const htrail__leaks *leaks, const htrail__leak_words *words, const char *const *suppressed)
{
    static const char *const confidences[] = {"low", "medium", "high"};
    sqlite3_stmt *statement = NULL, *growth = NULL, *step = NULL, *path = NULL, *site = NULL;
    bool fine = prepare(db, "INSERT INTO leaks.leak VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, nullif(?, 0), nullif(?, 0), ?, ?)", &statement) &&
                prepare(db, "INSERT INTO leaks.leak_growth VALUES(?, ?, ?, ?, ?)", &growth) &&
                prepare(db, "INSERT INTO leaks.leak_step VALUES(?, ?, ?, ?, ?, ?)", &step) &&
                prepare(db, "INSERT INTO leaks.leak_site VALUES(?, ?, ?, ?, ?, ?, ?, ?)", &site) &&
                prepare(db, "INSERT OR IGNORE INTO leaks.leak_path VALUES(?, ?, ?)", &path);
    for (size_t i = 0; fine && i < leaks->count; i++) {
        const htrail__leak *leak = &leaks->leaks[i];
        const htrail__leak_words *w = &words[i];
        const value row[] = {I(i + 1), T(htrail__leak_kind_text(leak->kind)), T(confidences[leak->confidence]), T(w->sentence), T(w->place), T(w->place_type),
                             T(w->expression), T(w->holder), T(w->also), T(w->root), T(w->type), T(w->carries), I(leak->bytes_growth), {.real = leak->stayed}, I(leak->holders),
                             I(leak->example), I(leak->container), T(leak->noisy), T(suppressed[i])};
        fine = insert(statement, "ittttttttttt" "idiiitt", row);
        for (unsigned k = 0; fine && k < leaks->snapshot_count; k++) {
            const value numbers[] = {I(i + 1), I(k + 1), I(leak->objects[k]), I(leak->items[k]), I(leak->bytes[k])};
            fine = insert(growth, "iiiii", numbers);
        }
        for (size_t k = 0; fine && k < w->step_count; k++) {
            const value texts[] = {I(i + 1), I(k + 1), T(w->steps[k].reference), T(w->steps[k].type), T(w->steps[k].name), I(w->steps[k].objects)};
            fine = insert(step, "iittti", texts);
        }
        for (size_t k = 0; fine && k < leak->site_count; k++) {
            const htrail__leak_site *from = &leak->sites[k];
            const value asked[] = {I(i + 1), I(k + 1), T(from->file), I(from->line), T(from->function), I(from->objects), I(from->bytes), {.real = from->share}};
            fine = insert(site, "iititiid", asked);
        }
        for (uint32_t k = 0; fine && k < leak->part_count; k++) {
            const value grows[] = {I(i + 1), I(leak->parts[k] + 1), T("grows")};
            fine = insert(path, "iit", grows);
        }
        for (uint32_t k = 0; fine && k < leak->also_count; k++) {
            const value holds[] = {I(i + 1), I((int64_t)leak->also[k] + 1), T("also holds")};
            fine = leak->also[k] == HTRAIL__NO_SHAPE || insert(path, "iit", holds);
        }
        if (fine && leak->at != HTRAIL__NO_SHAPE) {
            const value at[] = {I(i + 1), I((int64_t)leak->at + 1), T("at")};
            fine = insert(path, "iit", at);
        }
    }
    sqlite3_finalize(statement);
    sqlite3_finalize(growth);
    sqlite3_finalize(step);
    sqlite3_finalize(path);
    sqlite3_finalize(site);
    return fine;
}

static bool write_paths(sqlite3 *db, const htrail__leaks *leaks)
{
    sqlite3_stmt *statement = NULL, *counts = NULL;
    bool fine = prepare(db, "INSERT INTO leaks.path VALUES(?, nullif(?, 0), ?, ?, ?, ?)", &statement) &&
                prepare(db, "INSERT INTO leaks.path_count VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", &counts);
    char type[512], label[512];
    for (uint32_t i = 0; fine && i < leaks->paths.shapes.count; i++) {
        const htrail__shape *shape = &leaks->paths.shapes.shapes[i];
        htrail_str type_text = htrail__texts_get(&leaks->paths.texts, shape->type);
        htrail_str label_text = htrail__texts_get(&leaks->paths.texts, htrail__path_is_root(&leaks->paths, i) ? shape->name : shape->label);
        snprintf(type, sizeof type, "%.*s", (int)type_text.len, type_text.len ? type_text.data : "");
        snprintf(label, sizeof label, "%.*s", (int)label_text.len, label_text.len ? label_text.data : "");
        bool is_root = htrail__path_is_root(&leaks->paths, i);
        const value row[] = {I(i + 1), I(is_root ? 0 : (int64_t)shape->parent + 1), T(is_root ? "root" : shape->ref_kind < sizeof kinds / sizeof *kinds ? kinds[shape->ref_kind] : "deeper"),
                             T(label), T(shape->root_kind == HTRAIL__ROOT_GARBAGE ? "garbage" : type), I(shape->folded)};
        fine = insert(statement, "iittti", row);
        for (unsigned k = 0; fine && k < leaks->snapshot_count; k++) {
            const htrail__path_count *count = htrail__paths_count(&leaks->paths, k, i);
            const value numbers[] = {I(i + 1), I(k + 1), I(count->objects), I(count->bytes), I(count->length), I(count->below), I(count->retained),
                                     I(count->sampled), I(count->stayed), I(count->moved), I(count->fresh)};
            fine = (count->objects == 0 && count->below == 0) || insert(counts, "iiiiiiiiiii", numbers);
        }
    }
    sqlite3_finalize(statement);
    sqlite3_finalize(counts);
    return fine;
}

htrail_status htrail__leaks_write_tables(sqlite3 *db, const htrail__leaks *leaks, const htrail__leak_words *words, const char *const *suppressed,
                                         const htrail__leaks_file *files, bool with_paths)
{
    bool fine = sqlite3_exec(db, "BEGIN", NULL, NULL, NULL) == SQLITE_OK && sqlite3_exec(db, schema, NULL, NULL, NULL) == SQLITE_OK &&
                write_snapshots(db, leaks, files) && write_leaks(db, leaks, words, suppressed) && (!with_paths || write_paths(db, leaks));
    return fine && sqlite3_exec(db, "COMMIT", NULL, NULL, NULL) == SQLITE_OK ? HTRAIL_OK : HTRAIL_E_DATABASE;
}
