/* analyze/load_groups.c - sums by what an object is not but hangs from: by owner and its packages, by
 * kind and name of the root of its chain, by the thread whose that root is.
 *
 * What an owner or package retains is that of the set of its objects. Roots and threads are no objects
 * of the heap: what they retain is what they alone hold (alone.h). */
#include <stdlib.h>
#include <string.h>

#include "analyze/alone.h"
#include "analyze/loader.h"
#include "analyze/root_name.h"

enum {
    PACKAGE_PARTS_MAX = 8, /* further parts of a name are not told apart: a file may claim a name of a million */
    KEYS_BYTES_MAX = 1 << 30
};

/* Sums by text. */
typedef struct table {
    htrail__texts keys;
    htrail__sums *sums; /* by key */
    uint32_t room;
} table;

static htrail_status table_init(table *t)
{
    *t = (table){0};
    return htrail__texts_init(&t->keys, KEYS_BYTES_MAX);
}

static void table_release(table *t)
{
    htrail__texts_release(&t->keys);
    free(t->sums);
}

static htrail_status key_of(table *t, const char *data, size_t len, uint32_t *key)
{
    htrail_status status = htrail__texts_add(&t->keys, (htrail_str){data, len}, key);
    if (status == HTRAIL_OK && *key >= t->room) {
        uint32_t room = (*key + 1) * 2;
        htrail__sums *sums = realloc(t->sums, room * sizeof *sums);
        if (sums == NULL)
            return HTRAIL_E_NOMEM;
        memset(sums + t->room, 0, (room - t->room) * sizeof *sums);
        t->sums = sums;
        t->room = room;
    }
    return status;
}

static uint64_t capped(uint64_t left, uint64_t right) { return right < INT64_MAX - left ? left + right : INT64_MAX; }

static htrail_status write_table(htrail__loader *l, const char *by, const table *t)
{
    sqlite3_stmt *statement = htrail__loader_prepare(l, "INSERT INTO total VALUES(?, ?, ?, ?, ?, ?)");
    bool fine = statement != NULL;
    for (uint32_t key = 0; key < t->keys.count && key < t->room && fine; key++) {
        const htrail__sums *sums = &t->sums[key];
        htrail_str text = htrail__texts_get(&t->keys, key);
        if (sums->count == 0 && (sums->retained == 0 || sums->retained == UINT64_MAX))
            continue;
        sqlite3_clear_bindings(statement);
        sqlite3_bind_text(statement, 1, by, -1, SQLITE_STATIC);
        sqlite3_bind_text64(statement, 2, text.data, text.len, SQLITE_STATIC, SQLITE_UTF8);
        htrail__loader_bind_number(statement, 3, sums->count);
        htrail__loader_bind_number(statement, 4, sums->bytes);
        if (sums->retained != UINT64_MAX)
            htrail__loader_bind_number(statement, 5, sums->retained);
        htrail__loader_bind_number(statement, 6, sums->shared);
        fine = htrail__loader_insert(statement);
    }
    return htrail__loader_end_statement(l, statement, fine);
}

/* ---- owners and packages ---- */

typedef struct owners {
    table owner, package, subpackage;
    uint32_t *owner_of;                         /* by module's id, 0: nobody's */
    uint32_t (*package_of)[PACKAGE_PARTS_MAX];  /* by module's id: keys, of package first, then of subpackage */
    uint8_t *parts;                             /* by module's id: how many of package_of */
} owners;

static htrail_status find_packages(owners *o, const htrail__loader *l, uint32_t module)
{
    htrail_str name = {"", 0};
    if (module > 0)
        name = htrail__texts_get(&l->graph->texts, l->module_texts[module - 1]);
    htrail_status status = key_of(&o->owner, name.data, name.len, &o->owner_of[module]);
    size_t end = 0;
    do {
        const char *dot = end + 1 < name.len ? memchr(name.data + end + 1, '.', name.len - end - 1) : NULL;
        bool is_last = o->parts[module] + 1 == PACKAGE_PARTS_MAX;
        end = dot != NULL ? (size_t)(dot - name.data) : name.len;
        uint32_t *key = &o->package_of[module][o->parts[module]];
        if (status == HTRAIL_OK)
            status = key_of(o->parts[module] == 0 ? &o->package : &o->subpackage, name.data, end, key);
        o->parts[module]++;
        if (is_last)
            break;
    } while (end < name.len);
    return status;
}

static uint32_t owning_module(const htrail__loader *l, uint32_t number)
{
    return l->owner[number] == 0 ? 0 : l->module_of_text[l->owner[number]];
}

/* ---- what they hold together (joint.h): keys of the three tables are groups, one table's after the other's ---- */

enum { TABLES = 3 };

static uint32_t owning_module_at(const void *arg, uint32_t number) { return owning_module(arg, number); }

/* By module: its groups. NULL: out of memory. */
static uint32_t *groups_of_modules(const owners *o, uint32_t module_count, uint32_t *starts)
{
    const uint32_t packages = o->owner.keys.count, subpackages = packages + o->package.keys.count;
    uint32_t *groups = malloc(((size_t)module_count + 1) * (1 + PACKAGE_PARTS_MAX) * sizeof *groups), count = 0;

    for (uint32_t module = 0; module <= module_count && groups != NULL; module++) {
        uint32_t first = count;
        starts[module] = first;
        groups[count++] = o->owner_of[module];
        for (uint32_t part = 0; part < o->parts[module]; part++) {
            uint32_t group = o->package_of[module][part] + (part == 0 ? packages : subpackages), at = count++;
            for (; at > first && groups[at - 1] > group; at--)
                groups[at] = groups[at - 1];
            groups[at] = group;
        }
    }
    starts[module_count + 1] = count;
    return groups;
}

static htrail_status find_owners_together(htrail__joint_rows *rows, const owners *o, htrail__loader *l)
{
    uint32_t *starts = calloc((size_t)l->module_count + 2, sizeof *starts), *groups = NULL;
    htrail_status status = HTRAIL_E_NOMEM;

    if (starts != NULL && (groups = groups_of_modules(o, l->module_count, starts)) != NULL)
        status = htrail__joint_find(l->joint, &(htrail__joint_classes){.class_of = owning_module_at, .arg = l, .starts = starts, .groups = groups}, rows);
    l->sets_at_least |= !rows->is_exact;
    free(starts);
    free(groups);
    return status;
}

static htrail_status sum_up_owners(owners *o, htrail__loader *l)
{
    const htrail__dominators *tree = &l->dominators;
    const uint32_t packages = o->owner.keys.count, subpackages = packages + o->package.keys.count, count = subpackages + o->subpackage.keys.count;
    table *const tables[TABLES] = {&o->owner, &o->package, &o->subpackage};
    htrail__joint_rows rows = {0};
    htrail__sums *all = calloc((size_t)count + 1, sizeof *all);
    htrail_status status = all == NULL ? HTRAIL_E_NOMEM : find_owners_together(&rows, o, l);

    for (uint32_t place = 1; place <= tree->count && status == HTRAIL_OK; place++) {
        uint32_t number = tree->order[place], end = place + tree->below[number], module = owning_module(l, number);
        uint64_t bytes = l->graph->objects[l->reach.object_of[number - 1]].size_bytes;
        htrail__sums *sums = &all[o->owner_of[module]];
        htrail__sums_add(sums, bytes, l->shared[number]);
        htrail__sums_add_retained(sums, place, end, tree->retained[number]);
        for (uint32_t part = 0; part < o->parts[module]; part++) {
            sums = &all[o->package_of[module][part] + (part == 0 ? packages : subpackages)];
            htrail__sums_add(sums, bytes, l->shared[number]);
            htrail__sums_add_retained(sums, place, end, tree->retained[number]);
        }
        htrail__sums_add_together(all, &rows, place, end, tree->retained[number]);
    }
    for (uint32_t i = 0, group = 0; i < TABLES && status == HTRAIL_OK; i++)
        for (uint32_t key = 0; key < tables[i]->keys.count; key++, group++)
            if (key < tables[i]->room)
                tables[i]->sums[key] = all[group];
    htrail__joint_rows_release(&rows);
    free(all);
    return status;
}

static htrail_status write_owners(htrail__loader *l)
{
    owners o = {0};
    htrail_status status = HTRAIL_E_NOMEM;

    o.owner_of = calloc((size_t)l->module_count + 1, sizeof *o.owner_of);
    o.package_of = calloc((size_t)l->module_count + 1, sizeof *o.package_of);
    o.parts = calloc((size_t)l->module_count + 1, sizeof *o.parts);
    if (o.owner_of == NULL || o.package_of == NULL || o.parts == NULL || table_init(&o.owner) != HTRAIL_OK ||
        table_init(&o.package) != HTRAIL_OK || table_init(&o.subpackage) != HTRAIL_OK)
        goto done;
    status = HTRAIL_OK;
    for (uint32_t module = 0; module <= l->module_count && status == HTRAIL_OK; module++)
        status = find_packages(&o, l, module);
    if (status != HTRAIL_OK)
        goto done;
    if ((status = sum_up_owners(&o, l)) != HTRAIL_OK)
        goto done;
    if ((status = write_table(l, "owner", &o.owner)) == HTRAIL_OK && (status = write_table(l, "package", &o.package)) == HTRAIL_OK)
        status = write_table(l, "subpackage", &o.subpackage);
done:
    table_release(&o.owner);
    table_release(&o.package);
    table_release(&o.subpackage);
    free(o.owner_of);
    free(o.package_of);
    free(o.parts);
    return status;
}

/* ---- roots and threads ---- */

void htrail__loader_root_key(const htrail__loader *l, uint32_t place, htrail__text *out)
{
    const htrail__reach_root *root = &l->reach.roots[place];
    htrail_str name = htrail__texts_get(&l->graph->texts, root->name);
    char general[512];

    const char *kind = htrail__root_kind_text(root->kind);
    htrail__text_add_string(out, kind);
    if (root->counts > 0 || name.len == 0 || memmem(kind, strlen(kind), name.data, name.len) != NULL) /* "modules" of sys.modules */
        return;
    if (root->kind == HTRAIL_ROOT_C_GLOBAL) { /* LIBRARY+0xOFFSET */
        const char *plus = memrchr(name.data, '+', name.len);
        name.len = plus != NULL ? (size_t)(plus - name.data) : name.len;
    } else if (root->kind != HTRAIL_ROOT_FRAME) {
        name.len = htrail__root_name_general(name.data, name.len, general, sizeof general);
        name.data = general;
    }
    if (name.len > 0) {
        htrail__text_add_string(out, ": ");
        htrail__text_add(out, name.data, name.len);
    }
}

void htrail__loader_thread_key(const htrail__loader *l, uint32_t place, htrail__text *out)
{
    const htrail__stacks_thread *thread = &l->stacks.threads[place];
    htrail_str name = htrail__texts_get(&l->graph->texts, thread->row.name), comm = htrail__texts_get(&l->graph->texts, thread->row.comm);

    if (name.len > 0 || comm.len > 0)
        htrail__text_add(out, name.len > 0 ? name.data : comm.data, name.len > 0 ? name.len : comm.len);
    else
        htrail__text_format(out, "thread %llu", (unsigned long long)thread->row.tid);
    if (thread->frame_count == 0) {
        htrail__text_add_string(out, " in no Python code");
        return;
    }
    const htrail__graph_frame *frame = &l->graph->frames[l->stacks.frames[thread->first_frame]];
    htrail_str file = htrail__texts_get(&l->graph->texts, frame->file), function = htrail__texts_get(&l->graph->texts, frame->function);
    const char *slash = file.len > 0 ? memrchr(file.data, '/', file.len) : NULL;
    size_t skip = slash != NULL ? (size_t)(slash + 1 - file.data) : 0;
    htrail__text_add_string(out, " in ");
    htrail__text_add(out, function.data, function.len);
    htrail__text_add_string(out, " at ");
    htrail__text_add(out, file.data + skip, file.len - skip);
    htrail__text_format(out, ":%lu", (unsigned long)frame->line);
}

/* Those with a number of the kernel's come first, in its order. */
static uint32_t thread_of(const htrail__loader *l, uint64_t tid)
{
    uint32_t low = 0, high = l->stacks.thread_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        uint64_t there = l->stacks.threads[middle].row.tid;
        if (there != 0 && there < tid)
            low = middle + 1;
        else
            high = middle;
    }
    return tid != 0 && low < l->stacks.thread_count && l->stacks.threads[low].row.tid == tid ? low : HTRAIL__NO_ID;
}

typedef struct hangers {
    table root, kind, thread;
    uint32_t *root_keys, *kind_keys, *thread_keys; /* by place in roots; thread_keys: key of (no thread) for others */
    uint32_t no_root, no_kind, no_thread;
} hangers;

static htrail_status find_keys(hangers *h, const htrail__loader *l)
{
    htrail__text text;
    htrail_status status;

    htrail__text_init(&text, HTRAIL__LOADER_KEY_BYTES_MAX);
    if ((status = key_of(&h->root, "(garbage)", 9, &h->no_root)) == HTRAIL_OK && (status = key_of(&h->kind, "(garbage)", 9, &h->no_kind)) == HTRAIL_OK)
        status = key_of(&h->thread, "(no thread)", 11, &h->no_thread);
    for (uint32_t i = 0; i < l->reach.root_count && status == HTRAIL_OK; i++) {
        const htrail__reach_root *root = &l->reach.roots[i];
        const char *kind = htrail__root_kind_text(root->kind);
        uint32_t thread = thread_of(l, root->thread_id);
        htrail__text_clear(&text);
        htrail__loader_root_key(l, i, &text);
        if ((status = key_of(&h->root, htrail__text_string(&text), text.len, &h->root_keys[i])) != HTRAIL_OK ||
            (status = key_of(&h->kind, kind, strlen(kind), &h->kind_keys[i])) != HTRAIL_OK)
            break;
        h->thread_keys[i] = h->no_thread;
        if (thread == HTRAIL__NO_ID)
            continue;
        htrail__text_clear(&text);
        htrail__loader_thread_key(l, thread, &text);
        status = key_of(&h->thread, htrail__text_string(&text), text.len, &h->thread_keys[i]);
    }
    htrail__text_release(&text);
    return status;
}

static void sum_up_hangers(hangers *h, const htrail__loader *l)
{
    for (uint32_t number = 1; number <= l->graph->object_count; number++) {
        uint32_t root = l->reach.root[number - 1];
        uint64_t bytes = l->graph->objects[l->reach.object_of[number - 1]].size_bytes, shared = l->shared[number];
        htrail__sums_add(&h->root.sums[root ? h->root_keys[root - 1] : h->no_root], bytes, shared);
        htrail__sums_add(&h->kind.sums[root ? h->kind_keys[root - 1] : h->no_kind], bytes, shared);
        htrail__sums_add(&h->thread.sums[root ? h->thread_keys[root - 1] : h->no_thread], bytes, shared);
    }
    h->root.sums[h->no_root].retained = h->root.sums[h->no_root].bytes;
    h->kind.sums[h->no_kind].retained = h->kind.sums[h->no_kind].bytes;
    h->thread.sums[h->no_thread].retained = UINT64_MAX; /* not asked: nearly all that is theirs, threads reach too */
}

static htrail_status find_alone(hangers *h, const htrail__loader *l)
{
    htrail__alone_root *roots = malloc(((size_t)l->reach.root_count + 1) * sizeof *roots);
    htrail__alone_group *groups = calloc((size_t)h->root.keys.count + 1, sizeof *groups);
    htrail__alone_group *kinds = calloc((size_t)h->kind.keys.count + 1, sizeof *kinds);
    htrail_status status = HTRAIL_E_NOMEM;

    if (roots == NULL || groups == NULL || kinds == NULL)
        goto done;
    for (uint32_t i = 0; i < l->reach.root_count; i++) {
        roots[i] = (htrail__alone_root){.object = l->reach.roots[i].object, .group = h->root_keys[i]};
        groups[h->root_keys[i]].upper = h->kind_keys[i];
    }
    status = htrail__alone_find(groups, h->root.keys.count, kinds, h->kind.keys.count, l->graph, roots, l->reach.root_count);
    for (uint32_t i = 0; i < h->root.keys.count && status == HTRAIL_OK; i++)
        if (i != h->no_root && i < h->root.room)
            h->root.sums[i].retained = groups[i].bytes;
    for (uint32_t i = 0; i < h->kind.keys.count && status == HTRAIL_OK; i++)
        if (i != h->no_kind && i < h->kind.room)
            h->kind.sums[i].retained = kinds[i].bytes;
done:
    free(roots);
    free(groups);
    free(kinds);
    return status;
}

/* Threads of the same name at the same place are one row: what each holds alone. */
static htrail_status add_threads(hangers *h, const htrail__loader *l)
{
    htrail__text text;
    uint32_t key;
    htrail_status status = HTRAIL_OK;

    htrail__text_init(&text, HTRAIL__LOADER_KEY_BYTES_MAX);
    for (uint32_t i = 0; i < l->stacks.thread_count && status == HTRAIL_OK; i++) {
        htrail__text_clear(&text);
        htrail__loader_thread_key(l, i, &text);
        status = key_of(&h->thread, htrail__text_string(&text), text.len, &key);
        if (status == HTRAIL_OK)
            h->thread.sums[key].retained = capped(h->thread.sums[key].retained, l->stacks.threads[i].retained_bytes);
    }
    htrail__text_release(&text);
    return status;
}

static htrail_status write_hangers(htrail__loader *l)
{
    hangers h = {0};
    htrail_status status = HTRAIL_E_NOMEM;
    size_t roots = (size_t)l->reach.root_count + 1;

    h.root_keys = calloc(roots, sizeof *h.root_keys);
    h.kind_keys = calloc(roots, sizeof *h.kind_keys);
    h.thread_keys = calloc(roots, sizeof *h.thread_keys);
    if (h.root_keys == NULL || h.kind_keys == NULL || h.thread_keys == NULL || table_init(&h.root) != HTRAIL_OK ||
        table_init(&h.kind) != HTRAIL_OK || table_init(&h.thread) != HTRAIL_OK)
        goto done;
    if ((status = find_keys(&h, l)) != HTRAIL_OK)
        goto done;
    sum_up_hangers(&h, l);
    if ((status = find_alone(&h, l)) != HTRAIL_OK || (status = add_threads(&h, l)) != HTRAIL_OK)
        goto done;
    if ((status = write_table(l, "root", &h.root)) == HTRAIL_OK && (status = write_table(l, "root kind", &h.kind)) == HTRAIL_OK)
        status = write_table(l, "thread", &h.thread);
done:
    table_release(&h.root);
    table_release(&h.kind);
    table_release(&h.thread);
    free(h.root_keys);
    free(h.kind_keys);
    free(h.thread_keys);
    return status;
}

htrail_status htrail__loader_write_groups(htrail__loader *l)
{
    htrail_status status = write_owners(l);
    if (status == HTRAIL_OK)
        status = write_hangers(l);
    return status == HTRAIL_E_NOMEM || status == HTRAIL_E_LIMIT ? htrail__loader_no_memory(l) : status;
}
