/* analyze/waste.c - see the header.
 *
 * What no root reaches is no waste: it goes with the next collection. What is held under the name of a C field
 * (`__dict__`, `__annotations__`) is the interpreter's to make and no container of the program. */
#include "analyze/waste.h"

#include <stdio.h>
#include <string.h>

#include <htrail/types.h>

#include "analyze/schema.h"
#include "analyze/waste_build.h"
#include "analyze/waste_role.h"

/* The code of a reference: its kind, whether it holds a number or a label's id, and that. */
_Static_assert(HTRAIL__CODE_KIND_MASK == 15 && HTRAIL__CODE_DIRECT == 16 && HTRAIL__CODE_PAYLOAD_SHIFT == 5 && HTRAIL_REF_INDEX == 1 && HTRAIL_REF_VALUE == 3 &&
               HTRAIL_REF_ATTR == 4 && HTRAIL_REF_SLOT == 5 && HTRAIL_REF_FIELD == 6, "the queries name them by number");

/* Objects that may be waste, in one pass over the heap: containers (1), tuples and what is made of them (2), instances (4). held: the kind
 * of the reference of their holder. Types, kinds and labels are compared by their numbers until few are left. */
static const char candidates_sql[] =
    "WITH RECURSIVE\n"
    "role(type, name, parts, basic_size) AS MATERIALIZED (SELECT id, name,\n  " HTRAIL__WASTE_PARTS ", basic_size FROM type),\n"
    "candidate(id, type, parts, size, length, held, is_garbage) AS MATERIALIZED (SELECT o.id, o.type, r.parts, o.size, o.length, o.label & 15, o.depth IS NULL\n"
    "  FROM heap_object o CROSS JOIN (SELECT type, parts FROM role WHERE parts > 0) r ON r.type = o.type),\n";

/* What objects of this interpreter take, from the snapshot itself: the collector's head; a list and a set without items.
 * Sizes of a dict's tables come from its layout: indices, then entries of three words, since 3.11 of two where all
 * keys are str. All tables are powers of two of which two thirds are used. */
static const char facts_sql[] =
    "fact(head, list_base, set_base) AS MATERIALIZED (SELECT\n"
    "  min(CASE WHEN r.name = 'list' THEN c.size - 8 * c.length - r.basic_size END), min(CASE WHEN r.name = 'list' THEN c.size - 8 * c.length END),\n"
    "  min(CASE WHEN r.name IN ('set', 'frozenset') AND c.length < 5 THEN c.size END)\n"
    "  FROM candidate c CROSS JOIN role r ON r.type = c.type WHERE c.parts & 1 AND r.name IN ('list', 'set', 'frozenset')),\n"
    "power(bits) AS (SELECT 3 UNION ALL SELECT bits + 1 FROM power WHERE bits < 40),\n"
    "table_size(slots, words, bytes) AS MATERIALIZED (SELECT (2 << bits) / 3, words,\n"
    "  %d + (1 << bits) * CASE WHEN bits < 8 THEN 1 WHEN bits < 16 THEN 2 WHEN bits < 32 THEN 4 ELSE 8 END + (2 << bits) / 3 * 8 * words\n"
    "  FROM power JOIN (SELECT 3 AS words UNION ALL SELECT 2) WHERE words >= %d),\n";
enum { TABLE_HEAD = 40, TABLE_HEAD_311 = 32, NO_TABLE = 4 };

static const char containers_sql[] =
    "container(id, type, size, length, base) AS MATERIALIZED (\n"
    "  SELECT c.id, r.name, c.size, c.length, r.basic_size + CASE r.name WHEN 'bytearray' THEN 0 ELSE fact.head END\n"
    "  FROM fact CROSS JOIN candidate c CROSS JOIN role r ON r.type = c.type WHERE c.parts & 1 AND NOT c.is_garbage AND c.held <> 6),\n"
    /* What they would take if they were made anew with the items that they have. */
    "room(id, size, need) AS (\n"
    "  SELECT id, size, list_base + 8 * length FROM container JOIN fact WHERE type = 'list' AND length > 0\n"
    "  UNION ALL SELECT id, size, base + length + 1 FROM container WHERE type = 'bytearray' AND length > 0\n"
    "  UNION ALL SELECT id, size, set_base + CASE WHEN length < 5 THEN 0\n"
    "      ELSE 16 * (SELECT 1 << min(bits) FROM power WHERE 1 << bits > 2 * length) END\n"
    "    FROM container JOIN fact WHERE type IN ('set', 'frozenset') AND length > 0\n"
    "  UNION ALL SELECT c.id, c.size, c.base + (SELECT min(n.bytes) FROM table_size n WHERE n.slots >= c.length AND n.words = s.words)\n"
    "    FROM container c JOIN table_size s ON s.bytes = c.size - c.base\n"
    "    WHERE c.type IN ('dict', 'collections.defaultdict') AND c.length > 0),\n";

/* `first` is the one nearest to a root of those that are equal. A tuple is equal to another whose items are the same or equal. Those
 * that hold no tuple come first (flat), then level by level those that hold them: equal tuples are equally high. What is higher
 * than DEEPEST levels is as an item equal to itself alone. */
#define ITEMS(item, from)                                                                                                      \
    "SELECT id, min(id) OVER (PARTITION BY type, items) FROM (\n"                                                              \
    "  SELECT src AS id, type, place, length, group_concat(" item ") OVER whole AS items, count(*) OVER whole AS found\n"      \
    "  FROM " from "\n"                                                                                                        \
    "  WINDOW whole AS (PARTITION BY src ORDER BY place ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING))\n"          \
    "  WHERE place = 0 AND found = length"
/* Each level takes those below it in again: a second mention of the level below would double the query with each. */
#define LEVEL(height, below)                                                                                                   \
    "tuple_" height "(id, first) AS MATERIALIZED (" ITEMS("coalesce(lower.first, same)", "tall_item LEFT JOIN tuple_" below " lower ON lower.id = dst WHERE height <= " height) "),\n"
#define TOO_HIGH "9"
_Static_assert(HTRAIL__WASTE_TUPLE_DEPTH == 8, "the levels are written out");
static const char duplicates_sql[] =
    "same_text(id, first) AS MATERIALIZED (SELECT o.id, min(o.id) OVER (PARTITION BY o.type, x.hash, o.length)\n"
    "  FROM object_text x JOIN heap_object o ON o.id = x.object WHERE x.hash IS NOT NULL AND o.depth IS NOT NULL),\n"
    "item(src, place, dst, length, type, same) AS MATERIALIZED (SELECT o.id, r.label >> 5, r.dst, o.length, o.type, coalesce(same_text.first, r.dst)\n"
    "  FROM candidate o CROSS JOIN heap_reference r ON r.src = o.id LEFT JOIN same_text ON same_text.id = r.dst\n"
    "  WHERE o.parts & 2 AND NOT o.is_garbage AND r.label & 31 = 17),\n"
    "inner_tuple(src, dst) AS MATERIALIZED (SELECT item.src, item.dst FROM item JOIN candidate c ON c.id = item.dst WHERE c.parts & 2),\n"
    "up_tuple(id, height) AS (SELECT src, 2 FROM inner_tuple UNION\n"
    "  SELECT i.src, height + 1 FROM up_tuple JOIN inner_tuple i ON i.dst = up_tuple.id WHERE height < " TOO_HIGH "),\n"
    "tall(id, height) AS MATERIALIZED (SELECT id, max(height) FROM up_tuple GROUP BY id),\n"
    "flat(id, first) AS MATERIALIZED (" ITEMS("same", "item WHERE src NOT IN (SELECT id FROM tall)") "),\n"
    "tall_item(src, place, dst, length, type, same, height) AS MATERIALIZED (SELECT src, place, dst, length, type, coalesce(flat.first, same), height\n"
    "  FROM item JOIN tall ON tall.id = item.src LEFT JOIN flat ON flat.id = dst),\n"
    "tuple_1(id, first) AS (SELECT NULL, NULL WHERE 0),\n"
    LEVEL("2", "1") LEVEL("3", "2") LEVEL("4", "3") LEVEL("5", "4") LEVEL("6", "5") LEVEL("7", "6") LEVEL("8", "7") LEVEL(TOO_HIGH, "8")
    "same_items(id, first) AS (SELECT id, first FROM flat UNION ALL SELECT id, first FROM tuple_" TOO_HIGH "),\n";

/* An instance has its attributes in a dict, or in an array that no size counts and that slots would be as large as. 16: what
 * every object begins with. A basic size beyond that and its own slots is that of another type in C. */
static const char slots_sql[] =
    "instance(id, type, size, dict, dict_size) AS MATERIALIZED (SELECT o.id, o.type, o.size, d.id, coalesce(d.size, 0)\n"
    "  FROM candidate o LEFT JOIN heap_object d ON d.id = (SELECT dst FROM heap_reference\n"
    "    WHERE src = o.id AND label = (SELECT id << 5 | 6 FROM label WHERE text = '__dict__')) WHERE o.parts & 4 AND NOT o.is_garbage),\n"
    "attribute_code(type, code, is_inline) AS MATERIALIZED (\n"
    "  SELECT i.type, r.label, i.dict IS NULL AND r.label & 15 = 4 FROM instance i CROSS JOIN heap_reference r ON r.src = i.id WHERE r.label & 15 IN (4, 5)\n"
    "  UNION SELECT i.type, r.label, 0 FROM instance i CROSS JOIN heap_reference r ON r.src = i.dict WHERE r.label & 15 = 3),\n"
    "attribute(type, label, is_slot, is_inline) AS MATERIALIZED (\n"
    "  SELECT type, " HTRAIL__SQL_LABEL("code") ",\n"
    "    code & 15 = 5, is_inline FROM attribute_code),\n"
    "attributes(type, count, slots, is_inline) AS MATERIALIZED (\n"
    "  SELECT type, count(DISTINCT label), count(DISTINCT CASE WHEN is_slot THEN label END), max(is_inline) FROM attribute GROUP BY type),\n"
    "slotted(type, has_dict, size) AS MATERIALIZED (\n"
    "  SELECT a.type, d.has_dict, fact.head + 16 + 8 * CASE WHEN d.has_dict THEN a.count ELSE a.slots END\n"
    "  FROM attributes a JOIN type t ON t.id = a.type JOIN fact JOIN (SELECT 0 AS has_dict UNION SELECT 1) d\n"
    "  WHERE a.count <= 30 AND t.basic_size - 8 * a.slots <= 32 AND (d.has_dict OR a.is_inline)),\n";

static const struct {
    const char *name, *sql;
} kinds[HTRAIL__WASTE_KINDS] = {
    {"duplicate", "  SELECT d.id, 'duplicate', o.size, o.size FROM (SELECT id, first FROM same_text UNION ALL SELECT id, first FROM same_items) d\n"
                  "    JOIN heap_object o ON o.id = d.id\n"
                  "    WHERE d.id > d.first AND o.type NOT IN (SELECT type FROM role WHERE " HTRAIL__WASTE_IS_NUMBER("name") ")\n"},
    {"empty", "  SELECT id, 'empty', size, size FROM container WHERE length = 0 AND type <> 'frozenset'\n"},
    {"nearly-empty", "  SELECT id, 'nearly-empty', size, size - need FROM room WHERE need * 4 <= size\n"},
    {"over-allocated", "  SELECT id, 'over-allocated', size, size - need FROM room WHERE need < size AND need * 4 > size\n"},
    {"slots", "  SELECT i.id, 'slots', i.size + i.dict_size, i.size + i.dict_size - s.size FROM instance i JOIN slotted s\n"
              "    ON s.type = i.type AND s.has_dict = (i.dict IS NOT NULL) WHERE i.size + i.dict_size > s.size\n"},
};
enum { KIND_COUNT = HTRAIL__WASTE_KINDS };

/* The field of a wasted object: up from holder to holder, through containers, to the nearest that has a name for it: an
 * attribute, a variable, a global. Objects that lie alike in one holder go together. STEPS bounds the walk. A view on the
 * right of a LEFT JOIN is made whole for it, so holders come from the tables below the view. */
#define NAMED "o.holder_kind IN ('attr', 'slot', 'local', 'cell', 'default', 'field')"
#define STEPS "8"
static const char fields_sql[] =
    /* Objects whose walk is the same go it once. way 1: their holder names them, so its type and name are all there is to say; 2: it does not, but what
     * holds it does; 3: it is an item of a container, as others are; 4: any other. */
    "lying(id, kind, bytes, back, type, way, place, name, label, own_label) AS (\n"
    "  SELECT id, kind, bytes, back, type, way, CASE way WHEN 1 THEN holder_type WHEN 2 THEN above_type WHEN 3 THEN above ELSE holder END,\n"
    "    CASE way WHEN 1 THEN holder_name WHEN 2 THEN above_name END, CASE way WHEN 2 THEN holder_label END,\n"
    "    CASE WHEN holder IS NULL THEN root WHEN label & 15 IN (1, 2, 11) THEN -1 WHEN label & 31 = 19 THEN " HTRAIL__SQL_LABEL("label") " ELSE label END\n"
    "  FROM (SELECT w.id, w.kind, w.bytes, w.back, o.type, o.holder, o.label, coalesce(o.root, 1) AS root, h.type AS holder_type, h.name AS holder_name,\n"
    "    h.label AS holder_label, h.holder AS above, g.type AS above_type, g.name AS above_name, CASE WHEN o.label & 15 IN (4, 5) THEN 1\n"
    "      WHEN o.label & 15 BETWEEN 6 AND 9 THEN 4 WHEN h.name = 0 AND h.label & 15 BETWEEN 4 AND 9 THEN 2 WHEN h.name = 0 AND h.label & 15 IN (1, 2, 11) THEN 3 ELSE 4 END AS way\n"
    "    FROM waste w CROSS JOIN heap_object o ON o.id = w.id LEFT JOIN heap_object h ON h.id = o.holder LEFT JOIN heap_object g ON g.id = h.holder)),\n"
    "spot(n, kind, type, objects, bytes, back, example) AS MATERIALIZED (\n"
    "  SELECT row_number() OVER (), kind, type, count(*), sum(bytes), sum(back), min(id) FROM lying GROUP BY kind, type, way, place, name, label, own_label),\n"
    "up(n, at, field, step) AS (SELECT n, example, '', 0 FROM spot\n"
    "  UNION ALL SELECT up.n, CASE WHEN hn.text <> '' OR " NAMED " OR g.id IS NOT NULL OR step = " STEPS " THEN NULL ELSE h.id END,\n"
    "    CASE WHEN o.holder IS NULL THEN coalesce((SELECT r.kind FROM root r WHERE r.id = o.root), '')\n"
    "      WHEN g.id IS NOT NULL THEN CASE WHEN gn.text <> '' THEN gn.text ELSE gt.name END || '.' || o.holder_label\n"
    "      WHEN " NAMED " THEN CASE WHEN hn.text <> '' THEN hn.text ELSE ht.name END || '.' || o.holder_label\n"
    "      WHEN hn.text <> '' THEN hn.text || '[]'\n"
    "      WHEN step = " STEPS " THEN ht.name || '[]'\n"
    "      WHEN o.holder_kind = 'value' AND o.holder_label NOT LIKE '(%)' THEN '[''' || o.holder_label || ''']'\n"
    "      ELSE '[]' END || field, step + 1\n"
    "    FROM up JOIN object o ON o.id = up.at\n"
    "    LEFT JOIN heap_object h ON h.id = o.holder LEFT JOIN type ht ON ht.id = h.type LEFT JOIN name hn ON hn.id = h.name\n"
    "    LEFT JOIN heap_object g ON g.id = h.holder AND o.holder_kind = 'value'\n"
    "      AND (SELECT v.holder_kind || v.holder_label FROM object v WHERE v.id = h.id) = 'field__dict__'\n"
    "    LEFT JOIN type gt ON gt.id = g.type LEFT JOIN name gn ON gn.id = g.name\n"
    "    WHERE up.at IS NOT NULL)\n"
    "SELECT spot.kind, t.name AS type, field AS held_by, sum(spot.objects) AS objects, sum(spot.bytes) AS bytes, sum(back) AS back, min(example) AS example\n"
    "FROM spot JOIN up USING (n) JOIN type t ON t.id = spot.type WHERE up.at IS NULL GROUP BY 1, 2, 3 ORDER BY back DESC, 1, 2, held_by";

static const struct {
    const char *name, *columns, *order;
} keys[HTRAIL__WASTE_KEYS] = {
    {"field", NULL, NULL},
    {"type", "w.kind, o.type", "1, 2"},
    {"owner", "o.owner_module AS owner", "1"},
    {"kind", "w.kind", "1"},
};
enum { KEY_COUNT = HTRAIL__WASTE_KEYS };

const char *htrail__waste_kind_name(htrail__waste_kind kind) { return kinds[kind].name; }
const char *htrail__waste_key_name(htrail__waste_key key) { return keys[key].name; }

bool htrail__waste_is_kind(const char *name)
{
    for (size_t i = 0; i < KIND_COUNT; i++)
        if (strcmp(kinds[i].name, name) == 0)
            return true;
    return false;
}

bool htrail__waste_is_key(const char *name)
{
    for (size_t i = 0; i < KEY_COUNT; i++)
        if (strcmp(keys[i].name, name) == 0)
            return true;
    return false;
}

/* The value of a key of the snapshot, "" where there is none. */
static htrail_status read_fact(sqlite3 *db, const char *key, char *out, size_t cap)
{
    sqlite3_stmt *statement = NULL;
    htrail_status status = sqlite3_prepare_v2(db, "SELECT value FROM snapshot WHERE key = ?1", -1, &statement, NULL) == SQLITE_OK ? HTRAIL_OK : HTRAIL_E_IO;

    *out = 0;
    if (status == HTRAIL_OK) {
        sqlite3_bind_text(statement, 1, key, -1, SQLITE_STATIC);
        if (sqlite3_step(statement) == SQLITE_ROW)
            snprintf(out, cap, "%s", (const char *)sqlite3_column_text(statement, 0));
    }
    sqlite3_finalize(statement);
    return status;
}

htrail_status htrail__waste_runtime(sqlite3 *db, unsigned *major, unsigned *minor)
{
    char runtime[64];
    htrail_status status = read_fact(db, "runtime", runtime, sizeof runtime);
    if (sscanf(runtime, "cpython %u.%u", major, minor) != 2)
        *major = *minor = 0; /* another's, whose tables are not known: of its dicts nothing is said but that they are empty */
    return status;
}

bool htrail__waste_has_hashes(sqlite3 *db)
{
    char id[32];
    return read_fact(db, "hash_key_id", id, sizeof id) == HTRAIL_OK && *id != 0;
}

htrail_status htrail__waste_query(htrail__text *out, sqlite3 *db, const char *kind, const char *by)
{
    unsigned major, minor;
    htrail_status status = htrail__waste_runtime(db, &major, &minor);
    bool is_compact = major == 3 && minor >= 6, has_words = major == 3 && minor >= 11;

    if (status != HTRAIL_OK)
        return status;
    htrail__text_add_string(out, candidates_sql);
    htrail__text_format(out, facts_sql, has_words ? TABLE_HEAD_311 : TABLE_HEAD, !is_compact ? NO_TABLE : has_words ? 2 : 3);
    htrail__text_add_string(out, containers_sql);
    htrail__text_add_string(out, duplicates_sql);
    htrail__text_add_string(out, slots_sql);
    htrail__text_add_string(out, "waste(id, kind, bytes, back) AS MATERIALIZED (\n");
    for (size_t i = 0, parts = 0; i < KIND_COUNT; i++)
        if (kind == NULL || strcmp(kinds[i].name, kind) == 0) {
            htrail__text_add_string(out, parts++ > 0 ? "  UNION ALL\n" : "");
            htrail__text_add_string(out, kinds[i].sql);
        }
    for (size_t i = 0; i < KEY_COUNT; i++) {
        if (strcmp(keys[i].name, by) != 0)
            continue;
        if (keys[i].columns == NULL) {
            htrail__text_add_string(out, "),\n");
            htrail__text_add_string(out, fields_sql);
        } else
            htrail__text_format(out, ")\nSELECT %s, count(*) AS objects, sum(w.bytes) AS bytes, sum(w.back) AS back, min(w.id) AS example\n"
                                     "FROM waste w JOIN object o ON o.id = w.id GROUP BY %s ORDER BY back DESC, %s",
                                keys[i].columns, keys[i].order, keys[i].order);
    }
    return out->failed ? HTRAIL_E_NOMEM : HTRAIL_OK;
}
