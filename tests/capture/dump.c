/* dump.c - every record of a snapshot as lines of tab-separated text, for tests and for a
 * look at a file. Usage: htrail-dump FILE [LETTERS of those wanted]. Status 0: whole; 1: cut or damaged, and what is
 * before that was printed; 2: not readable at all.
 *
 *     H  version file-id pointer-bytes                    I  how it ended (last line)
 *     M  key value                                        S  string-id text
 *     T  id module name base basic item flags name-label module-label
 *     O  id type size length refcount flags               R  target kind label flags (of the O before)
 *     N  object name module                               V  object hash flags text
 *     X  object kind thread depth name
 *     D  tid ident object start user system flags state name comm wait
 *     F  tid ident object depth line function file
 *     L  id caller line file function (caller - where there is none)
 *     B  address site size weight
 *     A  start end category flags rss pss private-dirty swap path
 * Ids, addresses, labels and hashes are hexadecimal, all else decimal; control characters and
 * backslashes in texts are \xNN. */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <htrail/reader.h>

static void text(htrail_str s)
{
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.data[i];
        if (c < ' ' || c == '\\' || c == 0x7f)
            printf("\\x%02x", c);
        else
            putchar(c);
    }
}

/* The letters of the lines that are wanted; NULL: all. H and I are always there. */
static const char *wanted;

static bool is_wanted(char letter) { return wanted == NULL || strchr(wanted, letter) != NULL; }

static void object(const htrail_object *o)
{
    printf("O\t%" PRIx64 "\t%" PRIx64 "\t%" PRIu64 "\t%" PRIu64 "\t%" PRIu64 "\t%" PRIu32 "\n", o->id, o->type,
           o->size_bytes, o->length, o->refcount, o->flags);
    for (uint32_t i = 0; i < o->ref_count && is_wanted('R'); i++)
        printf("R\t%" PRIx64 "\t%" PRIu32 "\t%" PRIx64 "\t%" PRIu32 "\n", o->refs[i].target, o->refs[i].kind,
               o->refs[i].label, o->refs[i].flags);
}

static void thread(const htrail_thread *t)
{
    printf("D\t%" PRIu64 "\t%" PRIu64 "\t%" PRIx64 "\t%" PRIu64 "\t%" PRIu64 "\t%" PRIu64 "\t%" PRIu32 "\t%" PRIu32 "\t", t->tid,
           t->ident, t->object, t->start_ns, t->user_ns, t->system_ns, t->flags, t->state);
    text(t->name);
    putchar('\t');
    text(t->comm);
    putchar('\t');
    text(t->wait);
}

static void record(const htrail_record *r)
{
    static const char letters[] = {[HTRAIL_RECORD_META] = 'M',  [HTRAIL_RECORD_STRING] = 'S', [HTRAIL_RECORD_TYPE] = 'T',    [HTRAIL_RECORD_OBJECT] = 'O',
                                   [HTRAIL_RECORD_NAME] = 'N',  [HTRAIL_RECORD_VALUE] = 'V',  [HTRAIL_RECORD_ROOT] = 'X',    [HTRAIL_RECORD_THREAD] = 'D',
                                   [HTRAIL_RECORD_FRAME] = 'F', [HTRAIL_RECORD_SITE] = 'L',   [HTRAIL_RECORD_SITE_OF] = 'B', [HTRAIL_RECORD_MAPPING] = 'A'};
    if (!is_wanted(letters[r->kind]))
        return;
    switch (r->kind) {
    case HTRAIL_RECORD_META:
        printf("M\t");
        text(r->u.meta.key);
        putchar('\t');
        text(r->u.meta.value);
        break;
    case HTRAIL_RECORD_STRING:
        printf("S\t%" PRIu32 "\t", r->u.string.id);
        text(r->u.string.text);
        break;
    case HTRAIL_RECORD_TYPE:
        printf("T\t%" PRIx64 "\t", r->u.type.id);
        text(r->u.type.module);
        putchar('\t');
        text(r->u.type.name);
        printf("\t%" PRIx64 "\t%" PRIu64 "\t%" PRIu64 "\t%" PRIu32 "\t%" PRIx64 "\t%" PRIx64, r->u.type.base,
               r->u.type.basic_bytes, r->u.type.item_bytes, r->u.type.flags, r->u.type.name_label, r->u.type.module_label);
        break;
    case HTRAIL_RECORD_OBJECT:
        object(&r->u.object);
        return;
    case HTRAIL_RECORD_NAME:
        printf("N\t%" PRIx64 "\t", r->u.name.object);
        text(r->u.name.name);
        putchar('\t');
        text(r->u.name.module);
        break;
    case HTRAIL_RECORD_VALUE:
        printf("V\t%" PRIx64 "\t%" PRIx64 "\t%" PRIu32 "\t", r->u.value.object, r->u.value.hash, r->u.value.flags);
        text(r->u.value.text);
        break;
    case HTRAIL_RECORD_ROOT:
        printf("X\t%" PRIx64 "\t%" PRIu32 "\t%" PRIu64 "\t%" PRIu32 "\t", r->u.root.object, r->u.root.kind,
               r->u.root.thread_id, r->u.root.depth);
        text(r->u.root.name);
        break;
    case HTRAIL_RECORD_THREAD:
        thread(&r->u.thread);
        break;
    case HTRAIL_RECORD_FRAME:
        printf("F\t%" PRIu64 "\t%" PRIu64 "\t%" PRIx64 "\t%" PRIu32 "\t%" PRIu32 "\t", r->u.frame.tid, r->u.frame.ident,
               r->u.frame.object, r->u.frame.depth, r->u.frame.line);
        text(r->u.frame.function);
        putchar('\t');
        text(r->u.frame.file);
        break;
    case HTRAIL_RECORD_SITE:
        printf("L\t%" PRIu32 "\t", r->u.site.id);
        if (r->u.site.caller == HTRAIL_NO_SITE)
            printf("-");
        else
            printf("%" PRIu32, r->u.site.caller);
        printf("\t%" PRIu32 "\t", r->u.site.line);
        text(r->u.site.file);
        putchar('\t');
        text(r->u.site.function);
        break;
    case HTRAIL_RECORD_SITE_OF:
        printf("B\t%" PRIx64 "\t%" PRIu32 "\t%" PRIu64 "\t%" PRIu64, r->u.site_of.address, r->u.site_of.site,
               r->u.site_of.size_bytes, r->u.site_of.weight);
        break;
    case HTRAIL_RECORD_MAPPING:
        printf("A\t%" PRIx64 "\t%" PRIx64 "\t%" PRIu32 "\t%" PRIu32 "\t%" PRIu64 "\t%" PRIu64 "\t%" PRIu64 "\t%" PRIu64 "\t",
               r->u.mapping.start, r->u.mapping.end, r->u.mapping.category, r->u.mapping.flags, r->u.mapping.rss_bytes,
               r->u.mapping.pss_bytes, r->u.mapping.private_dirty_bytes, r->u.mapping.swap_bytes);
        text(r->u.mapping.path);
        break;
    }
    putchar('\n');
}

int main(int argc, char **argv)
{
    htrail_reader *reader = NULL;
    htrail_record r;
    htrail_status status;
    char message[512];
    if (argc != 2 && argc != 3) {
        fprintf(stderr, "usage: %s FILE [LETTERS of the lines that are wanted]\n", argv[0]);
        return 2;
    }
    wanted = argv[2];
    if (htrail_reader_open_path(&reader, argv[1], NULL, message, sizeof message) != HTRAIL_OK) {
        fprintf(stderr, "%s\n", message);
        return 2;
    }
    const htrail_header *header = htrail_reader_header(reader);
    printf("H\t%u.%u\t%" PRIx64 "\t%u\n", header->version_major, header->version_minor, header->file_id, header->pointer_bytes);
    while ((status = htrail_reader_next(reader, &r)) == HTRAIL_OK)
        record(&r);
    if (status == HTRAIL_END && htrail_reader_stopped_early(reader))
        printf("I\tstopped early: %s\n", htrail_reader_stopped_early(reader));
    else
        printf("I\t%s\n", status == HTRAIL_END ? "whole" : htrail_reader_error(reader));
    htrail_reader_free(reader);
    return status == HTRAIL_END ? 0 : 1;
}
