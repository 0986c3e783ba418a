/* serve/ask.c - see the header. */
#include "serve/ask.h"

#include <inttypes.h>
#include <stdbool.h>
#include <string.h>
#include <time.h>

enum { STEPS_BETWEEN_LOOKS = 2000, QUERY_BYTES_MAX = 32 << 10, COLUMNS_MAX = 200, DEPTH_MAX = 200 };

typedef struct deadline {
    uint64_t begun_ms, limit_ms;
    const atomic_bool *stop;
    bool is_past;
} deadline;

static uint64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static int look_at_the_clock(void *arg)
{
    deadline *d = arg;
    d->is_past = now_ms() - d->begun_ms > d->limit_ms || atomic_load(d->stop);
    return d->is_past;
}

static int authorize(void *arg, int action, const char *first, const char *second, const char *database, const char *trigger)
{
    static const char *const pragmas[] = {"table_info", "table_xinfo", "table_list", "index_list", "index_info", "database_list", "function_list"};
    (void)arg, (void)database, (void)trigger;
    switch (action) {
    case SQLITE_SELECT:
    case SQLITE_READ:
    case SQLITE_RECURSIVE: return SQLITE_OK;
    case SQLITE_FUNCTION: return second != NULL && strcasecmp(second, "load_extension") == 0 ? SQLITE_DENY : SQLITE_OK;
    case SQLITE_PRAGMA:
        for (size_t i = 0; i < sizeof pragmas / sizeof *pragmas; i++)
            if (first != NULL && strcasecmp(first, pragmas[i]) == 0)
                return SQLITE_OK;
        return SQLITE_DENY;
    default: return SQLITE_DENY;
    }
}

/* Tables that are functions come into being when they are first named, by a CREATE of SQLite's own that the authorizer would refuse. */
static const char tables_sql[] =
    "SELECT 1 FROM json_each('[]'), json_tree('[]'), pragma_table_info('x'), pragma_table_xinfo('x'), pragma_table_list, pragma_index_list('x'), pragma_index_info('x'), "
    "pragma_database_list, pragma_function_list";

/* Any value as JSON: what JavaScript would round, a BLOB and what is no number go as text. */
static const char value_sql[] =
    "SELECT json_quote(CASE typeof(?1) WHEN 'integer' THEN CASE WHEN ?1 BETWEEN -9007199254740991 AND 9007199254740991 THEN ?1 ELSE CAST(?1 AS TEXT) END "
    "WHEN 'real' THEN CASE WHEN ?1 - ?1 = 0 THEN ?1 ELSE CAST(?1 AS TEXT) END WHEN 'blob' THEN 'x''' || hex(substr(?1, 1, 100)) || '''' "
    "WHEN 'text' THEN substr(?1, 1, ?2) || CASE WHEN length(?1) > ?2 THEN '…' ELSE '' END END)";

static bool add_value(htrail__text *out, sqlite3_stmt *quote, sqlite3_value *value)
{
    bool fine = sqlite3_bind_value(quote, 1, value) == SQLITE_OK && sqlite3_step(quote) == SQLITE_ROW;
    if (fine)
        htrail__text_add_string(out, (const char *)sqlite3_column_text(quote, 0));
    sqlite3_reset(quote);
    return fine;
}

static void bound(sqlite3 *db)
{
    sqlite3_limit(db, SQLITE_LIMIT_LENGTH, HTRAIL__ASK_VALUE_BYTES);
    sqlite3_limit(db, SQLITE_LIMIT_SQL_LENGTH, QUERY_BYTES_MAX);
    sqlite3_limit(db, SQLITE_LIMIT_COLUMN, COLUMNS_MAX);
    sqlite3_limit(db, SQLITE_LIMIT_EXPR_DEPTH, DEPTH_MAX);
    sqlite3_limit(db, SQLITE_LIMIT_ATTACHED, 0);
    sqlite3_limit(db, SQLITE_LIMIT_WORKER_THREADS, 0);
}

/* SQLite finds that a view takes no rows before it asks the authorizer. */
static bool is_write_to_view(sqlite3 *db) { return strncmp(sqlite3_errmsg(db), "cannot modify ", strlen("cannot modify ")) == 0; }

static void refuse(sqlite3 *db, const deadline *d, htrail__answer *answer)
{
    if (d->is_past)
        htrail__answer_refuse(answer, HTRAIL__ANSWER_OK, "the query took longer than %" PRIu64 " ms and was ended", d->limit_ms);
    else if (sqlite3_errcode(db) == SQLITE_AUTH || sqlite3_errcode(db) == SQLITE_READONLY || is_write_to_view(db))
        htrail__answer_refuse(answer, HTRAIL__ANSWER_OK, "a snapshot is read, not changed: %s", sqlite3_errmsg(db));
    else
        htrail__answer_refuse(answer, HTRAIL__ANSWER_OK, "%s", sqlite3_errmsg(db));
}

static void add_columns(htrail__text *out, sqlite3_stmt *statement, sqlite3_stmt *quote)
{
    htrail__text_add_string(out, "{\"columns\":[");
    for (int i = 0; i < sqlite3_column_count(statement); i++) {
        htrail__text_add_string(out, i > 0 ? "," : "");
        sqlite3_bind_text(quote, 1, sqlite3_column_name(statement, i), -1, SQLITE_STATIC);
        if (sqlite3_step(quote) == SQLITE_ROW)
            htrail__text_add_string(out, (const char *)sqlite3_column_text(quote, 0));
        sqlite3_reset(quote);
    }
    htrail__text_add_string(out, "],\"rows\":[");
}

void htrail__ask(sqlite3 *db, const char *query, const htrail__ask_limits *limits, const atomic_bool *stop, htrail__answer *answer)
{
    deadline d = {.begun_ms = now_ms(), .limit_ms = limits->milliseconds, .stop = stop};
    sqlite3_stmt *statement = NULL, *quote = NULL, *second = NULL;
    htrail__text *out = &answer->text;
    const char *tail = "";
    uint64_t rows = 0;
    int step = SQLITE_ROW;

    if (sqlite3_prepare_v2(db, value_sql, -1, &quote, NULL) != SQLITE_OK || sqlite3_bind_int(quote, 2, HTRAIL__ASK_CELL_LETTERS) != SQLITE_OK) {
        htrail__answer_refuse(answer, HTRAIL__ANSWER_FAILED, "%s", sqlite3_errmsg(db));
        goto done;
    }
    if (sqlite3_prepare_v2(db, tables_sql, -1, &second, NULL) != SQLITE_OK) {
        htrail__answer_refuse(answer, HTRAIL__ANSWER_FAILED, "%s", sqlite3_errmsg(db));
        goto done;
    }
    sqlite3_finalize(second);
    second = NULL;
    bound(db);
    sqlite3_progress_handler(db, STEPS_BETWEEN_LOOKS, look_at_the_clock, &d);
    sqlite3_set_authorizer(db, authorize, NULL);
    if (sqlite3_prepare_v2(db, query, -1, &statement, &tail) != SQLITE_OK) {
        refuse(db, &d, answer);
        goto done;
    }
    bool is_more = tail != NULL && (sqlite3_prepare_v2(db, tail, -1, &second, NULL) != SQLITE_OK || second != NULL);
    if (statement == NULL || is_more) {
        htrail__answer_refuse(answer, HTRAIL__ANSWER_OK, statement == NULL ? "the query is empty" : "one query at a time");
        goto done;
    }
    add_columns(out, statement, quote);
    while (rows < limits->rows && out->len < HTRAIL__ASK_ANSWER_BYTES && (step = sqlite3_step(statement)) == SQLITE_ROW) {
        htrail__text_add_string(out, rows++ > 0 ? ",\n[" : "[");
        for (int i = 0; i < sqlite3_column_count(statement); i++) {
            htrail__text_add_string(out, i > 0 ? "," : "");
            if (!add_value(out, quote, sqlite3_column_value(statement, i)))
                htrail__text_add_string(out, "null");
        }
        htrail__text_add_string(out, "]");
    }
    if (step == SQLITE_ROW) /* a limit: is there any more? */
        step = sqlite3_step(statement) == SQLITE_DONE ? SQLITE_DONE : SQLITE_ROW;
    if (step != SQLITE_DONE && step != SQLITE_ROW)
        refuse(db, &d, answer);
    else
        htrail__text_format(out, "],\"more\":%s,\"ms\":%" PRIu64 "}", step == SQLITE_ROW ? "true" : "false", now_ms() - d.begun_ms);
done:
    sqlite3_finalize(second);
    sqlite3_finalize(statement);
    sqlite3_finalize(quote);
    sqlite3_set_authorizer(db, NULL, NULL);
    sqlite3_progress_handler(db, 0, NULL, NULL);
}
