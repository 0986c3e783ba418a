/* tests/golden/make.c - made the golden files; kept to show how, and for the next version's.
 * The number before a bad file's name is what `heaptrail check` returns for it.
 * Usage: make FOLDER. Files of a released version are never made anew. */
#include <stdio.h>
#include <stdlib.h>

#include "tests/unit/damage.h"
#include "tests/unit/random_heap.h"

static const char *folder;

static void save(const char *name, const uint8_t *data, size_t len)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s.htrail", folder, name);
    FILE *f = fopen(path, "wb");
    if (f == NULL || fwrite(data, 1, len, f) != len || fclose(f) != 0) {
        perror(path);
        exit(1);
    }
}

static uint8_t *copy_of(const memory_file *file)
{
    return memcpy(malloc(file->len), file->data, file->len);
}

/* The first frame of a section, and the whole file's checksums fit whatever is done to it. */
static uint8_t *frame_of(uint8_t *data, unsigned section)
{
    for (uint8_t *at = data + HTRAIL__HEADER_BYTES;; at += HTRAIL__FRAME_HEAD_BYTES + htrail__get_u32(at + 12))
        if (htrail__get_u16(at + 4) == section)
            return at;
}

int main(int argc, char **argv)
{
    memory_file small = {.fail_after = SIZE_MAX}, blocks = {.fail_after = SIZE_MAX};
    recorded log = {0};
    htrail_writer_opts opts;
    uint8_t *bad;

    folder = argc == 2 ? argv[1] : ".";
    htrail_writer_opts_init(&opts);
    opts.block_bytes = 64 << 10;
    if (random_heap_write(&small, &log, 5, 12, NULL) != HTRAIL_OK || random_heap_write(&blocks, &log, 6, 70, &opts) != HTRAIL_OK)
        return 1;
    save("good/1.1-small", small.data, small.len);
    save("good/1.1-blocks", blocks.data, blocks.len);

    save("bad/1-cut-in-a-block", blocks.data, blocks.len * 2 / 3);
    save("bad/1-cut-in-the-header", small.data, 20);
    bad = copy_of(&small);
    bad[10 + HTRAIL__FRAME_HEAD_BYTES + HTRAIL__HEADER_BYTES] ^= 0x10;
    save("bad/1-flipped-bit", bad, small.len);
    bad = copy_of(&small);
    htrail__put_u16(bad + 8, 2);
    mend_checksums(bad, small.len);
    save("bad/3-newer-major-version", bad, small.len);
    bad = copy_of(&small);
    frame_of(bad, HTRAIL__SECTION_OBJECTS)[HTRAIL__FRAME_HEAD_BYTES + 5 + 2] ^= 1; /* in the sum of sizes */
    mend_checksums(bad, small.len);
    save("bad/1-wrong-sum", bad, small.len);
    bad = copy_of(&small);
    frame_of(bad, HTRAIL__SECTION_END)[HTRAIL__FRAME_HEAD_BYTES] ^= 1; /* the total of objects */
    mend_checksums(bad, small.len);
    save("bad/1-wrong-total", bad, small.len);
    bad = copy_of(&small);
    bad[0] = 0x09;
    save("bad/1-seven-bit", bad, small.len);
    bad = memcpy(malloc(small.len + 3), small.data, small.len);
    memcpy(bad + small.len, "abc", 3);
    save("bad/1-something-follows", bad, small.len + 3);
    size_t len = small.len;
    save("bad/3-unknown-critical-section", insert_section(small.data, &len, 4711, HTRAIL__FRAME_CRITICAL, 1), len);
    save("bad/1-empty", small.data, 0);
    save("bad/1-another-kind-of-file", (const uint8_t *)"SQLite format 4", 16);
    return 0;
}
