/* cli/assertion_example.c - see the header. Of the new objects of the subject one is shown that is held in the way
 * by which most were gained (a path, as of diff --by path), and of these one of the holder that gained
 * most: where each of a million has a holder of its own, holders alone tell nothing, and the nearest to a root is a
 * local variable as likely as not. */
#include "cli/assertion_example.h"

#include "analyze/identity.h"
#include "analyze/paths.h"
#include "analyze/text.h"

enum { QUERY_BYTES_MAX = 1 << 17 };

/* Two columns: the nearest to a root of those of one holder, and how many it gained. */
static void add_new(htrail__text *query, const char *of_before, const char *of_after)
{
    htrail__text_format(query, "%s, subject(id, holder, change) AS (\n"
                        "  SELECT o.id, o.holder, verdict = 'new' FROM fate JOIN after.object o ON o.id = fate.id WHERE verdict IN ('new', 'unsure') AND %s",
                        htrail__identity_sql, of_after);
    htrail__text_format(query, "\n  UNION ALL SELECT NULL, later.id, -1 FROM fate JOIN before.object o ON o.id = fate.id_before\n"
                        "  LEFT JOIN later ON later.id_before = o.holder AND later.verdict <> 'new' WHERE fate.verdict = 'gone' AND %s", of_before);
    htrail__text_add_string(query, ")\nSELECT min(id), sum(change) FROM subject GROUP BY holder HAVING min(id) IS NOT NULL ORDER BY 2 DESC, 1");
}

static int read_paths(const cli_arguments *arguments, const cli_series *series, htrail__paths *paths)
{
    char message[HTRAIL__MESSAGE_BYTES] = "out of memory";
    const htrail__store *ends[] = {series->stores[0], series->stores[series->count - 1]};
    uint64_t objects_max = 0;
    htrail_status status = HTRAIL_OK;
    for (size_t i = 0; i < 2; i++) {
        sqlite3_stmt *statement = NULL;
        if (sqlite3_prepare_v2(htrail__store_db(ends[i]), "SELECT max(id) FROM heap_object", -1, &statement, NULL) == SQLITE_OK && sqlite3_step(statement) == SQLITE_ROW &&
            (uint64_t)sqlite3_column_int64(statement, 0) > objects_max)
            objects_max = (uint64_t)sqlite3_column_int64(statement, 0);
        sqlite3_finalize(statement);
    }
    status = htrail__paths_init(paths, 2, objects_max);
    for (size_t i = 0; i < 2 && status == HTRAIL_OK; i++)
        status = htrail__paths_read(paths, htrail__store_db(ends[i]), message, sizeof message);
    if (status == HTRAIL_OK)
        status = htrail__paths_join(paths);
    return status == HTRAIL_OK ? CLI_EXIT_OK : cli_fail(arguments, "%s", message);
}

/* How many objects the object's path gained. */
static int64_t gain_of(const htrail__paths *paths, int64_t id)
{
    const htrail__paths_snapshot *now = &paths->snapshots[1];
    uint32_t path = id < 1 || (uint64_t)id > now->object_count || now->path_of == NULL ? HTRAIL__NO_SHAPE : now->path_of[id];
    if (path >= paths->shapes.count)
        return 0;
    return (int64_t)htrail__paths_count(paths, 1, path)->objects - (int64_t)htrail__paths_count(paths, 0, path)->objects;
}

/* Of the rows in their order the first of those whose path gained most. */
static int choose(const cli_arguments *arguments, const cli_series *series, const htrail__paths *paths, const htrail__text *query, int64_t *example)
{
    sqlite3_stmt *statement = NULL;
    int64_t most = 0;
    int step, result = query->failed ? cli_fail(arguments, "out of memory") : cli_prepare(arguments, series->db, htrail__text_string(query), &statement);
    if (result != CLI_EXIT_OK)
        return result;
    while ((step = sqlite3_step(statement)) == SQLITE_ROW) {
        int64_t id = sqlite3_column_int64(statement, 0), gain = gain_of(paths, id);
        if (*example != 0 && gain <= most)
            continue;
        *example = id;
        most = gain;
    }
    if (step != SQLITE_DONE)
        result = cli_fail(arguments, "%s", sqlite3_errmsg(series->db));
    sqlite3_finalize(statement);
    return result;
}

int cli_assertion_example(const cli_arguments *arguments, const cli_series *series, const char *of_before, const char *of_after, bool has_column,
                          int64_t *example)
{
    char *const *files = cli_operands(arguments);
    char message[HTRAIL__MESSAGE_BYTES];
    htrail__paths paths = {0};
    htrail__text query;
    *example = 0;
    htrail__text_init(&query, QUERY_BYTES_MAX);
    int result = read_paths(arguments, series, &paths);
    if (result == CLI_EXIT_OK && htrail__identity_check(series->db, files[0], files[series->count - 1], message, sizeof message) == HTRAIL_OK) {
        add_new(&query, of_before, of_after);
        result = choose(arguments, series, &paths, &query, example);
    }
    if (result == CLI_EXIT_OK && *example == 0 && has_column) {
        htrail__text_clear(&query);
        htrail__text_format(&query, "SELECT o.id FROM after.object o WHERE %s ORDER BY o.id", of_after);
        result = choose(arguments, series, &paths, &query, example);
    }
    htrail__paths_release(&paths);
    htrail__text_release(&query);
    return result;
}
