# What a snapshot is of. The id is another every time.
heaptrail info before.htrail | sed -E 's/^(file_id +).*/\1(random)/; s/^(file_bytes|bytes_per_object)( +).*/\1\2N/'
echo "-- json"
heaptrail info --json cut.htrail | grep -v file_id
heaptrail load before.htrail
echo "-- a database"
heaptrail info before.htrail.db | sed -E 's/^(file_id +).*/\1(random)/; s/^(file_bytes|source_bytes)( +).*/\1\2N/'
