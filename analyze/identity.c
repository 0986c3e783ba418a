/* analyze/identity.c - see the header.
 *
 * A collection moves objects of the collector's lists to the back and never to the front, and new
 * objects come last. So of objects whose order can't have changed (settled) those that passed nobody
 * and stand in front of every new one are the same for certain, and one that another passed is a new one
 * at an old address. What the collector does not know follows what holds it. */
#include "analyze/identity.h"

#include <stdio.h>

const char htrail__identity_sql[] =
    "WITH RECURSIVE\n"
    /* Ages of before up to this one can't have changed their order: what a full collection looked through already, and
     * where there was none since, the whole of the oldest generation; likewise with the younger ones. */
    "settled(age, is_collected) AS (\n"
    "  SELECT coalesce(a.frozen + CASE WHEN a.collections_2 <> b.collections_2 THEN max(a.listed_2 - a.pending, 0)\n"
    "    WHEN a.collections_1 <> b.collections_1 THEN a.listed_2 WHEN a.collections_0 <> b.collections_0 THEN a.listed_2 + a.listed_1\n"
    "    ELSE a.listed_2 + a.listed_1 + a.listed_0 END, 0), a.collections_2 <> b.collections_2 FROM before.collector a, after.collector b),\n"
    /* A dict is no anchor: the collector forgets it while it holds only numbers and strings, and then finds it again. */
    "pair AS MATERIALIZED (\n"
    "  SELECT b.id, CASE WHEN a.fingerprint >> 16 = b.fingerprint >> 16 THEN a.id END AS id_before, a.id IS NULL OR u.address <> t.address AS is_other, t.name AS type, b.size, a.size AS size_before, coalesce(b.referrers, 1) AS referrers, b.holder, b.age, a.age AS age_before,\n"
    "    b.age IS NOT NULL AND t.name <> 'dict' AS is_anchor,\n"
    "    (a.fingerprint & 0xff00) = (b.fingerprint & 0xff00) AS same_place, (a.fingerprint & 0xff) = (b.fingerprint & 0xff) AS same_holds\n"
    "  FROM after.heap_object b JOIN after.type t ON t.id = b.type\n"
    "  LEFT JOIN before.heap_object a ON a.address = b.address LEFT JOIN before.type u ON u.id = a.type),\n"
    /* A tuple with other items may be the same: enumerate() and zip() use theirs again. */
    "first_new(age) AS MATERIALIZED (SELECT coalesce(min(age), 9e18) FROM pair WHERE is_anchor AND is_other),\n"
    "listed AS MATERIALIZED (\n"
    "  SELECT id, coalesce(max(age_before) OVER (ORDER BY age ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) > age_before, 0) AS is_passed\n"
    "  FROM pair WHERE age IS NOT NULL AND age_before IS NOT NULL AND id_before IS NOT NULL),\n"
    /* What stands in front of what leads to it (it was held otherwise when it was settled; a list that grows at its head) moves in
     * the next full collection, and so does all below it: that one of these was passed says nothing. */
    "moved(id) AS (\n"
    "  SELECT o.id FROM settled CROSS JOIN before.heap_object o JOIN before.heap_object h ON h.id = o.holder WHERE is_collected AND o.age <= settled.age AND h.age > o.age AND h.id < o.id\n"
    "  UNION SELECT o.id FROM moved JOIN before.heap_object o ON o.holder = moved.id WHERE o.id > moved.id),\n"
    "anchor(id, verdict) AS MATERIALIZED (\n"
    "  SELECT pair.id, CASE WHEN age_before <= settled.age AND NOT is_passed AND pair.age < first_new.age THEN 'certain'\n"
    "    WHEN NOT is_anchor THEN NULL\n"
    "    WHEN age_before <= settled.age AND moved.id IS NULL THEN CASE WHEN is_passed THEN 'new' ELSE 'unsure' END\n"
    "    WHEN same_place AND same_holds OR NOT is_passed AND pair.age < first_new.age AND (same_place OR same_holds) THEN 'likely'\n"
    "    ELSE 'unsure' END\n"
    "  FROM pair JOIN listed ON listed.id = pair.id LEFT JOIN moved ON moved.id = pair.id_before, settled, first_new),\n"
    /* From an object that is none up to its first holder that is one; where that is more than 64 steps away (a chain of dicts, each in
     * the one before, would take time that grows with its square) nothing is known of it. */
    "up(id, at, steps) AS (\n"
    "  SELECT id, holder, 1 FROM pair WHERE NOT is_anchor AND id_before IS NOT NULL AND same_place\n"
    "  UNION ALL SELECT up.id, o.holder, up.steps + 1 FROM up JOIN after.heap_object o ON o.id = up.at JOIN after.type t ON t.id = o.type\n"
    "  WHERE up.steps < 64 AND (o.age IS NULL OR t.name = 'dict')),\n"
    "held(id, verdict) AS MATERIALIZED (\n"
    "  SELECT up.id, CASE WHEN up.at IS NULL OR k.verdict = 'certain' THEN 'likely' ELSE coalesce(k.verdict, 'new') END\n"
    "  FROM up LEFT JOIN after.heap_object o ON o.id = up.at LEFT JOIN after.type t ON t.id = o.type LEFT JOIN anchor k ON k.id = up.at\n"
    "  WHERE up.at IS NULL OR o.age IS NOT NULL AND t.name <> 'dict'),\n"
    "later(verdict, id, id_before, type, size, size_before) AS MATERIALIZED (\n"
    "  SELECT CASE WHEN id_before IS NULL THEN 'new' ELSE coalesce(anchor.verdict,\n"
    "    CASE WHEN held.verdict = 'new' AND pair.referrers <> 1 THEN NULL ELSE held.verdict END, 'unsure') END, pair.id, id_before, type, size, size_before\n"
    "  FROM pair LEFT JOIN anchor ON anchor.id = pair.id LEFT JOIN held ON held.id = pair.id),\n"
    "fate(verdict, id, id_before, type, size, size_before) AS (\n"
    "  SELECT verdict, id, CASE WHEN verdict <> 'new' THEN id_before END, type, size, CASE WHEN verdict <> 'new' THEN size_before END FROM later\n"
    "  UNION ALL SELECT 'gone', NULL, a.id, t.name, NULL, a.size FROM before.heap_object a JOIN before.type t ON t.id = a.type\n"
    "  WHERE a.id NOT IN (SELECT id_before FROM later WHERE id_before IS NOT NULL AND verdict <> 'new'))\n";

/* The time at which a process began is worked out from two clocks, and differs by as much as those were set. */
static const char check_sql[] =
    "SELECT group_concat(why, '; ') FROM ("
    "SELECT 'they are of two processes' AS why WHERE EXISTS (SELECT 1 FROM before.snapshot b JOIN after.snapshot a USING (key) "
    "WHERE key IN ('pid', 'boot_id') AND a.value <> b.value OR key = 'start_time_ns' AND abs(a.value - b.value) > 10000000000) "
    "UNION ALL SELECT '''' || CASE WHEN place = 0 THEN ?1 ELSE ?2 END || ''' is not whole' FROM ("
    "SELECT 0 AS place, key, value FROM before.snapshot UNION ALL SELECT 1, key, value FROM after.snapshot) "
    "WHERE key = 'complete' AND value <> '1' OR key = 'stopped_early')";

htrail_status htrail__identity_check(sqlite3 *db, const char *before, const char *after, char *message, size_t message_cap)
{
    sqlite3_stmt *statement = NULL;
    htrail_status status = HTRAIL_E_DATABASE;

    if (sqlite3_prepare_v2(db, check_sql, -1, &statement, NULL) != SQLITE_OK)
        goto done;
    sqlite3_bind_text(statement, 1, before, -1, SQLITE_STATIC);
    sqlite3_bind_text(statement, 2, after, -1, SQLITE_STATIC);
    if (sqlite3_step(statement) != SQLITE_ROW)
        goto done;
    const char *why = (const char *)sqlite3_column_text(statement, 0);
    status = why == NULL ? HTRAIL_OK : HTRAIL_E_MISUSE;
    if (why != NULL)
        snprintf(message, message_cap, "objects of '%s' and '%s' cannot be compared one by one: %s", before, after, why);
done:
    if (status == HTRAIL_E_DATABASE)
        snprintf(message, message_cap, "%s", sqlite3_errmsg(db));
    sqlite3_finalize(statement);
    return status;
}
