/* extension/kind.h - what a virtual table may be of: objects, references, types, ... A kind says which records of a
 * scan are rows and what the columns of a row are. Columns have the names and meanings of docs/schema.md; what is an id
 * there is an address here, so that the same questions can be asked. */
#ifndef HTRAIL_EXTENSION_KIND_H
#define HTRAIL_EXTENSION_KIND_H

#include <sqlite3ext.h>

#include "extension/scan.h"

typedef struct htrail__kind {
    const char *name, *other_name; /* as in the database; NULL: none */
    const char *declaration;       /* CREATE TABLE x(...) */
    int type_column;               /* that a question may narrow; -1: none */
    int address_columns[2];        /* the same, for numbers */
    uint64_t label_columns;        /* bits: those that need names */
    bool is_summary;               /* the rows are there when all records were read */
    /* Whether the record is a row, or its first one. */
    bool (*is_row)(htrail__scan *scan);
    /* Whether the record has one more row; NULL: one each. Of a summary: whether there is a row number scan->row. */
    bool (*has_more)(htrail__scan *scan);
    void (*column)(const htrail__scan *scan, sqlite3_context *context, int column);
} htrail__kind;

extern const htrail__kind htrail__kind_reference;
extern const htrail__kind *const htrail__kinds[]; /* the first is what a table is of if nothing else is said; ends in NULL */

/* NULL: there is none of this name. */
const htrail__kind *htrail__kind_find(const char *name);

/* The columns of an object from what it is made of. */
typedef struct htrail__object_row {
    uint64_t address, size_bytes, length, refcount;
    const char *type;
    uint32_t flags;
} htrail__object_row;
enum { HTRAIL__OBJECT_ID, HTRAIL__OBJECT_ADDRESS, HTRAIL__OBJECT_TYPE, HTRAIL__OBJECT_LENGTH, HTRAIL__OBJECT_SIZE, HTRAIL__OBJECT_REFCOUNT,
       HTRAIL__OBJECT_TRACKED, HTRAIL__OBJECT_PSEUDO, HTRAIL__OBJECT_IMMORTAL };
extern const htrail__kind htrail__kind_object;
void htrail__object_column(const htrail__object_row *row, sqlite3_context *context, int column);

void htrail__result_text(sqlite3_context *context, htrail_str text);

#endif
