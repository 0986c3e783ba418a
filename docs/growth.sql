-- Growth between two snapshots of one process, as views over two attached databases (SQLite has such views only in TEMP):
--
--     $ sqlite3
--     sqlite> ATTACH 'a.htrail.db' AS before;
--     sqlite> ATTACH 'b.htrail.db' AS after;
--     sqlite> .read docs/growth.sql
--     sqlite> SELECT key, count_change, bytes_change FROM growth WHERE "by" = 'type' ORDER BY 3 DESC LIMIT 10;
--     sqlite> SELECT type, way, length_change, retained_change FROM grown ORDER BY 4 DESC LIMIT 10;

-- What there is of each type, module, name, owner, ... (docs/schema.md: total), then and now.
CREATE TEMP VIEW growth AS
SELECT "by", key, sum(count_before) AS count_before, sum(count_after) AS count_after, sum(count_after) - sum(count_before) AS count_change,
  sum(bytes_before) AS bytes_before, sum(bytes_after) AS bytes_after, sum(bytes_after) - sum(bytes_before) AS bytes_change,
  sum(retained_after) - sum(retained_before) AS retained_change
FROM (SELECT "by", key, count AS count_before, 0 AS count_after, bytes AS bytes_before, 0 AS bytes_after, retained AS retained_before, 0 AS retained_after FROM before.total
  UNION ALL SELECT "by", key, 0, count, 0, bytes, 0, retained FROM after.total)
GROUP BY "by", key;

-- Objects that are there in both and hold more than they did: the same address, and what tells an object from another
-- at its address is the same too (docs/identity.md).
CREATE TEMP VIEW grown AS
SELECT a.id AS object, b.id AS object_before, a.type, a.module, a.name, (SELECT way FROM after.way WHERE object = a.id) AS way,
  a.length, a.length - b.length AS length_change, a.size - b.size AS size_change, a.retained, a.retained - b.retained AS retained_change
FROM after.object a JOIN before.object b ON b.address = a.address AND b.fingerprint >> 16 = a.fingerprint >> 16
WHERE a.retained > b.retained;

-- Objects at addresses where there was nothing, or something else.
CREATE TEMP VIEW came AS
SELECT a.* FROM after.object a LEFT JOIN before.object b ON b.address = a.address AND b.fingerprint >> 16 = a.fingerprint >> 16
WHERE b.id IS NULL;
