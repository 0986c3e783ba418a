/* export/export.c - see the header. */
#include <inttypes.h>
#include <string.h>

#include "export/job.h"

const htrail__export_format htrail__export_formats[] = {
    {"pprof", "a profile for pprof and speedscope: bytes by chain of dominators", ".pb.gz", true, htrail__export_pprof},
    {"folded", "the same as folded stacks, for flame graphs", ".folded", false, htrail__export_folded},
    {"heapsnapshot", "a heap snapshot for Chrome's memory panel", ".heapsnapshot", false, htrail__export_v8},
    {"graphml", "every object and reference, for graph tools", ".graphml", false, htrail__export_graphml},
    {"csv", "the aggregates, a row each: what 'top' adds up", ".csv", false, htrail__export_csv},
    {NULL, NULL, NULL, false, NULL},
};

htrail_status htrail__export(const htrail__export_format *format, sqlite3 *db, FILE *out, char *message, size_t message_cap)
{
    htrail__export_job job = {.db = db, .out = out, .message = message, .message_cap = message_cap};
    if (message_cap > 0)
        message[0] = '\0';
    if (!format->write(&job) && job.status == HTRAIL_OK)
        job.status = HTRAIL_E_DATABASE;
    return job.status;
}

bool htrail__export_no_memory(htrail__export_job *job)
{
    job->status = HTRAIL_E_NOMEM;
    snprintf(job->message, job->message_cap, "out of memory");
    return false;
}

static bool fail(htrail__export_job *job)
{
    job->status = HTRAIL_E_DATABASE;
    snprintf(job->message, job->message_cap, "%s", sqlite3_errmsg(job->db));
    return false;
}

bool htrail__export_prepare(htrail__export_job *job, sqlite3_stmt **out, const char *sql)
{
    return sqlite3_prepare_v2(job->db, sql, -1, out, NULL) == SQLITE_OK || fail(job);
}

int htrail__export_step(htrail__export_job *job, sqlite3_stmt *statement)
{
    int step = job->status == HTRAIL_OK ? sqlite3_step(statement) : SQLITE_ERROR;
    if (step == SQLITE_ROW)
        return 1;
    if (step != SQLITE_DONE && job->status == HTRAIL_OK)
        fail(job);
    return step == SQLITE_DONE ? 0 : -1;
}

bool htrail__export_number(htrail__export_job *job, const char *sql, int64_t *out)
{
    sqlite3_stmt *statement = NULL;
    bool done = htrail__export_prepare(job, &statement, sql) && htrail__export_step(job, statement) == 1;
    *out = done ? sqlite3_column_int64(statement, 0) : 0;
    sqlite3_finalize(statement);
    return done;
}

const char *htrail__export_text(sqlite3_stmt *statement, int column)
{
    const char *text = (const char *)sqlite3_column_text(statement, column);
    return text != NULL ? text : "";
}
