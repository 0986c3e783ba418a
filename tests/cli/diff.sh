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
echo "-- assertions"
heaptrail diff --assert 'type:Thing <= +0' --assert 'type:app.Thing bytes <= +8K' --assert 'total bytes <= +5%' --assert 'total <= 1K' before.htrail after.htrail
echo "exit $?"
heaptrail diff --assert 'type:app.Thing <= +80' --assert 'name:app.main.<locals>.x == +0' --assert 'total bytes <= +900%' before.htrail after.htrail
echo "exit $?"
heaptrail diff --json --assert 'type:app.Thing == 20' --assert 'type:app.Thing < -79' after.htrail before.htrail
for wrong in 'type:app.Thing' 'type <= +0' 'app.Thing <= +0' 'type:x <= 5%' 'type:x <= +0 bytes' 'kind:x <= +0' '<= 5' 'type:x => 5' 'type:f.<locals>.g'; do
    heaptrail diff --assert "$wrong" before.htrail after.htrail
    echo "exit $?"
done
