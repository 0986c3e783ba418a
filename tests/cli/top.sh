# What there is most of; a database serves as the snapshot that it was loaded from.
heaptrail top after.htrail
for by in module size name length; do
    echo "-- by $by"
    heaptrail top --by $by after.htrail
done
echo "-- -n 2"
heaptrail top -n 2 after.htrail.db
echo "-- json"
heaptrail top --json --by module after.htrail
echo "-- as SQL"
heaptrail sql after.htrail 'SELECT type AS key, count(*) AS count, sum(size) AS bytes FROM object GROUP BY type ORDER BY bytes DESC LIMIT 2'
heaptrail top --show-sql -n 1 after.htrail
for by in type module size name length; do
    echo "-- by $by, of the objects of a module"
    heaptrail top --by $by after.htrail "where:module = 'builtins'"
done
echo "-- of a type, and what adds up to the same as all"
heaptrail top after.htrail type:dict
heaptrail top --by size after.htrail where:1
heaptrail top --by module after.htrail.db where:1
echo "-- none, and no object at all"
heaptrail top after.htrail type:nothing || echo "exit $?"
heaptrail top after.htrail dict || echo "exit $?"
echo "-- whose it is, what roots hold and threads, sorted by each column"
for by in owner package root; do
    echo "-- by $by"
    heaptrail top --by $by after.htrail
done
heaptrail top --by thread -n 4 20.htrail
for column in count bytes retained shared; do
    heaptrail top --sort $column -n 3 after.htrail
done
echo "-- trees"
heaptrail top --tree after.htrail
heaptrail top --tree --json --depth 2 -n 1 after.htrail
heaptrail top --tree after.htrail type:tuple
heaptrail top --tree --by package after.htrail
heaptrail top --tree --by root 20.htrail
