/* extension/table.c - the module htrail of SQLite: a virtual table over a snapshot file.
 *
 *     CREATE VIRTUAL TABLE temp.s USING htrail('a.htrail')                 its objects
 *     CREATE VIRTUAL TABLE temp.r USING htrail('a.htrail', reference)      another kind (kind.h)
 *     CREATE VIRTUAL TABLE temp.p USING htrail('a.htrail', object, partial)  what there is of a file that is cut
 *
 * A question reads the file once, front to back (twice where it wants labels of references); a type or addresses that
 * it asks for are looked for here and not in rows. Where it groups or orders objects by type, they come so (grouped.h). */
#include "extension/table.h"

#include <stdlib.h>
#include <string.h>

#include "extension/grouped.h"
#include "extension/kind.h"

SQLITE_EXTENSION_INIT3

typedef struct table {
    sqlite3_vtab base;
    char *path;
    const htrail__kind *kind;
    bool is_partial;
} table;

typedef struct cursor {
    sqlite3_vtab_cursor base;
    htrail__scan scan;
    htrail__grouped *grouped; /* NULL: rows come as they are in the file */
    char *type;               /* that the filter borrows */
    bool is_open, at_end;
} cursor;

/* What best_index tells filter: bits in idxNum; idxStr has a letter for each argument. */
enum { PLAN_LABELS = 1 << 0, PLAN_GROUPED = 1 << 1, PLAN_DESCENDING = 1 << 2 };
#define PLAN_COLUMNS_SHIFT 8 /* of the grouped: those that are asked for */

static char *unquoted(const char *text)
{
    while (*text == ' ' || *text == '\t' || *text == '\n')
        text++;
    size_t len = strlen(text), used = 0;
    while (len > 0 && (text[len - 1] == ' ' || text[len - 1] == '\n'))
        len--;
    char *out = sqlite3_malloc64(len + 1);
    bool is_quoted = len >= 2 && (text[0] == '\'' || text[0] == '"') && text[len - 1] == text[0];
    if (out == NULL)
        return NULL;
    for (size_t i = is_quoted; i < len - is_quoted; i++) {
        out[used++] = text[i];
        if (is_quoted && text[i] == text[0] && text[i + 1] == text[0])
            i++;
    }
    out[used] = '\0';
    return out;
}

static char *kinds_text(void)
{
    char *text = NULL;
    for (size_t i = 0; htrail__kinds[i] != NULL; i++) {
        char *longer = sqlite3_mprintf("%s%s%s", text == NULL ? "" : text, i == 0 ? "" : htrail__kinds[i + 1] == NULL ? " or " : ", ", htrail__kinds[i]->name);
        sqlite3_free(text);
        text = longer;
    }
    return text;
}

/* What stands in the parentheses. */
static int read_arguments(table *t, int count, const char *const *arguments, char **error)
{
    char *word = NULL, *known;
    int result = SQLITE_OK;
    t->kind = htrail__kinds[0];
    if (count < 1 || (t->path = unquoted(arguments[0])) == NULL || t->path[0] == '\0') {
        *error = sqlite3_mprintf("a table of a snapshot says which: htrail('a.htrail')");
        return SQLITE_ERROR;
    }
    if (strcmp(t->path, "-") == 0) {
        *error = sqlite3_mprintf("a table needs a file that can be read again, not standard input");
        return SQLITE_ERROR;
    }
    for (int i = 1; i < count && result == SQLITE_OK; i++) {
        sqlite3_free(word);
        if ((word = unquoted(arguments[i])) == NULL)
            return SQLITE_NOMEM;
        if (strcmp(word, "partial") == 0) {
            t->is_partial = true;
        } else if (i > 1 || (t->kind = htrail__kind_find(word)) == NULL) {
            known = kinds_text();
            *error = sqlite3_mprintf("there is no table '%s' of a snapshot: %s", word, known);
            sqlite3_free(known);
            result = SQLITE_ERROR;
        }
    }
    sqlite3_free(word);
    return result;
}

static void table_free(table *t)
{
    if (t != NULL)
        sqlite3_free(t->path);
    sqlite3_free(t);
}

static int open_table(sqlite3 *db, void *arg, int argc, const char *const *argv, sqlite3_vtab **out, char **error)
{
    char message[512] = "";
    htrail_reader *reader = NULL;
    table *t = sqlite3_malloc64(sizeof *t);
    (void)arg;
    if (t == NULL)
        return SQLITE_NOMEM;
    memset(t, 0, sizeof *t);
    int result = read_arguments(t, argc - 3, argv + 3, error);
    /* That it is a snapshot at all is said now, not by the first question. */
    if (result == SQLITE_OK && htrail_reader_open_path(&reader, t->path, NULL, message, sizeof message) != HTRAIL_OK) {
        *error = sqlite3_mprintf("%s", message);
        result = SQLITE_ERROR;
    }
    htrail_reader_free(reader);
    if (result == SQLITE_OK)
        result = sqlite3_declare_vtab(db, t->kind->declaration);
    if (result != SQLITE_OK) {
        table_free(t);
        return result;
    }
    *out = &t->base;
    return SQLITE_OK;
}

/* Two functions, since a module whose create is its connect would be a table without CREATE. */
static int on_create(sqlite3 *db, void *arg, int argc, const char *const *argv, sqlite3_vtab **out, char **error)
{
    return open_table(db, arg, argc, argv, out, error);
}

static int on_connect(sqlite3 *db, void *arg, int argc, const char *const *argv, sqlite3_vtab **out, char **error)
{
    return open_table(db, arg, argc, argv, out, error);
}

static int on_disconnect(sqlite3_vtab *base)
{
    table_free((table *)base);
    return SQLITE_OK;
}

static char letter_of(unsigned char operator)
{
    switch (operator) {
    case SQLITE_INDEX_CONSTRAINT_EQ: return '=';
    case SQLITE_INDEX_CONSTRAINT_GT: return '>';
    case SQLITE_INDEX_CONSTRAINT_GE: return 'g';
    case SQLITE_INDEX_CONSTRAINT_LT: return '<';
    case SQLITE_INDEX_CONSTRAINT_LE: return 'l';
    }
    return '\0';
}

static int on_best_index(sqlite3_vtab *base, sqlite3_index_info *info)
{
    const table *t = (const table *)base;
    const htrail__kind *kind = t->kind;
    char letters[64];
    int count = 0;
    info->estimatedCost = 1e7;
    info->estimatedRows = 1000000;
    for (int i = 0; i < info->nConstraint && count + 1 < (int)sizeof letters; i++) {
        const struct sqlite3_index_constraint *constraint = &info->aConstraint[i];
        bool is_address = constraint->iColumn >= 0 && (constraint->iColumn == kind->address_columns[0] || constraint->iColumn == kind->address_columns[1]);
        char letter = is_address ? letter_of(constraint->op) : '\0';
        if (kind->type_column >= 0 && constraint->iColumn == kind->type_column && constraint->op == SQLITE_INDEX_CONSTRAINT_EQ &&
            sqlite3_stricmp(sqlite3_vtab_collation(info, i), "BINARY") == 0)
            letter = 't';
        if (!constraint->usable || letter == '\0')
            continue;
        letters[count++] = letter;
        info->aConstraintUsage[i].argvIndex = count; /* and SQLite looks again: 1.5 is no address */
        info->estimatedRows = letter == '=' ? 1 : info->estimatedRows / 10 + 1;
        info->estimatedCost -= letter == '=' ? 9e5 : 5e5; /* the file is read all the same; rows are not made */
    }
    letters[count] = '\0';
    if (count > 0) {
        info->idxStr = sqlite3_mprintf("%s", letters);
        info->needToFreeIdxStr = 1;
        if (info->idxStr == NULL)
            return SQLITE_NOMEM;
    }
    if (info->colUsed & kind->label_columns)
        info->idxNum |= PLAN_LABELS;
    if (kind == &htrail__kind_object && info->nOrderBy == 1 && info->aOrderBy[0].iColumn == kind->type_column) {
        info->idxNum |= PLAN_GROUPED | (info->aOrderBy[0].desc ? PLAN_DESCENDING : 0) | (int)(info->colUsed & 0xffff) << PLAN_COLUMNS_SHIFT;
        info->orderByConsumed = 1;
    }
    return SQLITE_OK;
}

static int on_open(sqlite3_vtab *base, sqlite3_vtab_cursor **out)
{
    (void)base;
    cursor *c = sqlite3_malloc64(sizeof *c);
    if (c == NULL)
        return SQLITE_NOMEM;
    memset(c, 0, sizeof *c);
    *out = &c->base;
    return SQLITE_OK;
}

static void clear(cursor *c)
{
    htrail__grouped_free(c->grouped);
    c->grouped = NULL;
    if (c->is_open)
        htrail__scan_free(&c->scan);
    c->is_open = false;
    sqlite3_free(c->type);
    c->type = NULL;
}

static int on_close(sqlite3_vtab_cursor *base)
{
    clear((cursor *)base);
    sqlite3_free(base);
    return SQLITE_OK;
}

static int fail(cursor *c, htrail_status status, const char *message)
{
    sqlite3_vtab *t = c->base.pVtab;
    c->at_end = true;
    sqlite3_free(t->zErrMsg);
    t->zErrMsg = status == HTRAIL_E_TRUNCATED
                     ? sqlite3_mprintf("%s; htrail(%Q, %s, partial) has what is there", message, ((table *)t)->path, ((table *)t)->kind->name)
                     : sqlite3_mprintf("%s", message);
    return status == HTRAIL_E_NOMEM ? SQLITE_NOMEM : SQLITE_ERROR;
}

static int on_next(sqlite3_vtab_cursor *base)
{
    cursor *c = (cursor *)base;
    htrail_status status = c->grouped != NULL ? htrail__grouped_next(c->grouped) : htrail__scan_next(&c->scan);
    if (status == HTRAIL_OK)
        return SQLITE_OK;
    c->at_end = true;
    return status == HTRAIL_END ? SQLITE_OK : fail(c, status, htrail__scan_error(&c->scan));
}

/* Narrows the filter by one comparison with an address. A value that is no integer narrows nothing: SQLite looks again. */
static void add_address(htrail__filter *filter, char letter, sqlite3_value *value)
{
    if (sqlite3_value_type(value) != SQLITE_INTEGER || sqlite3_value_int64(value) < 0)
        return;
    uint64_t address = (uint64_t)sqlite3_value_int64(value), first = 0, last = UINT64_MAX;
    if (letter == '=' || letter == 'g' || letter == '>')
        first = address + (letter == '>');
    if (letter == '=' || letter == 'l' || (letter == '<' && address > 0))
        last = address - (letter == '<');
    filter->first_address = !filter->has_addresses || first > filter->first_address ? first : filter->first_address;
    filter->last_address = !filter->has_addresses || last < filter->last_address ? last : filter->last_address;
    filter->has_addresses = true;
}

static int on_filter(sqlite3_vtab_cursor *base, int plan, const char *letters, int argc, sqlite3_value **argv)
{
    cursor *c = (cursor *)base;
    const table *t = (const table *)base->pVtab;
    htrail__filter filter = {0};
    clear(c);
    c->at_end = false;
    for (int i = 0; i < argc; i++) {
        if (letters[i] != 't') {
            add_address(&filter, letters[i], argv[i]);
        } else if (sqlite3_value_type(argv[i]) == SQLITE_TEXT && filter.type == NULL) {
            if ((c->type = sqlite3_mprintf("%s", (const char *)sqlite3_value_text(argv[i]))) == NULL)
                return SQLITE_NOMEM;
            filter.type = c->type;
        }
    }
    uint32_t wants = (plan & PLAN_LABELS ? HTRAIL__WANTS_LABELS : 0) |
                     (t->is_partial || strcmp(t->kind->name, "snapshot") == 0 ? HTRAIL__WANTS_PARTIAL : 0);
    htrail_status status = htrail__scan_open(&c->scan, t->path, t->kind, &filter, wants);
    c->is_open = true;
    if (status == HTRAIL_OK && (plan & PLAN_GROUPED))
        status = htrail__grouped_read(&c->grouped, &c->scan, (uint32_t)plan >> PLAN_COLUMNS_SHIFT, (plan & PLAN_DESCENDING) != 0);
    return status == HTRAIL_OK ? on_next(base) : fail(c, status, htrail__scan_error(&c->scan));
}

static int on_eof(sqlite3_vtab_cursor *base) { return ((cursor *)base)->at_end; }

static int on_column(sqlite3_vtab_cursor *base, sqlite3_context *context, int column)
{
    const cursor *c = (const cursor *)base;
    if (c->grouped != NULL)
        htrail__grouped_column(c->grouped, context, column);
    else
        c->scan.kind->column(&c->scan, context, column);
    return SQLITE_OK;
}

static int on_rowid(sqlite3_vtab_cursor *base, sqlite3_int64 *out)
{
    const cursor *c = (const cursor *)base;
    *out = (sqlite3_int64)(c->grouped != NULL ? htrail__grouped_row(c->grouped) : c->scan.row);
    return SQLITE_OK;
}

static const sqlite3_module module = {
    .iVersion = 0,
    .xCreate = on_create, .xConnect = on_connect, .xBestIndex = on_best_index, .xDisconnect = on_disconnect, .xDestroy = on_disconnect,
    .xOpen = on_open, .xClose = on_close, .xFilter = on_filter, .xNext = on_next, .xEof = on_eof, .xColumn = on_column, .xRowid = on_rowid,
};

int htrail__table_register(sqlite3 *db) { return sqlite3_create_module_v2(db, "htrail", &module, NULL, NULL); }
