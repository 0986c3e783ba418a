/* extension/table.h - the module `htrail` of SQLite: virtual tables over snapshot files. */
#ifndef HTRAIL_EXTENSION_TABLE_H
#define HTRAIL_EXTENSION_TABLE_H

#include <sqlite3ext.h>

/* After the API of SQLite is there (extension.c). A result code of SQLite. */
int htrail__table_register(sqlite3 *db);

#endif
