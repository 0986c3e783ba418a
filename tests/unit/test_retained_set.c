/* What comes back when a set goes, against the search of the whole heap that docs/schema.md gives. */
#include "tests/unit/small_heap.h"

#include "analyze/retained_set.h"

enum { OBJECTS = 40, HEAPS = 40, SETS = 8, TYPES = 3 };

static uint32_t next_random(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(*state >> 33);
}

static htrail_id address(uint32_t i) { return 0x10000 + i * UINT64_C(0x100); }

/* Objects of three types, a tree with further references beside it, some of them weak; some have no root. */
static sqlite3 *random_database(uint64_t *state)
{
    static const htrail_id types[TYPES] = {T_TUPLE, T_DICT, T_THING};
    htrail_ref refs[OBJECTS][8];
    uint32_t ref_counts[OBJECTS] = {0}, counts[OBJECTS] = {0}, roots = 1 + next_random(state) % 3;
    small_heap heap;

    small_heap_begin(&heap);
    for (uint32_t i = 0; i < OBJECTS * 2; i++) {
        uint32_t src = next_random(state) % OBJECTS, dst = next_random(state) % OBJECTS, kind = next_random(state) % 10 == 0 ? HTRAIL_REF_WEAK : HTRAIL_REF_INDEX;
        if (i < OBJECTS && i % 8 != 0)
            dst = i, src = next_random(state) % (i + 1);
        if (ref_counts[src] == 8 || dst < roots)
            continue;
        refs[src][ref_counts[src]++] = (htrail_ref){.target = address(dst), .kind = kind};
        counts[dst] += kind != HTRAIL_REF_WEAK;
    }
    for (uint32_t i = 0; i < OBJECTS; i++)
        small_heap_add(&heap, address(i), types[next_random(state) % TYPES], counts[i] + (i < roots), next_random(state) % 10 == 0 ? HTRAIL_OBJECT_IMMORTAL : 0, refs[i], ref_counts[i]);
    for (uint32_t i = 0; i < roots; i++)
        ROOT(&heap, address(i), MODULES, "modules");
    small_heap_end(&heap);
    return database_from(heap.data, heap.len);
}

static size_t ids_of(sqlite3 *db, const char *set, uint64_t *ids)
{
    char sql[256], *rest;
    size_t count = 0;
    snprintf(sql, sizeof sql, "SELECT id FROM object WHERE %s ORDER BY id DESC", set);
    for (const char *at = rows_of(db, sql); *at != '\0'; at = rest + 1)
        ids[count++] = strtoull(at, &rest, 10);
    return count;
}

/* In each way: all are followed one by one, none is, or some are before all are read. */
static void expect_set(sqlite3 *db, const char *set, uint64_t *larger)
{
    static const uint64_t followed_max[] = {UINT64_MAX, 1, 8};
    uint64_t ids[OBJECTS + 1];
    char message[256] = "", sql[2048], expected[128], found[128];
    size_t count = ids_of(db, set, ids);
    htrail__retained_set got;

    ids[count] = count > 0 ? ids[0] : 4711; /* one twice, or none at all */
    snprintf(sql, sizeof sql,
             "WITH RECURSIVE member(id) AS MATERIALIZED (SELECT id FROM object WHERE (%s) AND depth IS NOT NULL), left_over(id) AS (SELECT object FROM root WHERE object NOT IN member "
             "UNION SELECT id FROM object WHERE is_immortal AND depth IS NOT NULL AND id NOT IN member UNION SELECT r.dst FROM left_over JOIN reference r ON r.src = left_over.id WHERE r.kind <> 'weak' AND r.dst NOT IN member) "
             "SELECT count(*) + (SELECT count(*) FROM object WHERE depth IS NULL AND (%s)), coalesce(sum(size), 0) FROM object WHERE depth IS NOT NULL AND id NOT IN left_over",
             set, set);
    snprintf(expected, sizeof expected, "%s", rows_of(db, sql));
    snprintf(sql, sizeof sql, "SELECT coalesce(sum(o.retained), 0) FROM object o WHERE (%s) AND depth IS NULL AND NOT EXISTS (WITH RECURSIVE up(id) AS (SELECT o.dominator "
             "UNION ALL SELECT p.dominator FROM up JOIN object p ON p.id = up.id) SELECT 1 FROM up WHERE id IN (SELECT id FROM object WHERE %s))", set, set);
    uint64_t garbage = strtoull(rows_of(db, sql), NULL, 10);
    for (size_t way = 0; way < sizeof followed_max / sizeof *followed_max; way++) {
        cr_assert_eq(htrail__retained_set_find(&got, db, ids, count + 1, followed_max[way], message, sizeof message), HTRAIL_OK, "%s", message);
        snprintf(found, sizeof found, "%llu|%llu\n", (unsigned long long)got.objects, (unsigned long long)(got.bytes - garbage));
        cr_expect_str_eq(found, expected, "where %s, %llu followed: %s, not %s", set, (unsigned long long)followed_max[way], found, expected);
        cr_expect_eq(got.members, count);
    }
    *larger += got.together > 0;
}

Test(retained_set, random_sets_are_as_the_search_without_them_says)
{
    uint64_t state = 20, larger = 0;
    for (int heap = 0; heap < HEAPS; heap++) {
        sqlite3 *db = random_database(&state);
        char set[128];
        expect_set(db, "type = 'dict'", &larger);
        expect_set(db, "type = 'app.Thing'", &larger);
        expect_set(db, "0", &larger);
        for (int i = 0; i < SETS; i++) {
            snprintf(set, sizeof set, "(id * %u + %u) %% 7 < 2", next_random(&state) % 100, next_random(&state) % 7);
            expect_set(db, set, &larger);
        }
        sqlite3_close(db);
    }
    cr_expect_gt(larger, 20, "sets that hold something together: %llu", (unsigned long long)larger);
}

/* Two members hold the ends of a doubly linked list; a third holds a part that a root holds too. */
Test(retained_set, what_members_hold_together_comes_back_with_them)
{
    small_heap heap;
    uint64_t ids[3];
    char message[256];
    htrail__retained_set set;
    small_heap_begin(&heap);
    OBJECT(&heap, 0x1000, T_DICT, 1, 0, REF(0x2000, VALUE), REF(0x3000, VALUE), REF(0x7000, VALUE));
    OBJECT(&heap, 0x2000, T_THING, 1, 0, REF(0x4000, VALUE));
    OBJECT(&heap, 0x3000, T_THING, 1, 0, REF(0x6000, VALUE), REF(0x7000, VALUE));
    OBJECT(&heap, 0x4000, T_TUPLE, 2, 0, REF(0x5000, INDEX));
    OBJECT(&heap, 0x5000, T_TUPLE, 2, 0, REF(0x4000, INDEX), REF(0x6000, INDEX));
    OBJECT(&heap, 0x6000, T_TUPLE, 2, 0, REF(0x5000, INDEX));
    LEAF(&heap, 0x7000, T_TUPLE, 2);
    ROOT(&heap, 0x1000, MODULES, "modules");
    small_heap_end(&heap);
    sqlite3 *db = database_from(heap.data, heap.len);
    cr_assert_eq(ids_of(db, "type = 'app.Thing'", ids), 2);
    cr_assert_eq(htrail__retained_set_find(&set, db, ids, 2, 0, message, sizeof message), HTRAIL_OK);
    cr_expect_eq(set.objects, 5);
    cr_expect_eq(set.bytes, 32 + 48 + 32 + 48 + 32);
    cr_expect_eq(set.together, 32 + 48 + 32);
    EXPECT_ROWS(db, "SELECT retained FROM total WHERE \"by\" = 'type' AND key = 'app.Thing'", "192\n");
    cr_assert_eq(htrail__retained_set_find(&set, db, ids, 1, 0, message, sizeof message), HTRAIL_OK);
    cr_expect_eq(set.together, 0);
    sqlite3_close(db);
}
