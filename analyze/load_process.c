/* analyze/load_process.c - the tables of the process: threads, their frames and stacks, mappings. */
#include <inttypes.h>
#include <stdio.h>

#include "analyze/loader.h"

/* NULL where it is 0: not known. */
static void bind_known(sqlite3_stmt *statement, int column, uint64_t value)
{
    if (value != 0)
        sqlite3_bind_int64(statement, column, (int64_t)value);
}

static htrail_status write_threads(htrail__loader *l)
{
    sqlite3_stmt *statement = htrail__loader_prepare(l, "INSERT INTO thread VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
    bool fine = statement != NULL;
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
        fine = htrail__loader_insert(statement);
    }
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
