/* analyze/paths_read.c - one snapshot into the tree of paths: a pass over heap_object in the order of
 * ids, in which a holder stands before what it holds. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/grow.h"
#include "analyze/object_rows.h"
#include "analyze/paths_build.h"
#include "analyze/root_name.h"
#include "analyze/schema.h"
#include "analyze/str.h"

/* Paths longer than this end in one for all that lies deeper: a chain of a million different names is an
 * ordinary heap too. RECENT: paths of the objects before are looked up without a search, since what one
 * object holds stands together. */
enum { STEPS_MAX = 200, RECENT = 1 << 12, RETAINED_STEPS_MAX = 64, ABOVE_STEPS_MAX = 16 };

/* Of a snapshot: with which sums, differences and percentages of its paths' figures cannot overflow. A file may say of each of its
 * objects that it is half as large as the memory that can be addressed. */
#define SUM_MAX (UINT64_C(1) << 56)

typedef struct recent {
    uint32_t parent, label, type, path; /* label: code of the reference without its position */
} recent;

/* Kept from one snapshot to the next, so that its memory is asked for once. */
typedef struct htrail__paths_reading {
    htrail__paths *paths;
    htrail__paths_snapshot *snapshot;
    sqlite3 *db;
    char *message;
    size_t message_cap;
    uint32_t *type_texts, *label_texts, *root_paths; /* by id; 0 none, root_paths: + 1 */
    uint32_t type_room, label_room, root_room;
    uint32_t *path_of, *holder_of, *dominator_of; /* by id */
    size_t object_room;
    recent recents[RECENT];
    uint32_t garbage_path, function_text;
    uint64_t bytes_left, length_left, retained_left; /* of SUM_MAX */
    htrail__path_sample *spare; /* samples of no snapshot */
    size_t spare_room;
} reading;

static htrail_status fail_database(reading *r)
{
    snprintf(r->message, r->message_cap, "cannot read the database: %s", sqlite3_errmsg(r->db));
    return HTRAIL_E_DATABASE;
}

static htrail_status fail_memory(reading *r)
{
    snprintf(r->message, r->message_cap, "out of memory");
    return HTRAIL_E_NOMEM;
}

static htrail_status add_text(reading *r, sqlite3_stmt *statement, int column, uint32_t *out)
{
    const char *data = (const char *)sqlite3_column_text(statement, column);
    size_t len = data == NULL ? 0 : (size_t)sqlite3_column_bytes(statement, column);
    return htrail__texts_add(&r->paths->texts, (htrail_str){data, len}, out);
}

/* Rows (id, text) of a small table into an array by id. #2, #3 of a label are no part of the name. */
static htrail_status read_texts(reading *r, const char *sql, uint32_t **out, uint32_t *out_room, bool is_label)
{
    sqlite3_stmt *statement = NULL;
    htrail_status status = HTRAIL_OK;
    int stepped = SQLITE_DONE;
    if (sqlite3_prepare_v2(r->db, sql, -1, &statement, NULL) != SQLITE_OK)
        return fail_database(r);
    while (status == HTRAIL_OK && (stepped = sqlite3_step(statement)) == SQLITE_ROW) {
        sqlite3_int64 id = sqlite3_column_int64(statement, 0);
        if (id < 0 || id >= UINT32_MAX / 2)
            continue;
        if ((uint32_t)id >= *out_room) {
            uint32_t room = *out_room ? *out_room : 256;
            while (room <= (uint32_t)id)
                room *= 2;
            uint32_t *larger = realloc(*out, room * sizeof *larger);
            if (larger == NULL) {
                status = fail_memory(r);
                break;
            }
            memset(larger + *out_room, 0, (room - *out_room) * sizeof *larger);
            *out = larger;
            *out_room = room;
        }
        const char *text = (const char *)sqlite3_column_text(statement, 1);
        size_t len = text == NULL ? 0 : (size_t)sqlite3_column_bytes(statement, 1);
        const char *mark = is_label && len > 0 ? memchr(text + 1, '#', len - 1) : NULL;
        if (mark != NULL && strspn(mark + 1, "0123456789") == (size_t)(text + len - mark) - 1)
            len = (size_t)(mark - text);
        if (htrail__texts_add(&r->paths->texts, (htrail_str){text, len}, &(*out)[id]) != HTRAIL_OK)
            status = fail_memory(r);
    }
    if (status == HTRAIL_OK && stepped != SQLITE_DONE)
        status = fail_database(r);
    sqlite3_finalize(statement);
    return status;
}

static uint64_t take(uint64_t *left, uint64_t wanted)
{
    uint64_t taken = wanted < *left ? wanted : *left;
    *left -= taken;
    return taken;
}

static uint32_t root_kind(const char *text)
{
#define X(name, number, words)                       \
    if (text != NULL && strcmp(text, words) == 0)    \
        return number;
    HTRAIL_ROOT_MAP(X)
#undef X
    return UINT8_MAX;
}

/* A frame by its function and file and not by the line it stands at; the rest without numbers. */
static size_t general_name(uint32_t kind, const char *name, size_t len, char *out, size_t cap)
{
    if (kind == HTRAIL_ROOT_FRAME) {
        size_t end = len;
        while (end > 0 && name[end - 1] >= '0' && name[end - 1] <= '9')
            end--;
        if (end > 0 && end < len && name[end - 1] == ':')
            len = end - 1;
        memcpy(out, name, len < cap ? len : cap);
        return len < cap ? len : cap;
    }
    /* Whose a reference of C code is, nothing shows; how many there are is no name. */
    if (kind == HTRAIL_ROOT_C_REFERENCE)
        return 0;
    return htrail__root_name_general(name, len, out, cap);
}

static htrail_status read_roots(reading *r)
{
    sqlite3_stmt *statement = NULL;
    htrail_status status = HTRAIL_OK;
    char general[512];
    int stepped = SQLITE_DONE;
    if (sqlite3_prepare_v2(r->db, "SELECT id, kind, name FROM root ORDER BY id", -1, &statement, NULL) != SQLITE_OK)
        return fail_database(r);
    while (status == HTRAIL_OK && (stepped = sqlite3_step(statement)) == SQLITE_ROW) {
        sqlite3_int64 number = sqlite3_column_int64(statement, 0);
        uint32_t id = (uint32_t)number, path;
        if (number < 0 || number >= UINT32_MAX / 2)
            continue;
        if (id >= r->root_room) {
            uint32_t room = r->root_room ? r->root_room : 256;
            while (room <= id)
                room *= 2;
            uint32_t *larger = realloc(r->root_paths, room * sizeof *larger);
            if (larger == NULL) {
                status = fail_memory(r);
                break;
            }
            memset(larger + r->root_room, 0, (room - r->root_room) * sizeof *larger);
            r->root_paths = larger;
            r->root_room = room;
        }
        htrail__shape key = {.parent = HTRAIL__NO_SHAPE, .root_kind = root_kind((const char *)sqlite3_column_text(statement, 1))};
        const char *name = (const char *)sqlite3_column_text(statement, 2);
        size_t len = general_name(key.root_kind, name == NULL ? "" : name, name == NULL ? 0 : (size_t)sqlite3_column_bytes(statement, 2), general, sizeof general);
        if (add_text(r, statement, 1, &key.type) != HTRAIL_OK || htrail__texts_add(&r->paths->texts, (htrail_str){general, len}, &key.name) != HTRAIL_OK ||
            htrail__paths_intern(r->paths, r->snapshot, &key, &path) != HTRAIL_OK)
            status = fail_memory(r);
        else
            r->root_paths[id] = path + 1;
    }
    if (status == HTRAIL_OK && stepped != SQLITE_DONE)
        status = fail_database(r);
    sqlite3_finalize(statement);
    return status;
}

static uint32_t steps_above(const htrail__paths *paths, uint32_t path)
{
    uint32_t steps = 0;
    for (; path != HTRAIL__NO_SHAPE && steps < STEPS_MAX; path = paths->shapes.shapes[path].parent)
        steps++;
    return steps;
}

/* The label of a reference, as far as it is a name: 0 else. */
static uint32_t label_of(const reading *r, uint32_t code)
{
    uint32_t payload = code >> HTRAIL__CODE_PAYLOAD_SHIFT;
    if (code & HTRAIL__CODE_DIRECT)
        return 0;
    return payload < r->label_room ? r->label_texts[payload] : 0;
}

static htrail_status path_of_row(reading *r, uint32_t holder, uint32_t root, uint32_t code, uint32_t type, uint32_t *out)
{
    htrail__paths *paths = r->paths;
    htrail__shape key = {.parent = r->garbage_path, .type = type < r->type_room ? r->type_texts[type] : 0};
    if (holder > 0) {
        key.parent = r->path_of[holder];
        key.ref_kind = code & HTRAIL__CODE_KIND_MASK;
        bool is_generic = key.ref_kind == HTRAIL_REF_VALUE && htrail__paths_has_many_names(r->paths, key.parent);
        if (code & HTRAIL__CODE_DIRECT || is_generic)
            code = key.ref_kind | HTRAIL__CODE_DIRECT; /* a position, or a key that is no name */
    } else {
        code = 0;
        if (root < r->root_room && r->root_paths[root] > 0)
            key.parent = r->root_paths[root] - 1;
    }
    recent *near = &r->recents[(key.parent * UINT32_C(2654435761) ^ code * UINT32_C(0x85ebca6b) ^ type * UINT32_C(0xc2b2ae35)) >> 20];
    if (near->parent == key.parent && near->label == code && near->type == type) {
        *out = near->path;
        return HTRAIL_OK;
    }
    key.label = holder > 0 ? label_of(r, code) : 0;
    key.name = htrail__paths_owner_name(&paths->shapes, &paths->texts, &key);
    if (paths->shapes.shapes[key.parent].ref_kind == HTRAIL__PATHS_DEEPER) {
        *out = key.parent;
    } else {
        if (steps_above(paths, key.parent) >= STEPS_MAX)
            key = (htrail__shape){.parent = key.parent, .ref_kind = HTRAIL__PATHS_DEEPER};
        if (htrail__paths_intern(paths, r->snapshot, &key, out) != HTRAIL_OK)
            return fail_memory(r);
        if (paths->shapes.shapes[*out].parent != key.parent)
            paths->marks[*out].folded = (unsigned char)(paths->read_count + 1);
    }
    *near = (recent){key.parent, code, type, *out};
    return HTRAIL_OK;
}

/* Whether an object above it in the dominator tree is in the same path: of a linked list each is below the
 * one before, and counts with it. */
static bool is_within_its_own(const reading *r, uint32_t id, uint32_t path)
{
    uint32_t above = r->holder_of[id], dominator = r->dominator_of[id];
    int steps = 0;
    while (above != 0 && r->path_of[above] != path) {
        if (++steps > ABOVE_STEPS_MAX)
            return false;
        above = r->holder_of[above];
    }
    for (steps = 0; above != 0 && dominator > above && steps < RETAINED_STEPS_MAX; steps++)
        dominator = r->dominator_of[dominator];
    return above != 0 && dominator == above;
}

static htrail_status add_sample(reading *r, const htrail__path_sample *sample)
{
    htrail__paths_snapshot *snapshot = r->snapshot;
    if (htrail__paths_hash(sample->address) & r->paths->sample_mask)
        return HTRAIL_OK;
    if (snapshot->sample_count == snapshot->sample_room) {
        size_t room = snapshot->sample_room ? snapshot->sample_room * 2 : snapshot->object_count / (r->paths->sample_mask + 1) + (1 << 14);
        htrail__path_sample *larger = realloc(snapshot->samples, room * sizeof *larger);
        if (larger == NULL)
            return fail_memory(r);
        snapshot->samples = larger;
        snapshot->sample_room = room;
    }
    snapshot->samples[snapshot->sample_count++] = *sample;
    snapshot->counts[sample->path].sampled++;
    return HTRAIL_OK;
}

static void take_spare(reading *r)
{
    r->snapshot->samples = r->spare;
    r->snapshot->sample_room = r->spare_room;
    r->spare = NULL;
    r->spare_room = 0;
}

/* The larger one of two is kept. */
static void give_spare(reading *r, htrail__path_sample *samples, size_t room)
{
    if (room <= r->spare_room) {
        free(samples);
        return;
    }
    free(r->spare);
    r->spare = samples;
    r->spare_room = room;
}

/* By address, and beside those of the snapshot before, which only the first and the last one need keep for those of other threads. */
static htrail_status compare_samples(reading *r)
{
    htrail__paths_snapshot *now = r->snapshot, *before = r->paths->read_count > 0 ? now - 1 : NULL;
    if (r->spare_room < now->sample_count) {
        htrail__path_sample *samples = malloc(now->sample_room * sizeof *samples);
        if (samples == NULL)
            return fail_memory(r);
        give_spare(r, samples, now->sample_room);
    }
    if (now->sample_count > 0 && htrail__paths_sort_samples(now->samples, r->spare, now->sample_count) == r->spare) {
        htrail__path_sample *unsorted = now->samples;
        size_t room = now->sample_room;
        now->samples = r->spare;
        now->sample_room = r->spare_room;
        r->spare = unsorted;
        r->spare_room = room;
    }
    if (before != NULL && htrail__paths_compare_samples(before, now) != HTRAIL_OK)
        return fail_memory(r);
    if (r->paths->read_count > 1) {
        give_spare(r, before->samples, before->sample_room);
        before->samples = NULL;
        before->sample_count = before->sample_room = 0;
    }
    return HTRAIL_OK;
}

enum { COLUMNS = HTRAIL__OBJECT_NAME + 1 };

static int64_t or_zero(int64_t value) { return value == HTRAIL__BTREE_NULL ? 0 : value; }

static htrail_status add_function(reading *r, uint32_t id, const int64_t *values)
{
    htrail__paths_snapshot *snapshot = r->snapshot;
    if (!htrail__grow(&snapshot->functions, &snapshot->function_room, snapshot->function_count, sizeof *snapshot->functions))
        return fail_memory(r);
    snapshot->functions[snapshot->function_count++] =
        (htrail__path_function){id, (uint32_t)or_zero(values[HTRAIL__OBJECT_NAME]), (uint32_t)or_zero(values[HTRAIL__OBJECT_MODULE])};
    return HTRAIL_OK;
}

static htrail_status read_object(reading *r, int64_t number, const int64_t *values)
{
    htrail__paths_snapshot *snapshot = r->snapshot;
    uint32_t id = (uint32_t)number, holder = (uint32_t)or_zero(values[HTRAIL__OBJECT_HOLDER]), path;
    /* NULL: as the holder; none is 0. */
    uint32_t dominator = values[HTRAIL__OBJECT_DOMINATOR] == HTRAIL__BTREE_NULL ? holder : (uint32_t)values[HTRAIL__OBJECT_DOMINATOR];
    if (number <= 0 || number > snapshot->object_count || holder >= id || dominator > snapshot->object_count) {
        snprintf(r->message, r->message_cap, "object %lld is not where its number says", (long long)number);
        return HTRAIL_E_CORRUPT;
    }
    /* Root 0 is none: what no root reaches. Where it is not said it is the first. */
    uint32_t root = holder > 0 || values[HTRAIL__OBJECT_DEPTH] == HTRAIL__BTREE_NULL ? 0 : values[HTRAIL__OBJECT_ROOT] == HTRAIL__BTREE_NULL ? 1 : (uint32_t)values[HTRAIL__OBJECT_ROOT];
    htrail_status status = path_of_row(r, holder, root, (uint32_t)or_zero(values[HTRAIL__OBJECT_LABEL]), (uint32_t)or_zero(values[HTRAIL__OBJECT_TYPE]), &path);
    if (status != HTRAIL_OK)
        return status;
    htrail__path_count *count = &snapshot->counts[path];
    uint64_t size = (uint64_t)or_zero(values[HTRAIL__OBJECT_SIZE]), length = (uint64_t)or_zero(values[HTRAIL__OBJECT_LENGTH]), retained = (uint64_t)or_zero(values[HTRAIL__OBJECT_RETAINED]);
    r->path_of[id] = path;
    r->holder_of[id] = holder;
    count->objects++;
    count->bytes += take(&r->bytes_left, size);
    count->length += take(&r->length_left, length);
    count->last = id;
    if (count->first == 0)
        count->first = id;
    uint32_t type = (uint32_t)or_zero(values[HTRAIL__OBJECT_TYPE]);
    if (type < r->type_room && r->type_texts[type] == r->function_text && (status = add_function(r, id, values)) != HTRAIL_OK)
        return status;
    if (length > HTRAIL__PATHS_NAMES_MAX)
        htrail__paths_note_length(r->paths, path);
    r->dominator_of[id] = dominator;
    if (r->paths->marks[path].folded <= r->paths->read_count || !is_within_its_own(r, id, path))
        count->retained += take(&r->retained_left, retained == 0 ? size : retained); /* NULL: its size */
    return add_sample(r, &(htrail__path_sample){(uint64_t)or_zero(values[HTRAIL__OBJECT_ADDRESS]), (uint32_t)or_zero(values[HTRAIL__OBJECT_FINGERPRINT]), path});
}

static htrail_status read_objects(reading *r)
{
    int64_t id, values[COLUMNS];
    htrail__btree_step step = HTRAIL__BTREE_BROKEN;
    htrail_status status = HTRAIL_OK;
    htrail__object_rows rows;
    if (!htrail__object_rows_open(&rows, r->db))
        return fail_database(r);
    while (status == HTRAIL_OK && (step = htrail__object_rows_next(&rows, &id, values, COLUMNS)) == HTRAIL__BTREE_ROW)
        status = read_object(r, id, values);
    if (status == HTRAIL_OK && step != HTRAIL__BTREE_DONE) {
        snprintf(r->message, r->message_cap, "cannot read the database: %s", htrail__object_rows_error(&rows));
        status = HTRAIL_E_DATABASE;
    }
    htrail__object_rows_release(&rows);
    return status == HTRAIL_OK ? compare_samples(r) : status;
}

static void release_objects(reading *r)
{
    free(r->path_of);
    free(r->holder_of);
    free(r->dominator_of);
    r->path_of = r->holder_of = r->dominator_of = NULL;
    r->object_room = 0;
}

/* Room for so many objects, all of which are nothing yet. */
static bool reserve_objects(reading *r, size_t count)
{
    if (count <= r->object_room) {
        memset(r->path_of, 0, count * sizeof *r->path_of);
        memset(r->holder_of, 0, count * sizeof *r->holder_of);
        memset(r->dominator_of, 0, count * sizeof *r->dominator_of);
        return true;
    }
    release_objects(r);
    size_t room = count + count / 8; /* the next one is larger */
    r->path_of = calloc(room, sizeof *r->path_of);
    r->holder_of = calloc(room, sizeof *r->holder_of);
    r->dominator_of = calloc(room, sizeof *r->dominator_of);
    if (r->path_of == NULL || r->holder_of == NULL || r->dominator_of == NULL)
        return false;
    r->object_room = room;
    return true;
}

static htrail_status count_objects(reading *r)
{
    sqlite3_stmt *statement = NULL;
    sqlite3_int64 count = -1;
    if (sqlite3_prepare_v2(r->db, "SELECT max(id) FROM heap_object", -1, &statement, NULL) == SQLITE_OK && sqlite3_step(statement) == SQLITE_ROW)
        count = sqlite3_column_int64(statement, 0);
    htrail_status status = count < 0 || count >= UINT32_MAX ? fail_database(r) : HTRAIL_OK;
    sqlite3_finalize(statement);
    if (status != HTRAIL_OK)
        return status;
    r->snapshot->object_count = (uint32_t)count;
    return reserve_objects(r, (size_t)count + 1) ? HTRAIL_OK : fail_memory(r);
}

/* Texts and roots have the numbers of the database that they are read from. */
static void release_texts(reading *r)
{
    free(r->type_texts);
    free(r->label_texts);
    free(r->root_paths);
    r->type_texts = r->label_texts = r->root_paths = NULL;
    r->type_room = r->label_room = r->root_room = 0;
}

void htrail__paths_end_reading(htrail__paths *paths)
{
    reading *r = paths->reading;
    if (r == NULL)
        return;
    release_texts(r);
    release_objects(r);
    free(r->spare);
    free(r);
    paths->reading = NULL;
}

htrail_status htrail__paths_read(htrail__paths *paths, sqlite3 *db, char *message, size_t message_cap)
{
    static const htrail__shape garbage = {.parent = HTRAIL__NO_SHAPE, .root_kind = HTRAIL__ROOT_GARBAGE};
    reading *r = paths->reading != NULL ? paths->reading : calloc(1, sizeof *r);
    htrail_status status = HTRAIL_E_NOMEM;
    if (r == NULL) {
        snprintf(message, message_cap, "out of memory");
        return status;
    }
    paths->reading = r;
    r->paths = paths;
    r->snapshot = &paths->snapshots[paths->read_count];
    r->db = db;
    r->message = message;
    r->message_cap = message_cap;
    r->bytes_left = r->length_left = r->retained_left = SUM_MAX;
    memset(r->recents, 0xff, sizeof r->recents);
    take_spare(r);
    bool began = sqlite3_get_autocommit(db) && sqlite3_exec(db, "BEGIN", NULL, NULL, NULL) == SQLITE_OK;
    if ((status = htrail__paths_begin_snapshot(paths, r->snapshot)) != HTRAIL_OK ||
        (status = htrail__paths_intern(paths, r->snapshot, &garbage, &r->garbage_path)) != HTRAIL_OK ||
        (status = htrail__texts_add(&paths->texts, (htrail_str){"function", strlen("function")}, &r->function_text)) != HTRAIL_OK) {
        fail_memory(r);
        goto done;
    }
    if ((status = read_texts(r, "SELECT id, name FROM type", &r->type_texts, &r->type_room, false)) != HTRAIL_OK ||
        (status = read_texts(r, "SELECT id, text FROM label", &r->label_texts, &r->label_room, true)) != HTRAIL_OK ||
        (status = read_roots(r)) != HTRAIL_OK || (status = count_objects(r)) != HTRAIL_OK || (status = read_objects(r)) != HTRAIL_OK)
        goto done;
    paths->read_count++;
    if (paths->read_count == paths->snapshot_count) {
        r->snapshot->path_of = r->path_of;
        r->path_of = NULL;
        htrail__paths_end_reading(paths);
        r = NULL;
    }
done:
    if (began)
        sqlite3_exec(db, "COMMIT", NULL, NULL, NULL);
    if (r != NULL)
        release_texts(r);
    return status;
}
