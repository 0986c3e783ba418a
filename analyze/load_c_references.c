/* analyze/load_c_references.c - the table of references that C code holds, and their sums. */
#include <string.h>

#include "analyze/loader.h"
#include "analyze/text.h"

enum { TEXT_BYTES_MAX = 1 << 16 };

/* The static data of the interpreter itself holds what every process of that version holds. */
static bool is_own(htrail_str image, htrail_str holder)
{
    return image.len > 0 && holder.len > image.len && memcmp(holder.data, image.data, image.len) == 0 && holder.data[image.len] == '+';
}

/* "dict <- _leak.so+0x4040": what is held, and by whom. */
static void add_key(const htrail__loader *l, htrail__text *key, uint32_t object, htrail_str holder)
{
    htrail_str type = htrail__texts_get(&l->graph->texts, l->graph->types[l->graph->objects[object].type].full_name);
    htrail_str name = htrail__texts_get(&l->graph->texts, htrail__loader_name_text(l, object));
    htrail__text_clear(key);
    htrail__text_add(key, type.data, type.len);
    if (name.len > 0)
        htrail__text_add(key, " ", 1);
    htrail__text_add(key, name.data, name.len);
    htrail__text_add(key, " <- ", 4);
    htrail__text_add(key, holder.len > 0 ? holder.data : "C code", holder.len > 0 ? holder.len : 6);
}

/* The rows, and sums of those that are not the interpreter's own. */
htrail_status htrail__loader_write_c_references(htrail__loader *l)
{
    const htrail__c_references *c = &l->reach.c;
    sqlite3_stmt *rows = htrail__loader_prepare(l, "INSERT INTO c_reference VALUES(?, ?, ?, ?) ON CONFLICT DO UPDATE SET count = count + excluded.count");
    sqlite3_stmt *sums = htrail__loader_prepare(l, "INSERT INTO total VALUES('c-refs', ?, ?, ?, NULL, NULL) ON CONFLICT DO UPDATE SET "
                                    "count = count + excluded.count, bytes = bytes + excluded.bytes");
    bool fine = rows != NULL && sums != NULL, whole = l->graph->complete && l->graph->stopped[0] == '\0';
    htrail_str image = htrail__graph_fact(l->graph, "interpreter_image");
    htrail__text key;

    htrail__text_init(&key, TEXT_BYTES_MAX);
    for (uint32_t i = 0; i < c->count && fine && whole; i++) {
        const htrail__c_reference *row = &c->rows[i];
        htrail_str holder = {"", 0};
        if (row->root != HTRAIL__NO_ID && l->graph->roots[row->root].name != 0)
            holder = htrail__texts_get(&l->graph->texts, l->graph->roots[row->root].name);
        bool own = is_own(image, holder);
        htrail__loader_bind_number(rows, 1, l->reach.number_of[row->object]);
        sqlite3_bind_text64(rows, 2, holder.data, holder.len, SQLITE_STATIC, SQLITE_UTF8);
        htrail__loader_bind_number(rows, 3, row->count);
        htrail__loader_bind_number(rows, 4, own);
        fine = htrail__loader_insert(rows);
        if (own || !fine)
            continue;
        add_key(l, &key, row->object, holder);
        sqlite3_bind_text64(sums, 1, htrail__text_string(&key), key.len, SQLITE_TRANSIENT, SQLITE_UTF8);
        htrail__loader_bind_number(sums, 2, row->count);
        htrail__loader_bind_number(sums, 3, l->graph->objects[row->object].size_bytes);
        fine = htrail__loader_insert(sums);
    }
    if (key.failed)
        fine = false;
    htrail__text_release(&key);
    sqlite3_finalize(sums);
    return htrail__loader_end_statement(l, rows, fine);
}
