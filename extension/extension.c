/* extension/extension.c - what SQLite calls when it loads htrail.so:
 *
 *     .load htrail
 *     CREATE VIRTUAL TABLE temp.s USING htrail('a.htrail');
 *     SELECT type, count(*), sum(size) FROM s GROUP BY type ORDER BY 3 DESC LIMIT 10; */
#include "extension/table.h"

SQLITE_EXTENSION_INIT1

#define EXPORTED __attribute__((visibility("default")))

EXPORTED int sqlite3_htrail_init(sqlite3 *db, char **error, const sqlite3_api_routines *api);
EXPORTED int sqlite3_extension_init(sqlite3 *db, char **error, const sqlite3_api_routines *api);

int sqlite3_htrail_init(sqlite3 *db, char **error, const sqlite3_api_routines *api)
{
    (void)error;
    SQLITE_EXTENSION_INIT2(api);
    return htrail__table_register(db);
}

/* The name that SQLite tries first, whatever the file is called. */
int sqlite3_extension_init(sqlite3 *db, char **error, const sqlite3_api_routines *api) { return sqlite3_htrail_init(db, error, api); }
