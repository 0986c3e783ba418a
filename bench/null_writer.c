/* bench/null_writer.c - a writer that only counts: linked instead of format/, it leaves of a
 * snapshot the walk alone. The calls are those of htrail/writer.h. */
#include <stdlib.h>

#include <htrail/writer.h>

struct htrail_writer {
    htrail_writer_stats stats;
    uint32_t strings;
};

static htrail_status open_any(htrail_writer **out)
{
    *out = calloc(1, sizeof **out);
    return *out != NULL ? HTRAIL_OK : HTRAIL_E_NOMEM;
}

void htrail_writer_opts_init(htrail_writer_opts *opts) { *opts = (htrail_writer_opts){.struct_size = sizeof *opts}; }
size_t htrail_writer_memory_needed(const htrail_writer_opts *opts) { return (void)opts, sizeof(htrail_writer); }

htrail_status htrail_writer_open_path(htrail_writer **out, const char *path, const htrail_writer_opts *opts, char *message,
                                      size_t message_cap)
{
    return (void)path, (void)opts, (void)message, (void)message_cap, open_any(out);
}

htrail_status htrail_writer_open_fd(htrail_writer **out, int fd, const htrail_writer_opts *opts, char *message,
                                    size_t message_cap)
{
    return (void)fd, (void)opts, (void)message, (void)message_cap, open_any(out);
}

htrail_status htrail_writer_open_sink(htrail_writer **out, const htrail_sink *sink, const htrail_writer_opts *opts,
                                      char *message, size_t message_cap)
{
    return (void)sink, (void)opts, (void)message, (void)message_cap, open_any(out);
}

htrail_status htrail_writer_set_meta(htrail_writer *w, htrail_str key, htrail_str value)
{
    return (void)w, (void)key, (void)value, HTRAIL_OK;
}

htrail_status htrail_writer_add_string(htrail_writer *w, htrail_str text, uint32_t *string_id)
{
    *string_id = w->strings++;
    return (void)text, HTRAIL_OK;
}

htrail_status htrail_writer_announce(htrail_writer *w, htrail_id object) { return (void)w, (void)object, HTRAIL_OK; }
htrail_status htrail_writer_add_type(htrail_writer *w, const htrail_type *type) { return (void)type, w->stats.types++, HTRAIL_OK; }

htrail_status htrail_writer_add_object(htrail_writer *w, const htrail_object *object)
{
    w->stats.objects += (object->flags & HTRAIL_OBJECT_CONTINUED) == 0;
    w->stats.refs += object->ref_count;
    w->stats.size_bytes += object->size_bytes;
    return HTRAIL_OK;
}

htrail_status htrail_writer_add_name(htrail_writer *w, const htrail_name *name) { return (void)name, w->stats.names++, HTRAIL_OK; }
htrail_status htrail_writer_add_value(htrail_writer *w, const htrail_value *value) { return (void)value, w->stats.values++, HTRAIL_OK; }
htrail_status htrail_writer_add_root(htrail_writer *w, const htrail_root *root) { return (void)root, w->stats.roots++, HTRAIL_OK; }
htrail_status htrail_writer_add_site(htrail_writer *w, const htrail_site *site, uint32_t *id) { return (void)w, (void)site, *id = 0, HTRAIL_OK; }
htrail_status htrail_writer_add_site_of(htrail_writer *w, const htrail_site_of *block) { return (void)w, (void)block, HTRAIL_OK; }
htrail_status htrail_writer_add_thread(htrail_writer *w, const htrail_thread *thread) { return (void)w, (void)thread, HTRAIL_OK; }
htrail_status htrail_writer_add_frame(htrail_writer *w, const htrail_frame *frame) { return (void)w, (void)frame, HTRAIL_OK; }
htrail_status htrail_writer_add_mapping(htrail_writer *w, const htrail_mapping *mapping) { return (void)w, (void)mapping, HTRAIL_OK; }
htrail_status htrail_writer_stop(htrail_writer *w, htrail_status status, const char *reason) { return (void)w, (void)reason, status; }
htrail_status htrail_writer_finish(htrail_writer *w) { return (void)w, HTRAIL_OK; }
const char *htrail_writer_stopped_early(const htrail_writer *w) { return (void)w, NULL; }
const char *htrail_writer_error(const htrail_writer *w) { return (void)w, ""; }
void htrail_writer_free(htrail_writer *w) { free(w); }

void htrail_writer_stats_get(const htrail_writer *w, htrail_writer_stats *out)
{
    *out = w != NULL ? w->stats : (htrail_writer_stats){0};
}
