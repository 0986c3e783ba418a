# Where threads stand, and how many more there are.
heaptrail threads 57.htrail
echo "-- how many more"
heaptrail threads 20.htrail 57.htrail
echo "-- and fewer, with every frame"
heaptrail threads --frames 57.htrail.db 20.htrail.db
echo "-- a limit"
heaptrail threads -n 1 57.htrail
heaptrail threads -n none 57.htrail; echo "exit $?"
echo "-- no difference"
heaptrail threads 20.htrail 20.htrail
heaptrail threads --json 20.htrail 20.htrail
echo "-- each"
heaptrail threads --each -n 4 57.htrail
heaptrail threads --each 20.htrail 57.htrail; echo "exit $?"
echo "-- json"
heaptrail threads --json 57.htrail
heaptrail threads --json 20.htrail 57.htrail
heaptrail threads --json --each -n 3 20.htrail
echo "-- a snapshot without threads"
heaptrail threads before.htrail; echo "exit $?"
heaptrail threads 20.htrail before.htrail; echo "exit $?"
echo "-- by hand"
heaptrail sql 57.htrail "SELECT s.text, count(*) FROM thread t JOIN stack s ON s.id = t.stack GROUP BY s.id ORDER BY 2 DESC"
