/* random_snapshot.c - a snapshot of a random heap, for the decoder that is not ours.
 * Usage: random-snapshot FILE SEED TRACKED-OBJECTS BLOCK-BYTES */
#include <stdbool.h>
#include <stdio.h>

#include "tests/unit/random_heap.h"

static bool write_file(const char *path, const memory_file *file)
{
    FILE *out = fopen(path, "wb");
    if (out == NULL)
        return false;
    bool is_written = fwrite(file->data, 1, file->len, out) == file->len;
    return fclose(out) == 0 && is_written;
}

int main(int argc, char **argv)
{
    memory_file file = {.fail_after = SIZE_MAX};
    recorded log = {0};
    htrail_writer_opts opts;
    if (argc != 5)
        return 2;
    htrail_writer_opts_init(&opts);
    opts.block_bytes = strtoul(argv[4], NULL, 10);
    uint64_t seed = strtoul(argv[2], NULL, 10);
    uint32_t tracked_count = (uint32_t)strtoul(argv[3], NULL, 10);
    bool is_good = random_heap_write(&file, &log, seed, tracked_count, &opts) == HTRAIL_OK && write_file(argv[1], &file);
    recorded_release(&log);
    free(file.data);
    return is_good ? 0 : 1;
}
