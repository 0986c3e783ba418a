/* analyze/object_query.c - see the header. */
#include "analyze/object_query.h"

#include <stdio.h>
#include <stdlib.h>

#include "analyze/text.h"

struct htrail__object_query {
    sqlite3 *db;
    sqlite3_stmt *statement;
    char failure[256];
};

htrail_status htrail__object_query_open(htrail__object_query **out, sqlite3 *db, const char *expression, char *message, size_t message_cap)
{
    htrail_status status = HTRAIL_E_NOMEM;
    htrail__object_query *query = calloc(1, sizeof *query);
    htrail__text sql;
    const char *tail = NULL;

    *out = NULL;
    htrail__text_init(&sql, 1 << 20);
    /* On a line of its own, so that a comment at its end ends there. */
    htrail__text_format(&sql, "SELECT (%s\n) FROM object WHERE id = ?1", expression);
    snprintf(message, message_cap, "out of memory");
    if (query == NULL || sql.failed)
        goto done;
    query->db = db;
    if (sqlite3_prepare_v3(db, htrail__text_string(&sql), -1, SQLITE_PREPARE_PERSISTENT, &query->statement, &tail) != SQLITE_OK ||
        query->statement == NULL || tail[0] != '\0' || !sqlite3_stmt_readonly(query->statement) || sqlite3_column_count(query->statement) != 1 ||
        sqlite3_bind_parameter_count(query->statement) != 1) {
        status = HTRAIL_E_MISUSE;
        snprintf(message, message_cap, "no expression over the object table: %s: %s", expression,
                 sqlite3_errcode(db) != SQLITE_OK ? sqlite3_errmsg(db) : "it gives more than one value");
        goto done;
    }
    *out = query;
    query = NULL;
    status = HTRAIL_OK;
done:
    htrail__object_query_free(query);
    htrail__text_release(&sql);
    return status;
}

bool htrail__object_query_ask(htrail__object_query *query, uint64_t id)
{
    sqlite3_reset(query->statement);
    sqlite3_bind_int64(query->statement, 1, (sqlite3_int64)id);
    int stepped = sqlite3_step(query->statement);
    if (stepped != SQLITE_ROW && stepped != SQLITE_DONE && query->failure[0] == '\0')
        snprintf(query->failure, sizeof query->failure, "%s", sqlite3_errmsg(query->db));
    return stepped == SQLITE_ROW;
}

bool htrail__object_query_truth(const htrail__object_query *query) { return sqlite3_column_double(query->statement, 0) != 0; }

htrail_str htrail__object_query_text(const htrail__object_query *query)
{
    const char *text = (const char *)sqlite3_column_text(query->statement, 0);
    return (htrail_str){text, text == NULL ? 0 : (size_t)sqlite3_column_bytes(query->statement, 0)};
}

const char *htrail__object_query_failed(const htrail__object_query *query) { return query->failure[0] != '\0' ? query->failure : NULL; }

void htrail__object_query_free(htrail__object_query *query)
{
    if (query == NULL)
        return;
    sqlite3_finalize(query->statement);
    free(query);
}
