/* analyze/load.c - the order of a load, its errors, its memory. See the header. */
#include "analyze/load.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "analyze/loader.h"
#include "analyze/mapping.h"
#include "analyze/partial.h"
#include "analyze/resident.h"

htrail_status htrail__loader_fail(htrail__loader *l, htrail_status status, const char *format, ...)
{
    va_list values;
    if (l->message != NULL && l->message_cap > 0) {
        va_start(values, format);
        vsnprintf(l->message, l->message_cap, format, values);
        va_end(values);
    }
    return status;
}

htrail_status htrail__loader_no_memory(htrail__loader *l)
{
    return htrail__loader_fail(l, HTRAIL_E_NOMEM, "cannot load '%s': %s at %" PRIu32 " objects", l->source->name, htrail__resident_failure(),
                l->graph == NULL ? 0 : l->graph->object_count);
}

htrail_status htrail__loader_database_failed(htrail__loader *l)
{
    return htrail__loader_fail(l, HTRAIL_E_DATABASE, "cannot write '%s': %s", l->db_path, l->db == NULL ? "out of memory" : sqlite3_errmsg(l->db));
}

htrail_status htrail__loader_pages_failed(htrail__loader *l, htrail_status status)
{
    return status == HTRAIL_E_NOMEM ? htrail__loader_no_memory(l) : htrail__loader_fail(l, status, "cannot write '%s': %s", l->db_path, strerror(errno));
}

void htrail__load_say_empty(char *message, size_t cap, const char *name, bool is_cut, uint64_t file_bytes, const char *stopped)
{
    if (message == NULL)
        return;
    if (is_cut)
        snprintf(message, cap, "'%s' is cut at offset %" PRIu64 " before its first whole block: there is nothing in it", name, file_bytes);
    else if (stopped != NULL && stopped[0] != '\0')
        snprintf(message, cap, "'%s' was ended early before its first object: there is nothing in it (%s)", name, stopped);
    else
        snprintf(message, cap, "there is no object in '%s'", name);
}

/* Reading is the first half of the work, writing the second. */
static void step_reading(void *arg, uint64_t done_bytes)
{
    htrail__loader *l = arg;
    l->source->progress(l->source->progress_arg, done_bytes / 2, l->source->file_bytes);
}

void htrail__loader_step(htrail__loader *l, uint64_t done, uint64_t all)
{
    if (l->source->progress != NULL && l->source->file_bytes > 0 && all > 0)
        l->source->progress(l->source->progress_arg,
                            l->source->file_bytes / 2 + (uint64_t)((double)done / (double)all * (double)(l->source->file_bytes / 2)),
                            l->source->file_bytes);
}

static htrail_status load(htrail__loader *l, htrail_reader *reader, const char *db_path)
{
    const htrail__graph_opts opts = {.name = l->source->name, .step = l->source->progress == NULL ? NULL : step_reading, .step_arg = l};
    htrail_status status = htrail__graph_read(&l->graph, reader, &opts, l->message, l->message_cap);

    if (status != HTRAIL_OK)
        return status;
    if (l->graph->object_count == 0 && l->source->needs_objects) {
        htrail__load_say_empty(l->message, l->message_cap, l->source->name, !l->graph->complete, l->graph->bytes_read, l->graph->stopped);
        return HTRAIL_E_TRUNCATED;
    }
    if (htrail__naming_build(&l->naming, l->graph) != HTRAIL_OK || htrail__reach_build(&l->reach, l->graph) != HTRAIL_OK ||
        htrail__stacks_build(&l->stacks, l->graph, &l->reach) != HTRAIL_OK ||
        htrail__fingerprints_build(&l->fingerprints, l->graph, &l->reach, &l->naming) != HTRAIL_OK)
        return htrail__loader_no_memory(l);
    if ((status = htrail__loader_label_atoms(l)) != HTRAIL_OK || (status = htrail__loader_encode_references(l)) != HTRAIL_OK ||
        (status = htrail__loader_find_dominators(l)) != HTRAIL_OK || (status = htrail__loader_sum_up(l)) != HTRAIL_OK)
        return status;
    if ((status = htrail__loader_write_tables(l)) != HTRAIL_OK || (status = htrail__loader_write_pages(l)) != HTRAIL_OK)
        return status;
    if (rename(l->partial, db_path) != 0)
        return htrail__loader_fail(l, HTRAIL_E_IO, "cannot rename '%s' to '%s': %s", l->partial, db_path, strerror(errno));
    return HTRAIL_OK;
}

static void release(htrail__loader *l)
{
    sqlite3_close(l->db);
    htrail__btree_release(&l->tree);
    htrail__btree_file_release(&l->file);
    htrail__graph_free(l->graph);
    htrail__reach_release(&l->reach);
    htrail__stacks_release(&l->stacks);
    htrail__naming_release(&l->naming);
    htrail__fingerprints_release(&l->fingerprints);
    free(l->label_of_text);
    free(l->labels);
    free(l->label_of_atom);
    free(l->module_of_text);
    free(l->name_of_text);
    free(l->module_texts);
    free(l->name_texts);
    free(l->module_sums);
    free(l->name_sums);
    free(l->type_sums);
    free(l->type_name_sums);
    free(l->type_named);
    free(l->type_first);
    free(l->type_flags);
    free(l->type_votes);
    free(l->type_last);
    htrail__mapping_free(l->codes);
    htrail__mapping_free(l->srcs);
    htrail__mapping_free(l->dsts);
    htrail__mapping_free(l->edge_codes);
    htrail__dominators_release(&l->dominators);
    htrail__joint_free(l->joint);
    htrail__mapping_free(l->is_root);
    htrail__mapping_free(l->owner);
    htrail__mapping_free(l->shared);
    free(l->partial);
    if (l->partial_fd >= 0)
        close(l->partial_fd);
}

htrail_status htrail__load(htrail_reader *reader, const htrail__load_source *source, const char *db_path, char *message,
                           size_t message_cap)
{
    htrail__loader l = {.source = source, .db_path = db_path, .message = message, .message_cap = message_cap, .partial_fd = -1, .file = {.fd = -1}};
    htrail_status status;
    size_t len = strlen(db_path) + sizeof ".4294967295.partial";

    l.partial = malloc(len);
    if (l.partial == NULL) {
        status = htrail__loader_no_memory(&l);
    } else {
        /* One name a process: two commands may load the same snapshot at once. */
        snprintf(l.partial, len, "%s.%u.partial", db_path, (unsigned)getpid());
        htrail__partial_remove_stale(db_path);
        status = load(&l, reader, db_path);
        if (status != HTRAIL_OK)
            unlink(l.partial);
    }
    release(&l);
    return status;
}
