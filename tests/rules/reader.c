/* tests/rules/reader.c - what the tests of the rules need of the reader, as a program:
 *   dump FILE            every record of the file, one a line, every text in it
 *   cut FILE FIRST STEP  reads each beginning of the file (every length from FIRST on, STEP
 *                        apart): it must be refused as cut, name the place, and hold the same
 *                        records as the whole file has there, never fewer than a shorter one
 *   wide OUT             writes numbers that no 32 bits hold, and one of each at the limit
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <htrail/reader.h>
#include <htrail/writer.h>

static void text(const char *name, htrail_str str)
{
    printf(" %s='%.*s'", name, (int)str.len, str.data ? str.data : "");
}

static int dump(const char *path)
{
    char message[512];
    htrail_reader *reader;
    if (htrail_reader_open_path(&reader, path, NULL, message, sizeof message) != HTRAIL_OK) {
        printf("%s\n", message);
        return 1;
    }
    htrail_record record;
    htrail_status status;
    while ((status = htrail_reader_next(reader, &record)) == HTRAIL_OK) {
        switch (record.kind) {
        case HTRAIL_RECORD_META:
            printf("meta");
            text("key", record.u.meta.key);
            text("value", record.u.meta.value);
            break;
        case HTRAIL_RECORD_STRING:
            printf("string %" PRIu32, record.u.string.id);
            text("text", record.u.string.text);
            break;
        case HTRAIL_RECORD_TYPE:
            printf("type %#" PRIx64 " basic=%" PRIu64, record.u.type.id, record.u.type.basic_bytes);
            text("name", record.u.type.name);
            text("module", record.u.type.module);
            break;
        case HTRAIL_RECORD_OBJECT:
            printf("object %#" PRIx64 " type=%#" PRIx64 " size=%" PRIu64 " length=%" PRIu64 " refcount=%" PRIu64
                   " flags=%u refs=%u", record.u.object.id, record.u.object.type, record.u.object.size_bytes,
                   record.u.object.length, record.u.object.refcount, record.u.object.flags, record.u.object.ref_count);
            for (uint32_t i = 0; i < record.u.object.ref_count; i++)
                printf(" %u:%#" PRIx64 ":%#" PRIx64, record.u.object.refs[i].kind, record.u.object.refs[i].target,
                       record.u.object.refs[i].label);
            break;
        case HTRAIL_RECORD_NAME:
            printf("name %#" PRIx64, record.u.name.object);
            text("name", record.u.name.name);
            text("module", record.u.name.module);
            break;
        case HTRAIL_RECORD_VALUE:
            printf("value %#" PRIx64 " hash=%#" PRIx64 " flags=%u", record.u.value.object, record.u.value.hash,
                   record.u.value.flags);
            text("text", record.u.value.text);
            break;
        case HTRAIL_RECORD_ROOT:
            printf("root %#" PRIx64 " kind=%u thread=%" PRIu64, record.u.root.object, record.u.root.kind,
                   record.u.root.thread_id);
            text("name", record.u.root.name);
            break;
        case HTRAIL_RECORD_THREAD:
            printf("thread %" PRIu64 " flags=%u", record.u.thread.tid, record.u.thread.flags);
            text("name", record.u.thread.name);
            break;
        case HTRAIL_RECORD_FRAME:
            printf("frame %" PRIu64 " depth=%u line=%u", record.u.frame.tid, record.u.frame.depth, record.u.frame.line);
            text("function", record.u.frame.function);
            break;
        case HTRAIL_RECORD_SITE:
            printf("site %" PRIu32 " line=%u", record.u.site.id, record.u.site.line);
            text("file", record.u.site.file);
            break;
        case HTRAIL_RECORD_SITE_OF:
            printf("block %#" PRIx64 " site=%u size=%" PRIu64, record.u.site_of.address, record.u.site_of.site,
                   record.u.site_of.size_bytes);
            break;
        case HTRAIL_RECORD_MAPPING:
            printf("mapping %#" PRIx64 " category=%u", record.u.mapping.start, record.u.mapping.category);
            text("path", record.u.mapping.path);
            break;
        }
        printf("\n");
    }
    printf("end %d %s\n", status, htrail_reader_error(reader));
    htrail_reader_free(reader);
    return status == HTRAIL_END ? 0 : 1;
}

/* A running sum over the records: equal sums after n records mean equal records. */
static uint64_t fold(uint64_t sum, const void *data, size_t len)
{
    for (size_t i = 0; i < len; i++)
        sum = (sum ^ ((const unsigned char *)data)[i]) * 0x100000001b3;
    return sum;
}

static uint64_t fold_record(uint64_t sum, const htrail_record *record)
{
    sum = fold(sum, &record->kind, sizeof record->kind);
    switch (record->kind) {
    case HTRAIL_RECORD_META:
        sum = fold(sum, record->u.meta.key.data, record->u.meta.key.len);
        return fold(sum, record->u.meta.value.data, record->u.meta.value.len);
    case HTRAIL_RECORD_STRING:
        return fold(sum, record->u.string.text.data, record->u.string.text.len);
    case HTRAIL_RECORD_TYPE:
        return fold(sum, record->u.type.name.data, record->u.type.name.len);
    case HTRAIL_RECORD_OBJECT:
        sum = fold(sum, &record->u.object.id, sizeof(uint64_t));
        for (uint32_t i = 0; i < record->u.object.ref_count; i++)
            sum = fold(sum, &record->u.object.refs[i].target, sizeof(uint64_t));
        return sum;
    case HTRAIL_RECORD_NAME:
        return fold(sum, record->u.name.name.data, record->u.name.name.len);
    case HTRAIL_RECORD_VALUE:
        return fold(sum, record->u.value.text.data, record->u.value.text.len);
    case HTRAIL_RECORD_ROOT:
        return fold(sum, &record->u.root.object, sizeof(uint64_t));
    case HTRAIL_RECORD_THREAD:
        return fold(sum, &record->u.thread.tid, sizeof(uint64_t));
    case HTRAIL_RECORD_FRAME:
        sum = fold(sum, &record->u.frame.object, sizeof(uint64_t));
        return fold(sum, record->u.frame.function.data, record->u.frame.function.len);
    case HTRAIL_RECORD_SITE:
        return fold(sum, record->u.site.file.data, record->u.site.file.len);
    case HTRAIL_RECORD_SITE_OF:
        return fold(sum, &record->u.site_of.address, sizeof(uint64_t));
    case HTRAIL_RECORD_MAPPING:
        return fold(sum, &record->u.mapping.start, sizeof(uint64_t));
    }
    return sum;
}

/* Reads data[0..len); sums[i] is the sum after i records where known, and is filled for the whole file. */
static htrail_status read_all(const unsigned char *data, size_t len, uint64_t **sums, size_t *count, char *error, size_t cap)
{
    htrail_reader *reader;
    size_t room = *sums ? SIZE_MAX : 0, records = 0;
    uint64_t sum = 0;
    htrail_status status = htrail_reader_open_memory(&reader, data, len, "it", NULL, error, cap);
    if (status != HTRAIL_OK) {
        *count = 0;
        return status;
    }
    htrail_record record;
    while ((status = htrail_reader_next(reader, &record)) == HTRAIL_OK) {
        sum = fold_record(sum, &record);
        if (room != SIZE_MAX && records >= room) {
            room = room ? 2 * room : 1024;
            *sums = realloc(*sums, room * sizeof **sums);
        }
        if (room != SIZE_MAX)
            (*sums)[records] = sum;
        else if (*count > records && (*sums)[records] != sum) {
            snprintf(error, cap, "record %zu differs from the whole file's", records);
            htrail_reader_free(reader);
            return HTRAIL_E_MISUSE;
        }
        records++;
    }
    snprintf(error, cap, "%s", htrail_reader_error(reader));
    htrail_reader_free(reader);
    *count = records;
    return status;
}

static int cut(const char *path, size_t first, size_t step)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL || fseek(file, 0, SEEK_END) != 0)
        return 2;
    size_t len = (size_t)ftell(file), whole = 0, before = 0, most = 0, cuts = 0;
    rewind(file);
    unsigned char *data = malloc(len);
    if (data == NULL || fread(data, 1, len, file) != len)
        return 2;
    fclose(file);
    char error[512];
    uint64_t *sums = NULL;
    htrail_status status = read_all(data, len, &sums, &whole, error, sizeof error);
    if (status != HTRAIL_END) {
        printf("the whole file: %d %s\n", status, error);
        return 1;
    }
    for (size_t n = first; n < len; n += step, cuts++) {
        /* A block of exactly n bytes: a read past the cut is a read past the allocation. */
        unsigned char *part = malloc(n ? n : 1);
        memcpy(part, data, n);
        size_t count = whole;
        status = read_all(part, n, &sums, &count, error, sizeof error);
        free(part);
        if (status == HTRAIL_END && count == whole)
            continue; /* all that is missing is the index, which comes after the end */
        if (status != HTRAIL_E_TRUNCATED) {
            printf("cut at %zu: status %d, %zu records: %s\n", n, status, count, error);
            return 1;
        }
        if (strpbrk(error, "0123456789") == NULL || count < before) {
            printf("cut at %zu: %zu records, %zu in a shorter file: '%s'\n", n, count, before, error);
            return 1;
        }
        before = count;
        most = count > most ? count : most;
    }
    printf("%zu cuts, up to %zu of %zu records kept\n", cuts, most, whole);
    free(data);
    free(sums);
    return 0;
}

static int wide(const char *path)
{
    static const uint64_t numbers[] = {0x100000010, 0x7ffffffffff0, 0x123456789abcdef0, 0x7ffffffffffffff0};
    enum { COUNT = sizeof numbers / sizeof *numbers };
    char message[512];
    htrail_writer *w;
    if (htrail_writer_open_path(&w, path, NULL, message, sizeof message) != HTRAIL_OK) {
        printf("%s\n", message);
        return 1;
    }
    htrail_type type = {.id = 0x7ffffffffffff000, .name = {"wide", 4}, .module = {"builtins", 8}};
    htrail_writer_add_type(w, &type);
    for (size_t i = 0; i < COUNT; i++) {
        htrail_ref refs[] = {{.target = numbers[(i + 1) % COUNT], .kind = HTRAIL_REF_INDEX},
                             {.target = numbers[i], .kind = HTRAIL_REF_INDEX, .label = 0x200000000 + i}};
        htrail_object object = {.id = numbers[i], .type = type.id, .size_bytes = ((uint64_t)1 << 40) + i,
                                .length = ((uint64_t)1 << 33) + i, .refcount = ((uint64_t)1 << 34) + i,
                                .refs = refs, .ref_count = 2, .flags = HTRAIL_OBJECT_LENGTH};
        htrail_writer_add_object(w, &object);
    }
    htrail_root root = {.object = numbers[0], .name = {"wide", 4}, .thread_id = (uint64_t)1 << 35, .kind = HTRAIL_ROOT_INTERPRETER};
    htrail_writer_add_root(w, &root);
    htrail_status status = htrail_writer_finish(w);
    printf("%s%s\n", htrail_status_text(status), htrail_writer_error(w));
    htrail_writer_free(w);
    return status == HTRAIL_OK ? 0 : 1;
}

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "dump") == 0)
        return dump(argv[2]);
    if (argc == 5 && strcmp(argv[1], "cut") == 0)
        return cut(argv[2], strtoull(argv[3], NULL, 10), strtoull(argv[4], NULL, 10));
    if (argc == 3 && strcmp(argv[1], "wide") == 0)
        return wide(argv[2]);
    return 2;
}
