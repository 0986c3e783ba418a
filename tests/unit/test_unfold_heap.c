/* What is dominated by what, and which of some objects no other of them dominates. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/schema.h"
#include "analyze/unfold_heap.h"

/* Objects whose holders and dominators the expressions over i give. */
static sqlite3 *make(unsigned count, const char *holder, const char *dominator)
{
    sqlite3 *db;
    char sql[512];
    cr_assert_eq(sqlite3_open(":memory:", &db), SQLITE_OK);
    cr_assert_eq(sqlite3_exec(db, htrail__schema_sql, NULL, NULL, NULL), SQLITE_OK, "%s", sqlite3_errmsg(db));
    snprintf(sql, sizeof sql,
             "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %u)\n"
             "INSERT INTO heap_object(id, address, type, size, depth, holder, label, retained, dominator, module) SELECT i, i, 3, 10 + i, 1, %s, i << 5, nullif(i * 2, 40), %s, 7 FROM n",
             count, holder, dominator);
    cr_assert_eq(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK, "%s", sqlite3_errmsg(db));
    return db;
}

static htrail__unfold_heap read_heap(sqlite3 *db)
{
    htrail__unfold_heap heap;
    char message[256] = "";
    cr_assert_eq(htrail__unfold_heap_read(&heap, db, message, sizeof message), HTRAIL_OK, "%s", message);
    return heap;
}

Test(unfold_heap, what_an_object_dominates_stands_together)
{
    sqlite3 *db = make(40, "nullif(i / 2, 0)", "CASE i % 5 WHEN 3 THEN 0 WHEN 4 THEN i / 4 END");
    htrail__unfold_heap heap = read_heap(db);
    size_t below = 0, tops = 0;
    cr_assert_eq(heap.count, 40);
    for (uint32_t id = 1; id <= 40; id++) {
        uint32_t wanted = id % 5 == 3 ? 0 : id % 5 == 4 ? id / 4 : id / 2, found = 0;
        for (uint32_t i = heap.first[wanted]; i < heap.first[wanted + 1]; i++) {
            found += heap.below[i] == id;
            cr_assert(i == heap.first[wanted] || heap.below[i - 1] < heap.below[i]);
        }
        cr_assert_eq(found, 1, "%u", id);
        cr_assert_eq(heap.objects[id].code, id % 5 == 4 ? HTRAIL__UNFOLD_APART : id << 5);
        cr_assert_eq(heap.objects[id].retained, id == 20 ? 30 : id * 2); /* NULL: as its size */
        below += heap.first[id + 1] - heap.first[id];
        if (wanted == 0) {
            cr_assert_eq(heap.tops[tops].id, id);
            cr_assert_eq(heap.tops[tops++].module, 7);
        }
    }
    cr_assert_eq(heap.top_count, tops);
    cr_assert_eq(below + tops, 40);
    htrail__unfold_heap_release(&heap);
    sqlite3_close(db);
}

static bool is_covered(const htrail__unfold_heap *heap, const unsigned char *chosen, uint32_t id)
{
    for (uint32_t above = heap->dominators[id]; above != 0; above = heap->dominators[above])
        if (chosen[above])
            return true;
    return false;
}

Test(unfold_heap, of_chosen_ones_those_that_no_other_dominates)
{
    enum { COUNT = 3000 };
    sqlite3 *db = make(COUNT, "nullif(i * 7 / 11, 0)", "CASE WHEN i % 13 = 0 THEN i / 3 END");
    htrail__unfold_heap heap = read_heap(db);
    for (unsigned every = 1; every < 40; every += 2) {
        unsigned char chosen[COUNT + 1] = {0};
        uint64_t ids[COUNT + 2];
        size_t count = 0, kept = 0;
        for (uint32_t id = COUNT; id > 0; id--)
            if (id * 2654435761u >> 8 >> 4 & 1 && id % every == 0) {
                chosen[id] = 1;
                ids[count++] = id;
            }
        ids[count++] = COUNT + 1; /* no object */
        cr_assert(htrail__unfold_heap_uncovered(&heap, ids, &count));
        for (uint32_t id = COUNT; id > 0; id--)
            if (chosen[id] && !is_covered(&heap, chosen, id))
                cr_assert_eq(ids[kept++], id);
        cr_assert_eq(count, kept);
    }
    htrail__unfold_heap_release(&heap);
    sqlite3_close(db);
}

/* 150,000 objects below 150,000 that hang one below the other: each step up is made once. */
Test(unfold_heap, a_long_way_up_is_gone_once, .timeout = 60)
{
    enum { HALF = 150000 };
    sqlite3 *db = make(2 * HALF, "nullif(min(i - 1, 150000), 0)", "NULL");
    htrail__unfold_heap heap = read_heap(db);
    uint64_t *ids = malloc((HALF + 1) * sizeof *ids);
    size_t count = 0;
    for (uint64_t id = HALF + 1; id <= 2 * HALF; id++)
        ids[count++] = id;
    cr_assert(htrail__unfold_heap_uncovered(&heap, ids, &count));
    cr_assert_eq(count, HALF);
    ids[count++] = 2;
    cr_assert(htrail__unfold_heap_uncovered(&heap, ids, &count));
    cr_assert_eq(count, 1);
    cr_assert_eq(ids[0], 2);
    free(ids);
    htrail__unfold_heap_release(&heap);
    sqlite3_close(db);
}

Test(unfold_heap, those_that_dominate_each_other_have_none_above_them)
{
    sqlite3 *db = make(30, "nullif(i - 1, 0)", "CASE i WHEN 10 THEN 20 END");
    htrail__unfold_heap heap = read_heap(db);
    uint64_t ids[] = {25, 9};
    size_t count = 2;
    cr_assert(htrail__unfold_heap_uncovered(&heap, ids, &count));
    cr_assert_eq(count, 2);
    ids[0] = 15;
    count = 1;
    cr_assert(htrail__unfold_heap_uncovered(&heap, ids, &count));
    cr_assert_eq(count, 0); /* it is above itself */
    htrail__unfold_heap_release(&heap);
    sqlite3_close(db);
}
