# Wherever FILE stands: a snapshot, a database, a cut file, standard input; and what is left behind.
heaptrail top -n 1 before.htrail
heaptrail top -n 1 before.htrail.db
echo "-- standard input"
heaptrail top -n 1 - < before.htrail
cat before.htrail | heaptrail top -n 1 -
echo "-- cut"
head -c -10 after.htrail > most.htrail
heaptrail top -n 1 most.htrail 2>&1 | sed 's/offset [0-9]*/offset N/'
echo "-- cut before its first object: there is nothing to answer with, and nothing is left"
for command in "top cut.htrail" "diff cut.htrail before.htrail" "diff before.htrail cut.htrail" "why cut.htrail type:dict" "graph cut.htrail type:dict -o out.svg" "load cut.htrail" "top -"; do
    heaptrail $command < cut.htrail; echo "exit $?"
done
ls *.db
heaptrail sql cut.htrail "SELECT value FROM snapshot WHERE key = 'complete'"; echo "exit $?"
heaptrail top cut.htrail.db; echo "exit $?"
heaptrail top cut.htrail; echo "exit $?"
echo "-- ended early before its first object, and empty from the beginning"
heaptrail top early.htrail; echo "exit $?"
heaptrail sql early.htrail "SELECT value FROM snapshot WHERE key = 'objects'"; echo "exit $?"
heaptrail diff early.htrail.db before.htrail; echo "exit $?"
echo "-- loaded elsewhere"
heaptrail load -o other.db before.htrail
heaptrail load -; echo "exit $?"
heaptrail load -o - before.htrail; echo "exit $?"
echo "-- errors leave nothing"
heaptrail load -o nowhere/a.db before.htrail; echo "exit $?"
heaptrail load nosuchfile; echo "exit $?"
echo "-- a pipe where the database would be"
mv before.htrail.db kept.db; mkfifo before.htrail.db
heaptrail top -n 1 before.htrail; echo "exit $?"; mv kept.db before.htrail.db
echo "-- a sentence does not command the terminal"
heaptrail load "$(printf 'no\033[31msuch\nfile')"; echo "exit $?"
heaptrail "$(printf 'no\033[31mcommand')"; echo "exit $?"
known=$(heaptrail sql --json before.htrail "SELECT value FROM snapshot WHERE key = 'schema_version'" | tr -dc 0-9 | cut -c2-)
sqlite3 claims.db "CREATE TABLE snapshot(key, value); INSERT INTO snapshot VALUES('schema_version', $known), ('cut', char(27) || '[2J cut')"
heaptrail info claims.db; rm claims.db
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
