/* import/meliae.c - a file of meliae (a CPython process) as a snapshot: a JSON object a line, for each object of the heap
 * {"address": 1, "type": "dict", "size": 280, "name": "x", "len": 1, "value": "text", "refs": [2, 3]}; parts may be missing. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "import/json.h"

enum { TEXT_BYTES = 1024 };
enum key { KEY_OTHER, KEY_ADDRESS, KEY_TYPE, KEY_SIZE, KEY_NAME, KEY_LEN, KEY_VALUE, KEY_REFS };

typedef struct meliae {
    htrail__job *job;
    htrail__map types; /* hash of a name to a number */
    uint32_t type_count, depth, key;
    uint64_t address, size_bytes;
    int64_t length;
    char type[TEXT_BYTES], name[TEXT_BYTES], value[TEXT_BYTES];
    size_t type_len, name_len, value_len;
    uint64_t *refs;
    size_t ref_count, ref_cap;
} meliae;

static bool is_type(const meliae *m, const char *name) { return m->type_len == strlen(name) && memcmp(m->type, name, m->type_len) == 0; }

/* No object lies at these ids. */
static bool type_id(meliae *m, htrail_id *id)
{
    uint64_t hash = 0xcbf29ce484222325;
    for (size_t i = 0; i < m->type_len; i++)
        hash = (hash ^ (unsigned char)m->type[i]) * 0x100000001b3;
    uint32_t *number = htrail__map_put(&m->types, hash);
    if (number == NULL)
        return htrail__job_no_memory(m->job);
    bool is_new = *number == HTRAIL__MAP_NONE;
    if (is_new)
        *number = m->type_count++;
    *id = UINT64_C(1) << 63 | (uint64_t)*number << 4;
    return !is_new || htrail__job_type(m->job, *id, 0, m->type, m->type_len, HTRAIL_TYPE_PSEUDO);
}

static bool add_object(meliae *m)
{
    htrail__job *job = m->job;
    htrail_id type = 0;
    bool is_list = is_type(m, "list") || is_type(m, "tuple"), is_dict = is_type(m, "dict") && m->length >= 0 && m->ref_count == 2 * (uint64_t)m->length;

    if (m->address == 0 || m->type_len == 0)
        return htrail__job_fail(job, htrail__source_offset(job->source), "an object has no address or no type");
    if (!type_id(m, &type))
        return false;
    htrail__job_begin(job, m->address, type, m->size_bytes, m->length >= 0 ? HTRAIL_OBJECT_LENGTH : 0);
    job->object.length = m->length >= 0 ? (uint64_t)m->length : 0;
    /* Its order is that of tp_traverse: of a dict, each key and then its value. Lists and tuples are gone through from the end. */
    for (size_t i = 0; i < m->ref_count; i++) {
        bool whole = is_list && m->ref_count == (uint64_t)m->length;
        size_t at = whole ? m->ref_count - 1 - i : i;
        if (!htrail__job_ref(job, m->refs[at], whole ? HTRAIL_REF_INDEX : is_dict ? i % 2 == 0 ? HTRAIL_REF_KEY : HTRAIL_REF_VALUE : HTRAIL_REF_PLAIN, 0))
            return false;
    }
    if (!htrail__job_end(job))
        return false;
    if (m->name_len > 0 && !htrail__job_name(job, m->address, m->name, m->name_len, "", 0))
        return false;
    if (is_type(m, "module") && !htrail__job_root(job, m->address, HTRAIL_ROOT_MODULES, m->name, 0, 0))
        return false;
    if (is_type(m, "frame") && !htrail__job_root(job, m->address, HTRAIL_ROOT_FRAME, m->name, 0, 0))
        return false;
    return m->value_len == 0 || !job->with_contents ||
           htrail__job_wrote(job, htrail_writer_add_value(job->writer, &(htrail_value){.object = m->address, .text = {m->value, m->value_len}, .flags = HTRAIL_VALUE_TEXT}));
}

static bool on_key(void *arg, const char *key, size_t len)
{
    static const struct { const char *name; enum key key; } keys[] = {{"address", KEY_ADDRESS}, {"type", KEY_TYPE}, {"size", KEY_SIZE}, {"name", KEY_NAME},
                                                                      {"len", KEY_LEN}, {"value", KEY_VALUE}, {"refs", KEY_REFS}};
    meliae *m = arg;
    m->key = KEY_OTHER;
    for (size_t i = 0; m->depth == 1 && i < sizeof keys / sizeof *keys; i++)
        if (len == strlen(keys[i].name) && memcmp(key, keys[i].name, len) == 0)
            m->key = keys[i].key;
    return true;
}

static bool on_number(void *arg, int64_t value)
{
    meliae *m = arg;
    if (m->depth == 2 && m->key == KEY_REFS) {
        if (!htrail__job_reserve(m->job, &m->refs, &m->ref_cap, m->ref_count, 1, sizeof *m->refs))
            return false;
        m->refs[m->ref_count++] = (uint64_t)value;
    } else if (m->depth == 1 && m->key == KEY_ADDRESS) {
        m->address = (uint64_t)value;
    } else if (m->depth == 1 && m->key == KEY_SIZE) {
        m->size_bytes = value > 0 ? (uint64_t)value : 0;
    } else if (m->depth == 1 && m->key == KEY_LEN) {
        m->length = value;
    }
    return true;
}

static void keep(char *out, size_t *out_len, const char *text, size_t len)
{
    *out_len = len < TEXT_BYTES - 1 ? len : TEXT_BYTES - 1;
    memcpy(out, text, *out_len);
    out[*out_len] = '\0';
}

static bool on_string(void *arg, const char *text, size_t len)
{
    meliae *m = arg;
    if (m->depth == 1 && m->key == KEY_TYPE)
        keep(m->type, &m->type_len, text, len);
    else if (m->depth == 1 && m->key == KEY_NAME)
        keep(m->name, &m->name_len, text, len);
    else if (m->depth == 1 && m->key == KEY_VALUE)
        keep(m->value, &m->value_len, text, len);
    return true;
}

static bool on_open(void *arg, bool is_array)
{
    meliae *m = arg;
    if (m->depth++ > 0)
        return true;
    m->address = m->size_bytes = 0;
    m->length = -1;
    m->type_len = m->name_len = m->value_len = m->ref_count = 0;
    m->name[0] = '\0';
    m->key = KEY_OTHER;
    return !is_array || htrail__job_fail(m->job, htrail__source_offset(m->job->source), "a line is a list and no object");
}

static bool on_close(void *arg, bool is_array)
{
    meliae *m = arg;
    (void)is_array;
    return --m->depth > 0 || add_object(m);
}

bool htrail__import_meliae(htrail__job *job)
{
    static const htrail__json_events events = {.key = on_key, .open = on_open, .close = on_close, .number = on_number, .string = on_string};
    meliae *m = calloc(1, sizeof *m);
    if (m == NULL)
        return htrail__job_no_memory(job);
    m->job = job;
    htrail__map_init(&m->types);
    htrail__job_meta(job, "runtime", "CPython (meliae)");
    bool done = htrail__json_read(job, &events, m, HTRAIL__JSON_MANY);
    htrail__map_release(&m->types);
    free(m->refs);
    free(m);
    return done;
}
