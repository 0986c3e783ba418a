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
