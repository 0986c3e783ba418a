/* analyze/load_process.c - the tables of the process: threads, their frames and stacks, mappings. */
#include <inttypes.h>
#include <stdio.h>

#include "analyze/loader.h"

static bool insert_fact(sqlite3_stmt *statement, const char *key, uint64_t value)
{
    char number[32];
    snprintf(number, sizeof number, "%" PRIu64, value);
    sqlite3_bind_text(statement, 1, key, -1, SQLITE_TRANSIENT);
    sqlite3_bind_text(statement, 2, number, -1, SQLITE_TRANSIENT);
    return htrail__loader_insert(statement);
}

/* Rows of the kernel have a state; those that have a number and are the runtime's are its threads. The
 * same sums are in cli/survey.c, for a device. */
static bool insert_thread_facts(const htrail__graph *graph, sqlite3_stmt *statement)
{
    enum { ALL, RUNNING, SLEEPING, WAITING, STOPPED, OTHER, PYTHON, DAEMON, COUNTS };
    static const char *const keys[COUNTS] = {"threads", "threads_running", "threads_sleeping", "threads_waiting",
                                             "threads_stopped", "threads_other", "threads_python", "threads_daemon"};
    uint64_t counts[COUNTS] = {0};
    bool fine = true;
    for (uint32_t i = 0; i < graph->thread_count; i++) {
        const htrail__graph_thread *thread = &graph->threads[i];
        uint32_t state = thread->state;
        if (thread->tid != 0 && state != 0) {
            counts[ALL]++;
            counts[state == 'R' ? RUNNING : state == 'S' ? SLEEPING : state == 'D' ? WAITING : state == 'T' || state == 't' ? STOPPED : OTHER]++;
        }
        counts[PYTHON] += thread->tid != 0 && (thread->flags & HTRAIL_THREAD_RUNTIME);
        counts[DAEMON] += (thread->flags & HTRAIL_THREAD_DAEMON) != 0;
    }
    for (int i = 0; i < COUNTS && fine && counts[ALL] + counts[PYTHON] > 0; i++)
        fine = insert_fact(statement, keys[i], counts[i]);
    return fine;
}

static bool insert_mapping_facts(const htrail__graph *graph, sqlite3_stmt *statement)
{
    enum { CATEGORIES = HTRAIL_MAPPING_CAPTURE + 1 };
    uint64_t resident[CATEGORIES] = {0}, dirty[CATEGORIES] = {0};
    char key[64], name[32];
    bool fine = true;
    for (uint32_t i = 0; i < graph->mapping_count; i++) {
        uint32_t category = graph->mappings[i].category < CATEGORIES ? graph->mappings[i].category : HTRAIL_MAPPING_OTHER;
        resident[category] += graph->mappings[i].rss_bytes;
        dirty[category] += graph->mappings[i].private_dirty_bytes;
    }
    for (uint32_t i = 0; i < CATEGORIES && fine && graph->mapping_count > 0; i++) {
        snprintf(name, sizeof name, "%s", htrail__mapping_category_text(i));
        for (char *at = name; *at != '\0'; at++)
            *at = *at == ' ' ? '_' : *at;
        snprintf(key, sizeof key, "memory_%s_bytes", name);
        fine = insert_fact(statement, key, resident[i]);
        snprintf(key, sizeof key, "memory_%s_dirty_bytes", name);
        fine = fine && insert_fact(statement, key, dirty[i]);
    }
    return fine;
}

bool htrail__loader_insert_process_facts(const htrail__loader *l, sqlite3_stmt *statement)
{
    return insert_thread_facts(l->graph, statement) && insert_mapping_facts(l->graph, statement);
}

/* NULL where it is 0: not known. */
static void bind_known(sqlite3_stmt *statement, int column, uint64_t value)
{
    if (value != 0)
        sqlite3_bind_int64(statement, column, (int64_t)value);
}

static htrail_status write_threads(htrail__loader *l)
{
    sqlite3_stmt *statement = htrail__loader_prepare(l, "INSERT INTO thread VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
    bool fine = statement != NULL;
    htrail__text key;
    htrail__text_init(&key, HTRAIL__LOADER_KEY_BYTES_MAX);
    for (uint32_t i = 0; i < l->stacks.thread_count && fine; i++) {
        const htrail__stacks_thread *thread = &l->stacks.threads[i];
        char state[2] = {thread->row.state > ' ' && thread->row.state < 0x7f ? (char)thread->row.state : '\0', '\0'};
        sqlite3_clear_bindings(statement);
        htrail__loader_bind_number(statement, 1, i + 1);
        bind_known(statement, 2, thread->row.tid);
        bind_known(statement, 3, thread->row.ident);
        htrail__loader_bind_text(l, statement, 4, thread->row.name);
        htrail__loader_bind_text(l, statement, 5, thread->row.comm);
        sqlite3_bind_text(statement, 6, state, -1, SQLITE_TRANSIENT);
        htrail__loader_bind_text(l, statement, 7, thread->row.wait);
        bind_known(statement, 8, thread->row.start_ns);
        htrail__loader_bind_number(statement, 9, thread->row.user_ns);
        htrail__loader_bind_number(statement, 10, thread->row.system_ns);
        htrail__loader_bind_number(statement, 11, (thread->row.flags & HTRAIL_THREAD_MAIN) != 0);
        htrail__loader_bind_number(statement, 12, (thread->row.flags & HTRAIL_THREAD_RUNTIME) != 0);
        htrail__loader_bind_number(statement, 13, (thread->row.flags & HTRAIL_THREAD_DAEMON) != 0);
        htrail__loader_bind_number(statement, 14, (thread->row.flags & HTRAIL_THREAD_CAPTURE) != 0);
        if (thread->object != HTRAIL__NO_ID)
            htrail__loader_bind_number(statement, 15, l->reach.number_of[thread->object]);
        htrail__loader_bind_number(statement, 16, thread->stack + 1);
        htrail__text_clear(&key);
        htrail__loader_thread_key(l, i, &key);
        sqlite3_bind_text64(statement, 17, htrail__text_string(&key), key.len, SQLITE_TRANSIENT, SQLITE_UTF8);
        htrail__loader_bind_number(statement, 18, thread->retained_bytes);
        fine = htrail__loader_insert(statement);
    }
    htrail__text_release(&key);
    return htrail__loader_end_statement(l, statement, fine);
}

/* Depths are counted here: a file may say one twice. */
static htrail_status write_frames(htrail__loader *l)
{
    sqlite3_stmt *statement = htrail__loader_prepare(l, "INSERT INTO frame VALUES(?, ?, ?, ?, ?, ?)");
    bool fine = statement != NULL;
    for (uint32_t i = 0; i < l->stacks.thread_count; i++)
        for (uint32_t depth = 0; depth < l->stacks.threads[i].frame_count && fine; depth++) {
            const htrail__graph_frame *frame = &l->graph->frames[l->stacks.frames[l->stacks.threads[i].first_frame + depth]];
            uint32_t object = frame->address != 0 ? htrail__addresses_find(&l->graph->addresses, frame->address) : HTRAIL__NO_ID;
            sqlite3_clear_bindings(statement);
            htrail__loader_bind_number(statement, 1, i + 1);
            htrail__loader_bind_number(statement, 2, depth);
            htrail__loader_bind_text(l, statement, 3, frame->function);
            htrail__loader_bind_text(l, statement, 4, frame->file);
            bind_known(statement, 5, frame->line);
            if (object != HTRAIL__NO_ID)
                htrail__loader_bind_number(statement, 6, l->reach.number_of[object]);
            fine = htrail__loader_insert(statement);
        }
    return htrail__loader_end_statement(l, statement, fine);
}

static htrail_status write_stacks(htrail__loader *l)
{
    sqlite3_stmt *statement = htrail__loader_prepare(l, "INSERT INTO stack VALUES(?, ?, ?, ?, ?, ?, ?)");
    bool fine = statement != NULL;
    char hash[20], text[2048];
    for (uint32_t i = 0; i < l->stacks.stack_count && fine; i++) {
        const htrail__stack *stack = &l->stacks.stacks[i];
        snprintf(hash, sizeof hash, "%016" PRIx64, stack->hash);
        htrail__stacks_describe(&l->stacks, l->graph, i, text, sizeof text);
        htrail__loader_bind_number(statement, 1, i + 1);
        sqlite3_bind_text(statement, 2, hash, -1, SQLITE_TRANSIENT);
        sqlite3_bind_text(statement, 3, text, -1, SQLITE_TRANSIENT);
        htrail__loader_bind_number(statement, 4, stack->thread_count);
        htrail__loader_bind_number(statement, 5, l->stacks.threads[stack->thread].frame_count);
        htrail__loader_bind_number(statement, 6, stack->retained_objects);
        htrail__loader_bind_number(statement, 7, stack->retained_bytes);
        fine = htrail__loader_insert(statement);
    }
    return htrail__loader_end_statement(l, statement, fine);
}

static htrail_status write_mappings(htrail__loader *l)
{
    sqlite3_stmt *statement = htrail__loader_prepare(l, "INSERT INTO mapping VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
    bool fine = statement != NULL;
    for (uint32_t i = 0; i < l->graph->mapping_count && fine; i++) {
        const htrail__graph_mapping *mapping = &l->graph->mappings[i];
        const char access[5] = {mapping->flags & HTRAIL_MAPPING_READ ? 'r' : '-', mapping->flags & HTRAIL_MAPPING_WRITE ? 'w' : '-',
                                mapping->flags & HTRAIL_MAPPING_EXECUTE ? 'x' : '-', mapping->flags & HTRAIL_MAPPING_SHARED ? 's' : 'p', '\0'};
        htrail__loader_bind_number(statement, 1, i + 1);
        htrail__loader_bind_number(statement, 2, mapping->start);
        htrail__loader_bind_number(statement, 3, mapping->end);
        sqlite3_bind_text(statement, 4, htrail__mapping_category_text(mapping->category), -1, SQLITE_STATIC);
        sqlite3_bind_text(statement, 5, access, -1, SQLITE_TRANSIENT);
        htrail__loader_bind_number(statement, 6, mapping->rss_bytes);
        htrail__loader_bind_number(statement, 7, mapping->pss_bytes);
        htrail__loader_bind_number(statement, 8, mapping->private_dirty_bytes);
        htrail__loader_bind_number(statement, 9, mapping->swap_bytes);
        htrail__loader_bind_text(l, statement, 10, mapping->path);
        fine = htrail__loader_insert(statement);
    }
    return htrail__loader_end_statement(l, statement, fine);
}

htrail_status htrail__loader_write_process(htrail__loader *l)
{
    htrail_status status;
    if ((status = write_threads(l)) != HTRAIL_OK || (status = write_frames(l)) != HTRAIL_OK || (status = write_stacks(l)) != HTRAIL_OK)
        return status;
    return write_mappings(l);
}
