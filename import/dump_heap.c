/* import/dump_heap.c - a file of dump-heap (a CPython process, as seen by gc.get_objects() and gc.get_referents()) as a snapshot.
 *
 * MessagePack maps one after the other, each with its kind in "t": "type" before the first object of it, "object", "referents" right
 * after the object whose they are, and "done". */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "import/job.h"

enum { TEXT_BYTES_MAX = 1 << 20, KEY_BYTES = 24 };

typedef struct dump {
    htrail__job *job;
    htrail__map types; /* address to what they are: enum role */
    uint64_t offset;   /* of the record */
    bool is_done, has_object;
} dump;

enum role { ROLE_PLAIN, ROLE_STRING, ROLE_MODULE, ROLE_FRAME, ROLE_NAMED };

typedef struct record {
    char kind[16];
    uint64_t address, type, size_bytes;
    bool is_thread_root;
    char typename[1024], payload[8192];
    size_t typename_len, payload_len;
} record;

static bool cut(dump *d) { return htrail__job_cut(d->job, d->offset, "the record that begins"); }

static bool take_number(dump *d, unsigned bytes, uint64_t *out)
{
    const uint8_t *at = htrail__source_take(d->job->source, bytes);
    *out = 0;
    for (unsigned i = 0; at != NULL && i < bytes; i++)
        *out = *out << 8 | at[i];
    return at != NULL || cut(d);
}

static bool take_tag(dump *d, uint8_t *tag)
{
    uint64_t value = 0;
    bool done = take_number(d, 1, &value);
    *tag = (uint8_t)value;
    return done;
}

static bool refuse(dump *d, uint8_t tag, const char *wanted)
{
    return htrail__job_fail(d->job, d->offset, "a record has a value of kind 0x%02x where %s should be", tag, wanted);
}

static bool take_integer(dump *d, uint64_t *out)
{
    uint8_t tag;
    if (!take_tag(d, &tag))
        return false;
    *out = tag;
    if (tag < 0x80)
        return true;
    return tag >= 0xcc && tag <= 0xcf ? take_number(d, 1u << (tag - 0xcc), out) : refuse(d, tag, "a number");
}

static bool take_count(dump *d, uint8_t tag, uint8_t fixed, uint8_t fixed_max, uint8_t first, const char *wanted, uint64_t *out)
{
    *out = (uint64_t)(tag - fixed);
    if (tag >= fixed && tag <= fixed_max)
        return true;
    return tag == first || tag == first + 1 ? take_number(d, tag == first ? 2 : 4, out) : refuse(d, tag, wanted);
}

/* Text or bytes, as much as there is room for. */
static bool take_text(dump *d, char *out, size_t room, size_t *len)
{
    uint8_t tag;
    uint64_t count = 0;
    if (!take_tag(d, &tag))
        return false;
    if (tag >= 0xa0 && tag <= 0xbf)
        count = tag - 0xa0u;
    else if (tag >= 0xd9 && tag <= 0xdb ? !take_number(d, 1u << (tag - 0xd9), &count) : tag >= 0xc4 && tag <= 0xc6 ? !take_number(d, 1u << (tag - 0xc4), &count) : !refuse(d, tag, "a text"))
        return false;
    if (count > TEXT_BYTES_MAX)
        return htrail__job_fail(d->job, d->offset, "a text has %" PRIu64 " bytes", count);
    size_t kept = count < room - 1 ? (size_t)count : room - 1;
    const uint8_t *at = kept > 0 ? htrail__source_take(d->job->source, kept) : (const uint8_t *)"";
    if (at == NULL || !htrail__source_skip(d->job->source, count - kept))
        return cut(d);
    memcpy(out, at, kept);
    out[kept] = '\0';
    *len = kept;
    return true;
}

static bool end_object(dump *d)
{
    bool done = !d->has_object || htrail__job_end(d->job);
    d->has_object = false;
    return done;
}

static enum role role_of(const char *type)
{
    static const struct { const char *name; enum role role; } roles[] = {
        {"builtins.str", ROLE_STRING}, {"builtins.module", ROLE_MODULE}, {"builtins.frame", ROLE_FRAME}, {"builtins.function", ROLE_NAMED}, {"builtins.type", ROLE_NAMED},
        {"builtins.method", ROLE_NAMED}, {"builtins.coroutine", ROLE_NAMED}, {"abc.ABCMeta", ROLE_NAMED}, {"enum.EnumType", ROLE_NAMED}};
    for (size_t i = 0; i < sizeof roles / sizeof *roles; i++)
        if (strcmp(roles[i].name, type) == 0)
            return roles[i].role;
    return ROLE_PLAIN;
}

static bool add_object(dump *d, record *r)
{
    htrail__job *job = d->job;
    uint32_t role = htrail__map_get(&d->types, r->type);
    if (!end_object(d))
        return false;
    if (r->address == 0)
        return htrail__job_fail(job, d->offset, "an object has no address");
    htrail__job_begin(job, r->address, r->type, r->size_bytes, 0);
    d->has_object = true;
    if (role == ROLE_FRAME && r->is_thread_root) {
        char name[sizeof r->payload];
        snprintf(name, sizeof name, "%s", r->payload);
        if (!htrail__job_root(job, r->address, HTRAIL_ROOT_FRAME, name, 0, 0))
            return false;
    } else if (role == ROLE_MODULE && !htrail__job_root(job, r->address, HTRAIL_ROOT_MODULES, r->payload, 0, 0)) {
        return false;
    }
    if (r->payload_len == 0)
        return true;
    if (role == ROLE_STRING)
        return !job->with_contents || htrail__job_wrote(job, htrail_writer_add_value(job->writer, &(htrail_value){.object = r->address, .text = {r->payload, r->payload_len}, .flags = HTRAIL_VALUE_TEXT}));
    if (role != ROLE_MODULE && role != ROLE_NAMED)
        return true;
    const char *at = strstr(r->payload, " at ");
    return htrail__job_name(job, r->address, r->payload, at != NULL ? (size_t)(at - r->payload) : r->payload_len, "", 0);
}

static bool add_type(dump *d, const record *r)
{
    uint32_t *role = htrail__map_put(&d->types, r->type);
    if (role == NULL)
        return htrail__job_no_memory(d->job);
    *role = role_of(r->typename);
    return htrail__job_type(d->job, r->type, 0, r->typename, r->typename_len, 0);
}

static bool take_referents(dump *d, uint64_t of)
{
    uint8_t tag;
    uint64_t count, target;
    if (!take_tag(d, &tag) || !take_count(d, tag, 0x90, 0x9f, 0xdc, "a list", &count))
        return false;
    if (!d->has_object || of != d->job->object.id)
        return htrail__job_fail(d->job, d->offset, "the referents of 0x%" PRIx64 " do not stand behind it", of);
    for (uint64_t i = 0; i < count; i++)
        if (!take_integer(d, &target) || !htrail__job_ref(d->job, target, HTRAIL_REF_PLAIN, 0))
            return false;
    return true;
}

static bool take_value(dump *d, record *r, const char *key)
{
    size_t len;
    uint8_t tag;
    if (strcmp(key, "t") == 0)
        return take_text(d, r->kind, sizeof r->kind, &len);
    if (strcmp(key, "addr") == 0)
        return take_integer(d, &r->address);
    if (strcmp(key, "objtype_addr") == 0)
        return take_integer(d, &r->type);
    if (strcmp(key, "size") == 0)
        return take_integer(d, &r->size_bytes);
    if (strcmp(key, "typename") == 0)
        return take_text(d, r->typename, sizeof r->typename, &r->typename_len);
    if (strcmp(key, "payload") == 0)
        return take_text(d, r->payload, sizeof r->payload, &r->payload_len);
    if (strcmp(key, "child_addrs") == 0)
        return take_referents(d, r->address);
    if (strcmp(key, "root") != 0 && strcmp(key, "thread_root") != 0)
        return htrail__job_fail(d->job, d->offset, "what is '%s' of a record", key);
    if (!take_tag(d, &tag))
        return false;
    if (tag != 0xc2 && tag != 0xc3)
        return refuse(d, tag, "true or false");
    if (key[0] == 't')
        r->is_thread_root = tag == 0xc3;
    return true;
}

static bool take_record(dump *d, record *r)
{
    uint8_t tag;
    uint64_t pairs;
    char key[KEY_BYTES];
    size_t len;

    r->kind[0] = r->typename[0] = r->payload[0] = '\0';
    r->address = r->type = r->size_bytes = r->typename_len = r->payload_len = 0;
    r->is_thread_root = false;
    d->offset = htrail__source_offset(d->job->source);
    if (!take_tag(d, &tag) || !take_count(d, tag, 0x80, 0x8f, 0xde, "a record", &pairs))
        return false;
    for (uint64_t i = 0; i < pairs; i++)
        if (!take_text(d, key, sizeof key, &len) || !take_value(d, r, key))
            return false;
    if (strcmp(r->kind, "object") == 0)
        return add_object(d, r);
    if (strcmp(r->kind, "type") == 0)
        return add_type(d, r);
    d->is_done = strcmp(r->kind, "done") == 0;
    return d->is_done || strcmp(r->kind, "referents") == 0 || htrail__job_fail(d->job, d->offset, "what is a record '%s'", r->kind);
}

bool htrail__import_dump_heap(htrail__job *job)
{
    dump d = {.job = job};
    record r;
    size_t len;
    bool done = true;

    htrail__map_init(&d.types);
    htrail__job_meta(job, "runtime", "CPython (dump-heap)");
    while (done && !d.is_done && htrail__source_look(job->source, 1, &len) != NULL)
        done = take_record(&d, &r);
    d.offset = htrail__source_offset(job->source);
    if (done && !d.is_done)
        done = cut(&d);
    if (d.has_object) { /* a file that is cut has it nearly whole */
        htrail_status status = job->status;
        if (status == HTRAIL_E_TRUNCATED)
            job->status = HTRAIL_OK;
        if (job->status == HTRAIL_OK && !htrail__job_end(job))
            done = false;
        else
            job->status = status;
    }
    htrail__map_release(&d.types);
    return done;
}
