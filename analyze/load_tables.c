/* analyze/load_tables.c - the small tables, through SQL: metadata, types, modules, names,
 * labels, roots, texts, totals. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "analyze/loader.h"
#include "analyze/partial.h"
#include "analyze/schema.h"

static htrail_status run_sql(htrail__loader *l, const char *sql)
{
    return sqlite3_exec(l->db, sql, NULL, NULL, NULL) == SQLITE_OK ? HTRAIL_OK : htrail__loader_database_failed(l);
}

sqlite3_stmt *htrail__loader_prepare(htrail__loader *l, const char *sql)
{
    sqlite3_stmt *statement = NULL;
    if (sqlite3_prepare_v2(l->db, sql, -1, &statement, NULL) != SQLITE_OK)
        sqlite3_finalize(statement), statement = NULL;
    return statement;
}

bool htrail__loader_insert(sqlite3_stmt *statement)
{
    return sqlite3_step(statement) == SQLITE_DONE && sqlite3_reset(statement) == SQLITE_OK;
}

void htrail__loader_bind_text(const htrail__loader *l, sqlite3_stmt *statement, int column, uint32_t text)
{
    htrail_str value = htrail__texts_get(&l->graph->texts, text);
    sqlite3_bind_text64(statement, column, value.data, value.len, SQLITE_STATIC, SQLITE_UTF8);
}

void htrail__loader_bind_number(sqlite3_stmt *statement, int column, uint64_t value)
{
    sqlite3_bind_int64(statement, column, (int64_t)value);
}

htrail_status htrail__loader_end_statement(htrail__loader *l, sqlite3_stmt *statement, bool fine)
{
    htrail_status status = fine && statement != NULL ? HTRAIL_OK : htrail__loader_database_failed(l);
    sqlite3_finalize(statement);
    return status;
}

/* Facts that are there only where they hold: a file that claims them would not be overruled. */
static bool is_ours_alone(htrail_str key)
{
    static const char *const keys[] = {"source", "cut", "stopped_early", "sets_at_least"};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if (key.len == strlen(keys[i]) && memcmp(key.data, keys[i], key.len) == 0)
            return true;
    return false;
}

static htrail_status write_meta(htrail__loader *l)
{
    const htrail__graph *graph = l->graph;
    sqlite3_stmt *statement = htrail__loader_prepare(l, "INSERT OR REPLACE INTO snapshot VALUES(?, ?)");
    bool fine = statement != NULL;
    char number[32];

    for (uint32_t i = 0; i < graph->meta_count && fine; i++) {
        if (is_ours_alone(htrail__texts_get(&graph->texts, graph->metas[i].key)))
            continue;
        htrail__loader_bind_text(l, statement, 1, graph->metas[i].key);
        htrail__loader_bind_text(l, statement, 2, graph->metas[i].value);
        fine = htrail__loader_insert(statement);
    }
#define FACT(key, format, value)                                                                  \
    if (fine) {                                                                                   \
        snprintf(number, sizeof number, format, value);                                           \
        sqlite3_bind_text(statement, 1, key, -1, SQLITE_STATIC);                                  \
        sqlite3_bind_text(statement, 2, number, -1, SQLITE_TRANSIENT);                            \
        fine = htrail__loader_insert(statement);                                                                 \
    }
#define TEXT(key, value)                                                                          \
    if (fine && (value)[0] != '\0') {                                                             \
        sqlite3_bind_text(statement, 1, key, -1, SQLITE_STATIC);                                  \
        sqlite3_bind_text(statement, 2, value, -1, SQLITE_TRANSIENT);                             \
        fine = htrail__loader_insert(statement);                                                                 \
    }
    /* Ours come last: a file cannot say them of itself. */
    FACT("schema_version", "%d", HTRAIL__SCHEMA_VERSION)
    FACT("file_id", "%016" PRIx64, graph->header.file_id)
    FACT("file_bytes", "%" PRIu64, graph->bytes_read)
    FACT("source_bytes", "%" PRIu64, l->source->file_bytes)
    FACT("format_version", "%u", (unsigned)graph->header.version_major)
    FACT("format_version_minor", "%u", (unsigned)graph->header.version_minor)
    FACT("pointer_bytes", "%u", (unsigned)graph->header.pointer_bytes)
    FACT("objects", "%" PRIu32, graph->object_count)
    FACT("references", "%" PRIu64, graph->references)
    FACT("references_dangling", "%" PRIu64, graph->references_dangling)
    FACT("objects_duplicate", "%" PRIu64, graph->objects_duplicate)
    FACT("parts_lost", "%" PRIu64, graph->parts_lost)
    FACT("names_dangling", "%" PRIu64, graph->names_dangling)
    FACT("roots_dangling", "%" PRIu64, graph->roots_dangling)
    FACT("types", "%" PRIu32, graph->type_count)
    FACT("names", "%" PRIu32, graph->name_count)
    FACT("values", "%" PRIu32, graph->value_count)
    FACT("roots", "%" PRIu32, l->reach.root_count)
    FACT("size_bytes", "%" PRIu64, l->total_bytes)
    FACT("complete", "%d", graph->complete)
    fine = fine && htrail__loader_insert_process_facts(l, statement);
    TEXT("source", l->source->name)
    TEXT("cut", graph->cut)
    TEXT("stopped_early", graph->stopped)
#undef FACT
#undef TEXT
    return htrail__loader_end_statement(l, statement, fine);
}

static htrail_status write_types(htrail__loader *l)
{
    const htrail__graph *graph = l->graph;
    sqlite3_stmt *statement = htrail__loader_prepare(l, "INSERT INTO type VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
    bool fine = statement != NULL;
    for (uint32_t i = 0; i < graph->type_count && fine; i++) {
        const htrail__graph_type *type = &graph->types[i];
        uint32_t object = htrail__addresses_find(&graph->addresses, type->address);
        uint32_t base = type->base == 0 ? HTRAIL__NO_ID : htrail__addresses_find(&graph->addresses, type->base);
        sqlite3_clear_bindings(statement);
        htrail__loader_bind_number(statement, 1, i + 1);
        htrail__loader_bind_text(l, statement, 2, type->full_name);
        htrail__loader_bind_text(l, statement, 3, type->module);
        htrail__loader_bind_text(l, statement, 4, type->name);
        htrail__loader_bind_number(statement, 5, type->address);
        if (object != HTRAIL__NO_ID)
            htrail__loader_bind_number(statement, 6, l->reach.number_of[object]);
        if (base != HTRAIL__NO_ID)
            htrail__loader_bind_number(statement, 7, l->reach.number_of[base]);
        htrail__loader_bind_number(statement, 8, type->basic_bytes);
        htrail__loader_bind_number(statement, 9, type->item_bytes);
        htrail__loader_bind_number(statement, 10, (type->flags & HTRAIL_TYPE_HEAP) != 0);
        htrail__loader_bind_number(statement, 11, (type->flags & HTRAIL_TYPE_PSEUDO) != 0);
        htrail__loader_bind_number(statement, 12, l->type_sums[i].count);
        htrail__loader_bind_number(statement, 13, l->type_sums[i].bytes);
        htrail__loader_bind_number(statement, 14, l->type_sums[i].retained);
        htrail__loader_bind_number(statement, 15, l->type_sums[i].shared);
        if (l->type_sums[i].count > 0) {
            htrail__loader_bind_number(statement, 16, l->type_first[i]);
            htrail__loader_bind_number(statement, 17, l->type_last[i]);
        }
        htrail__loader_bind_number(statement, 18, l->type_flags[i]);
        fine = htrail__loader_insert(statement);
    }
    return htrail__loader_end_statement(l, statement, fine);
}

static void bind_sums(sqlite3_stmt *statement, int column, const htrail__sums *sums)
{
    htrail__loader_bind_number(statement, column, sums->count);
    htrail__loader_bind_number(statement, column + 1, sums->bytes);
    htrail__loader_bind_number(statement, column + 2, sums->retained);
    htrail__loader_bind_number(statement, column + 3, sums->shared);
}

static htrail_status write_sums(htrail__loader *l, const char *sql, const uint32_t *texts, const htrail__sums *values, uint32_t count)
{
    sqlite3_stmt *statement = htrail__loader_prepare(l, sql);
    bool fine = statement != NULL;
    for (uint32_t i = 0; i < count && fine; i++) {
        htrail__loader_bind_number(statement, 1, i + 1);
        htrail__loader_bind_text(l, statement, 2, texts[i]);
        bind_sums(statement, 3, &values[i]);
        fine = htrail__loader_insert(statement);
    }
    return htrail__loader_end_statement(l, statement, fine);
}

static htrail_status write_type_totals(htrail__loader *l)
{
    sqlite3_stmt *statement = htrail__loader_prepare(l, "INSERT INTO total VALUES('type', ?, ?, ?, ?, ?)");
    bool fine = statement != NULL;
    for (uint32_t i = 0; i < l->graph->type_count && fine; i++) {
        if (l->type_name_sums[i].count == 0)
            continue;
        htrail__loader_bind_text(l, statement, 1, l->graph->types[i].full_name);
        bind_sums(statement, 2, &l->type_name_sums[i]);
        fine = htrail__loader_insert(statement);
    }
    return htrail__loader_end_statement(l, statement, fine);
}

static htrail_status write_labels(htrail__loader *l)
{
    sqlite3_stmt *statement = htrail__loader_prepare(l, "INSERT INTO label VALUES(?1, CASE WHEN ?4 THEN CAST(?3 AS TEXT) WHEN ?3 > 0 THEN ?2 || '#' || ?3 ELSE ?2 END)");
    bool fine = statement != NULL;
    for (uint32_t i = 0; i < l->label_count && fine; i++) {
        htrail__loader_bind_number(statement, 1, i);
        htrail__loader_bind_text(l, statement, 2, l->labels[i].text);
        htrail__loader_bind_number(statement, 3, l->labels[i].number);
        htrail__loader_bind_number(statement, 4, l->labels[i].is_number);
        fine = htrail__loader_insert(statement);
    }
    return htrail__loader_end_statement(l, statement, fine);
}

static htrail_status write_roots(htrail__loader *l)
{
    sqlite3_stmt *statement = htrail__loader_prepare(l, "INSERT INTO root VALUES(?, ?, ?, ?, ?, ?, ?)");
    bool fine = statement != NULL;
    char counts[64];
    htrail__text key;
    htrail__text_init(&key, HTRAIL__LOADER_KEY_BYTES_MAX);
    for (uint32_t i = 0; i < l->reach.root_count && fine; i++) {
        const htrail__reach_root *root = &l->reach.roots[i];
        sqlite3_clear_bindings(statement);
        htrail__loader_bind_number(statement, 1, i + 1);
        htrail__loader_bind_number(statement, 2, l->reach.number_of[root->object]);
        sqlite3_bind_text(statement, 3, htrail__root_kind_text(root->kind), -1, SQLITE_STATIC);
        if (root->counts > 0) {
            snprintf(counts, sizeof counts, "%" PRIu64 " reference%s", root->counts, root->counts == 1 ? "" : "s");
            sqlite3_bind_text(statement, 4, counts, -1, SQLITE_TRANSIENT);
        } else {
            htrail__loader_bind_text(l, statement, 4, root->name);
        }
        if (root->thread_id != 0)
            htrail__loader_bind_number(statement, 5, root->thread_id);
        if (root->kind == HTRAIL_ROOT_FRAME)
            htrail__loader_bind_number(statement, 6, root->depth);
        htrail__text_clear(&key);
        htrail__loader_root_key(l, i, &key);
        sqlite3_bind_text64(statement, 7, htrail__text_string(&key), key.len, SQLITE_TRANSIENT, SQLITE_UTF8);
        fine = htrail__loader_insert(statement);
    }
    htrail__text_release(&key);
    return htrail__loader_end_statement(l, statement, fine);
}

/* Texts of names that are no name, and what the user asked for of the values. */
static htrail_status write_object_texts(htrail__loader *l)
{
    const htrail__graph *graph = l->graph;
    sqlite3_stmt *names = htrail__loader_prepare(l, "INSERT INTO object_text VALUES(?, ?, NULL, 0)");
    sqlite3_stmt *values = htrail__loader_prepare(l, "INSERT INTO object_text VALUES(?1, ?2, ?3, ?4) ON CONFLICT(object) DO UPDATE "
                                      "SET text = coalesce(?2, text), hash = ?3, is_cut = ?4");
    bool fine = names != NULL && values != NULL;
    for (uint32_t i = 0; i < graph->name_count && fine; i++) {
        uint32_t object = graph->names[i].object;
        if (object == HTRAIL__NO_ID || graph->name_of[object] != i + 1 || !l->naming.is_text[graph->objects[object].type])
            continue;
        htrail__loader_bind_number(names, 1, l->reach.number_of[object]);
        htrail__loader_bind_text(l, names, 2, graph->names[i].name);
        fine = htrail__loader_insert(names);
    }
    for (uint32_t i = 0; i < graph->value_count && fine; i++) {
        const htrail__graph_value *value = &graph->values[i];
        if (value->object == HTRAIL__NO_ID)
            continue;
        sqlite3_clear_bindings(values);
        htrail__loader_bind_number(values, 1, l->reach.number_of[value->object]);
        if (value->flags & HTRAIL_VALUE_TEXT)
            htrail__loader_bind_text(l, values, 2, value->text);
        if (value->flags & HTRAIL_VALUE_HASH)
            htrail__loader_bind_number(values, 3, value->hash);
        htrail__loader_bind_number(values, 4, (value->flags & HTRAIL_VALUE_CUT) != 0);
        fine = htrail__loader_insert(values);
    }
    htrail_status status = htrail__loader_end_statement(l, names, fine);
    return htrail__loader_end_statement(l, values, fine && status == HTRAIL_OK);
}

static htrail_status write_buckets(htrail__loader *l, const char *by, const htrail__sums *values)
{
    sqlite3_stmt *statement = htrail__loader_prepare(l, "INSERT INTO total VALUES(?, ?, ?, ?, ?, ?)");
    bool fine = statement != NULL;
    char key[64];
    for (unsigned i = 0; i < HTRAIL__LOADER_BUCKETS && fine; i++) {
        bool is_power = i > 0 && i != HTRAIL__LOADER_NO_LENGTH;
        uint64_t low = is_power ? UINT64_C(1) << (i - 1) : 0, high = is_power ? low + (low - 1) : 0;
        if (values[i].count == 0)
            continue;
        if (i == HTRAIL__LOADER_NO_LENGTH)
            snprintf(key, sizeof key, "none");
        else if (low == high)
            snprintf(key, sizeof key, "%" PRIu64, low);
        else
            snprintf(key, sizeof key, "%" PRIu64 "-%" PRIu64, low, high);
        sqlite3_bind_text(statement, 1, by, -1, SQLITE_STATIC);
        sqlite3_bind_text(statement, 2, key, -1, SQLITE_TRANSIENT);
        bind_sums(statement, 3, &values[i]);
        fine = htrail__loader_insert(statement);
    }
    return htrail__loader_end_statement(l, statement, fine);
}

static uint32_t root_page_of(htrail__loader *l, const char *name)
{
    sqlite3_stmt *statement = htrail__loader_prepare(l, "SELECT rootpage FROM sqlite_schema WHERE name = ?");
    uint32_t page = 0;
    if (statement != NULL) {
        sqlite3_bind_text(statement, 1, name, -1, SQLITE_STATIC);
        if (sqlite3_step(statement) == SQLITE_ROW)
            page = (uint32_t)sqlite3_column_int64(statement, 0);
    }
    sqlite3_finalize(statement);
    return page;
}

/* What ANALYZE would find out by reading everything. */
static htrail_status write_statistics(htrail__loader *l)
{
    uint64_t objects = l->graph->object_count, edges = l->edge_count, per_object = objects ? edges / objects + 1 : 1;
    char sql[512];
    snprintf(sql, sizeof sql,
             "ANALYZE sqlite_schema; INSERT INTO sqlite_stat1 VALUES('heap_object', NULL, '%" PRIu64 "'),"
             "('heap_reference', 'heap_reference', '%" PRIu64 " %" PRIu64 " 1 1'),"
             "('heap_reference', 'heap_referrer', '%" PRIu64 " %" PRIu64 "');",
             objects, edges, per_object, edges, per_object);
    return run_sql(l, sql);
}

htrail_status htrail__loader_write_tables(htrail__loader *l)
{
    htrail_status status;
    /* Readable by its owner alone, as the snapshot is: SQLite would take the umask's word for it. */
    l->partial_fd = htrail__partial_make(l->partial);
    if (l->partial_fd < 0)
        return htrail__loader_fail(l, HTRAIL_E_IO, "cannot write '%s': %s", l->db_path, strerror(errno));
    if (sqlite3_open_v2(l->partial, &l->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL) != SQLITE_OK)
        return htrail__loader_database_failed(l);
    if ((status = run_sql(l, "PRAGMA page_size = 8192; PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; "
                             "PRAGMA locking_mode = EXCLUSIVE; BEGIN;")) != HTRAIL_OK ||
        (status = run_sql(l, htrail__schema_sql)) != HTRAIL_OK || (status = run_sql(l, htrail__views_sql)) != HTRAIL_OK || (status = write_meta(l)) != HTRAIL_OK ||
        (status = write_types(l)) != HTRAIL_OK ||
        (status = write_sums(l, "INSERT INTO module VALUES(?, ?, ?, ?, ?, ?)", l->module_texts, l->module_sums, l->module_count)) != HTRAIL_OK ||
        (status = write_sums(l, "INSERT INTO name VALUES(? - 1, ?, ?, ?, ?, ?)", l->name_texts, l->name_sums, l->name_count)) != HTRAIL_OK ||
        (status = write_labels(l)) != HTRAIL_OK || (status = write_roots(l)) != HTRAIL_OK || (status = htrail__loader_write_process(l)) != HTRAIL_OK || (status = htrail__loader_write_sites(l)) != HTRAIL_OK ||
        (status = htrail__loader_write_c_references(l)) != HTRAIL_OK || (status = htrail__loader_write_paths(l)) != HTRAIL_OK ||
        (status = write_object_texts(l)) != HTRAIL_OK || (status = run_sql(l, htrail__schema_finish_sql)) != HTRAIL_OK ||
        (status = write_type_totals(l)) != HTRAIL_OK || (status = write_buckets(l, "size", l->size_sums)) != HTRAIL_OK ||
        (status = write_buckets(l, "length", l->length_sums)) != HTRAIL_OK || (status = htrail__loader_write_groups(l)) != HTRAIL_OK || (status = write_statistics(l)) != HTRAIL_OK)
        return status;
    if (l->sets_at_least && (status = run_sql(l, "INSERT OR REPLACE INTO snapshot VALUES('sets_at_least', '1')")) != HTRAIL_OK)
        return status;
    l->object_root = root_page_of(l, "heap_object");
    l->reference_root = root_page_of(l, "heap_reference");
    l->referrer_index_root = root_page_of(l, "heap_referrer");
    l->dominated_index_root = root_page_of(l, "heap_dominated");
    if ((status = run_sql(l, "COMMIT")) != HTRAIL_OK)
        return status;
    if (sqlite3_close(l->db) != SQLITE_OK)
        return htrail__loader_database_failed(l);
    l->db = NULL;
    return HTRAIL_OK;
}
