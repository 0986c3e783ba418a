/* export/csv.c - the table total as RFC 4180 has it: what `heaptrail top` prints for each --by. */
#include <inttypes.h>
#include <string.h>

#include "export/job.h"

static void put(FILE *out, const char *text)
{
    if (text[strcspn(text, ",\"\r\n")] == '\0') {
        fputs(text, out);
        return;
    }
    fputc('"', out);
    for (; *text != '\0'; text++) {
        if (*text == '"')
            fputc('"', out);
        fputc(*text, out);
    }
    fputc('"', out);
}

bool htrail__export_csv(htrail__export_job *job)
{
    sqlite3_stmt *statement = NULL;
    int step = -1;
    if (htrail__export_prepare(job, &statement, "SELECT \"by\", key, count, bytes, retained, shared FROM total ORDER BY \"by\", bytes DESC, count DESC, key")) {
        fputs("by,key,count,bytes,retained,shared\r\n", job->out);
        while ((step = htrail__export_step(job, statement)) == 1) {
            for (int column = 0; column < sqlite3_column_count(statement); column++) {
                if (column > 0)
                    fputc(',', job->out);
                put(job->out, htrail__export_text(statement, column));
            }
            fputs("\r\n", job->out);
        }
    }
    sqlite3_finalize(statement);
    return step == 0;
}
