/* Objects and who holds them are the same whether pages are read or SQLite is asked. */
#include "tests/unit/small_heap.h"

#include "analyze/lookup.h"

enum { OBJECTS = 3000 };

static htrail_id address(uint32_t i) { return 0x10000 + i * UINT64_C(0x100); }

/* A tree with references beside it, some of them weak, and at its end what no root reaches; object 5 is referred to by many. */
static void write_heap(small_heap *heap)
{
    static const htrail_id types[] = {T_TUPLE, T_DICT, T_THING, T_FUNCTION};
    small_heap_begin(heap);
    for (uint32_t i = 0; i < OBJECTS; i++) {
        htrail_ref refs[5] = {REF(address(5), INDEX)};
        size_t count = 1;
        for (uint32_t child = 3 * i + 1; child <= 3 * i + 3 && child < OBJECTS - 10; child++)
            refs[count++] = (htrail_ref){.target = address(child), .kind = HTRAIL_REF_INDEX};
        refs[count++] = (htrail_ref){.target = address(i * 7919 % OBJECTS), .kind = i % 5 == 0 ? HTRAIL_REF_WEAK : HTRAIL_REF_VALUE, .label = HTRAIL_LABEL_OBJECT(address(i % 50))};
        small_heap_add(heap, address(i), types[i % 4], 1 + i % 3, i % 100 == 7 ? HTRAIL_OBJECT_IMMORTAL : 0, refs, count);
        if (i % 40 == 3)
            NAME(heap, address(i), "run", "app");
    }
    ROOT(heap, address(0), MODULES, "modules");
    ROOT(heap, address(0), BUILTINS, "again");
    ROOT(heap, address(900), CODECS, "codecs");
    small_heap_end(heap);
}

static void same_list(const htrail__found_holder *one, const htrail__found_holder *other, size_t count)
{
    for (size_t i = 0; i < count; i++)
        cr_assert(one[i].id == other[i].id && one[i].kind == other[i].kind && one[i].label == other[i].label && one[i].position == other[i].position);
}

static void same_answers(htrail__lookup *one, htrail__lookup *other, uint64_t id)
{
    htrail__found_object left, right;
    const htrail__found_holder *some, *others;
    const uint64_t *ids, *other_ids;
    size_t count, other_count;
    bool more, other_more;
    htrail_status status = htrail__lookup_object(one, id, &left);
    cr_assert_eq(status, id > 0 && id <= OBJECTS ? HTRAIL_OK : HTRAIL_E_NOT_FOUND);
    cr_assert_eq(htrail__lookup_object(other, id, &right), status);
    cr_assert_eq(memcmp(&left, &right, sizeof left), 0, "object %llu", (unsigned long long)id);
    for (size_t limit = 3; limit <= 5000; limit += 4997) {
        cr_assert_eq(htrail__lookup_holders(one, id, limit, &some, &count, &more), HTRAIL_OK);
        cr_assert_eq(htrail__lookup_holders(other, id, limit, &others, &other_count, &other_more), HTRAIL_OK);
        cr_assert(count == other_count && more == other_more);
        same_list(some, others, count);
        cr_assert_eq(htrail__lookup_references(one, id, limit, &some, &count, &more), HTRAIL_OK);
        cr_assert_eq(htrail__lookup_references(other, id, limit, &others, &other_count, &other_more), HTRAIL_OK);
        cr_assert(count == other_count && more == other_more);
        same_list(some, others, count);
        cr_assert_eq(htrail__lookup_holder_ids(one, id, limit, &ids, &count, &more), HTRAIL_OK);
        cr_assert_eq(htrail__lookup_holder_ids(other, id, limit, &other_ids, &other_count, &other_more), HTRAIL_OK);
        cr_assert(count == other_count && more == other_more);
        for (size_t i = 0; i < count; i++)
            cr_assert_eq(ids[i], other_ids[i]);
    }
}

Test(lookup, answers_come_from_pages_and_from_sqlite_alike)
{
    char path[64], message[512] = "";
    small_heap heap;
    htrail_reader *reader;
    htrail__load_source source = {.name = "heap"};
    sqlite3 *one, *other;
    htrail__lookup *pages, *sql;
    snprintf(path, sizeof path, "/tmp/heaptrail-lookup-%d.db", (int)getpid());
    write_heap(&heap);
    cr_assert_eq(htrail_reader_open_memory(&reader, heap.data, heap.len, "heap", NULL, message, sizeof message), HTRAIL_OK, "%s", message);
    cr_assert_eq(htrail__load(reader, &source, path, message, sizeof message), HTRAIL_OK, "%s", message);
    htrail_reader_free(reader);
    cr_assert_eq(sqlite3_open(path, &one), SQLITE_OK);
    cr_assert_eq(sqlite3_open(path, &other), SQLITE_OK);
    cr_assert_eq(sqlite3_exec(other, "SELECT count(*) FROM snapshot", NULL, NULL, NULL), SQLITE_OK);
    cr_assert_eq(htrail__lookup_open(&pages, one, message, sizeof message), HTRAIL_OK, "%s", message);
    unlink(path); /* a name that leads elsewhere: SQLite is asked */
    cr_assert_eq(htrail__lookup_open(&sql, other, message, sizeof message), HTRAIL_OK, "%s", message);
    for (uint64_t id = 0; id < OBJECTS + 2; id++)
        same_answers(pages, sql, id);
    /* Asked often enough it is told from a set, of which SQLite was not asked one by one. */
    EXPECT_ROWS(one, "SELECT object, kind FROM root", "1|sys.modules\n20|codec registry\n1|builtins\n2999|C code\n3000|C code\n");
    for (int round = 0; round < 3; round++) {
        for (uint64_t id = 0; id < OBJECTS + 2; id++) {
            const htrail__found_root *roots;
            size_t count;
            cr_assert_eq(htrail__lookup_roots_of(pages, id, &roots, &count), HTRAIL_OK);
            cr_assert_eq(count, id == 1 ? 2 : id == 20 || id == 2999 || id == 3000, "object %llu", (unsigned long long)id);
            cr_assert(id != 1 || (roots[0].kind == HTRAIL_ROOT_MODULES && roots[1].kind == HTRAIL_ROOT_BUILTINS));
        }
    }
    htrail__lookup_free(pages);
    htrail__lookup_free(sql);
    sqlite3_close(one);
    sqlite3_close(other);
}
