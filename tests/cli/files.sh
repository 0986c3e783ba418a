# Wherever FILE stands: a snapshot, a database, a cut file, standard input; and what is left behind.
heaptrail top -n 1 before.htrail
heaptrail top -n 1 before.htrail.db
echo "-- standard input"
heaptrail top -n 1 - < before.htrail
cat before.htrail | heaptrail top -n 1 -
echo "-- cut"
heaptrail top cut.htrail; echo "exit $?"
echo "-- loaded elsewhere"
heaptrail load -o other.db before.htrail
heaptrail load -; echo "exit $?"
heaptrail load -o - before.htrail; echo "exit $?"
echo "-- errors leave nothing"
heaptrail load -o nowhere/a.db before.htrail; echo "exit $?"
heaptrail load nosuchfile; echo "exit $?"
echo hello > text
heaptrail top text; echo "exit $?"
sqlite3 foreign.db "CREATE TABLE t(a)"
heaptrail top foreign.db; echo "exit $?"
sqlite3 other.db "UPDATE snapshot SET value = '999' WHERE key = 'schema_version'"
heaptrail top other.db; echo "exit $?"
heaptrail top --by colour before.htrail; echo "exit $?"
heaptrail top -n many before.htrail; echo "exit $?"
echo "-- a database of another snapshot is loaded anew"
cp after.htrail before.htrail
heaptrail top -n 1 before.htrail
ls
