# --width and --color, which every command has; a pipe keeps to a width that was asked for and is without color otherwise.
for width in 60 40 20; do
    echo "-- $width columns"
    heaptrail top --width $width after.htrail
done
heaptrail diff --width 60 before.htrail after.htrail before.htrail
heaptrail check --width=50 after.htrail cut.htrail
echo "-- no limit"
heaptrail check --width 0 cut.htrail
echo "-- color"
heaptrail check --color always after.htrail | cat -v
NO_COLOR=1 heaptrail why --color=always after.htrail type:function | cat -v
heaptrail check --color never after.htrail
heaptrail check --color auto after.htrail
echo "-- help keeps to it too"
heaptrail check --width 60 --help
echo "-- wrong"
for wrong in 19 -5 many 1K 99999; do
    heaptrail top --width=$wrong after.htrail
    echo "exit $?"
done
heaptrail top --color sometimes after.htrail
echo "exit $?"
