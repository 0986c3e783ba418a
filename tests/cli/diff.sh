# What grew.
heaptrail diff before.htrail after.htrail
for by in module size name length; do
    echo "-- by $by"
    heaptrail diff --by $by before.htrail after.htrail
done
echo "-- shrinks"
heaptrail diff after.htrail before.htrail.db
echo "-- nothing"
heaptrail diff before.htrail before.htrail
heaptrail diff before.htrail before.htrail --json
echo "-- json"
heaptrail diff --json before.htrail after.htrail
echo "-- three"
heaptrail diff before.htrail after.htrail before.htrail
heaptrail diff --by length --sort after before.htrail before.htrail after.htrail
echo "-- three, json"
heaptrail diff --json before.htrail after.htrail before.htrail
echo "-- less"
heaptrail diff --by length --min-bytes 2K before.htrail after.htrail
heaptrail diff --by length --min-count 100 before.htrail after.htrail
heaptrail diff --by length --sort key --min-count 32 before.htrail after.htrail
echo "-- wrong"
heaptrail diff before.htrail
heaptrail diff --sort age before.htrail after.htrail
heaptrail diff --min-bytes many before.htrail after.htrail
heaptrail diff --by site --traceback before.htrail before.htrail after.htrail
heaptrail diff before.htrail before.htrail before.htrail before.htrail before.htrail before.htrail before.htrail before.htrail before.htrail before.htrail after.htrail
heaptrail diff --survivors before.htrail before.htrail after.htrail
heaptrail diff --objects lost before.htrail after.htrail
heaptrail diff --survivors before.htrail cut.htrail
echo "-- object by object"
heaptrail diff --survivors before.htrail after.htrail
heaptrail diff --objects new -n 2 before.htrail after.htrail
