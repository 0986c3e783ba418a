/* cli/why_tables.c - what `heaptrail why` says as rows: one query each for the chain of a way, the
 * ways, the independent chains, weak references and those of C code. What a search found, and no
 * query could (which chains share nothing, which step is marked), stands in the query as values;
 * what is said of the objects is asked for. */
#include "cli/why.h"

#include <stdlib.h>

#include "analyze/expression.h"
#include "analyze/suspect.h"

/* Of what much refers to (None) the first referrers are looked through for weak ones. */
#define WEAK_SQL                                                                                                       \
    "SELECT DISTINCT s.id, s.type, s.name, s.referrers FROM (SELECT src, label FROM heap_reference WHERE dst = ?1 LIMIT 20000) w\n" \
    "JOIN object s ON s.id = w.src WHERE w.label & 15 = 12 ORDER BY s.id"

static int prepare(const cli_why_page *w, char *sql, sqlite3_stmt **out)
{
    if (sql == NULL)
        return cli_fail(w->arguments, "out of memory");
    int result = cli_prepare(w->arguments, htrail__store_db(w->store), sql, out);
    sqlite3_free(sql);
    return result;
}

/* The steps of a way: those of htrail__chain_sql, and what is known of them. */
static int prepare_way(const cli_why_page *w, size_t number, sqlite3_stmt **out)
{
    cli_why_chain chain;
    const cli_why_way *way = &w->ways[number];
    sqlite3_str *sql = sqlite3_str_new(htrail__store_db(w->store));
    const char *between = "";
    htrail_status status = cli_why_chain_find(&chain, w, way->first);
    if (status == HTRAIL_OK) {
        sqlite3_str_appendf(sql, "SELECT %llu AS way, %llu AS objects, *,\n  id IN (%s) AS dominates,\n  id IN (", (unsigned long long)number + 1,
                            (unsigned long long)way->objects, htrail__chain_dominators_sql);
        for (size_t i = 0; i < chain.chain.step_count; i++) {
            if (!chain.is_library[i])
                continue;
            sqlite3_str_appendf(sql, "%s%llu", between, (unsigned long long)chain.chain.steps[i].id);
            between = ", ";
        }
        sqlite3_str_appendall(sql, ") AS is_library, ");
        if (chain.suspect != HTRAIL__NO_STEP)
            sqlite3_str_appendf(sql, "CASE id WHEN %llu THEN %Q END", (unsigned long long)chain.chain.steps[chain.suspect].id, htrail__text_string(&chain.reason));
        else
            sqlite3_str_appendall(sql, "NULL");
        sqlite3_str_appendf(sql, " AS mark FROM (\n%s)", htrail__chain_sql);
    }
    cli_why_chain_release(&chain);
    char *text = sqlite3_str_finish(sql);
    if (status != HTRAIL_OK) {
        sqlite3_free(text);
        return cli_why_fail(w, status);
    }
    int result = prepare(w, text, out);
    if (result == CLI_EXIT_OK)
        sqlite3_bind_int64(*out, 1, (sqlite3_int64)way->first);
    return result;
}

static int prepare_ways(const cli_why_page *w, sqlite3_stmt **out)
{
    sqlite3_str *sql = sqlite3_str_new(htrail__store_db(w->store));
    sqlite3_str_appendall(sql, "WITH way(way, objects, through, holder, first) AS (VALUES ");
    for (size_t i = 0; i < w->way_count && (i < w->way_shown || i < CLI_WHY_LISTED_MAX); i++)
        sqlite3_str_appendf(sql, "%s(%llu, %llu, %Q, nullif(%llu, 0), %llu)", i > 0 ? ",\n  " : "", (unsigned long long)i + 1, (unsigned long long)w->ways[i].objects,
                            w->ways[i].through_text, (unsigned long long)w->ways[i].through, (unsigned long long)w->ways[i].first);
    sqlite3_str_appendall(sql, ")\nSELECT way, objects, through, holder, (SELECT type FROM object WHERE id = way.holder) AS holder_type,\n"
                               "  (SELECT length FROM object WHERE id = way.holder) AS holder_length, (SELECT retained FROM object WHERE id = way.holder) AS holder_retained,\n"
                               "  first, (SELECT type FROM object WHERE id = way.first) AS first_type FROM way ORDER BY way");
    return prepare(w, sqlite3_str_finish(sql), out);
}

static int prepare_independent(const cli_why_page *w, sqlite3_stmt **out)
{
    sqlite3_str *sql = sqlite3_str_new(htrail__store_db(w->store));
    const char *between = "";
    sqlite3_str_appendall(sql, "WITH found(chain, step, id, before, root, must_let_go) AS (");
    for (size_t c = 0; c < w->independent.chain_count; c++) {
        const htrail__independent_chain *chain = &w->independent.chains[c];
        unsigned long long before = 0;
        for (size_t i = 0; i <= chain->count; i++) {
            unsigned long long id = i < chain->count ? w->independent.objects[chain->first + i] : chain->target;
            sqlite3_str_appendf(sql, "%s(%llu, %llu, %llu, %llu, %llu, %d)", between[0] == '\0' ? "VALUES " : between, (unsigned long long)c + 1, (unsigned long long)i, id, before,
                                (unsigned long long)chain->root, chain->gate == id);
            between = ",\n  ";
            before = id;
        }
    }
    if (between[0] == '\0')
        sqlite3_str_appendall(sql, "SELECT 0, 0, 0, 0, 0, 0 WHERE 0");
    sqlite3_str_appendall(sql, ")\nSELECT chain, step, (SELECT kind FROM reference WHERE src = before AND dst = found.id AND kind <> 'weak' LIMIT 1) AS kind,\n"
                               "  (SELECT label FROM reference WHERE src = before AND dst = found.id AND kind <> 'weak' LIMIT 1) AS label, o.id, o.address, o.type, o.module, o.name,\n"
                               "  o.length, o.size, o.retained, o.owner_module, must_let_go, root.kind AS root_kind, root.name AS root_name\n"
                               "FROM found JOIN object o ON o.id = found.id LEFT JOIN root ON root.id = found.root ORDER BY chain, step");
    return prepare(w, sqlite3_str_finish(sql), out);
}

static int prepare_of_first(const cli_why_page *w, const char *sql, uint64_t object, sqlite3_stmt **out)
{
    int result = cli_prepare(w->arguments, htrail__store_db(w->store), sql, out);
    if (result == CLI_EXIT_OK)
        sqlite3_bind_int64(*out, 1, (sqlite3_int64)object);
    return result;
}

typedef enum table { WAY, WAYS, INDEPENDENT, WEAK, C_REFERENCES, TABLES } table;

static int prepare_table(const cli_why_page *w, table which, size_t number, sqlite3_stmt **out)
{
    switch (which) {
    case WAY: return prepare_way(w, number, out);
    case WAYS: return prepare_ways(w, out);
    case INDEPENDENT: return prepare_independent(w, out);
    case WEAK: return prepare_of_first(w, WEAK_SQL, w->ways[0].first, out);
    default: return prepare_of_first(w, "SELECT object, holder, count, is_own FROM c_reference WHERE object = ?1 ORDER BY holder", w->ways[0].first, out);
    }
}

static int print_rows(cli_why_page *w, cli_rows **rows, table which, size_t number)
{
    static const char *const names[TABLES] = {NULL, "ways", "independent", "weak", "c_references"};
    bool json = cli_option_given(w->arguments, "json");
    sqlite3_stmt *statement = NULL;
    int result = prepare_table(w, which, number, &statement);
    if (result != CLI_EXIT_OK)
        return result;
    cli_show_sql(w->arguments, statement, 0);
    if (json && *rows == NULL)
        *rows = cli_query_rows_open(w->arguments, statement, NULL);
    else if (json && which != WAY)
        cli_query_rows_next(*rows, names[which], statement);
    if (json)
        result = cli_query_rows_add(w->arguments, *rows, statement);
    sqlite3_finalize(statement);
    return result;
}

static int add_members(const cli_why_page *w, cli_rows *rows)
{
    htrail__chain chain;
    htrail__text expression;
    bool exists = false;
    htrail__text_init(&expression, CLI_WHY_TEXT_BYTES_MAX);
    htrail_status status = htrail__chain_find(&chain, w->lookup, w->ways[0].first);
    if (status == HTRAIL_OK)
        status = htrail__expression_of_chain(&expression, &exists, NULL, w->lookup, &chain);
    if (status == HTRAIL_OK) {
        cli_rows_member(rows, "expression", exists ? htrail__text_string(&expression) : NULL);
        cli_rows_member_number(rows, "objects", (int64_t)w->selection.count);
        cli_rows_member_number(rows, "retained_bytes", (int64_t)w->retained.bytes);
        cli_rows_member_number(rows, "independent_above", (int64_t)w->above);
        cli_rows_member_number(rows, "independent_complete", w->independent.complete);
    }
    htrail__chain_release(&chain);
    htrail__text_release(&expression);
    return status == HTRAIL_OK ? CLI_EXIT_OK : cli_why_fail(w, status);
}

int cli_why_tables(cli_why_page *w)
{
    cli_rows *rows = NULL;
    int result = CLI_EXIT_OK;
    if (!cli_option_given(w->arguments, "json") && !cli_option_given(w->arguments, "show-sql"))
        return CLI_EXIT_OK;
    for (size_t i = 0; i < w->way_shown && result == CLI_EXIT_OK; i++)
        result = print_rows(w, &rows, WAY, i);
    for (table which = WAYS; which < TABLES && result == CLI_EXIT_OK; which++)
        result = print_rows(w, &rows, which, 0);
    if (rows != NULL && result == CLI_EXIT_OK)
        result = add_members(w, rows);
    if (rows != NULL && result == CLI_EXIT_OK)
        cli_rows_close(rows);
    else if (rows != NULL)
        cli_rows_discard(rows);
    return result;
}
