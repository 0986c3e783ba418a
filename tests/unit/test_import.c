/* Readers of other tools' files against hostile ones: small sound files, made here byte by byte, cut at every length and with
 * every byte changed. That sound files are read right is the matter of tests/import/, with files that the tools themselves wrote. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <htrail/writer.h>

#include "import/import.h"

typedef struct bytes { uint8_t data[16384]; size_t len; } bytes;

static void put(bytes *b, uint64_t number, unsigned width)
{
    for (unsigned i = width; i-- > 0;)
        b->data[b->len++] = (uint8_t)(number >> 8 * i);
}
static void put_text(bytes *b, const char *text) { memcpy(b->data + b->len, text, strlen(text)); b->len += strlen(text); }

static char folder[] = "/tmp/heaptrail-import-XXXXXX", in[64], out[64];
static void begin(void)
{
    cr_assert_not_null(mkdtemp(folder));
    snprintf(in, sizeof in, "%s/in", folder);
    snprintf(out, sizeof out, "%s/out.htrail", folder);
}
static void end(void)
{
    unlink(in);
    unlink(out);
    cr_assert_eq(rmdir(folder), 0, "something was left behind");
}
TestSuite(import, .init = begin, .fini = end);

static htrail__import_result result;
static char message[1024];
static void write_input(const uint8_t *data, size_t len)
{
    FILE *file = fopen(in, "wb");
    cr_assert_eq(fwrite(data, 1, len, file), len);
    fclose(file);
}

static htrail_status import_bytes(const uint8_t *data, size_t len, const char *format)
{
    htrail__import_opts opts = {.format = format, .with_contents = true};
    write_input(data, len);
    unlink(out);
    message[0] = '\0';
    htrail_status status = htrail__import(in, out, &opts, &result, message, sizeof message);
    if (status != HTRAIL_OK) {
        cr_assert_neq(message[0], '\0', "a failure without a sentence");
        cr_assert_not_null(strstr(message, in), "'%s' does not name the file", message);
        cr_assert_neq(access(out, F_OK), 0, "a failure left a snapshot");
    }
    return status;
}

/* A string, two classes, an instance, its arrays, a thread and its stack. */
static void record(bytes *b, uint8_t tag, size_t *start)
{
    put(b, tag, 1);
    put(b, 0, 8);
    *start = b->len;
}
static void close_record(bytes *b, size_t start)
{
    size_t len = b->len;
    b->len = start - 4;
    put(b, len - start, 4);
    b->len = len;
}
static void string(bytes *b, uint64_t id, const char *text)
{
    size_t start;
    record(b, 0x01, &start);
    put(b, id, 8);
    put_text(b, text);
    close_record(b, start);
}
static void load_class(bytes *b, uint32_t serial, uint64_t id, uint64_t name)
{
    size_t start;
    record(b, 0x02, &start);
    put(b, serial, 4), put(b, id, 8), put(b, 0, 4), put(b, name, 8);
    close_record(b, start);
}
static void class_head(bytes *b, uint64_t id, uint64_t super)
{
    put(b, 0x20, 1), put(b, id, 8), put(b, 0, 4), put(b, super, 8);
    for (int i = 0; i < 5; i++)
        put(b, 0, 8);
    put(b, 24, 4), put(b, 0, 2);
}
static void make_hprof(bytes *b)
{
    size_t start;
    b->len = 0;
    put_text(b, "JAVA PROFILE 1.0.2");
    put(b, 0, 1), put(b, 8, 4), put(b, 1700000000000, 8);
    string(b, 1, "java/lang/Object"), string(b, 2, "app/Record"), string(b, 3, "items"), string(b, 4, "[Ljava/lang/Object;");
    string(b, 5, "run"), string(b, 6, "()V"), string(b, 7, "Record.java"), string(b, 8, "name"), string(b, 9, "kept");
    load_class(b, 1, 0x1000, 1), load_class(b, 2, 0x1100, 2), load_class(b, 3, 0x1200, 4);
    record(b, 0x04, &start);
    put(b, 0x77, 8), put(b, 5, 8), put(b, 6, 8), put(b, 7, 8), put(b, 2, 4), put(b, 12, 4);
    close_record(b, start);
    record(b, 0x05, &start);
    put(b, 1, 4), put(b, 1, 4), put(b, 1, 4), put(b, 0x77, 8);
    close_record(b, start);
    record(b, 0x1c, &start);
    class_head(b, 0x1000, 0), put(b, 0, 2), put(b, 0, 2);
    class_head(b, 0x1100, 0x1000), put(b, 1, 2), put(b, 9, 8), put(b, 2, 1), put(b, 0x2000, 8);
    put(b, 3, 2), put(b, 3, 8), put(b, 2, 1), put(b, 8, 8), put(b, 2, 1), put(b, 5, 8), put(b, 10, 1);
    class_head(b, 0x1200, 0x1000), put(b, 0, 2), put(b, 0, 2);
    put(b, 0x05, 1), put(b, 0x1000, 8);
    put(b, 0x08, 1), put(b, 0x2000, 8), put(b, 1, 4), put(b, 1, 4);
    put(b, 0x03, 1), put(b, 0x2100, 8), put(b, 1, 4), put(b, 0, 4);
    put(b, 0x01, 1), put(b, 0x1100, 8), put(b, 0x99, 8);
    put(b, 0x21, 1), put(b, 0x2000, 8), put(b, 0, 4), put(b, 0x1100, 8), put(b, 20, 4), put(b, 0x2100, 8), put(b, 0x2000, 8), put(b, 7, 4);
    put(b, 0x22, 1), put(b, 0x2100, 8), put(b, 0, 4), put(b, 3, 4), put(b, 0x1200, 8), put(b, 0, 8), put(b, 0x2200, 8), put(b, 0x2000, 8);
    put(b, 0x23, 1), put(b, 0x2200, 8), put(b, 0, 4), put(b, 5, 4), put(b, 8, 1), put_text(b, "bytes");
    close_record(b, start);
    record(b, 0x2c, &start);
}

static void refused(bytes *b, const char *sentence)
{
    htrail_status status = import_bytes(b->data, b->len, NULL);
    cr_expect_neq(status, HTRAIL_OK);
    cr_expect_not_null(strstr(message, sentence), "'%s' does not say '%s'", message, sentence);
}

Test(import, hprof_has_what_was_put_into_it)
{
    bytes b;
    make_hprof(&b);
    cr_assert_eq(import_bytes(b.data, b.len, NULL), HTRAIL_OK, "%s", message);
    cr_assert_str_eq(result.format, "hprof");
    cr_expect_eq(result.objects, 6);
    cr_expect_eq(result.references, 2 /* super */ + 1 /* static */ + 3 /* <class>, fields */ + 2 /* items */);
    cr_expect_eq(result.roots, 5);
    cr_assert_str_eq(result.cut, "");
}

Test(import, what_is_wrong_with_an_hprof_is_said)
{
    bytes b;
    make_hprof(&b);
    b.data[19 + 3] = 3;
    refused(&b, "ids of 3 bytes");
    make_hprof(&b);
    *(uint8_t *)memmem(b.data, b.len, "\x21\0\0\0\0\0\0\x20\0", 9) = 0x77;
    refused(&b, "what is an item with tag 0x77, at offset");
    make_hprof(&b);
    b.len -= 20;
    cr_assert_eq(import_bytes(b.data, b.len, NULL), HTRAIL_OK, "%s", message);
    cr_expect_not_null(strstr(result.cut, "the file ends within the item that begins, at offset"), "%s", result.cut);
    b.len = 40;
    refused(&b, "the file ends within the record that begins, at offset 31");
    b.len = 0;
    put_text(&b, "hello");
    refused(&b, "it begins like none of the known formats");
}

static int drop(void *arg, const void *data, size_t len) { (void)arg, (void)data, (void)len; return 0; }

static void survives(const uint8_t *data, size_t len, const char *format, const char *what, size_t at)
{
    htrail__import_opts opts = {.format = format, .with_contents = true};
    htrail_writer_opts small;
    htrail_writer *writer = NULL;
    htrail_writer_opts_init(&small);
    small.block_bytes = 16 << 10;
    write_input(data, len);
    cr_assert_eq(htrail_writer_open_sink(&writer, &(htrail_sink){.write = drop}, &small, NULL, 0), HTRAIL_OK);
    message[0] = '\0';
    htrail_status status = htrail__import_to(writer, in, &opts, &result, message, sizeof message);
    htrail_writer_free(writer);
    cr_expect(status == HTRAIL_OK || status == HTRAIL_E_TRUNCATED || status == HTRAIL_E_CORRUPT, "%s %zu: %d, %s", what, at, status, message);
    cr_expect(status == HTRAIL_OK || message[0] != '\0', "%s %zu: no sentence", what, at);
}

/* Cut at each length, and each byte set to what breaks most. The format is stated, so that its reader sees the worst. In
 * `make check` a part of it; IMPORT_DAMAGE=all is the whole. */
static void damage(const bytes *sound, const char *format)
{
    static const uint8_t values[] = {0x00, 0x7f, 0xff};
    enum { KINDS = 4, PART = 16 };
    bool all = getenv("IMPORT_DAMAGE") != NULL;
    uint8_t *data = malloc(sound->len);
    for (size_t len = 0; len < sound->len; len += all ? 1 : PART)
        survives(sound->data, len, format, "cut at", len);
    for (size_t at = 0; at < sound->len; at++)
        for (size_t i = 0; i < KINDS; i++) {
            if (!all && (at + i * 2) % PART != 0)
                continue;
            memcpy(data, sound->data, sound->len);
            data[at] = i < sizeof values ? values[i] : (uint8_t)(data[at] ^ 1 << at % 8);
            survives(data, sound->len, format, "byte", at);
        }
    free(data);
}

Test(import, a_damaged_hprof_is_refused_or_read_as_far_as_it_goes)
{
    bytes b;
    make_hprof(&b);
    damage(&b, "hprof");
}

static const char heapsnapshot[] =
    "{\"snapshot\":{\"meta\":{\"node_fields\":[\"type\",\"name\",\"id\",\"self_size\",\"edge_count\"],\"node_types\":[[\"synthetic\",\"object\",\"string\",\"closure\"],"
    "\"string\",\"number\"],\"edge_fields\":[\"type\",\"name_or_index\",\"to_node\"],\"edge_types\":[[\"property\",\"element\",\"weak\"],\"string_or_number\",\"node\"]},"
    "\"node_count\":4,\"edge_count\":4},\n\"nodes\":[0,0,1,0,2\n,1,1,3,40,2\n,2,2,5,16,0\n,3,3,7,64,0],\n\"edges\":[0,3,5\n,1,7,15\n,0,4,10,2,4,15],\n"
    "\"strings\":[\"\",\"Record\",\"text \\u00e9\",\"run\",\"name\"]}\n";

static bytes bytes_of(const char *data)
{
    bytes b = {.len = 0};
    put_text(&b, data);
    return b;
}

static void replaced(const char *what, const char *by, const char *sentence)
{
    bytes b = {.len = 0};
    const char *at = strstr(heapsnapshot, what);
    cr_assert_not_null(at);
    memcpy(b.data, heapsnapshot, b.len = (size_t)(at - heapsnapshot));
    put_text(&b, by);
    put_text(&b, at + strlen(what));
    refused(&b, sentence);
}

Test(import, heapsnapshot_has_what_was_put_into_it)
{
    bytes b = bytes_of(heapsnapshot);
    cr_assert_eq(import_bytes(b.data, b.len, NULL), HTRAIL_OK, "%s", message);
    cr_assert_str_eq(result.format, "v8");
    cr_expect_eq(result.objects, 4);
    cr_expect_eq(result.references, 4);
    cr_expect_eq(result.size_bytes, 120);
}

Test(import, what_is_wrong_with_a_heapsnapshot_is_said)
{
    replaced("\"edge_count\"]", "\"count\"]", "has no field 'edge_count' of nodes");
    replaced("1,7,15", "1,7,14", "an edge of node 0 has type 1, name 7 and leads to 14, at offset");
    replaced("0,3,5\n,", "", "fewer edges than its nodes say");
    replaced("10,2,4,15", "10,2,4,15,2,4,15", "more edges than its nodes say");
    replaced("\"nodes\"", "nodes", "it is no JSON: lexical error: invalid string in json text., at offset");
    bytes b = bytes_of(heapsnapshot);
    b.len -= 20;
    refused(&b, "the file ends within a value");
}

Test(import, a_damaged_heapsnapshot_is_refused_or_read)
{
    bytes b = bytes_of(heapsnapshot);
    damage(&b, "v8");
}

static const char meliae[] =
    "{\"address\": 4096, \"type\": \"module\", \"size\": 56, \"name\": \"app\", \"refs\": [8192]}\n"
    "{\"address\": 8192, \"type\": \"dict\", \"size\": 280, \"len\": 1, \"refs\": [12288, 16384]}\n"
    "{\"address\": 12288, \"type\": \"str\", \"size\": 40, \"len\": 4, \"value\": \"k\\u00e4pt\", \"refs\": []}\n"
    "{\"address\": 16384, \"type\": \"list\", \"size\": 72, \"len\": 2, \"refs\": [4096, 12288]}\n";

static void put_text16(bytes *b, const char *text) { put(b, strlen(text), 2), put_text(b, text); }

static void make_pyheap(bytes *b)
{
    b->len = 0;
    put(b, 123000321, 8), put(b, 1, 4), put_text16(b, "some time"), put(b, 1, 8);
    put(b, 2, 4), put_text16(b, "list"), put(b, 0x100, 8), put_text16(b, "dict"), put(b, 0x200, 8);
    put(b, 1, 4), put_text16(b, "MainThread"), put(b, 1, 1), put(b, 0, 1), put(b, 1, 4), put_text16(b, "app.py"), put(b, 12, 4), put_text16(b, "run"), put(b, 1, 4),
        put_text16(b, "x"), put(b, 0x1000, 8);
    put(b, 1, 4), put_text16(b, "name"), put(b, 1, 4), put(b, 0x100, 8), put(b, 1, 4), put(b, 0xffff, 2), put(b, 0x1000, 8);
    put(b, 3, 4);
    put(b, 0x1000, 8), put(b, 0x100, 8), put(b, 72, 4), put(b, 1, 4), put(b, 0x2000, 8), put(b, 0, 4);
    put(b, 0x2000, 8), put(b, 0x300, 8), put(b, 48, 4), put(b, 2, 4), put(b, 0x1000, 8), put(b, 0x3000, 8), put(b, 2, 4), put(b, 0xffff, 2), put(b, 0x3000, 8),
        put(b, 1, 2), put_text(b, "y"), put(b, 0x9999, 8), put_text16(b, "<Record>");
    put(b, 0x3000, 8), put(b, 0x200, 8), put(b, 64, 4), put(b, 1, 4), put(b, 0x1000, 8), put(b, 0x2000, 8), put(b, 0, 4), put(b, 0, 4);
    put(b, 3, 4), put(b, 0x100, 8), put_text16(b, "list"), put(b, 0x200, 8), put_text16(b, "dict"), put(b, 0x300, 8), put_text16(b, "Record");
    put(b, 123000321, 8);
}

static const char dump_heap[] =
    "\x83\xa1t\xa4type\xacobjtype_addr\xcd\x10\x01\xa8typename\xaf" "builtins.module"
    "\x87\xa1t\xa6object\xa4root\xc3\xabthread_root\xc2\xacobjtype_addr\xcd\x10\x01\xa4" "addr\xcd\x20\x01\xa4size\x48\xa7payload\xc4\x03" "app"
    "\x83\xa1t\xa9referents\xa4" "addr\xcd\x20\x01\xab" "child_addrs\x92\xcd\x20\x02\xcd\x20\x01"
    "\x83\xa1t\xa4type\xacobjtype_addr\xcd\x10\x02\xa8typename\xaa" "app.Record"
    "\x86\xa1t\xa6object\xa4root\xc3\xabthread_root\xc2\xacobjtype_addr\xcd\x10\x02\xa4" "addr\xcd\x20\x02\xa4size\x30"
    "\x81\xa1t\xa4" "done";

static void holds(const bytes *b, const char *format, uint64_t objects, uint64_t references, uint64_t size_bytes, uint64_t roots)
{
    cr_assert_eq(import_bytes(b->data, b->len, NULL), HTRAIL_OK, "%s", message);
    cr_assert_str_eq(result.format, format);
    cr_expect_eq(result.objects, objects, "%s: %d objects", format, (int)result.objects);
    cr_expect_eq(result.references, references, "%s: %d references", format, (int)result.references);
    cr_expect_eq(result.size_bytes, size_bytes, "%s: %d bytes", format, (int)result.size_bytes);
    cr_expect_eq(result.roots, roots, "%s: %d roots", format, (int)result.roots);
}

Test(import, files_of_python_tools_have_what_was_put_into_them)
{
    bytes b = bytes_of(meliae);
    holds(&b, "meliae", 4, 5, 448, 1);
    make_pyheap(&b);
    holds(&b, "pyheap", 3, 5, 184, 1);
    b.len = 0;
    memcpy(b.data, dump_heap, b.len = sizeof dump_heap - 1);
    holds(&b, "dump-heap", 2, 2, 120, 1);
}

Test(import, a_cut_file_of_a_python_tool_is_refused_or_said_to_be_cut)
{
    bytes b = bytes_of(meliae);
    b.len -= 30;
    cr_assert_eq(import_bytes(b.data, b.len, NULL), HTRAIL_OK, "%s", message);
    cr_expect_eq(result.objects, 3);
    cr_expect_not_null(strstr(result.cut, "the file ends within a value"), "%s", result.cut);
    make_pyheap(&b);
    b.len -= 9;
    refused(&b, "the file ends within the part that begins, at offset");
    b.len = 0;
    memcpy(b.data, dump_heap, b.len = sizeof dump_heap - 9);
    cr_assert_eq(import_bytes(b.data, b.len, NULL), HTRAIL_OK, "%s", message);
    cr_expect_not_null(strstr(result.cut, "the file ends within the record that begins, at offset"), "%s", result.cut);
}

Test(import, a_damaged_file_of_a_python_tool_is_refused_or_read)
{
    bytes b = bytes_of(meliae);
    damage(&b, "meliae");
    make_pyheap(&b);
    damage(&b, "pyheap");
    b.len = 0;
    memcpy(b.data, dump_heap, b.len = sizeof dump_heap - 1);
    damage(&b, "dump-heap");
}

/* JSON is parsed in parts, and the parser begins a value again with each of them: 20 s in parts of 64 KiB. */
Test(import, a_long_value_takes_no_time_that_grows_with_its_square)
{
    static const char before[] = "{\"address\": 1, \"type\": \"str\", \"size\": 49, \"value\": \"", after[] = "\", \"refs\": []}\n";
    size_t len = 40 << 20;
    uint8_t *data = malloc(sizeof before + len + sizeof after);
    memset(data, 'x', sizeof before + len);
    memcpy(data, before, sizeof before - 1);
    memcpy(data + len, after, sizeof after - 1);
    clock_t start = clock();
    cr_assert_eq(import_bytes(data, len + sizeof after - 1, NULL), HTRAIL_OK, "%s", message);
    cr_assert_eq(result.objects, 1);
    cr_assert_lt(clock() - start, 8 * CLOCKS_PER_SEC);
    free(data);
}
