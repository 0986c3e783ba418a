/* export/job.h - what the writers of all formats share: the database, the stream, and the one sentence when it fails. */
#ifndef HTRAIL_EXPORT_JOB_H
#define HTRAIL_EXPORT_JOB_H

#include "export/export.h"

typedef struct htrail__export_job {
    sqlite3 *db;
    FILE *out;
    htrail_status status;
    char *message;
    size_t message_cap;
} htrail__export_job;

/* All return false on failure, with the sentence kept. */
bool htrail__export_no_memory(htrail__export_job *job);
bool htrail__export_prepare(htrail__export_job *job, sqlite3_stmt **out, const char *sql);
/* The next row: 1, the end: 0, failure: -1. */
int htrail__export_step(htrail__export_job *job, sqlite3_stmt *statement);
/* A single number. */
bool htrail__export_number(htrail__export_job *job, const char *sql, int64_t *out);
/* The text of a column, "" for NULL; valid until the next step. */
const char *htrail__export_text(sqlite3_stmt *statement, int column);

bool htrail__export_csv(htrail__export_job *job);
bool htrail__export_folded(htrail__export_job *job);
bool htrail__export_pprof(htrail__export_job *job);
bool htrail__export_v8(htrail__export_job *job);
bool htrail__export_graphml(htrail__export_job *job);

#endif
