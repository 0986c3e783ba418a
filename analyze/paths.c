/* analyze/paths.c - see the header: the tree of paths, and what of several snapshots is put together. */
#include <stdlib.h>
#include <string.h>

#include "analyze/paths_build.h"
#include "analyze/str.h"

enum { TEXT_BYTES_MAX = 1 << 30, SAMPLES_MAX = 1 << 21, FOLD_STEPS = 10, PASSING_NAMES_MAX = 2, PASSING_TYPES_MAX = 16 };

htrail_status htrail__paths_init(htrail__paths *paths, unsigned snapshot_count, uint64_t objects_max)
{
    *paths = (htrail__paths){.snapshot_count = snapshot_count};
    paths->snapshots = calloc(snapshot_count, sizeof *paths->snapshots);
    if (paths->snapshots == NULL || htrail__texts_init(&paths->texts, TEXT_BYTES_MAX) != HTRAIL_OK || htrail__shapes_init(&paths->shapes) != HTRAIL_OK)
        return HTRAIL_E_NOMEM;
    paths->shapes.fold_steps = FOLD_STEPS;
    for (uint64_t sampled = objects_max; sampled > SAMPLES_MAX; sampled /= 2)
        paths->sample_mask = paths->sample_mask << 1 | 1;
    return HTRAIL_OK;
}

static htrail_status room_for_counts(htrail__paths_snapshot *snapshot, uint32_t room)
{
    if (room <= snapshot->counts_room)
        return HTRAIL_OK;
    bool is_first = snapshot->counts == NULL; /* then nothing need be written */
    htrail__path_count *larger = is_first ? calloc(room, sizeof *larger) : realloc(snapshot->counts, (size_t)room * sizeof *larger);
    if (larger == NULL)
        return HTRAIL_E_NOMEM;
    if (!is_first)
        memset(larger + snapshot->counts_room, 0, (size_t)(room - snapshot->counts_room) * sizeof *larger);
    snapshot->counts = larger;
    snapshot->counts_room = room;
    return HTRAIL_OK;
}

static htrail_status room_for_marks(htrail__paths *paths)
{
    if (paths->marks_room == paths->shapes.room)
        return HTRAIL_OK;
    htrail__path_marks *larger = realloc(paths->marks, paths->shapes.room * sizeof *larger);
    if (larger == NULL)
        return HTRAIL_E_NOMEM;
    memset(larger + paths->marks_room, 0, (paths->shapes.room - paths->marks_room) * sizeof *larger);
    paths->marks = larger;
    paths->marks_room = paths->shapes.room;
    return HTRAIL_OK;
}

htrail_status htrail__paths_begin_snapshot(htrail__paths *paths, htrail__paths_snapshot *snapshot)
{
    paths->shapes.guess = 0; /* it holds much the same as the one before */
    return room_for_counts(snapshot, paths->shapes.room);
}

htrail_status htrail__paths_intern(htrail__paths *paths, htrail__paths_snapshot *snapshot, const htrail__shape *key, uint32_t *out)
{
    uint32_t room = paths->shapes.room;
    htrail_status status = htrail__shapes_intern(&paths->shapes, key, out);
    if (status == HTRAIL_OK && paths->shapes.room != room && (status = room_for_counts(snapshot, paths->shapes.room)) == HTRAIL_OK)
        status = room_for_marks(paths);
    return status;
}

uint32_t htrail__paths_owner_name(const htrail__shapes *shapes, const htrail__texts *texts, const htrail__shape *key)
{
    static const char *const owners[] = {"type", "module", "function", NULL};
    if (key->parent == HTRAIL__NO_SHAPE || key->ref_kind != HTRAIL_REF_FIELD)
        return 0;
    const htrail__shape *owner = &shapes->shapes[key->parent];
    return htrail__str_is_one_of(htrail__texts_get(texts, owner->type), owners) ? owner->label : 0;
}

/* A mapping whose keys are names of the program's text, however many there are. */
static bool is_namespace(const htrail__paths *paths, uint32_t path)
{
    const htrail__shape *shape = &paths->shapes.shapes[path];
    if (shape->parent == HTRAIL__NO_SHAPE)
        return true;
    if (shape->ref_kind == HTRAIL_REF_FIELD) {
        htrail_str label = htrail__texts_get(&paths->texts, shape->label);
        return htrail__str_starts(label, "__") || htrail__str_starts(label, "f_");
    }
    uint32_t kind = paths->shapes.shapes[shape->parent].root_kind;
    return kind == HTRAIL_ROOT_MODULES || kind == HTRAIL_ROOT_FRAME || kind == HTRAIL_ROOT_BUILTINS || kind == HTRAIL_ROOT_SYS;
}

void htrail__paths_note_length(htrail__paths *paths, uint32_t path)
{
    if (paths->marks[path].has_many <= paths->read_count && !is_namespace(paths, path))
        paths->marks[path].has_many = (unsigned char)(paths->read_count + 1);
}

bool htrail__paths_has_many_names(const htrail__paths *paths, uint32_t path) { return paths->marks[path].has_many > paths->read_count; }

static bool is_under_a_name(const htrail__shape *shape)
{
    return shape->parent != HTRAIL__NO_SHAPE && shape->label != 0 && (shape->ref_kind == HTRAIL_REF_VALUE || shape->ref_kind == HTRAIL_REF_ATTR);
}

/* Which names are data. */

typedef struct names {
    uint32_t always, passing; /* under one path: in every snapshot, and not in each */
    uint32_t passing_types;   /* of objects that have no name there */
} names;

static bool is_in_every_snapshot(const htrail__paths *paths, uint32_t path)
{
    for (unsigned i = 0; i < paths->snapshot_count; i++)
        if (paths->snapshots[i].counts[path].objects == 0)
            return false;
    return true;
}

static bool is_one_of_many(const htrail__paths *paths, const htrail__shape *shape)
{
    htrail_str type = htrail__texts_get(&paths->texts, shape->type);
    return shape->parent != HTRAIL__NO_SHAPE && shape->label == 0 && (shape->ref_kind == HTRAIL_REF_INDEX || shape->ref_kind == HTRAIL_REF_VALUE) &&
           memchr(type.data, '.', type.len) != NULL;
}

static void count_names(const htrail__paths *paths, names *of)
{
    for (uint32_t i = 0; i < paths->shapes.count; i++) {
        const htrail__shape *shape = &paths->shapes.shapes[i];
        if (is_one_of_many(paths, shape))
            of[shape->parent].passing_types += !is_in_every_snapshot(paths, i);
        if (!is_under_a_name(shape))
            continue;
        if (is_in_every_snapshot(paths, i))
            of[shape->parent].always++;
        else
            of[shape->parent].passing++;
    }
}

static bool is_data(const htrail__paths *paths, const names *of, uint32_t path)
{
    const htrail__shape *shape = &paths->shapes.shapes[path];
    if (!is_under_a_name(shape))
        return false;
    if (shape->ref_kind == HTRAIL_REF_VALUE &&
        (paths->marks[shape->parent].has_many || (of[shape->parent].always > HTRAIL__PATHS_ALIKE_MAX && !is_namespace(paths, shape->parent))))
        return true;
    return of[shape->parent].passing > PASSING_NAMES_MAX && !is_in_every_snapshot(paths, path);
}

/* A type made anew for every object (a namedtuple within a function) is data too: what gathers is objects, of whatever type. */
static bool is_type_data(const htrail__paths *paths, const names *of, uint32_t path)
{
    const htrail__shape *shape = &paths->shapes.shapes[path];
    return is_one_of_many(paths, shape) && of[shape->parent].passing_types > PASSING_TYPES_MAX &&
           (!is_in_every_snapshot(paths, path) || paths->snapshots[paths->snapshot_count - 1].counts[path].objects <= 2);
}

static void add_count(htrail__path_count *to, const htrail__path_count *from)
{
    to->objects += from->objects;
    to->bytes += from->bytes;
    to->length += from->length;
    to->retained += from->retained;
    if (from->first != 0 && (to->first == 0 || from->first < to->first))
        to->first = from->first;
    if (from->last > to->last)
        to->last = from->last;
    to->sampled += from->sampled;
    to->stayed += from->stayed;
    to->moved += from->moved;
    to->fresh += from->fresh;
}

/* Each path becomes new_path[path], which is no larger: those that came first are in front. */
static void put_counts_together(htrail__paths_snapshot *snapshot, const uint32_t *new_path, uint32_t old_count)
{
    htrail__path_count *counts = snapshot->counts;
    uint32_t used = 0;
    for (uint32_t i = 0; i < old_count; i++) {
        uint32_t to = new_path[i];
        if (to < used) {
            add_count(&counts[to], &counts[i]);
            continue;
        }
        if (to != i)
            counts[to] = counts[i];
        used = to + 1;
    }
    memset(counts + used, 0, (size_t)(snapshot->counts_room - used) * sizeof *counts);
}

static void rename_path_of(htrail__paths_snapshot *snapshot, const uint32_t *new_path)
{
    for (uint32_t i = 1; snapshot->path_of != NULL && i <= snapshot->object_count; i++)
        snapshot->path_of[i] = new_path[snapshot->path_of[i]];
}

static void rename_paths(htrail__paths_snapshot *snapshot, const uint32_t *new_path)
{
    for (size_t i = 0; i < snapshot->sample_count; i++)
        snapshot->samples[i].path = new_path[snapshot->samples[i].path];
    for (size_t i = 0; i < snapshot->move_count; i++) {
        snapshot->moves[i].from = new_path[snapshot->moves[i].from];
        snapshot->moves[i].to = new_path[snapshot->moves[i].to];
    }
    rename_path_of(snapshot, new_path);
}

static htrail_status move_counts(htrail__paths_snapshot *snapshot, const uint32_t *new_path, uint32_t old_count, uint32_t new_count)
{
    htrail__path_count *old = snapshot->counts;
    uint32_t old_room = snapshot->counts_room;
    snapshot->counts = NULL;
    snapshot->counts_room = 0;
    htrail_status status = room_for_counts(snapshot, new_count);
    for (uint32_t i = 0; i < old_count && i < old_room && status == HTRAIL_OK; i++)
        add_count(&snapshot->counts[new_path[i]], &old[i]);
    free(old);
    return status;
}

/* The tree of from into that of paths. new_path: by path of from. */
static htrail_status add_tree(htrail__paths *paths, const htrail__paths *from, uint32_t *new_path)
{
    uint32_t *new_text = malloc(((size_t)from->texts.count + 1) * sizeof *new_text);
    htrail_status status = new_text == NULL ? HTRAIL_E_NOMEM : HTRAIL_OK;
    paths->shapes.guess = 0;
    for (uint32_t i = 0; i < from->texts.count && status == HTRAIL_OK; i++)
        status = htrail__texts_add(&paths->texts, htrail__texts_get(&from->texts, i), &new_text[i]);
    for (uint32_t i = 0; i < from->shapes.count && status == HTRAIL_OK; i++) {
        htrail__shape key = from->shapes.shapes[i];
        bool folded = key.folded;
        key.parent = key.parent == HTRAIL__NO_SHAPE ? key.parent : new_path[key.parent];
        key.label = new_text[key.label];
        key.type = new_text[key.type];
        key.name = new_text[key.name];
        if ((status = htrail__shapes_intern(&paths->shapes, &key, &new_path[i])) != HTRAIL_OK || (status = room_for_marks(paths)) != HTRAIL_OK)
            break;
        paths->shapes.shapes[new_path[i]].folded |= folded;
        if (from->marks[i].has_many && !paths->marks[new_path[i]].has_many)
            paths->marks[new_path[i]].has_many = 1;
    }
    free(new_text);
    return status;
}

htrail_status htrail__paths_append(htrail__paths *paths, htrail__paths *from)
{
    uint32_t *new_path = malloc(((size_t)from->shapes.count + 1) * sizeof *new_path);
    htrail_status status = new_path == NULL ? HTRAIL_E_NOMEM : add_tree(paths, from, new_path);
    for (unsigned i = 0; i < from->snapshot_count && status == HTRAIL_OK; i++) {
        htrail__paths_snapshot *snapshot = &paths->snapshots[paths->read_count];
        *snapshot = from->snapshots[i];
        from->snapshots[i] = (htrail__paths_snapshot){0};
        if (++paths->read_count < paths->snapshot_count) {
            free(snapshot->path_of);
            snapshot->path_of = NULL;
        }
        rename_paths(snapshot, new_path);
        status = move_counts(snapshot, new_path, from->shapes.count, paths->shapes.count);
        if (status == HTRAIL_OK && i == 0 && paths->read_count > 1 && (status = room_for_counts(snapshot - 1, paths->shapes.count)) == HTRAIL_OK)
            status = htrail__paths_compare_samples(snapshot - 1, snapshot);
    }
    free(new_path);
    htrail__paths_release(from);
    return status;
}

/* The tree anew, without the names and types that are data. */
static htrail_status put_together(htrail__paths *paths)
{
    uint32_t old_count = paths->shapes.count;
    names *of = calloc((size_t)old_count + 1, sizeof *of);
    uint32_t *new_path = malloc(((size_t)old_count + 1) * sizeof *new_path);
    htrail__shapes fresh = {0};
    uint32_t any_type = 0;
    htrail_status status = of == NULL || new_path == NULL ? HTRAIL_E_NOMEM : htrail__shapes_init(&fresh);
    if (status != HTRAIL_OK)
        goto done;
    fresh.fold_steps = paths->shapes.fold_steps;
    if ((status = htrail__texts_add(&paths->texts, (htrail_str){"object", strlen("object")}, &any_type)) != HTRAIL_OK)
        goto done;
    count_names(paths, of);
    for (uint32_t i = 0; i < old_count && status == HTRAIL_OK; i++) {
        htrail__shape key = paths->shapes.shapes[i];
        bool folded = key.folded;
        if (is_data(paths, of, i))
            key.label = 0;
        if (is_type_data(paths, of, i))
            key.type = any_type;
        if (key.parent != HTRAIL__NO_SHAPE) {
            key.parent = new_path[key.parent];
            key.name = htrail__paths_owner_name(&fresh, &paths->texts, &key);
        }
        if ((status = htrail__shapes_intern(&fresh, &key, &new_path[i])) == HTRAIL_OK && folded)
            fresh.shapes[new_path[i]].folded = true;
    }
    for (unsigned i = 0; i < paths->snapshot_count && status == HTRAIL_OK; i++) {
        put_counts_together(&paths->snapshots[i], new_path, old_count);
        rename_path_of(&paths->snapshots[i], new_path);
        if (i > 0)
            htrail__paths_settle_moves(&paths->snapshots[i - 1], &paths->snapshots[i], new_path);
    }
    if (status == HTRAIL_OK) {
        htrail__shapes_release(&paths->shapes);
        paths->shapes = fresh;
        fresh = (htrail__shapes){0};
    }
done:
    htrail__shapes_release(&fresh);
    free(of);
    free(new_path);
    return status;
}

static void sum_below(htrail__paths *paths, htrail__paths_snapshot *snapshot)
{
    for (uint32_t i = paths->shapes.count; i-- > 0;) {
        htrail__path_count *count = &snapshot->counts[i];
        count->below += count->bytes;
        if (paths->shapes.shapes[i].root_kind != HTRAIL__ROOT_GARBAGE && htrail__path_is_root(paths, i))
            snapshot->bytes += count->below;
        if (paths->shapes.shapes[i].parent != HTRAIL__NO_SHAPE)
            snapshot->counts[paths->shapes.shapes[i].parent].below += count->below;
    }
}

htrail_status htrail__paths_join(htrail__paths *paths)
{
    htrail_status status = HTRAIL_OK;
    htrail__paths_end_reading(paths);
    for (unsigned i = 0; i < paths->snapshot_count && status == HTRAIL_OK; i++)
        status = room_for_counts(&paths->snapshots[i], paths->shapes.count);
    if (status == HTRAIL_OK)
        status = put_together(paths);
    for (unsigned i = 0; i < paths->snapshot_count && status == HTRAIL_OK; i++) {
        sum_below(paths, &paths->snapshots[i]);
        htrail__paths_release_samples(&paths->snapshots[i]);
    }
    return status;
}

void htrail__paths_release(htrail__paths *paths)
{
    for (unsigned i = 0; paths->snapshots != NULL && i < paths->snapshot_count; i++) {
        free(paths->snapshots[i].counts);
        htrail__paths_release_samples(&paths->snapshots[i]);
        free(paths->snapshots[i].path_of);
        free(paths->snapshots[i].functions);
    }
    free(paths->snapshots);
    htrail__paths_end_reading(paths);
    free(paths->marks);
    htrail__shapes_release(&paths->shapes);
    htrail__texts_release(&paths->texts);
    *paths = (htrail__paths){0};
}
