/* cli/tree_groups.c - heaptrail top --tree --by package|root: from the totals in the database, each below the
 * one that it is part of. */
#include <stdio.h>
#include <string.h>

#include "analyze/text.h"
#include "cli/query.h"
#include "cli/tree.h"

enum { QUERY_BYTES_MAX = 1 << 16 };

/* What stands before the last dot. */
#define PARENT "rtrim(rtrim(key, replace(key, '.', '')), '.')"

static const char packages_sql[] =
    "  SELECT NULL AS parent, * FROM total WHERE \"by\" = 'package'\n"
    "  UNION ALL SELECT " PARENT ", * FROM total WHERE \"by\" = 'subpackage'\n"
    "  UNION ALL SELECT key, \"by\", key || ' (itself)', count, bytes, retained, shared FROM total WHERE \"by\" = 'owner'\n"
    "    AND key IN (SELECT " PARENT " FROM total WHERE \"by\" = 'subpackage')\n";

static const char roots_sql[] =
    "  SELECT NULL AS parent, * FROM total WHERE \"by\" = 'root kind'\n"
    "  UNION ALL SELECT substr(key, 1, instr(key, ': ') - 1), * FROM total WHERE \"by\" = 'root' AND instr(key, ': ') > 0\n";

/* Of each parent the first, then one line for all that is left. What several sets retain does not add up. */
static const char lines_sql[] =
    "ranked AS MATERIALIZED (SELECT parent, CASE WHEN kept THEN key ELSE '(' || count(*) || ' more)' END AS key, min(rank) AS rank, kept,\n"
    "  sum(count) AS count, sum(bytes) AS bytes, CASE WHEN kept THEN sum(retained) END AS retained, sum(shared) AS shared\n"
    "  FROM (SELECT *, rank <= %llu AND max(bytes, coalesce(retained, 0)) * 100.0 >= (SELECT value FROM snapshot WHERE key = 'size_bytes') * %f AS kept FROM (\n"
    "    SELECT *, row_number() OVER (PARTITION BY parent ORDER BY %sbytes DESC, count DESC, key) AS rank FROM node))\n"
    "  GROUP BY parent, CASE WHEN kept THEN rank ELSE 0 END),\n"
    "line(depth, key, path, kept, count, bytes, retained, shared) AS (\n"
    "  SELECT 0, key, printf('%%08d', rank), kept, count, bytes, retained, shared FROM ranked WHERE parent IS NULL\n"
    "  UNION ALL SELECT depth + 1, r.key, path || printf('%%08d', r.rank), r.kept, r.count, r.bytes, r.retained, r.shared\n"
    "    FROM line JOIN ranked r ON r.parent = line.key WHERE line.kept AND depth + 1 < %llu)\n"
    "SELECT depth, key, count, bytes, retained, shared, round(100.0 * bytes / max((SELECT value FROM snapshot WHERE key = 'size_bytes'), 1), 1) AS percent\n"
    "FROM line ORDER BY path";

int cli_tree_groups(const cli_arguments *arguments, sqlite3 *db, const char *by, const char *sort, const cli_tree_limits *limits)
{
    bool is_package = strcmp(by, "package") == 0;
    sqlite3_stmt *statement = NULL;
    htrail__text query;
    int result;

    htrail__text_init(&query, QUERY_BYTES_MAX);
    htrail__text_add_string(&query, "WITH RECURSIVE node AS MATERIALIZED (\n");
    htrail__text_add_string(&query, is_package ? packages_sql : roots_sql);
    htrail__text_add_string(&query, "),\n");
    htrail__text_format(&query, lines_sql, limits->lines > 0 ? (unsigned long long)limits->lines : INT64_MAX, limits->percent_min < 0 ? 0 : limits->percent_min, sort,
                        limits->depth > 0 ? (unsigned long long)limits->depth : INT64_MAX);
    result = query.failed ? cli_fail(arguments, "out of memory") : cli_prepare(arguments, db, htrail__text_string(&query), &statement);
    if (result == CLI_EXIT_OK)
        result = cli_tree_print(arguments, statement, is_package ? "(nobody's)" : NULL);
    sqlite3_finalize(statement);
    htrail__text_release(&query);
    return result;
}
