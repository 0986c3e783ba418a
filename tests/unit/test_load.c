/* From records to tables: what was written can be asked for in SQL. */
#include "tests/unit/small_heap.h"

#include "tests/unit/random_heap.h"
#include "analyze/retained_set.h"

Test(load, a_small_heap_reads_as_it_was_written)
{
    small_heap heap;
    small_heap_begin(&heap);
    htrail_writer_set_meta(heap.writer, text("pid"), text("42"));
    OBJECT(&heap, 0x1000, T_DICT, 1, HTRAIL_OBJECT_TRACKED, REF(0x2000, KEY), REF(0x3000, VALUE), REF(0x5000, KEY), REF(0x4000, VALUE));
    LEAF(&heap, 0x2000, T_STR, 1);
    NAME(&heap, 0x2000, "app", "");
    OBJECT(&heap, 0x3000, T_MODULE, 1, HTRAIL_OBJECT_TRACKED, REF_LABEL(0x4000, FIELD, FIELD(F_DICT)));
    NAME(&heap, 0x3000, "app", "");
    OBJECT(&heap, 0x4000, T_DICT, 2, HTRAIL_OBJECT_TRACKED, REF_LABEL(0x6000, VALUE, HTRAIL_LABEL_OBJECT(0x2000)));
    LEAF(&heap, 0x5000, T_INT, 1);
    OBJECT(&heap, 0x6000, T_TUPLE, 1, HTRAIL_OBJECT_TRACKED, REF(0x7000, INDEX), REF(0x7000, INDEX), REF_LABEL(0x1000, WEAK, FIELD(F_X)),
           REF(0x7000, PLAIN), REF(0x7000, PLAIN));
    LEAF(&heap, 0x7000, T_THING, 4);
    OBJECT(&heap, 0x8000, T_TUPLE, 1, HTRAIL_OBJECT_TRACKED, REF(0x8000, INDEX));
    LEAF(&heap, 0x9000, T_THING, 2);
    ROOT(&heap, 0x1000, MODULES, "modules");
    small_heap_end(&heap);
    sqlite3 *db = database_from(heap.data, heap.len);

    EXPECT_ROWS(db, "PRAGMA integrity_check", "ok\n");
    EXPECT_ROWS(db, "SELECT printf('%x', address), type, module, name, size, refcount FROM object ORDER BY address",
                "1000|dict|builtins||80|1\n2000|str|builtins||16|1\n3000|module|app|app|32|1\n4000|dict|app||32|2\n"
                "5000|int|builtins||16|1\n6000|tuple|builtins||96|1\n7000|app.Thing|app||16|4\n8000|tuple|builtins||32|1\n"
                "9000|app.Thing|app||16|2\n");
    EXPECT_ROWS(db, "SELECT printf('%x %x', s.address, d.address), kind, label, k.type FROM reference r JOIN object s ON s.id = r.src "
                    "JOIN object d ON d.id = r.dst LEFT JOIN object k ON k.id = r.key ORDER BY s.address, d.address, kind, label",
                "1000 2000|key||\n1000 3000|value|app|\n1000 4000|value|(int)|int\n1000 5000|key||\n3000 4000|field|__dict__|\n"
                "4000 6000|value|app|\n6000 1000|weak|x|\n6000 7000|index|0|\n6000 7000|index|1|\n6000 7000|plain||\n6000 7000|plain|#2|\n"
                "8000 8000|index|0|\n");
    EXPECT_ROWS(db, "SELECT r.kind, r.name, printf('%x', o.address) FROM root r JOIN object o ON o.id = r.object ORDER BY r.id",
                "sys.modules|modules|1000\nC code|2 references|9000\n");
    EXPECT_ROWS(db, "SELECT printf('%x', o.address), o.depth, printf('%x', h.address), o.holder_kind, o.holder_label, o.root FROM object o "
                    "LEFT JOIN object h ON h.id = o.holder ORDER BY o.address",
                "1000|0|0|||1\n2000|1|1000|key||1\n3000|1|1000|value|app|1\n4000|1|1000|value|(int)|1\n5000|1|1000|key||1\n"
                "6000|2|4000|value|app|1\n7000|3|6000|index|0|1\n8000||0|||\n9000|0|0|||2\n");
    EXPECT_ROWS(db, "SELECT text FROM object WHERE type = 'str'", "app\n");
    EXPECT_ROWS(db, "SELECT value FROM snapshot WHERE key IN ('pid', 'complete', 'objects', 'references') ORDER BY key", "1\n9\n42\n12\n");
    sqlite3_close(db);
}

/* As many rows as differ between two questions. */
#define EXPECT_SAME(db, one, other)                                                                                          \
    EXPECT_ROWS(db, "SELECT count(*) FROM (SELECT * FROM (" one " EXCEPT " other ") UNION ALL SELECT * FROM (" other " EXCEPT " one "))", "0\n")

/* What the objects of each row retain is what a search of the heap without them no longer finds. */
static void expect_retained(sqlite3 *db, const char *by, const char *column)
{
    sqlite3_stmt *keys, *members;
    static uint64_t ids[1 << 16];
    char sql[256], message[256] = "";
    htrail__retained_set set;
    snprintf(sql, sizeof sql, "SELECT key, retained FROM total WHERE \"by\" = '%s'", by);
    cr_assert_eq(sqlite3_prepare_v2(db, sql, -1, &keys, NULL), SQLITE_OK, "%s", sqlite3_errmsg(db));
    snprintf(sql, sizeof sql, "SELECT id FROM object WHERE %s = ?", column);
    cr_assert_eq(sqlite3_prepare_v2(db, sql, -1, &members, NULL), SQLITE_OK, "%s", sqlite3_errmsg(db));
    while (sqlite3_step(keys) == SQLITE_ROW) {
        size_t count = 0;
        sqlite3_bind_value(members, 1, sqlite3_column_value(keys, 0));
        for (; sqlite3_step(members) == SQLITE_ROW && count < sizeof ids / sizeof *ids; count++)
            ids[count] = (uint64_t)sqlite3_column_int64(members, 0);
        sqlite3_reset(members);
        cr_assert_lt(count, sizeof ids / sizeof *ids);
        cr_assert_eq(htrail__retained_set_find(&set, db, ids, count, 0, message, sizeof message), HTRAIL_OK, "%s", message);
        cr_assert_eq(set.bytes, (uint64_t)sqlite3_column_int64(keys, 1), "%s %s: %llu and not %lld", by, sqlite3_column_text(keys, 0), (unsigned long long)set.bytes,
                     sqlite3_column_int64(keys, 1));
    }
    sqlite3_finalize(keys);
    sqlite3_finalize(members);
}

#define EXPECT_SHARED(db, by, column)                                                          \
    EXPECT_SAME(db, "SELECT key, shared FROM total WHERE \"by\" = '" by "'", "SELECT o." column ", sum(o.shared) FROM object o GROUP BY 1")

Test(load, figures_agree_with_each_other_on_any_heap)
{
    for (uint64_t seed = 1; seed <= 4; seed++) {
        memory_file file = {.fail_after = SIZE_MAX};
        recorded log = {0};
        htrail_writer_opts opts;
        uint64_t objects = 0, references = 0;
        char sql[256];
        htrail_writer_opts_init(&opts);
        opts.block_bytes = 64 << 10;
        cr_assert_eq(random_heap_write(&file, &log, seed, seed < 4 ? 10 : 300, &opts), HTRAIL_OK);
        for (size_t i = 0; i < log.count; i++) {
            objects += !(log.objects[i].flags & HTRAIL_OBJECT_CONTINUED);
            references += log.objects[i].ref_count;
        }
        sqlite3 *db = database_from((const char *)file.data, file.len);
        EXPECT_ROWS(db, "PRAGMA integrity_check", "ok\n");
        snprintf(sql, sizeof sql, "SELECT count(*) - %lu FROM object", (unsigned long)objects);
        EXPECT_ROWS(db, sql, "0\n");
        snprintf(sql, sizeof sql, "SELECT (SELECT count(*) FROM reference) + value - %lu FROM snapshot WHERE key = 'references_dangling'", (unsigned long)references);
        EXPECT_ROWS(db, sql, "0\n");
        EXPECT_SAME(db, "SELECT type, count(*), sum(size) FROM object GROUP BY 1", "SELECT key, count, bytes FROM total WHERE \"by\" = 'type'");
        EXPECT_SAME(db, "SELECT module, count(*), sum(size) FROM object GROUP BY 1", "SELECT key, count, bytes FROM total WHERE \"by\" = 'module'");
        EXPECT_SAME(db, "SELECT name, count(*), sum(size) FROM object GROUP BY 1", "SELECT key, count, bytes FROM total WHERE \"by\" = 'name'");
        EXPECT_ROWS(db, "SELECT count(DISTINCT s) FROM (SELECT sum(count) || ' ' || sum(bytes) AS s FROM total WHERE \"by\" NOT IN ('c-refs', 'subpackage') GROUP BY \"by\")", "1\n");
        /* The same from the objects: what comes back, without counting twice, and parts that sum to the whole. */
        EXPECT_SHARED(db, "type", "type");
        EXPECT_SHARED(db, "module", "module");
        EXPECT_SHARED(db, "name", "name");
        EXPECT_SHARED(db, "owner", "owner_module");
        for (size_t i = 0; i < 4 && seed < 4; i++) { /* a search for each row: seconds in a large heap */
            static const char *const columns[][2] = {{"type", "type"}, {"module", "module"}, {"name", "name"}, {"owner", "owner_module"}};
            expect_retained(db, columns[i][0], columns[i][1]);
        }
        EXPECT_SAME(db, "SELECT coalesce(r.key, '(garbage)'), count(*), sum(size), sum(shared) FROM object o LEFT JOIN root r ON r.id = o.root GROUP BY 1",
                    "SELECT key, count, bytes, shared FROM total WHERE \"by\" = 'root' AND count > 0");
        EXPECT_SAME(db, "SELECT coalesce(r.kind, '(garbage)'), count(*), sum(size), sum(shared) FROM object o LEFT JOIN root r ON r.id = o.root GROUP BY 1",
                    "SELECT key, count, bytes, shared FROM total WHERE \"by\" = 'root kind' AND count > 0");
        /* What lies below another in the tree lies between its first and last. */
        EXPECT_SAME(db, "SELECT * FROM (WITH RECURSIVE below(above, id) AS (SELECT dominator, id FROM object WHERE dominator IS NOT NULL AND id < 300 "
                        "UNION ALL SELECT o.dominator, below.id FROM below JOIN object o ON o.id = below.above WHERE o.dominator IS NOT NULL) SELECT above, id FROM below)",
                    "SELECT a.id, b.id FROM object a JOIN object b ON b.id <> a.id AND b.tree_first BETWEEN a.tree_first AND a.tree_last WHERE a.id < 300 AND b.id < 300");
        EXPECT_ROWS(db, "SELECT sum(shared) - sum(size), sum(iif(dominator IS NULL, retained, 0)) - sum(size), count(*) FILTER (WHERE owner_module IS NULL) FROM object", "0|0|0\n");
        EXPECT_ROWS(db, "SELECT count(*) FROM object o WHERE retained <> size + (SELECT coalesce(sum(retained), 0) FROM object c WHERE c.dominator = o.id AND o.id < 300) AND o.id < 300", "0\n");
        EXPECT_ROWS(db, "SELECT count(DISTINCT s) FROM (SELECT sum(shared) AS s FROM total WHERE \"by\" NOT IN ('c-refs', 'subpackage') GROUP BY \"by\" UNION SELECT sum(size) FROM object "
                        "UNION SELECT sum(shared) FROM type)", "1\n");
        /* A chain is one step longer than its holder's, and no reference makes it shorter. */
        EXPECT_ROWS(db, "SELECT count(*) FROM object o JOIN object h ON h.id = o.holder WHERE o.depth IS NOT h.depth + 1 OR o.root IS NOT h.root", "0\n");
        EXPECT_ROWS(db, "SELECT count(*) FROM reference r JOIN object s ON s.id = r.src JOIN object d ON d.id = r.dst "
                        "JOIN root ON root.id = s.root WHERE root.kind <> 'C code' AND r.kind <> 'weak' AND (d.depth IS NULL OR d.depth > s.depth + 3)", "0\n");
        EXPECT_ROWS(db, "SELECT count(*) FROM object o WHERE holder IS NOT NULL AND NOT EXISTS (SELECT * FROM reference r WHERE r.src = o.holder "
                        "AND r.dst = o.id AND r.kind = o.holder_kind AND r.label = o.holder_label AND r.kind <> 'weak')", "0\n");
        EXPECT_ROWS(db, "SELECT count(*) FROM object WHERE depth = 0 AND id NOT IN (SELECT object FROM root)", "0\n");
        sqlite3_close(db);
        recorded_release(&log);
        free(file.data);
    }
}

Test(load, both_ends_of_every_reference_find_it)
{
    memory_file file = {.fail_after = SIZE_MAX};
    recorded log = {0};
    cr_assert_eq(random_heap_write(&file, &log, 9, 10, NULL), HTRAIL_OK);
    sqlite3 *db = database_from((const char *)file.data, file.len);
    EXPECT_ROWS(db, "SELECT count(*) FROM object o WHERE (SELECT count(*) FROM reference WHERE src = o.id) <> "
                    "(SELECT sum(src = o.id) FROM (SELECT src FROM heap_reference NOT INDEXED))", "0\n");
    EXPECT_ROWS(db, "SELECT count(*) FROM object o WHERE (SELECT count(*) FROM reference WHERE dst = o.id) <> "
                    "(SELECT sum(dst = o.id) FROM (SELECT dst FROM heap_reference NOT INDEXED))", "0\n");
    sqlite3_close(db);
    recorded_release(&log);
    free(file.data);
}

Test(load, the_same_snapshot_gives_the_same_bytes)
{
    memory_file file = {.fail_after = SIZE_MAX};
    recorded log = {0};
    char command[256], message[512];
    cr_assert_eq(random_heap_write(&file, &log, 3, 500, NULL), HTRAIL_OK);
    for (int i = 0; i < 2; i++) {
        char path[64];
        htrail_reader *reader;
        htrail__load_source source = {.name = "heap"};
        snprintf(path, sizeof path, "/tmp/heaptrail-same-%d-%d.db", (int)getpid(), i);
        cr_assert_eq(htrail_reader_open_memory(&reader, file.data, file.len, "heap", NULL, message, sizeof message), HTRAIL_OK);
        cr_assert_eq(htrail__load(reader, &source, path, message, sizeof message), HTRAIL_OK, "%s", message);
        htrail_reader_free(reader);
    }
    snprintf(command, sizeof command, "cmp /tmp/heaptrail-same-%d-0.db /tmp/heaptrail-same-%d-1.db; r=$?; rm -f /tmp/heaptrail-same-%d-*; exit $r", (int)getpid(), (int)getpid(), (int)getpid());
    cr_expect_eq(system(command), 0);
    recorded_release(&log);
    free(file.data);
}

Test(load, a_database_that_cannot_be_written_leaves_nothing_and_says_why)
{
    small_heap heap;
    char message[512] = "";
    htrail_reader *reader;
    htrail__load_source source = {.name = "a.htrail"};
    small_heap_begin(&heap);
    LEAF(&heap, 0x1000, T_DICT, 1);
    small_heap_end(&heap);
    cr_assert_eq(htrail_reader_open_memory(&reader, heap.data, heap.len, "a.htrail", NULL, message, sizeof message), HTRAIL_OK);
    cr_expect_eq(htrail__load(reader, &source, "/proc/nowhere/a.db", message, sizeof message), HTRAIL_E_IO);
    cr_expect_str_eq(message, "cannot write '/proc/nowhere/a.db': No such file or directory");
    htrail_reader_free(reader);
}

Test(load, what_a_file_claims_of_itself_is_no_fact_of_ours)
{
    small_heap heap;
    small_heap_begin(&heap);
    htrail_writer_set_meta(heap.writer, text("cut"), text("cut off"));
    htrail_writer_set_meta(heap.writer, text("stopped_early"), text("stopped"));
    htrail_writer_set_meta(heap.writer, text("complete"), text("0"));
    LEAF(&heap, 0x1000, T_THING, 1);
    small_heap_end(&heap);
    sqlite3 *db = database_from(heap.data, heap.len);
    EXPECT_ROWS(db, "SELECT key, value FROM snapshot WHERE key IN ('cut', 'stopped_early', 'complete')", "complete|1\n");
    sqlite3_close(db);
}

Test(load, sizes_that_no_memory_has_are_loaded)
{
    small_heap heap;
    small_heap_begin(&heap);
    for (uint64_t i = 0; i < 6; i++) /* two types of one name */
        htrail_writer_add_type(heap.writer, &(htrail_type){.id = 0x10000 + i % 2 * 0x100, .name = text("Huge")}),
            htrail_writer_add_object(heap.writer, &(htrail_object){.id = 0x1000 * (i + 1), .type = 0x10000 + i % 2 * 0x100,
                                                                   .size_bytes = i < 3 ? UINT64_C(3) << 61 : UINT64_MAX - i});
    small_heap_end(&heap);
    sqlite3 *db = database_from(heap.data, heap.len);
    EXPECT_ROWS(db, "SELECT \"by\", key, count, bytes > 0 FROM total WHERE \"by\" IN ('type', 'module') ORDER BY 1", "module||6|1\ntype|Huge|6|1\n");
    EXPECT_ROWS(db, "SELECT value FROM snapshot WHERE key = 'size_bytes'", "9223372036854775807\n");
    EXPECT_ROWS(db, "SELECT count(*) FROM object WHERE size < 0", "0\n");
    sqlite3_close(db);
}
