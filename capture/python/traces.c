/* traces.c - tracemalloc's tables, read where they lie (3.6 and later).
 *
 * Up to 3.11 they are static variables of Modules/_tracemalloc.c without a symbol, so the
 * interpreter's writable data is searched for a word that points to what can be nothing else: a hash
 * table whose first entry leads to a traceback of file names. From 3.12 on they are in _PyRuntime.
 *
 * The table of traces is under tracemalloc's own lock, not under the GIL: a thread that frees
 * raw memory without the GIL takes its trace out. Where there is no other thread (in a fork's child, say) it is
 * read as it stands; from 3.12 on the lock is taken if it is free; else what is read is copied
 * by the kernel (peek.h, slower), looked at before it is believed, and bounded. A lock is never waited
 * for: its holder may be a thread that a fork left behind. Tracebacks and file names are the GIL's. */
#include "capture/python/sites.h"

#if PY_VERSION_HEX >= 0x03060000

#include <string.h>

#include "capture/process/maps.h"
#include "capture/python/frame_text.h"
#include "capture/process/peek.h"

#if PY_VERSION_HEX >= 0x030c0000
#include <internal/pycore_tracemalloc.h>
#elif PY_VERSION_HEX >= 0x03090000
#include <internal/pycore_hashtable.h>
#endif
#if PY_VERSION_HEX >= 0x03080000
#include <internal/pycore_pymem.h>
#endif

enum {
    BATCH = HTRAIL__PEEK_MAX,
    CHUNK = 8192,          /* blocks that are sorted by address before they are written */
    FRAMES_MAX = 128,      /* of a traceback; those further out are left off */
    NFRAME_MAX = 1 << 16,
    SLOTS_MIN = 1 << 12
};

typedef struct __attribute__((packed)) traceback_frame {
    PyObject *filename;
    unsigned int line;
} traceback_frame;

/* Modules/_tracemalloc.c; int nframe before 3.9. */
typedef struct traceback {
    Py_uhash_t hash;
#if PY_VERSION_HEX >= 0x03090000
    uint16_t nframe, total_nframe;
#else
    int nframe;
#endif
    traceback_frame frames[FRAMES_MAX];
} traceback;

typedef struct trace {
    size_t size;
    uintptr_t traceback;
} trace;

#if PY_VERSION_HEX >= 0x03090000
typedef _Py_hashtable_t table;
typedef _Py_hashtable_entry_t entry;
static size_t buckets_of(const table *t) { return t->nbuckets; }
static size_t entries_of(const table *t) { return t->nentries; }
static size_t entry_bytes(const table *t) { return (void)t, sizeof(entry); }
#else
/* Modules/hashtable.h (Python/hashtable.c): not installed. */
typedef struct table {
    size_t nbuckets, nentries;
    uintptr_t *buckets;
    size_t key_size, data_size;
    void *hash_func, *compare_func, *alloc_malloc, *alloc_free;
} table;
enum { ENTRY_HEAD = 16, KEY_MAX = 12 }; /* next, hash; then the key, with its domain or without, and the trace */
static size_t buckets_of(const table *t) { return t->nbuckets; }
static size_t entries_of(const table *t) { return t->nentries; }
static size_t entry_bytes(const table *t) { return ENTRY_HEAD + t->key_size + sizeof(trace); }
#endif
enum { ENTRY_BYTES_MAX = 48 };

typedef struct block {
    uintptr_t address;
    uint64_t size_bytes;
    uint32_t site;
} block;

typedef struct reading {
    htrail__walk *walk;
    htrail__sites sites;
    htrail__growing slots; /* traceback -> site */
    uint32_t slot_count, known_count;
    uint64_t blocks, torn; /* written; what was not believed */
    bool no_memory, refused;
    bool is_still; /* nobody can change the tables meanwhile: they are read directly */
    uint32_t chunk_count;
    traceback traceback;
    uintptr_t at[BATCH], heads[BATCH], keys[BATCH], values[BATCH];
    trace traces[BATCH];
    char entries[BATCH * ENTRY_BYTES_MAX];
    block chunk[CHUNK], sorted[CHUNK];
} reading;

typedef struct known_traceback {
    uintptr_t address;
    uint32_t site;
} known_traceback;

static bool may_be_address(uintptr_t address) { return address >= 4096 && address < (uintptr_t)1 << 56 && (address & 7) == 0; }

/* ---- one traceback ---- */

static bool is_text(uintptr_t address)
{
    PyObject head;
    return may_be_address(address) && htrail__peek(&head, address, sizeof head) && Py_TYPE(&head) == &PyUnicode_Type;
}

/* How many frames of it were read; 0: it is none. */
static unsigned read_traceback(reading *r, uintptr_t address)
{
    const size_t head = offsetof(traceback, frames);
    if (!may_be_address(address) || !htrail__peek(&r->traceback, address, head + sizeof(traceback_frame)))
        return 0;
    unsigned count = (unsigned)r->traceback.nframe;
    if (count == 0 || count >= NFRAME_MAX)
        return 0;
    if (count > FRAMES_MAX)
        count = FRAMES_MAX;
    if (count > 1 && !htrail__peek(&r->traceback, address, head + count * sizeof(traceback_frame)))
        return 0;
    for (unsigned i = 0; i < count; i++)
        if (!is_text((uintptr_t)r->traceback.frames[i].filename))
            return 0;
    return count;
}

static uint32_t site_of_traceback(reading *r, uintptr_t address)
{
    unsigned count = read_traceback(r, address);
    uint32_t site = HTRAIL_NO_SITE;
    for (unsigned i = count; i-- > 0;) {
        uint32_t file = htrail__frames_text(&r->sites, r->traceback.frames[i].filename);
        site = htrail__sites_add(&r->sites, site, file, 0, r->traceback.frames[i].line);
        if (site == HTRAIL_NO_SITE) {
            r->no_memory = true;
            break;
        }
    }
    return site;
}

static known_traceback *slot_of(reading *r, uintptr_t address)
{
    known_traceback *slots = r->slots.data;
    for (uint32_t at = (uint32_t)(address * 0x9e3779b97f4a7c15u >> 32);; at++) {
        known_traceback *slot = &slots[at & (r->slot_count - 1)];
        if (slot->address == 0 || slot->address == address)
            return slot;
    }
}

static bool grow_known(reading *r)
{
    htrail__growing before = r->slots;
    uint32_t before_count = r->slot_count;
    uint32_t count = before_count ? before_count * 2 : SLOTS_MIN;
    r->slots = (htrail__growing){NULL, 0};
    if (!htrail__growing_reserve(&r->slots, count * sizeof(known_traceback))) {
        r->slots = before;
        r->no_memory = true;
        return false;
    }
    r->slot_count = count;
    for (uint32_t i = 0; i < before_count; i++) {
        const known_traceback *known = &((known_traceback *)before.data)[i];
        if (known->address != 0)
            *slot_of(r, known->address) = *known;
    }
    htrail__growing_release(&before);
    return true;
}

static uint32_t site_of(reading *r, uintptr_t address)
{
    if (address == 0 || (r->known_count >= r->slot_count / 2 && !grow_known(r)))
        return HTRAIL_NO_SITE;
    known_traceback *slot = slot_of(r, address);
    if (slot->address == 0) {
        *slot = (known_traceback){address, site_of_traceback(r, address)};
        r->known_count++;
    }
    return slot->site;
}

/* ---- blocks ---- */

/* By address, least byte first: pieces of the table are pieces of the heap, so that most bytes are
 * the same in all and take no pass. */
static const block *sort_chunk(reading *r)
{
    block *from = r->chunk, *to = r->sorted;
    uintptr_t all = ~(uintptr_t)0, any = 0;
    for (uint32_t i = 0; i < r->chunk_count; i++) {
        all &= from[i].address;
        any |= from[i].address;
    }
    for (unsigned shift = 0; shift < 64; shift += 8) {
        uint32_t starts[256] = {0}, at = 0;
        if (((all ^ any) >> shift & 255) == 0)
            continue;
        for (uint32_t i = 0; i < r->chunk_count; i++)
            starts[from[i].address >> shift & 255]++;
        for (unsigned value = 0; value < 256; value++) {
            uint32_t count = starts[value];
            starts[value] = at;
            at += count;
        }
        for (uint32_t i = 0; i < r->chunk_count; i++)
            to[starts[from[i].address >> shift & 255]++] = from[i];
        block *swapped = from;
        from = to;
        to = swapped;
    }
    return from;
}

static void write_chunk(reading *r)
{
    const block *blocks = sort_chunk(r);
    for (uint32_t i = 0; i < r->chunk_count && r->walk->status == HTRAIL_OK; i++) {
        htrail_site_of row = {.address = blocks[i].address, .size_bytes = blocks[i].size_bytes, .site = blocks[i].site};
        htrail_status status = htrail_writer_add_site_of(r->walk->writer, &row);
        if (status)
            r->walk->status = status;
    }
    r->blocks += r->chunk_count;
    r->chunk_count = 0;
    htrail__walk_going_on(r->walk);
}

static void add_block(reading *r, uintptr_t address, const trace *t)
{
    uint32_t site = site_of(r, t->traceback);
    if (site == HTRAIL_NO_SITE || address == 0) {
        r->torn++;
        return;
    }
    r->chunk[r->chunk_count++] = (block){address, t->size, site};
    if (r->chunk_count == CHUNK)
        write_chunk(r);
}

/* The things at these addresses, one behind the other. */
static void copy_many(reading *r, void *to, const uintptr_t *from, size_t count, size_t bytes)
{
    if (!r->is_still) {
        r->refused |= !htrail__peek_many(to, from, count, bytes);
        return;
    }
    for (size_t i = 0; i < count; i++)
        __builtin_prefetch((const void *)from[i]);
    for (size_t i = 0; i < count; i++)
        if (may_be_address(from[i]))
            memcpy((char *)to + i * bytes, (const void *)from[i], bytes);
        else
            memset((char *)to + i * bytes, 0, bytes);
}

/* What a batch of entries says; at[] becomes the entries behind them, and how many there are is returned. */
static size_t read_entries(reading *r, const table *t, size_t count)
{
    size_t bytes = entry_bytes(t), next = 0;
    copy_many(r, r->entries, r->at, count, bytes);
    if (r->refused)
        return 0;
#if PY_VERSION_HEX >= 0x03090000
    for (size_t i = 0; i < count; i++) {
        const entry *e = &((const entry *)r->entries)[i];
        r->keys[i] = (uintptr_t)e->key;
        r->values[i] = (uintptr_t)e->value;
        if (may_be_address((uintptr_t)e->_Py_slist_item.next))
            r->at[next++] = (uintptr_t)e->_Py_slist_item.next;
    }
    copy_many(r, r->traces, r->values, count, sizeof(trace));
    if (r->refused)
        return 0;
#else
    for (size_t i = 0; i < count; i++) {
        const char *e = r->entries + i * bytes;
        uintptr_t behind;
        memcpy(&behind, e, sizeof behind);
        memcpy(&r->keys[i], e + ENTRY_HEAD, sizeof r->keys[i]);
        memcpy(&r->traces[i], e + ENTRY_HEAD + t->key_size, sizeof(trace));
        if (may_be_address(behind))
            r->at[next++] = behind;
    }
#endif
    for (size_t i = 0; i < count && r->walk->status == HTRAIL_OK; i++)
        add_block(r, r->keys[i], &r->traces[i]);
    return next;
}

static void read_table(reading *r, const table *t)
{
    uint64_t left = (uint64_t)entries_of(t) * 2 + BATCH; /* a table that is torn may lead in circles */
    for (size_t first = 0; first < buckets_of(t) && r->walk->status == HTRAIL_OK && !r->refused && !r->no_memory; first += BATCH) {
        size_t count = buckets_of(t) - first < BATCH ? buckets_of(t) - first : BATCH, waiting = 0;
        if (!htrail__peek(r->heads, (uintptr_t)t->buckets + first * sizeof(uintptr_t), count * sizeof(uintptr_t))) {
            r->torn++;
            return;
        }
        for (size_t i = 0; i < count; i++)
            if (r->heads[i] != 0)
                r->at[waiting++] = r->heads[i];
        while (waiting > 0 && left >= waiting && r->walk->status == HTRAIL_OK) {
            left -= waiting;
            waiting = read_entries(r, t, waiting);
        }
        if (waiting > 0)
            r->torn++;
    }
}

/* ---- where the tables are ---- */

static bool is_power_of_two(size_t n) { return n > 0 && (n & (n - 1)) == 0; }

/* The first entry of a table, as bytes; false: it has none that can be read. */
static bool first_entry(reading *r, const table *t, void *to)
{
    for (size_t first = 0; first < buckets_of(t) && first < 1 << 16; first += BATCH) {
        size_t count = buckets_of(t) - first < BATCH ? buckets_of(t) - first : BATCH;
        if (!htrail__peek(r->heads, (uintptr_t)t->buckets + first * sizeof(uintptr_t), count * sizeof(uintptr_t)))
            return false;
        for (size_t i = 0; i < count; i++)
            if (r->heads[i] != 0)
                return may_be_address(r->heads[i]) && htrail__peek(to, r->heads[i], entry_bytes(t));
    }
    return false;
}

#if PY_VERSION_HEX >= 0x03090000

static bool is_traces(reading *r, const table *t)
{
    entry e;
    trace first;
    return entries_of(t) > 0 && is_power_of_two(buckets_of(t)) && may_be_address((uintptr_t)t->buckets) &&
           t->hash_func == _Py_hashtable_hash_ptr && t->compare_func == _Py_hashtable_compare_direct && t->key_destroy_func == NULL &&
           t->value_destroy_func != NULL && first_entry(r, t, &e) && may_be_address((uintptr_t)e.value) &&
           htrail__peek(&first, (uintptr_t)e.value, sizeof first) && read_traceback(r, first.traceback) > 0;
}

#if PY_VERSION_HEX < 0x030c0000
static bool is_domains(reading *r, const table *t)
{
    entry e;
    table first;
    return entries_of(t) > 0 && is_power_of_two(buckets_of(t)) && may_be_address((uintptr_t)t->buckets) &&
           t->compare_func == _Py_hashtable_compare_direct && t->key_destroy_func == NULL && t->value_destroy_func != NULL &&
           first_entry(r, t, &e) && may_be_address((uintptr_t)e.value) && htrail__peek(&first, (uintptr_t)e.value, sizeof first) &&
           is_traces(r, &first);
}
#endif

/* Of each domain but the first (numpy has one for the data of its arrays) a table of its own. */
static void read_domains(reading *r, const table *t)
{
    enum { DOMAINS_MAX = 4096 };
    unsigned left = DOMAINS_MAX;
    for (size_t i = 0; i < buckets_of(t); i++) {
        uintptr_t at;
        entry e;
        table one;
        if (!htrail__peek(&at, (uintptr_t)t->buckets + i * sizeof at, sizeof at))
            return;
        for (; may_be_address(at) && left-- > 0 && htrail__peek(&e, at, sizeof e); at = (uintptr_t)e._Py_slist_item.next)
            if (may_be_address((uintptr_t)e.value) && htrail__peek(&one, (uintptr_t)e.value, sizeof one) && is_traces(r, &one))
                read_table(r, &one);
    }
}

#else

static bool is_traces(reading *r, const table *t)
{
    char e[ENTRY_BYTES_MAX];
    trace first;
    if (t->nentries == 0 || !is_power_of_two(t->nbuckets) || !may_be_address((uintptr_t)t->buckets) ||
        (t->key_size != sizeof(uintptr_t) && t->key_size != KEY_MAX) || t->data_size != sizeof(trace) || !first_entry(r, t, e))
        return false;
    memcpy(&first, e + ENTRY_HEAD + t->key_size, sizeof first);
    return read_traceback(r, first.traceback) > 0;
}

static bool is_domains(reading *r, const table *t) { return (void)r, (void)t, false; } /* the domain is part of the key */
static void read_domains(reading *r, const table *t) { (void)r, (void)t; }

#endif

#if PY_VERSION_HEX >= 0x030c0000

static bool is_tracing(void) { return _PyRuntime.tracemalloc.config.tracing != 0; }

static bool lock_tables(void)
{
    return _PyRuntime.tracemalloc.tables_lock != NULL && PyThread_acquire_lock(_PyRuntime.tracemalloc.tables_lock, NOWAIT_LOCK);
}
static void unlock_tables(void) { PyThread_release_lock(_PyRuntime.tracemalloc.tables_lock); }

static void find_tables(reading *r, table *traces, table *domains)
{
    (void)r;
    if (_PyRuntime.tracemalloc.traces != NULL)
        *traces = *_PyRuntime.tracemalloc.traces;
    if (_PyRuntime.tracemalloc.domains != NULL)
        *domains = *_PyRuntime.tracemalloc.domains;
}

#else

static bool is_tracing(void)
{
#if PY_VERSION_HEX >= 0x03080000
    return _Py_tracemalloc_config.tracing != 0;
#else
    PyMemAllocatorEx raw; /* its hook has a context; what it hooks has none */
    PyMem_GetAllocator(PYMEM_DOMAIN_RAW, &raw);
    return raw.ctx != NULL;
#endif
}

static bool lock_tables(void) { return false; }
static void unlock_tables(void) {}

static const uintptr_t *traces_at, *domains_at; /* the variables, once found: a table may be made anew */

/* The tables that the words from start on lead to; nothing that is found already is looked for. */
static void search(reading *r, uintptr_t start, uintptr_t end, uintptr_t data_start, uintptr_t data_end, table *traces, table *domains)
{
    const uintptr_t *words[BATCH];
    table *found = (table *)r->sorted;
    size_t count = 0;
    for (const uintptr_t *word = (const uintptr_t *)start; word < (const uintptr_t *)end; word++) {
        if (may_be_address(*word) && (*word < data_start || *word >= data_end)) {
            words[count] = word;
            r->at[count++] = *word;
        }
        if (count < BATCH && (count == 0 || word + 1 < (const uintptr_t *)end))
            continue;
        if (!htrail__peek_many(found, r->at, count, sizeof *found))
            return;
        for (size_t i = 0; i < count; i++) {
            if (traces->buckets == NULL && is_traces(r, &found[i])) {
                traces_at = words[i];
                *traces = found[i];
            } else if (domains->buckets == NULL && is_domains(r, &found[i])) {
                domains_at = words[i];
                *domains = found[i];
            }
        }
        count = 0;
    }
}

/* One source file's variables lie together: near the allocators that tracemalloc has put aside, which are the
 * context of its hook, or near what was found. All of the interpreter's data is 0.1 s of looking. */
static void search_near(reading *r, uintptr_t place, uintptr_t data_start, uintptr_t data_end, table *traces, table *domains)
{
    enum { NEAR_BYTES = 2048 };
    place &= ~(uintptr_t)7;
    if (place >= data_start && place < data_end)
        search(r, place - data_start > NEAR_BYTES ? place - NEAR_BYTES : data_start, data_end - place > NEAR_BYTES ? place + NEAR_BYTES : data_end,
               data_start, data_end, traces, domains);
}

static void find_tables(reading *r, table *traces, table *domains)
{
    uintptr_t start, end;
    PyMemAllocatorEx raw;
    if (traces_at != NULL && (!htrail__peek(traces, *traces_at, sizeof *traces) || !is_traces(r, traces)))
        memset(traces, 0, sizeof *traces);
    if (domains_at != NULL && (!htrail__peek(domains, *domains_at, sizeof *domains) || !is_domains(r, domains)))
        memset(domains, 0, sizeof *domains);
    if ((traces->buckets != NULL && domains->buckets != NULL) || !htrail__maps_data_of((uintptr_t)&PyType_Type, &start, &end))
        return;
    PyMem_GetAllocator(PYMEM_DOMAIN_RAW, &raw);
    search_near(r, (uintptr_t)raw.ctx, start, end, traces, domains);
    if (traces->buckets == NULL)
        search(r, start, end, start, end, traces, domains);
    if (domains->buckets == NULL && traces_at != NULL)
        search_near(r, (uintptr_t)traces_at, start, end, traces, domains);
}

#endif

bool htrail__traces_write(htrail__walk *k, uint64_t *blocks, const char **wrong)
{
    htrail__growing memory = {NULL, 0};
    table traces = {0}, domains = {0};
    *wrong = NULL;
    *blocks = 0;
    if (!is_tracing())
        return false;
    if (!htrail__growing_reserve(&memory, sizeof(reading))) {
        *wrong = "there is no memory to read tracemalloc's tables";
        return true;
    }
    reading *r = memory.data;
    r->walk = k;
    r->is_still = htrail__peek_is_alone();
    bool is_locked = !r->is_still && lock_tables();
    r->is_still |= is_locked;
    find_tables(r, &traces, &domains);
    if (traces.buckets != NULL)
        read_table(r, &traces);
    if (domains.buckets != NULL)
        read_domains(r, &domains);
    if (is_locked)
        unlock_tables();
    if (k->status == HTRAIL_OK)
        write_chunk(r);
    for (uint32_t i = 0; i < r->sites.node_count; i++)
        htrail__sites_want(&r->sites, i);
    if (k->status == HTRAIL_OK) {
        htrail_status status = htrail__sites_write(&r->sites, k->writer);
        if (status)
            k->status = status;
    }
    *blocks = r->blocks;
    bool is_found = PY_VERSION_HEX >= 0x03080000 || traces.buckets != NULL; /* before, is_tracing guesses */
    if (traces.buckets == NULL)
        *wrong = "tracemalloc's tables were not found, or nothing was traced yet";
    else if (r->refused)
        *wrong = "the kernel does not let tracemalloc's tables be read";
    else if (r->no_memory)
        *wrong = "there is no memory for all of tracemalloc's tracebacks";
    htrail__sites_release(&r->sites);
    htrail__growing_release(&r->slots);
    htrail__growing_release(&memory);
    return is_found;
}

#else

bool htrail__traces_write(htrail__walk *k, uint64_t *blocks, const char **wrong)
{
    (void)k, (void)wrong, (void)blocks;
    return false;
}

#endif
