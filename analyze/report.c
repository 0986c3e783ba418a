/* analyze/report.c - see the header. */
#include "analyze/report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Rows of a grouping that go into the page: those that changed most, and the largest. */
#define CHANGED_ROWS "60"
#define LARGEST_ROWS "30"
#define WASTE_ROWS "40"

struct htrail__report {
    sqlite3 *db;
    unsigned count;
    htrail_status status;
    char error[512], title[256];
};

static const char schema_sql[] =
    "ATTACH ':memory:' AS leaks;\n"
    "CREATE TABLE report_snapshot(id INTEGER PRIMARY KEY, file TEXT NOT NULL, facts TEXT NOT NULL);\n" /* facts: JSON, key to value */
    "CREATE TABLE report_group(\"by\" TEXT NOT NULL, key TEXT NOT NULL, snapshot INTEGER NOT NULL, count INTEGER NOT NULL, bytes INTEGER NOT NULL,\n"
    "  retained INTEGER, count_error REAL, bytes_error REAL, PRIMARY KEY(\"by\", key, snapshot)) WITHOUT ROWID;\n"
    "CREATE TABLE report_stack(hash TEXT NOT NULL, snapshot INTEGER NOT NULL, text TEXT NOT NULL, threads INTEGER NOT NULL, retained INTEGER NOT NULL,\n"
    "  PRIMARY KEY(hash, snapshot)) WITHOUT ROWID;\n"
    "CREATE TABLE report_tree(id INTEGER PRIMARY KEY, depth INTEGER NOT NULL, key TEXT NOT NULL, count INTEGER NOT NULL, bytes INTEGER NOT NULL,\n"
    "  retained INTEGER NOT NULL, is_more INTEGER NOT NULL, type_length INTEGER NOT NULL);\n" /* of the type, with which key ends; 0: it does not */
    "CREATE TABLE report_verdict(id INTEGER PRIMARY KEY, verdict TEXT NOT NULL, confidence TEXT NOT NULL, kind TEXT NOT NULL, place TEXT NOT NULL,\n"
    "  type TEXT NOT NULL, retained INTEGER NOT NULL, has_chain INTEGER NOT NULL,\n"
    "  example INTEGER, growth TEXT NOT NULL, steps TEXT NOT NULL, sites TEXT NOT NULL, noisy TEXT);\n" /* noisy: why it is no verdict */
    "CREATE TABLE report_waste(kind TEXT NOT NULL, type TEXT NOT NULL, holder TEXT NOT NULL, count INTEGER NOT NULL, bytes INTEGER NOT NULL);\n";

static const char add_sql[] =
    /* The thread that takes the snapshots is none of the program's. */
    "INSERT INTO report_snapshot SELECT ?1, ?2, json_group_object(key, CASE key WHEN 'threads' THEN (SELECT CASE WHEN count(*) > 0 THEN sum(NOT is_heaptrail) ELSE value END FROM added.thread)\n"
    "  ELSE value END)\n"
    "  FROM added.snapshot;\n"
    "INSERT INTO report_group SELECT \"by\", key, ?1, count, bytes, retained, NULL, NULL FROM added.total\n"
    "  WHERE \"by\" IN ('type', 'module', 'owner', 'package', 'thread', 'root');\n"
    "INSERT INTO report_group SELECT 'site', file || ':' || line, ?1, sum(count), sum(bytes), NULL, sqrt(sum(count_error * count_error)), sqrt(sum(bytes_error * bytes_error)) FROM added.site WHERE count > 0 GROUP BY file, line;\n"
    "INSERT INTO report_stack SELECT hash, ?1, text, threads, retained_bytes FROM added.stack WHERE true\n"
    "  ON CONFLICT DO UPDATE SET threads = threads + excluded.threads, retained = retained + excluded.retained;\n";

/* A fact as a number: NULL where the snapshot does not have it. */
#define FACT(key) "CAST(facts ->> '$." key "' AS INTEGER)"

static const char json_sql[] =
    "WITH shot AS (SELECT *, row_number() OVER (ORDER BY id) AS place FROM report_snapshot),\n"
    "ends AS (SELECT min(id) AS first, max(id) AS last FROM report_snapshot),\n"
    /* Keys that are kept, by how much they changed and by their size at the end. */
    "span AS (SELECT \"by\", key, sum(CASE WHEN snapshot = last THEN bytes ELSE 0 END) AS bytes,\n"
    "  sum(CASE WHEN snapshot = last THEN bytes ELSE 0 END) - sum(CASE WHEN snapshot = first THEN bytes ELSE 0 END) AS change,\n"
    "  max(CASE WHEN snapshot = last THEN retained END) AS retained FROM report_group, ends GROUP BY \"by\", key),\n"
    "ranked AS (SELECT *, row_number() OVER (PARTITION BY \"by\" ORDER BY abs(change) DESC, bytes DESC, key) AS by_change,\n"
    "  row_number() OVER (PARTITION BY \"by\" ORDER BY bytes DESC, key) AS by_size FROM span),\n"
    "kept AS (SELECT * FROM ranked WHERE by_change <= " CHANGED_ROWS " OR by_size <= " LARGEST_ROWS "),\n"
    "series AS (SELECT k.\"by\", k.key, json_group_array(coalesce(g.count, 0)) AS counts, json_group_array(coalesce(g.bytes, 0)) AS bytes, k.retained, k.by_size,\n"
    /* Standard errors of what is estimated: of the last snapshot, and of the change. */
    "  CASE WHEN max(g.bytes_error) > 0 THEN json_array(round(sqrt(total(g.count_error * g.count_error * (k.id = k.last)))), round(sqrt(total(g.bytes_error * g.bytes_error * (k.id = k.last)))),\n"
    "    round(sqrt(total(g.count_error * g.count_error * (k.id IN (k.first, k.last))))), round(sqrt(total(g.bytes_error * g.bytes_error * (k.id IN (k.first, k.last)))))) END AS errors\n"
    "  FROM (SELECT kept.*, shot.id, ends.* FROM kept, shot, ends ORDER BY \"by\", key, id) k\n"
    "  LEFT JOIN report_group g ON g.\"by\" = k.\"by\" AND g.key = k.key AND g.snapshot = k.id GROUP BY k.\"by\", k.key),\n"
    "groups AS (SELECT \"by\", json_object('rows', json_group_array(CASE WHEN errors IS NULL THEN json_array(key, json(counts), json(bytes), retained) ELSE json_array(key, json(counts), json(bytes), retained, json(errors)) END),\n"
    "  'left', (SELECT count(*) FROM span WHERE span.\"by\" = s.\"by\") - count(*)) AS list FROM (SELECT * FROM series ORDER BY by_size) s GROUP BY \"by\"),\n"
    "stacks AS (SELECT a.hash, max(a.text) AS text, sum(CASE WHEN snapshot = last THEN threads ELSE 0 END) AS threads,\n"
    "  sum(CASE WHEN snapshot = first THEN threads ELSE 0 END) AS threads_before, sum(CASE WHEN snapshot = last THEN retained ELSE 0 END) AS retained,\n"
    "  sum(CASE WHEN snapshot = first THEN retained ELSE 0 END) AS retained_before FROM report_stack a, ends GROUP BY a.hash),\n"
    "memory AS (SELECT id, " FACT("rss_bytes") " AS rss, " FACT("size_bytes") " AS heap, coalesce(" FACT("pymalloc_free_bytes") ", 0) AS arenas_free,\n"
    "  coalesce(" FACT("malloc_free_bytes") ", 0) AS malloc_free, coalesce(" FACT("memory_libraries_bytes") ", 0) + coalesce(" FACT("memory_files_bytes") ", 0) AS files,\n"
    "  coalesce(" FACT("memory_stacks_bytes") ", 0) AS stacks, coalesce(" FACT("memory_heaptrail_bytes") ", 0) AS own FROM report_snapshot),\n"
    "rest AS (SELECT id, rss - heap - arenas_free - malloc_free - files - stacks - own AS bytes FROM memory),\n"
    "explained(place, name, bytes) AS (SELECT 1, 'RSS: what the process has in memory', json_group_array(rss) FROM memory\n"
    "  UNION ALL SELECT 2, 'Python objects', json_group_array(heap) FROM memory\n"
    "  UNION ALL SELECT 3, 'free in Python''s arenas', json_group_array(arenas_free) FROM memory\n"
    "  UNION ALL SELECT 4, 'free in malloc', json_group_array(malloc_free) FROM memory\n"
    "  UNION ALL SELECT 5, 'libraries and files', json_group_array(files) FROM memory\n"
    "  UNION ALL SELECT 6, 'stacks of threads', json_group_array(stacks) FROM memory\n"
    "  UNION ALL SELECT 7, 'heaptrail itself', json_group_array(own) FROM memory\n"
    "  UNION ALL SELECT 8, 'not explained: memory of C code, what allocators add', json_group_array(max(bytes, 0)) FROM rest\n"
    /* An object of the interpreter's own file is in two classes, and what malloc keeps free need not be in memory. */
    "  UNION ALL SELECT 9, 'counted twice or not in memory: objects in the interpreter''s file, free memory that the kernel took back', json_group_array(min(bytes, 0)) FROM rest\n"
    "    GROUP BY NULL HAVING min(bytes) < 0)\n"
    "SELECT json_object('version', ?1, 'title', ?2,\n"
    "  'snapshots', (SELECT json_group_array(json_object('file', file, 'taken_ns', " FACT("created_ns") ", 'pid', facts ->> '$.pid', 'host', facts ->> '$.host',\n"
    "    'runtime', facts ->> '$.runtime', 'rss', " FACT("rss_bytes") ", 'heap', " FACT("size_bytes") ", 'objects', " FACT("objects") ",\n"
    "    'malloc', " FACT("malloc_used_bytes") ", 'threads', " FACT("threads") ")) FROM shot),\n"
    "  'verdicts', CASE WHEN ?3 IS NULL THEN (SELECT json_group_array(json_object('verdict', verdict, 'confidence', confidence, 'kind', kind, 'place', place,\n"
    "    'type', type, 'retained', retained, 'has_chain', json(CASE WHEN has_chain THEN 'true' ELSE 'false' END), 'example', example,\n"
    "    'growth', json(growth), 'steps', json(steps), 'sites', json(sites), 'noisy', noisy)) FROM (SELECT * FROM report_verdict ORDER BY id)) END,\n"
    "  'verdicts_why', ?3,\n"
    "  'groups', (SELECT json_group_object(\"by\", json(list)) FROM groups),\n"
    "  'icicle', (SELECT json_group_array(json_array(depth, key, count, bytes, retained, is_more, type_length)) FROM (SELECT * FROM report_tree ORDER BY id)),\n"
    "  'threads', (SELECT json_group_array(json_array(text, threads, threads_before, retained, retained_before)) FROM\n"
    "    (SELECT * FROM stacks WHERE threads > 0 OR threads_before > 0 ORDER BY threads DESC, retained DESC, text LIMIT 100)),\n"
    "  'waste', (SELECT json_group_array(json_array(what, holder, count, bytes)) FROM (SELECT kind || ' ' || CASE count(*) WHEN 1 THEN type ELSE 'of ' || count(*) || ' types' END AS what,\n"
    "    holder, sum(count) AS count, sum(bytes) AS bytes FROM report_waste GROUP BY kind, holder ORDER BY sum(bytes) DESC, what, holder LIMIT " WASTE_ROWS ")),\n"
    "  'unexplained', CASE WHEN (SELECT count(*) = count(rss) FROM memory) THEN (SELECT json_group_array(json_array(name, json(bytes))) FROM (SELECT * FROM explained ORDER BY place)) END)";

static htrail_status fail(htrail__report *report, const char *what)
{
    report->status = sqlite3_errcode(report->db) == SQLITE_NOMEM ? HTRAIL_E_NOMEM : HTRAIL_E_DATABASE;
    snprintf(report->error, sizeof report->error, "cannot read '%s': %s", what, sqlite3_errmsg(report->db));
    return report->status;
}

htrail_status htrail__report_open(htrail__report **out)
{
    htrail__report *report = calloc(1, sizeof *report);
    *out = NULL;
    if (report == NULL)
        return HTRAIL_E_NOMEM;
    if (sqlite3_open(":memory:", &report->db) != SQLITE_OK || sqlite3_exec(report->db, schema_sql, NULL, NULL, NULL) != SQLITE_OK) {
        htrail__report_free(report);
        return HTRAIL_E_NOMEM;
    }
    *out = report;
    return HTRAIL_OK;
}

static bool run(htrail__report *report, const char *sql, const char *file)
{
    while (*sql != '\0') {
        sqlite3_stmt *statement = NULL;
        if (sqlite3_prepare_v2(report->db, sql, -1, &statement, &sql) != SQLITE_OK)
            return false;
        if (statement == NULL)
            break;
        if (sqlite3_bind_parameter_count(statement) > 0)
            sqlite3_bind_int(statement, 1, (int)report->count);
        if (sqlite3_bind_parameter_count(statement) > 1)
            sqlite3_bind_text(statement, 2, file, -1, SQLITE_STATIC);
        int step = sqlite3_step(statement);
        sqlite3_finalize(statement);
        if (step != SQLITE_DONE)
            return false;
    }
    return true;
}

htrail_status htrail__report_add(htrail__report *report, const char *path, const char *file)
{
    sqlite3_stmt *statement = NULL;
    if (report->status != HTRAIL_OK)
        return report->status;
    report->count++;
    bool fine = sqlite3_prepare_v2(report->db, "ATTACH ? AS added", -1, &statement, NULL) == SQLITE_OK &&
                sqlite3_bind_text(statement, 1, path, -1, SQLITE_STATIC) == SQLITE_OK && sqlite3_step(statement) == SQLITE_DONE;
    sqlite3_finalize(statement);
    if (!fine || !run(report, add_sql, file) || sqlite3_exec(report->db, "DETACH added", NULL, NULL, NULL) != SQLITE_OK)
        return fail(report, file);
    return HTRAIL_OK;
}

sqlite3 *htrail__report_db(const htrail__report *report) { return report->db; }

/* The script that an interpreter runs, or else the program: "/usr/bin/python3 -u /srv/cam.py 1" is cam.py. */
const char *htrail__report_title(htrail__report *report)
{
    sqlite3_stmt *statement = NULL;
    if (report->title[0] != '\0')
        return report->title;
    snprintf(report->title, sizeof report->title, "a program");
    if (sqlite3_prepare_v2(report->db, "SELECT facts ->> '$.cmdline' FROM report_snapshot ORDER BY id DESC LIMIT 1", -1, &statement, NULL) == SQLITE_OK &&
        sqlite3_step(statement) == SQLITE_ROW && sqlite3_column_bytes(statement, 0) > 0) {
        const char *line = (const char *)sqlite3_column_text(statement, 0);
        for (const char *word = line; *word != '\0';) {
            size_t len = strcspn(word, " "), name = len;
            while (name > 0 && word[name - 1] != '/')
                name--;
            bool is_script = len > 3 && strncmp(word + len - 3, ".py", 3) == 0;
            if (word == line || is_script)
                snprintf(report->title, sizeof report->title, "%.*s", (int)(len - name), word + name);
            if (is_script)
                break;
            word += len + (word[len] == ' ');
        }
    }
    sqlite3_finalize(statement);
    return report->title;
}

htrail_status htrail__report_json(htrail__report *report, const htrail__report_opts *opts, htrail__text *out)
{
    sqlite3_stmt *statement = NULL;
    if (report->status != HTRAIL_OK)
        return report->status;
    if (sqlite3_prepare_v2(report->db, json_sql, -1, &statement, NULL) != SQLITE_OK)
        return fail(report, "the figures");
    sqlite3_bind_text(statement, 1, opts->version, -1, SQLITE_STATIC);
    sqlite3_bind_text(statement, 2, htrail__report_title(report), -1, SQLITE_STATIC);
    if (opts->no_verdicts != NULL)
        sqlite3_bind_text(statement, 3, opts->no_verdicts, -1, SQLITE_STATIC);
    if (sqlite3_step(statement) == SQLITE_ROW)
        htrail__text_add(out, (const char *)sqlite3_column_text(statement, 0), (size_t)sqlite3_column_bytes(statement, 0));
    else
        fail(report, "the figures");
    sqlite3_finalize(statement);
    return report->status;
}

const char *htrail__report_error(const htrail__report *report) { return report->error; }

void htrail__report_free(htrail__report *report)
{
    if (report == NULL)
        return;
    sqlite3_close(report->db);
    free(report);
}
