/* analyze/schema.h - the tables and views of a loaded database. docs/schema.md explains them. */
#ifndef HTRAIL_ANALYZE_SCHEMA_H
#define HTRAIL_ANALYZE_SCHEMA_H

/* A database of another number is loaded anew: raise it with every change of the tables
 * or of what they mean. */
enum { HTRAIL__SCHEMA_VERSION = 1 };

extern const char htrail__schema_sql[];
/* After the small tables are filled. */
extern const char htrail__schema_finish_sql[];

#endif
