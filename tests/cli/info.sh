# What a snapshot is of. The id is another every time.
heaptrail info --all before.htrail | sed -E 's/^(file_id +).*/\1(random)/; s/^(file_bytes|bytes_per_object)( +).*/\1\2N/'
echo "-- json"
heaptrail info --json cut.htrail | grep -v file_id
heaptrail load before.htrail
echo "-- a database"
heaptrail info --all before.htrail.db | sed -E 's/^(file_id +).*/\1(random)/; s/^(file_bytes|source_bytes)( +).*/\1\2N/'
echo "-- for people"
heaptrail info before.htrail | sed -E 's/[0-9.]+ B, [0-9.]+ bytes/N B, N bytes/; s/[0-9.]+ KiB, [0-9.]+ bytes/N B, N bytes/'
heaptrail info before.htrail.db | sed -E 's/[0-9.]+ (B|KiB), format/N B, format/'
echo "-- cut, and ended early"
heaptrail info cut.htrail | head -3
heaptrail info early.htrail | head -3
echo "-- threads, memory, cost"
heaptrail info 20.htrail | sed -n '/^process/,$p'
heaptrail load 20.htrail
heaptrail info 20.htrail.db | sed -n '/^process/,$p'
heaptrail info --json 20.htrail | grep -E '"(threads|memory|malloc)_?' > file.facts
heaptrail info --json 20.htrail.db | grep -E '"(threads|memory|malloc)_?' | sort > db.facts
sort file.facts | sed 's/}$/},/' | cmp - db.facts && wc -l < db.facts
