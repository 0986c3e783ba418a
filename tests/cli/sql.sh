# Any question.
heaptrail sql after.htrail "SELECT name, type, module FROM object WHERE name <> '' ORDER BY name"
echo "SELECT kind, label, count(*) FROM reference GROUP BY 1, 2 ORDER BY 3 DESC, 1, 2 LIMIT 4;
SELECT 1.5 AS half, NULL AS missing, 'text' AS words, -7 AS number -- the end" > query
heaptrail sql after.htrail < query
heaptrail sql --json after.htrail "SELECT text, 1.5 AS half, NULL AS missing FROM object WHERE text LIKE 'bad%'"
echo "-- several tables, none with rows, names that come twice"
heaptrail sql after.htrail "SELECT 1; SELECT 2 AS two; -- the end"
heaptrail sql after.htrail "SELECT id, type FROM object WHERE 0; SELECT 1 AS a, 2 AS a"
heaptrail sql --json after.htrail "SELECT 1 AS a, 2 AS a, 3 AS a_2, 4 AS a"
heaptrail sql --json after.htrail "SELECT id, type FROM object WHERE 0"
echo "-- refused"
heaptrail sql after.htrail "DELETE FROM snapshot"; echo "exit $?"
heaptrail sql after.htrail "SELECT nonsense"; echo "exit $?"
heaptrail sql after.htrail ""; echo "exit $?"
heaptrail sql --json after.htrail "SELECT 1; SELECT 2"; echo "exit $?"
heaptrail sql - < after.htrail; echo "exit $?"
