/* analyze/replaceable.c - see the header. */
#include "analyze/replaceable.h"

#include <errno.h>
#include <sqlite3.h>
#include <sys/stat.h>

#include "analyze/store.h"

bool htrail__replaceable(const char *path, const char *table)
{
    sqlite3 *db = NULL;
    sqlite3_stmt *statement = NULL;
    struct stat about;
    int stepped = SQLITE_ERROR;

    if (stat(path, &about) != 0)
        return errno == ENOENT; /* what else is wrong with the path, its writer says */
    if (!S_ISREG(about.st_mode) || (about.st_size > 0 && !htrail__store_is_database(path)))
        return false;
    if (about.st_size == 0)
        return true;
    stepped = sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, NULL);
    if (stepped == SQLITE_OK)
        stepped = sqlite3_prepare_v2(db, "SELECT 1 FROM sqlite_schema WHERE name = ?", -1, &statement, NULL);
    if (stepped == SQLITE_OK) {
        sqlite3_bind_text(statement, 1, table, -1, SQLITE_STATIC);
        stepped = sqlite3_step(statement);
    }
    sqlite3_finalize(statement);
    sqlite3_close(db);
    return stepped == SQLITE_ROW || stepped == SQLITE_CORRUPT || stepped == SQLITE_NOTADB;
}
