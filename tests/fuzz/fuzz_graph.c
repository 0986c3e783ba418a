/* Any stream of records, also those that no writer makes and the decoders never let through, becomes
 * a database that SQLite finds whole and that every question can be asked of.
 * Linked with: format/status.c analyze/ (the reader is here) */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <htrail/reader.h>

#include "analyze/expression.h"
#include "analyze/holders.h"
#include "analyze/load.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

enum { REFS_MAX = 64, IDS_ASKED = 12 };

/* A reader that makes records of the bytes. Addresses and texts are from small sets, so that they meet. */
struct htrail_reader {
    const uint8_t *at, *end;
    htrail_header header;
    uint32_t next_string, next_site;
    uint8_t ending;
    htrail_ref refs[REFS_MAX];
};

static uint8_t byte(htrail_reader *r) { return r->at < r->end ? *r->at++ : 0; }

static uint64_t number(htrail_reader *r)
{
    uint8_t b = byte(r);
    return b < 0x80 ? b : b < 0xa0 ? UINT64_C(1) << (b & 31) << (byte(r) & 31) : b < 0xb0 ? UINT64_MAX - (b & 15) :
           b < 0xc0 ? (UINT64_C(1) << 63) - 8 + (b & 15) : b < 0xd0 ? (UINT64_C(1) << 32) - 8 + (b & 15) :
           b < 0xe0 ? (UINT64_C(1) << 30) - 8 + (b & 15) : (uint64_t)(b & 31) << 8 | byte(r);
}

static uint64_t address(htrail_reader *r)
{
    uint8_t b = byte(r);
    return b == 0xff ? number(r) : (uint64_t)b * 8;
}

static htrail_label label(htrail_reader *r)
{
    uint8_t b = byte(r);
    return b < 0x60 ? b : b < 0xe0 ? (uint64_t)(b - 0x60) * 8 : number(r);
}

static htrail_str text(htrail_reader *r)
{
    static const char *const words[] = {"", "str", "dict", "module", "function", "type", "code", "cell", "tuple", "builtins", "__dict__", "__globals__",
                                        "__closure__", "__code__", "co_localsplusnames", "__name__", "__module__", "a'b\"c", "\x1b[31m", "__main__", "frame", "list"};
    uint8_t b = byte(r);
    if (b < sizeof words / sizeof *words)
        return (htrail_str){words[b], strlen(words[b])};
    size_t len = b & 15;
    if (len > (size_t)(r->end - r->at))
        len = (size_t)(r->end - r->at);
    r->at += len;
    return (htrail_str){len > 0 ? (const char *)r->at - len : NULL, len};
}

htrail_status htrail_reader_next(htrail_reader *r, htrail_record *rec)
{
    if (r->at >= r->end)
        return (r->ending & 3) == 1 ? HTRAIL_E_TRUNCATED : (r->ending & 31) == 2 ? HTRAIL_E_CORRUPT : HTRAIL_END;
    memset(rec, 0, sizeof *rec);
    uint8_t what = byte(r);
    switch (what & 15) {
    case 0:
        rec->kind = HTRAIL_RECORD_META;
        rec->u.meta.key = text(r);
        rec->u.meta.value = text(r);
        break;
    case 1:
        rec->kind = HTRAIL_RECORD_STRING;
        rec->u.string.id = what & 0x80 ? byte(r) : r->next_string++;
        rec->u.string.text = text(r);
        break;
    case 2:
    case 3:
        rec->kind = HTRAIL_RECORD_TYPE;
        rec->u.type = (htrail_type){.id = address(r), .base = address(r), .name = text(r), .module = text(r), .flags = what >> 4};
        if (what & 0x80)
            rec->u.type.name_label = label(r), rec->u.type.module_label = label(r), rec->u.type.basic_bytes = number(r), rec->u.type.item_bytes = number(r);
        break;
    case 4:
    case 5:
        rec->kind = HTRAIL_RECORD_NAME;
        rec->u.name = (htrail_name){.object = address(r), .name = text(r), .module = text(r)};
        break;
    case 6:
        rec->kind = HTRAIL_RECORD_VALUE;
        rec->u.value = (htrail_value){.object = address(r), .flags = what >> 4, .hash = byte(r), .text = text(r)};
        break;
    case 7:
        rec->kind = HTRAIL_RECORD_ROOT;
        rec->u.root = (htrail_root){.object = address(r), .kind = byte(r) & 31, .name = text(r)};
        if (what & 0x80)
            rec->u.root.kind = (uint32_t)number(r), rec->u.root.thread_id = number(r), rec->u.root.depth = (uint32_t)number(r);
        break;
    case 8:
        rec->kind = HTRAIL_RECORD_THREAD;
        rec->u.thread = (htrail_thread){.tid = byte(r) & 7, .ident = number(r), .object = address(r), .flags = what >> 4, .state = byte(r)};
        rec->u.thread.name = text(r), rec->u.thread.comm = text(r), rec->u.thread.wait = text(r);
        if (what & 0x80)
            rec->u.thread.start_ns = number(r), rec->u.thread.user_ns = number(r), rec->u.thread.system_ns = number(r);
        break;
    case 9:
        rec->kind = HTRAIL_RECORD_FRAME;
        rec->u.frame = (htrail_frame){.tid = byte(r) & 7, .object = address(r), .depth = byte(r), .line = byte(r)};
        rec->u.frame.function = text(r), rec->u.frame.file = text(r);
        if (what & 0x80)
            rec->u.frame.ident = number(r), rec->u.frame.depth = (uint32_t)number(r), rec->u.frame.line = (uint32_t)number(r);
        break;
    case 11:
        rec->kind = HTRAIL_RECORD_SITE;
        rec->u.site = (htrail_site){.id = what & 0x80 ? byte(r) : r->next_site++, .caller = what & 0x40 ? byte(r) & 3 : HTRAIL_NO_SITE,
                                    .line = byte(r), .file = text(r), .function = text(r)};
        break;
    case 12:
        rec->kind = HTRAIL_RECORD_SITE_OF;
        rec->u.site_of = (htrail_site_of){.address = address(r), .site = byte(r) & 7, .size_bytes = number(r)};
        rec->u.site_of.weight = what & 0x80 ? number(r) : 0;
        break;
    case 10:
        rec->kind = HTRAIL_RECORD_MAPPING;
        rec->u.mapping = (htrail_mapping){.start = number(r), .end = number(r), .category = byte(r), .flags = byte(r), .path = text(r)};
        rec->u.mapping.rss_bytes = number(r), rec->u.mapping.pss_bytes = number(r);
        break;
    default: {
        htrail_object *o = &rec->u.object;
        uint8_t count = byte(r);
        rec->kind = HTRAIL_RECORD_OBJECT;
        *o = (htrail_object){.id = address(r), .type = address(r), .flags = byte(r), .refs = r->refs, .ref_count = count % REFS_MAX};
        if (what & 0x10)
            o->size_bytes = number(r), o->length = number(r), o->refcount = number(r);
        for (uint32_t i = 0; i < o->ref_count; i++) {
            uint8_t kind = byte(r);
            r->refs[i] = (htrail_ref){.target = address(r), .kind = kind & 15};
            if (kind & 0x10)
                r->refs[i].label = label(r);
            if (kind & 0x20)
                r->refs[i].label = number(r);
        }
        if (o->ref_count == 0 && (what & 0x20))
            o->refs = NULL;
    }
    }
    return HTRAIL_OK;
}

const htrail_header *htrail_reader_header(const htrail_reader *r) { return &r->header; }
uint64_t htrail_reader_offset(const htrail_reader *r) { return (uint64_t)(r->end - r->at); }
const char *htrail_reader_error(const htrail_reader *r) { (void)r; return "cut"; }
const char *htrail_reader_stopped_early(const htrail_reader *r) { return (r->ending & 7) == 4 ? "stopped" : NULL; }
/* For the store, which is linked and not called. */
void htrail_reader_free(htrail_reader *r) { (void)r; }
htrail_status htrail_reader_open_path(htrail_reader **out, const char *path, const htrail_limits *limits, char *message, size_t cap)
{
    (void)path, (void)limits, (void)message, (void)cap;
    *out = NULL;
    return HTRAIL_E_IO;
}

static void must(bool fine, const char *what)
{
    if (!fine) {
        fprintf(stderr, "failed: %s\n", what);
        abort();
    }
}

/* Every row of a question can be read; the first column of the first row is wanted, unless NULL. */
static void ask(sqlite3 *db, const char *sql, const char *wanted)
{
    sqlite3_stmt *statement;
    int step, rows = 0;
    if (sqlite3_prepare_v2(db, sql, -1, &statement, NULL) != SQLITE_OK) {
        fprintf(stderr, "%s\n", sqlite3_errmsg(db));
        must(false, sql);
    }
    while ((step = sqlite3_step(statement)) == SQLITE_ROW)
        if (rows++ == 0 && wanted != NULL)
            must(strcmp((const char *)sqlite3_column_text(statement, 0), wanted) == 0, (const char *)sqlite3_column_text(statement, 0));
    if (step != SQLITE_DONE) {
        fprintf(stderr, "%s\n", sqlite3_errmsg(db));
        must(false, sql);
    }
    sqlite3_finalize(statement);
}

static void ask_everything(sqlite3 *db)
{
    char message[256] = "";
    htrail__lookup *lookup;
    htrail__holders *holders;
    htrail__holders_opts opts;
    htrail__text out;
    uint64_t ids[IDS_ASKED];

    ask(db, "PRAGMA integrity_check", "ok");
    ask(db, "SELECT * FROM object", NULL);
    ask(db, "SELECT * FROM reference", NULL);
    ask(db, "SELECT count(*) = (SELECT value FROM snapshot WHERE key = 'objects') FROM object", "1");
    ask(db, "SELECT count(*) = (SELECT value FROM snapshot WHERE key = 'references') FROM reference", "1");
    ask(db, "SELECT count(*) FROM (SELECT type FROM object WHERE type IS NULL OR module IS NULL OR name IS NULL)", "0");
    ask(db, "SELECT count(*) FROM object o LEFT JOIN reference r ON r.src = o.holder AND r.dst = o.id AND r.kind = o.holder_kind "
            "WHERE o.holder IS NOT NULL AND r.src IS NULL", "0");
    must(htrail__lookup_open(&lookup, db, message, sizeof message) == HTRAIL_OK, message);
    size_t count = 0;
    for (uint64_t id = 1; id <= IDS_ASKED; id++) {
        htrail__found_object object;
        htrail__chain chain;
        bool exists;
        htrail_status status = htrail__lookup_object(lookup, id, &object);
        if (status == HTRAIL_E_NOT_FOUND)
            break;
        must(status == HTRAIL_OK, htrail__lookup_error(lookup));
        ids[count++] = id;
        must(htrail__chain_find(&chain, lookup, id) == HTRAIL_OK, htrail__lookup_error(lookup));
        htrail__text_init(&out, 1 << 20);
        must(htrail__expression_of_chain(&out, &exists, NULL, lookup, &chain) == HTRAIL_OK, htrail__lookup_error(lookup));
        htrail__text_release(&out);
        htrail__chain_release(&chain);
    }
    uint64_t objects, size_bytes;
    must(htrail__lookup_totals(lookup, &objects, &size_bytes) == HTRAIL_OK, htrail__lookup_error(lookup));
    htrail__holders_opts_init(&opts);
    must(htrail__holders_find(&holders, lookup, ids, count, &opts) == HTRAIL_OK, htrail__lookup_error(lookup));
    htrail__holders_free(holders);
    htrail__lookup_free(lookup);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static char path[64];
    char message[512] = "";
    htrail_reader reader = {.at = data + (len > 0), .end = data + len, .ending = len > 0 ? data[0] : 0, .header = {.pointer_bytes = 8}};
    sqlite3 *db;
    if (path[0] == '\0')
        snprintf(path, sizeof path, "%s/heaptrail-fuzz-%d.db", access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp", (int)getpid());
    htrail_status status = htrail__load(&reader, &(htrail__load_source){.name = "fuzz", .file_bytes = len}, path, message, sizeof message);
    if (status == HTRAIL_E_CORRUPT)
        return 0; /* a sentence, and nothing left */
    must(status == HTRAIL_OK, message);
    must(sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL) == SQLITE_OK, "open");
    ask_everything(db);
    sqlite3_close(db);
    unlink(path);
    return 0;
}
