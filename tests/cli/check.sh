# Whole, cut, damaged, something else, nothing.
heaptrail check before.htrail after.htrail; echo "exit $?"
heaptrail check cut.htrail early.htrail; echo "exit $?"
cp after.htrail damaged.htrail
printf 'XX' | dd of=damaged.htrail bs=1 seek=300 conv=notrunc 2>/dev/null
echo hello > text
: > empty
heaptrail check damaged.htrail before.htrail text empty; echo "exit $?"
heaptrail check nosuchfile; echo "exit $?"
heaptrail load before.htrail
heaptrail check before.htrail.db --json; echo "exit $?"
printf 'XXXXXXXXXXXXXXXXXXXXXXXXXXXX' | dd of=before.htrail.db bs=1 seek=8192 conv=notrunc 2>/dev/null
heaptrail check before.htrail.db | sed 's/  damaged.*/ damaged/'
echo "-- as many references as are in the file, also of those that lead nowhere"
heaptrail load dangling.htrail
heaptrail check dangling.htrail dangling.htrail.db
