/* analyze/stacks.c - see the header. */
#include "analyze/stacks.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/alone.h"

enum { NOBODY = UINT32_MAX };

/* ---- the rows of a thread together ---- */

/* A number of a thread and where it leads; sorted, later rows behind earlier ones. */
typedef struct key {
    uint64_t number;
    uint32_t place;
} key;

static int by_number(const void *a, const void *b)
{
    const key *left = a, *right = b;
    if (left->number != right->number)
        return left->number < right->number ? -1 : 1;
    return left->place < right->place ? -1 : left->place > right->place;
}

/* The last with this number, or NULL. */
static const key *find(const key *keys, uint32_t count, uint64_t number)
{
    uint32_t low = 0, high = count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (keys[middle].number <= number)
            low = middle + 1;
        else
            high = middle;
    }
    return low > 0 && keys[low - 1].number == number ? &keys[low - 1] : NULL;
}

static void merge(htrail__graph_thread *into, const htrail__graph_thread *row)
{
#define TAKE(field) into->field = row->field != 0 ? row->field : into->field
    TAKE(tid), TAKE(ident), TAKE(address), TAKE(start_ns), TAKE(user_ns), TAKE(system_ns), TAKE(name), TAKE(comm), TAKE(wait), TAKE(state);
#undef TAKE
    into->flags |= row->flags;
}

/* Numbers that name a thread: those of tids first, then those of idents of rows without one. */
typedef struct numbers {
    key *tids, *idents; /* place: number of the thread */
    uint32_t tid_count, ident_count;
} numbers;

static uint32_t thread_of(const numbers *by, uint64_t tid, uint64_t ident)
{
    const key *found = tid != 0 ? find(by->tids, by->tid_count, tid) : find(by->idents, by->ident_count, ident);
    return found != NULL ? found->place : NOBODY;
}

static htrail_status put_threads_together(htrail__stacks *stacks, const htrail__graph *graph, numbers *by)
{
    uint32_t rows = graph->thread_count, frames = graph->frame_count, count = 0;
    by->tids = malloc(((size_t)rows + frames + 1) * sizeof *by->tids);
    by->idents = malloc(((size_t)rows + frames + 1) * 2 * sizeof *by->idents);
    stacks->threads = calloc((size_t)rows + frames + 1, sizeof *stacks->threads);
    if (by->tids == NULL || by->idents == NULL || stacks->threads == NULL)
        return HTRAIL_E_NOMEM;
    /* Frames of a thread without a row of its own: a file that was cut. */
#define TID(i) ((i) < rows ? graph->threads[i].tid : graph->frames[(i) - rows].tid)
#define IDENT(i) ((i) < rows ? graph->threads[i].ident : graph->frames[(i) - rows].ident)
    for (uint32_t i = 0; i < rows + frames; i++)
        if (TID(i) != 0)
            by->tids[by->tid_count++] = (key){TID(i), i};
    qsort(by->tids, by->tid_count, sizeof *by->tids, by_number);
    uint32_t kept = 0;
    for (uint32_t i = 0; i < by->tid_count; i++)
        if (kept == 0 || by->tids[kept - 1].number != by->tids[i].number) {
            stacks->threads[count].row.tid = by->tids[i].number;
            by->tids[kept++] = (key){by->tids[i].number, count++};
        }
    by->tid_count = kept;
    /* An ident that came with a tid leads there, else to a thread of its own. */
    for (uint32_t i = 0; i < rows + frames; i++)
        if (IDENT(i) != 0)
            by->idents[by->ident_count++] = (key){IDENT(i), TID(i) != 0 ? thread_of(by, TID(i), 0) : NOBODY};
    qsort(by->idents, by->ident_count, sizeof *by->idents, by_number);
    kept = 0;
    for (uint32_t i = 0; i < by->ident_count; i++) {
        uint32_t place = by->idents[i].place;
        bool is_new = kept == 0 || by->idents[kept - 1].number != by->idents[i].number;
        if (is_new && place == NOBODY)
            stacks->threads[place = count++].row.ident = by->idents[i].number;
        if (is_new)
            by->idents[kept++] = (key){by->idents[i].number, place};
        else if (place != NOBODY)
            by->idents[kept - 1].place = place;
    }
    by->ident_count = kept;
#undef TID
#undef IDENT
    for (uint32_t i = 0; i < rows; i++) {
        uint32_t thread = thread_of(by, graph->threads[i].tid, graph->threads[i].ident);
        if (thread != NOBODY)
            merge(&stacks->threads[thread].row, &graph->threads[i]);
    }
    stacks->thread_count = count;
    for (uint32_t i = 0; i < count; i++)
        stacks->threads[i].object =
            stacks->threads[i].row.address != 0 ? htrail__addresses_find(&graph->addresses, stacks->threads[i].row.address) : HTRAIL__NO_ID;
    return HTRAIL_OK;
}

/* ---- frames by thread ---- */

typedef struct placed_frame {
    uint32_t thread, depth, place;
} placed_frame;

static int by_depth(const void *a, const void *b)
{
    const placed_frame *left = a, *right = b;
    if (left->thread != right->thread)
        return left->thread < right->thread ? -1 : 1;
    if (left->depth != right->depth)
        return left->depth < right->depth ? -1 : 1;
    return left->place < right->place ? -1 : left->place > right->place;
}

static htrail_status put_frames_together(htrail__stacks *stacks, const htrail__graph *graph, const numbers *by)
{
    uint32_t count = 0;
    placed_frame *frames = malloc(((size_t)graph->frame_count + 1) * sizeof *frames);
    stacks->frames = malloc(((size_t)graph->frame_count + 1) * sizeof *stacks->frames);
    if (frames == NULL || stacks->frames == NULL) {
        free(frames);
        return HTRAIL_E_NOMEM;
    }
    for (uint32_t i = 0; i < graph->frame_count; i++) {
        uint32_t thread = thread_of(by, graph->frames[i].tid, graph->frames[i].ident);
        if (thread != NOBODY)
            frames[count++] = (placed_frame){thread, graph->frames[i].depth, i};
    }
    qsort(frames, count, sizeof *frames, by_depth);
    for (uint32_t i = count; i-- > 0;) {
        stacks->frames[i] = frames[i].place;
        stacks->threads[frames[i].thread].first_frame = i;
        stacks->threads[frames[i].thread].frame_count++;
    }
    free(frames);
    return HTRAIL_OK;
}

/* ---- stacks ---- */

static uint64_t fold(uint64_t hash, const void *data, size_t len)
{
    for (size_t i = 0; i < len; i++)
        hash = (hash ^ ((const unsigned char *)data)[i]) * UINT64_C(0x100000001b3);
    return hash;
}

static uint64_t fold_text(uint64_t hash, const htrail__graph *graph, uint32_t text)
{
    htrail_str value = htrail__texts_get(&graph->texts, text);
    return fold(fold(hash, value.data, value.len), "", 1);
}

static uint64_t hash_of(const htrail__stacks *stacks, const htrail__graph *graph, const htrail__stacks_thread *thread)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    char line[16];
    if (thread->frame_count == 0)
        return fold(fold_text(hash, graph, thread->row.comm), thread->row.flags & HTRAIL_THREAD_CAPTURE ? "capture" : "native", 7);
    for (uint32_t i = 0; i < thread->frame_count; i++) {
        const htrail__graph_frame *frame = &graph->frames[stacks->frames[thread->first_frame + i]];
        int len = snprintf(line, sizeof line, "%" PRIu32, frame->line);
        hash = fold(fold_text(fold_text(hash, graph, frame->function), graph, frame->file), line, (size_t)len + 1);
    }
    return hash;
}

static htrail_status group(htrail__stacks *stacks, const htrail__graph *graph)
{
    key *keys = malloc(((size_t)stacks->thread_count + 1) * sizeof *keys);
    stacks->stacks = calloc((size_t)stacks->thread_count + 1, sizeof *stacks->stacks);
    if (keys == NULL || stacks->stacks == NULL) {
        free(keys);
        return HTRAIL_E_NOMEM;
    }
    for (uint32_t i = 0; i < stacks->thread_count; i++)
        keys[i] = (key){hash_of(stacks, graph, &stacks->threads[i]), i};
    qsort(keys, stacks->thread_count, sizeof *keys, by_number);
    /* First each thread learns which is the first one of its stack; those then give the by. */
    for (uint32_t i = 0, first = 0; i < stacks->thread_count; i++) {
        first = i > 0 && keys[i].number == keys[i - 1].number ? first : i;
        stacks->threads[keys[i].place].stack = keys[first].place;
        stacks->stacks[keys[i].place].hash = keys[i].number;
    }
    free(keys);
    for (uint32_t i = 0; i < stacks->thread_count; i++) {
        htrail__stacks_thread *thread = &stacks->threads[i];
        if (thread->stack == i) {
            uint64_t hash = stacks->stacks[i].hash;
            stacks->stacks[stacks->stack_count] = (htrail__stack){.hash = hash, .thread = i};
            thread->stack = stacks->stack_count++;
        } else {
            thread->stack = stacks->threads[thread->stack].stack;
        }
        stacks->stacks[thread->stack].thread_count++;
    }
    return HTRAIL_OK;
}

/* ---- what they hold alone ---- */

static htrail_status retain(htrail__stacks *stacks, const htrail__graph *graph, const htrail__reach *reach, const numbers *by)
{
    htrail__alone_root *roots = malloc(((size_t)reach->root_count + stacks->thread_count + 1) * sizeof *roots);
    htrail__alone_group *threads = calloc((size_t)stacks->thread_count + 1, sizeof *threads);
    htrail__alone_group *uppers = calloc((size_t)stacks->stack_count + 1, sizeof *uppers);
    uint32_t root_count = 0;
    htrail_status status = HTRAIL_E_NOMEM;

    if (roots == NULL || threads == NULL || uppers == NULL)
        goto done;
    for (uint32_t i = 0; i < reach->root_count; i++) {
        const htrail__reach_root *root = &reach->roots[i];
        uint32_t thread = root->thread_id != 0 ? thread_of(by, root->thread_id, 0) : NOBODY;
        roots[root_count++] = (htrail__alone_root){.object = root->object, .group = thread != NOBODY ? thread : HTRAIL__ALONE_COMMON};
    }
    for (uint32_t i = 0; i < stacks->thread_count; i++) {
        threads[i].upper = stacks->threads[i].stack;
        if (stacks->threads[i].object != HTRAIL__NO_ID)
            roots[root_count++] = (htrail__alone_root){.object = stacks->threads[i].object, .group = i, .flags = HTRAIL__ALONE_FIXED};
    }
    status = htrail__alone_find(threads, stacks->thread_count, uppers, stacks->stack_count, graph, roots, root_count);
    for (uint32_t i = 0; i < stacks->thread_count; i++)
        stacks->threads[i].retained_bytes = threads[i].bytes;
    for (uint32_t i = 0; i < stacks->stack_count; i++) {
        stacks->stacks[i].retained_objects = uppers[i].objects;
        stacks->stacks[i].retained_bytes = uppers[i].bytes;
    }
done:
    free(roots);
    free(threads);
    free(uppers);
    return status;
}

htrail_status htrail__stacks_build(htrail__stacks *stacks, const htrail__graph *graph, const htrail__reach *roots)
{
    numbers by = {0};
    htrail_status status = HTRAIL_OK;
    *stacks = (htrail__stacks){0};
    if (graph->thread_count == 0 && graph->frame_count == 0)
        return HTRAIL_OK;
    if ((status = put_threads_together(stacks, graph, &by)) == HTRAIL_OK && (status = put_frames_together(stacks, graph, &by)) == HTRAIL_OK &&
        (status = group(stacks, graph)) == HTRAIL_OK)
        status = retain(stacks, graph, roots, &by);
    free(by.tids);
    free(by.idents);
    return status;
}

void htrail__stacks_release(htrail__stacks *stacks)
{
    free(stacks->threads);
    free(stacks->frames);
    free(stacks->stacks);
    *stacks = (htrail__stacks){0};
}

/* ---- in words ---- */

static bool ends(htrail_str text, const char *with)
{
    size_t len = strlen(with);
    return text.len >= len && memcmp(text.data + text.len - len, with, len) == 0;
}

/* What begins every thread of threading. */
static bool is_bootstrap(const htrail__graph *graph, const htrail__graph_frame *frame)
{
    htrail_str function = htrail__texts_get(&graph->texts, frame->function);
    return ends(htrail__texts_get(&graph->texts, frame->file), "threading.py") &&
           (ends(function, "run") || ends(function, "_bootstrap") || ends(function, "_bootstrap_inner"));
}

/* Not of Python's own library. */
static bool is_programs(const htrail__graph *graph, const htrail__graph_frame *frame)
{
    htrail_str file = htrail__texts_get(&graph->texts, frame->file);
    if (file.len > 0 && file.data[0] == '<')
        return false;
    for (size_t i = 0; i + 11 < file.len; i++)
        if (memcmp(file.data + i, "/lib/python", 11) == 0)
            return memmem(file.data, file.len, "-packages/", 10) != NULL;
    return true;
}

static size_t put(char *text, size_t cap, size_t used, const htrail__graph *graph, const htrail__graph_frame *frame, const char *before)
{
    htrail_str file = htrail__texts_get(&graph->texts, frame->file), function = htrail__texts_get(&graph->texts, frame->function);
    const char *slash = file.len > 0 ? memrchr(file.data, '/', file.len) : NULL;
    size_t skip = slash != NULL ? (size_t)(slash + 1 - file.data) : 0;
    if (used >= cap)
        return used;
    int len = snprintf(text + used, cap - used, "%s%.*s:%" PRIu32 "%s%.*s", before, (int)(file.len - skip), file.data + skip, frame->line,
                       function.len > 0 ? " " : "", (int)function.len, function.data);
    return len < 0 ? used : used + (size_t)len;
}

void htrail__stacks_describe(const htrail__stacks *stacks, const htrail__graph *graph, uint32_t stack, char *text, size_t cap)
{
    const htrail__stacks_thread *thread = &stacks->threads[stacks->stacks[stack].thread];
    const uint32_t *frames = stacks->frames + thread->first_frame;
    uint32_t count = thread->frame_count, last, own = 0;
    size_t used = 0;
    if (count == 0) {
        htrail_str comm = htrail__texts_get(&graph->texts, thread->row.comm);
        snprintf(text, cap, "%s%s%.*s", thread->row.flags & HTRAIL_THREAD_CAPTURE ? "heaptrail itself" : "no Python code", comm.len > 0 ? ", " : "",
                 (int)comm.len, comm.data);
        return;
    }
    for (last = count - 1; last > 0 && is_bootstrap(graph, &graph->frames[frames[last]]);)
        last--;
    while (own < last && !is_programs(graph, &graph->frames[frames[own]]))
        own++;
    /* The innermost, the innermost of the program's own and its caller, the outermost. */
    for (uint32_t i = 0, shown = 0; i <= last; i++) {
        if (i != 0 && i != last && i != own && i != own + 1 && !(i == 1 && own == 2) && !(i == last - 1 && i == own + 2))
            continue;
        used = put(text, cap, used, graph, &graph->frames[frames[i]], i == 0 ? "" : shown + 1 == i ? " <- " : " <- ... <- ");
        shown = i;
    }
}

const char *htrail__mapping_category_text(uint32_t category)
{
    switch (category) {
#define X(name, number, text) case number: return text;
        HTRAIL_MAPPING_MAP(X)
#undef X
    }
    return "other";
}
