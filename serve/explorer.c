/* serve/explorer.c - see the header. A question is a query that gives one JSON text, and the numbers to put into it. */
#include "serve/explorer.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/independent.h"
#include "analyze/lookup.h"
#include "analyze/schema.h"
#include "serve/ranking.h"

#define STRINGIZE_(x) #x
#define STRINGIZE(x) STRINGIZE_(x)
/* A page has so many rows; one more says that there is another. */
#define PAGE 100
#define PAGE_AND_ONE "101"
#define CHAIN_STEPS "40"
/* References of one object that are counted and put in order: of more the pages are in the order in which they are stored. */
#define COUNTED 20000
#define ASKED_AT_ONCE 4

struct htrail__explorer {
    htrail__store *const *stores;
    size_t count;
    htrail__ask_limits limits;
    atomic_bool stop;
    atomic_int asked; /* queries of the user's own that run */
    pthread_t thread;
    bool has_thread;
    pthread_mutex_t lock;
    htrail__ranking **rankings; /* of each store; NULL: not yet. Under lock until it is there */
    char **failures;
};

/* An object in a list: id, type, name, length, size, retained, text. A dict is called by whose it is. */
#define NAME(o) "CASE WHEN " o ".name = '' AND " o ".type = 'dict' AND " o ".module <> 'builtins' THEN 'of ' || " o ".module ELSE " o ".name END"
#define ROW(o) o ".id, " o ".type, " NAME(o) ", " o ".length, " o ".size, " o ".retained, substr(" o ".text, 1, 160)"

static const char object_sql[] =
    "SELECT json_object('id', o.id, 'address', format('0x%x', o.address), 'type', o.type, 'module', o.module, 'name', " NAME("o") ", 'length', o.length, 'size', o.size,\n"
    "  'retained', o.retained, 'refcount', o.refcount, 'referrers', o.referrers, 'c_references', o.c_references, 'is_tracked', o.is_tracked,\n"
    "  'is_pseudo', o.is_pseudo, 'is_immortal', o.is_immortal, 'depth', o.depth, 'owner', o.owner_module, 'text', substr(o.text, 1, 4000), 'letters', length(o.text),\n"
    "  'site', (SELECT file || ':' || line || ' in ' || function FROM site WHERE id = o.site),\n"
    "  'roots', (SELECT json_group_array(json_array(kind, name, thread)) FROM (SELECT * FROM root WHERE object = o.id ORDER BY id LIMIT 20)),\n"
    "  'c_holders', (SELECT json_group_array(json_array(holder, count)) FROM (SELECT * FROM c_reference WHERE object = o.id AND NOT is_own LIMIT 20)),\n"
    "  'fields', (SELECT count(*) FROM (SELECT 1 FROM heap_reference WHERE src = o.id LIMIT " STRINGIZE(COUNTED) " + 1)))\n"
    "  FROM object o WHERE o.id = ?1";

/* The object itself last, with what is nearest to it before it; where that is not all, `more` leads on from the first. */
#define UP(next)                                                                                                                                     \
    "WITH RECURSIVE up(id, step) AS (SELECT ?1, 0 UNION ALL SELECT " next ", step + 1 FROM up JOIN heap_object h ON h.id = up.id WHERE " next " > 0 AND step < " CHAIN_STEPS ")\n"
static const char chain_sql[] =
    UP("h.holder")
    "SELECT json_object('steps', (SELECT json_group_array(json_array(" ROW("o") ", o.holder_kind, o.holder_label, o.holder))\n"
    "    FROM (SELECT * FROM up ORDER BY step DESC) u JOIN object o ON o.id = u.id),\n"
    "  'root', (SELECT json_array(kind, name, thread) FROM root WHERE id = o.root), 'depth', o.depth) FROM object o WHERE o.id = ?1";
static const char dominators_sql[] =
    UP("coalesce(h.dominator, h.holder)")
    "SELECT json_object('steps', (SELECT json_group_array(json_array(" ROW("o") ", NULL, NULL, o.dominator))\n"
    "    FROM (SELECT * FROM up ORDER BY step DESC) u JOIN object o ON o.id = u.id)) FROM object o WHERE o.id = ?1";

/* References: after the row come kind, label, and the key of the page's end. In the order of kinds and labels, what is a key of a dict last. */
#define BY_LABEL "((CASE label & 15 WHEN 2 THEN 14 ELSE label & 15 END) << 40 | label >> 4)"
/* What an entry of a dict is held by, where that is no text. */
#define KEY_OBJECT "CASE WHEN e.label & 31 = 19 AND NOT EXISTS (SELECT 1 FROM object_text WHERE object = e.label >> 5) THEN e.label >> 5 END"
static const char fields_sql[] =
    "SELECT json_object('rows', json_group_array(json_array(" ROW("o") ", " HTRAIL__SQL_KIND("e.label") ", " HTRAIL__SQL_LABEL("e.label") ", e.key, " KEY_OBJECT ")))\n"
    "  FROM (SELECT dst, label, " BY_LABEL " AS key FROM heap_reference WHERE src = ?1 AND (" BY_LABEL ", dst) > (?2, ?3)\n"
    "    ORDER BY " BY_LABEL ", dst LIMIT " PAGE_AND_ONE ") e CROSS JOIN object o ON o.id = e.dst";
static const char many_fields_sql[] =
    "SELECT json_object('rows', json_group_array(json_array(" ROW("o") ", " HTRAIL__SQL_KIND("e.label") ", " HTRAIL__SQL_LABEL("e.label") ", e.label, " KEY_OBJECT ")))\n"
    "  FROM (SELECT dst, label FROM heap_reference WHERE src = ?1 AND (dst, label) > (?3, ?2) ORDER BY dst, label LIMIT " PAGE_AND_ONE ") e CROSS JOIN object o ON o.id = e.dst";
static const char referrers_sql[] =
    "SELECT json_object('rows', json_group_array(json_array(" ROW("o") ", " HTRAIL__SQL_KIND("e.label") ", " HTRAIL__SQL_LABEL("e.label") ", e.label, " KEY_OBJECT ")))\n"
    "  FROM (SELECT src, label FROM heap_reference WHERE dst = ?1 AND (src, label) > (?3, ?2) ORDER BY src, label LIMIT " PAGE_AND_ONE ") e CROSS JOIN object o ON o.id = e.src";

/* ?1: ids in JSON; ?2: who dominates them (0: nobody, and the root that holds it is said instead; -1: not asked, and its holder is said); ?3: how many there are. */
static const char below_sql[] =
    "SELECT json_object('rows', json_group_array(json_array(" ROW("o") ",\n"
    "  CASE ?2 WHEN 0 THEN (SELECT kind FROM root WHERE object = o.id ORDER BY id LIMIT 1) WHEN -1 THEN o.holder_kind ELSE (SELECT kind FROM reference r WHERE r.src = ?2 AND r.dst = o.id AND r.kind <> 'weak' LIMIT 1) END,\n"
    "  CASE ?2 WHEN 0 THEN (SELECT name FROM root WHERE object = o.id ORDER BY id LIMIT 1) WHEN -1 THEN o.holder_label ELSE (SELECT label FROM reference r WHERE r.src = ?2 AND r.dst = o.id AND r.kind <> 'weak' LIMIT 1) END,\n"
    "  CASE ?2 WHEN -1 THEN (SELECT json_array(" ROW("h") ") FROM object h WHERE h.id = o.holder) END)), 'total', ?3)\n"
    "  FROM json_each(?1) e CROSS JOIN object o ON o.id = e.value";

static const char types_sql[] =
    "SELECT json_object('rows', (SELECT json_group_array(json_array(key, count, bytes, retained)) FROM\n"
    "  (SELECT * FROM total WHERE \"by\" = 'type' AND instr(lower(key), lower(?1)) > 0 ORDER BY retained DESC, bytes DESC, key LIMIT 200)),\n"
    "  'total', (SELECT count(*) FROM total WHERE \"by\" = 'type' AND instr(lower(key), lower(?1)) > 0))";

/* Of a type: its figures, and what its objects are held by most, by the holder's type and how it holds them; of one holder alone its id. */
static const char figures_sql[] =
    "SELECT json_object('count', count, 'bytes', bytes, 'retained', retained, 'shared', shared) FROM total WHERE \"by\" = 'type' AND key = ?1";
static const char holders_sql[] =
    "SELECT json_object('rows', json_group_array(json_array(type, kind, label, objects, holders, one))) FROM\n"
    "  (SELECT h.type, o.holder_kind AS kind, CASE WHEN o.holder_kind IN ('index', 'value', 'key') THEN NULL ELSE o.holder_label END AS label,\n"
    "     count(*) AS objects, count(DISTINCT o.holder) AS holders, CASE WHEN min(o.holder) = max(o.holder) THEN min(o.holder) END AS one\n"
    "   FROM object o JOIN object h ON h.id = o.holder WHERE o.type = ?1 GROUP BY 1, 2, 3 ORDER BY objects DESC, 1, 2, 3 LIMIT 6)";

/* ?1: chains in JSON, each [root, gate, ids]; ?2: 1 where there are no more; ?3: what they all go through. */
static const char let_go_sql[] =
    "SELECT json_object('complete', ?2, 'above', ?3, 'chains', (SELECT json_group_array(json_array(\n"
    "    (SELECT json_array(kind, name, thread) FROM root WHERE id = json_extract(c.value, '$[0]')), json_extract(c.value, '$[1]'),\n"
    "    (SELECT json_group_array(json_array(" ROW("o") ",\n"
    "       (SELECT kind FROM reference r WHERE e.key > 0 AND r.src = json_extract(c.value, '$[2][' || max(e.key - 1, 0) || ']') AND r.dst = o.id AND r.kind <> 'weak' LIMIT 1),\n"
    "       (SELECT label FROM reference r WHERE e.key > 0 AND r.src = json_extract(c.value, '$[2][' || max(e.key - 1, 0) || ']') AND r.dst = o.id AND r.kind <> 'weak' LIMIT 1)))\n"
    "     FROM json_each(json_extract(c.value, '$[2]')) e CROSS JOIN object o ON o.id = e.value))) FROM json_each(?1) c))";

/* A number of the request: false, and the answer says so, where it is none. A parameter that is not given is `missing`. */
static bool number(const htrail__request *request, const char *name, int64_t missing, int64_t *out, htrail__answer *answer)
{
    const char *text = request->value(request->from, name);
    char *end;
    *out = missing;
    if (text == NULL)
        return true;
    errno = 0;
    long long value = strtoll(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || *end != '\0' || errno != 0) {
        htrail__answer_refuse(answer, HTRAIL__ANSWER_BAD, "'%s' is a whole number", name);
        return false;
    }
    *out = value;
    return true;
}

/* The one row of a query into the answer. */
static void run(sqlite3 *db, sqlite3_stmt *statement, htrail__answer *answer)
{
    int step = statement == NULL ? SQLITE_ERROR : sqlite3_step(statement);
    if (step == SQLITE_ROW)
        htrail__text_add(&answer->text, (const char *)sqlite3_column_text(statement, 0), (size_t)sqlite3_column_bytes(statement, 0));
    else if (step == SQLITE_DONE)
        htrail__answer_refuse(answer, HTRAIL__ANSWER_NONE, "there is no such object in this snapshot");
    else
        htrail__answer_refuse(answer, HTRAIL__ANSWER_FAILED, "%s", sqlite3_errmsg(db));
    sqlite3_finalize(statement);
}

static sqlite3_stmt *prepared(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *statement = NULL;
    return sqlite3_prepare_v2(db, sql, -1, &statement, NULL) == SQLITE_OK ? statement : NULL;
}

/* A question about one object: id, and where a page begins (key, after). */
static void answer_object(sqlite3 *db, const char *sql, const htrail__request *request, htrail__answer *answer)
{
    int64_t id, key, after;
    if (!number(request, "id", -1, &id, answer) || !number(request, "key", -1, &key, answer) || !number(request, "after", -1, &after, answer))
        return;
    sqlite3_stmt *statement = prepared(db, sql);
    sqlite3_bind_int64(statement, 1, id);
    if (sqlite3_bind_parameter_count(statement) > 1) {
        sqlite3_bind_int64(statement, 2, key);
        sqlite3_bind_int64(statement, 3, after);
    }
    run(db, statement, answer);
}

/* Few enough references to put them in order? */
static void answer_fields(sqlite3 *db, const htrail__request *request, htrail__answer *answer)
{
    int64_t id, many = 0;
    if (!number(request, "id", -1, &id, answer))
        return;
    sqlite3_stmt *statement = prepared(db, "SELECT count(*) FROM (SELECT 1 FROM heap_reference WHERE src = ?1 LIMIT " STRINGIZE(COUNTED) " + 1)");
    sqlite3_bind_int64(statement, 1, id);
    if (sqlite3_step(statement) == SQLITE_ROW)
        many = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    answer_object(db, many > COUNTED ? many_fields_sql : fields_sql, request, answer);
}

/* NULL, and the answer says why, where the orders are not there. */
static const htrail__ranking *ranking_of(htrail__explorer *explorer, size_t store, htrail__answer *answer)
{
    pthread_mutex_lock(&explorer->lock);
    const htrail__ranking *ranking = explorer->rankings[store];
    const char *failure = explorer->failures[store];
    pthread_mutex_unlock(&explorer->lock);
    if (ranking == NULL)
        htrail__answer_refuse(answer, failure != NULL ? HTRAIL__ANSWER_FAILED : HTRAIL__ANSWER_LATER, "%s", failure != NULL ? failure : "the objects are being put in order");
    return ranking;
}

/* A page of ids that are in order, from place `at`. */
static void answer_ranked(sqlite3 *db, htrail__ranked ranked, int64_t parent, const htrail__request *request, htrail__answer *answer)
{
    int64_t at;
    htrail__text ids;
    if (!number(request, "at", 0, &at, answer))
        return;
    htrail__text_init(&ids, 1 << 20);
    htrail__text_add_string(&ids, "[");
    for (uint64_t i = (uint64_t)at; i < ranked.count && i < (uint64_t)at + PAGE; i++)
        htrail__text_format(&ids, i > (uint64_t)at ? ",%" PRIu32 : "%" PRIu32, ranked.ids[i]);
    htrail__text_add_string(&ids, "]");
    sqlite3_stmt *statement = prepared(db, below_sql);
    sqlite3_bind_text(statement, 1, htrail__text_string(&ids), -1, SQLITE_STATIC);
    sqlite3_bind_int64(statement, 2, parent);
    sqlite3_bind_int64(statement, 3, (int64_t)ranked.count);
    run(db, statement, answer);
    htrail__text_release(&ids);
}

static void answer_type(sqlite3 *db, const htrail__ranking *ranking, const htrail__request *request, htrail__answer *answer)
{
    const char *name = request->value(request->from, "name");
    int64_t type = -1;
    sqlite3_stmt *statement = prepared(db, "SELECT min(id) FROM type WHERE name = ?1");
    sqlite3_bind_text(statement, 1, name == NULL ? "" : name, -1, SQLITE_STATIC);
    if (sqlite3_step(statement) == SQLITE_ROW && sqlite3_column_type(statement, 0) != SQLITE_NULL)
        type = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    if (type < 0)
        htrail__answer_refuse(answer, HTRAIL__ANSWER_NONE, "there is no type of that name in this snapshot");
    else
        answer_ranked(db, htrail__ranking_of_type(ranking, (uint64_t)type), -1, request, answer);
}

static bool read_place(sqlite3_stmt *statement, uint32_t id, uint64_t *address, uint64_t *size)
{
    sqlite3_bind_int64(statement, 1, id);
    bool fine = sqlite3_step(statement) == SQLITE_ROW;
    *address = fine ? (uint64_t)sqlite3_column_int64(statement, 0) : 0;
    *size = fine ? (uint64_t)sqlite3_column_int64(statement, 1) : 0;
    sqlite3_reset(statement);
    return fine;
}

/* The object at an address, or the one that the address lies in. */
static void find_address(sqlite3 *db, const htrail__ranking *ranking, uint64_t wanted, htrail__answer *answer)
{
    htrail__ranked all = htrail__ranking_by_address(ranking);
    sqlite3_stmt *statement = prepared(db, "SELECT address, size FROM heap_object WHERE id = ?1");
    uint64_t address, size;
    size_t low = 0, high = all.count; /* the first whose address is past the wanted one */
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        read_place(statement, all.ids[middle], &address, &size);
        if (address <= wanted)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == 0 || !read_place(statement, all.ids[low - 1], &address, &size) || (wanted != address && wanted - address >= size))
        htrail__answer_refuse(answer, HTRAIL__ANSWER_NONE, "no object of this snapshot is at 0x%" PRIx64, wanted);
    else
        htrail__text_format(&answer->text, "{\"id\":%" PRIu32 ",\"offset\":%" PRIu64 "}", all.ids[low - 1], wanted - address);
    sqlite3_finalize(statement);
}

static void answer_address(sqlite3 *db, const htrail__ranking *ranking, const htrail__request *request, htrail__answer *answer)
{
    const char *text = request->value(request->from, "address");
    char *end = NULL;
    errno = 0;
    uint64_t wanted = text == NULL || strncmp(text, "0x", 2) != 0 ? 0 : strtoull(text, &end, 16);
    if (end == NULL || end == text + 2 || *end != '\0' || errno != 0)
        htrail__answer_refuse(answer, HTRAIL__ANSWER_BAD, "an address is 0x and hexadecimal digits");
    else
        find_address(db, ranking, wanted, answer);
}

/* A question about a type, by its name. */
static void answer_named(sqlite3 *db, const char *sql, const htrail__request *request, htrail__answer *answer)
{
    const char *name = request->value(request->from, "name");
    sqlite3_stmt *statement = prepared(db, sql);
    sqlite3_bind_text(statement, 1, name == NULL ? "" : name, -1, SQLITE_STATIC);
    run(db, statement, answer);
}

/* The chains that share no object, as `heaptrail why` finds them: each must let go. */
static void answer_let_go(sqlite3 *db, const htrail__request *request, htrail__answer *answer)
{
    htrail__independent found = {0};
    htrail__independent_opts opts;
    htrail__found_object object;
    htrail__lookup *lookup = NULL;
    htrail__text chains;
    char message[HTRAIL__MESSAGE_BYTES] = "";
    int64_t id;

    if (!number(request, "id", -1, &id, answer))
        return;
    htrail__text_init(&chains, 1 << 20);
    htrail__independent_opts_init(&opts);
    htrail_status status = htrail__lookup_open(&lookup, db, message, sizeof message);
    if (status == HTRAIL_OK && (status = htrail__lookup_object(lookup, (uint64_t)id, &object)) == HTRAIL_OK && object.root != 0) {
        const uint64_t one = (uint64_t)id;
        opts.above = object.dominator;
        status = htrail__independent_find(&found, lookup, &one, 1, &opts);
    }
    if (status != HTRAIL_OK) {
        htrail__answer_refuse(answer, HTRAIL__ANSWER_NONE, "%s", lookup != NULL ? htrail__lookup_error(lookup) : message);
        goto done;
    }
    htrail__text_add_string(&chains, "[");
    for (size_t i = 0; i < found.chain_count; i++) {
        const htrail__independent_chain *chain = &found.chains[i];
        htrail__text_format(&chains, "%s[%" PRIu64 ",%" PRIu64 ",[", i > 0 ? "," : "", chain->root, chain->gate);
        for (size_t step = 0; step < chain->count; step++)
            htrail__text_format(&chains, "%" PRIu64 ",", found.objects[chain->first + step]);
        htrail__text_format(&chains, "%" PRIu64 "]]", chain->target);
    }
    htrail__text_add_string(&chains, "]");
    sqlite3_stmt *statement = prepared(db, let_go_sql);
    sqlite3_bind_text(statement, 1, htrail__text_string(&chains), -1, SQLITE_STATIC);
    sqlite3_bind_int(statement, 2, found.complete);
    sqlite3_bind_int64(statement, 3, (int64_t)opts.above);
    run(db, statement, answer);
done:
    htrail__independent_release(&found);
    htrail__text_release(&chains);
    htrail__lookup_free(lookup);
}

static void answer_types(sqlite3 *db, const htrail__request *request, htrail__answer *answer)
{
    const char *words = request->value(request->from, "find");
    sqlite3_stmt *statement = prepared(db, types_sql);
    sqlite3_bind_text(statement, 1, words == NULL ? "" : words, -1, SQLITE_STATIC);
    run(db, statement, answer);
}

static void answer_sql(htrail__explorer *explorer, sqlite3 *db, const htrail__request *request, htrail__answer *answer)
{
    const char *query = request->value(request->from, "query");
    if (atomic_fetch_add(&explorer->asked, 1) >= ASKED_AT_ONCE)
        htrail__answer_refuse(answer, HTRAIL__ANSWER_LATER, "%d queries are running: try again when one has ended", ASKED_AT_ONCE);
    else
        htrail__ask(db, query == NULL ? "" : query, &explorer->limits, &explorer->stop, answer);
    atomic_fetch_sub(&explorer->asked, 1);
}

static void answer_from(htrail__explorer *explorer, size_t store, sqlite3 *db, const htrail__request *request, htrail__answer *answer)
{
    static const struct { const char *path, *sql; } of_object[] = {
        {"object", object_sql}, {"chain", chain_sql}, {"dominators", dominators_sql}, {"referrers", referrers_sql},
    };
    static const char *const ranked[] = {"dominated", "type", "find"};
    const htrail__ranking *ranking = NULL;
    int64_t id;

    for (size_t i = 0; i < sizeof of_object / sizeof *of_object; i++)
        if (strcmp(request->path, of_object[i].path) == 0) {
            answer_object(db, of_object[i].sql, request, answer);
            return;
        }
    for (size_t i = 0; i < sizeof ranked / sizeof *ranked; i++)
        if (strcmp(request->path, ranked[i]) == 0 && (ranking = ranking_of(explorer, store, answer)) == NULL)
            return;
    if (strcmp(request->path, "fields") == 0)
        answer_fields(db, request, answer);
    else if (strcmp(request->path, "dominated") == 0) {
        if (number(request, "id", 0, &id, answer))
            answer_ranked(db, htrail__ranking_below(ranking, (uint64_t)id), id, request, answer);
    } else if (strcmp(request->path, "type") == 0)
        answer_type(db, ranking, request, answer);
    else if (strcmp(request->path, "find") == 0)
        answer_address(db, ranking, request, answer);
    else if (strcmp(request->path, "figures") == 0)
        answer_named(db, figures_sql, request, answer);
    else if (strcmp(request->path, "holders") == 0)
        answer_named(db, holders_sql, request, answer);
    else if (strcmp(request->path, "let_go") == 0)
        answer_let_go(db, request, answer);
    else if (strcmp(request->path, "types") == 0)
        answer_types(db, request, answer);
    else if (strcmp(request->path, "sql") == 0)
        answer_sql(explorer, db, request, answer);
    else
        htrail__answer_refuse(answer, HTRAIL__ANSWER_NONE, "there is no such question");
}

void htrail__explorer_answer(htrail__explorer *explorer, const htrail__request *request, htrail__answer *answer)
{
    int64_t store;
    if (!number(request, "snapshot", 0, &store, answer))
        return;
    if ((uint64_t)store >= explorer->count) {
        htrail__answer_refuse(answer, HTRAIL__ANSWER_NONE, "there is no such snapshot");
        return;
    }
    sqlite3 *db = htrail__store_connect(explorer->stores[store]);
    if (db == NULL)
        htrail__answer_refuse(answer, HTRAIL__ANSWER_FAILED, "the database of the snapshot cannot be opened any more");
    else
        answer_from(explorer, (size_t)store, db, request, answer);
    sqlite3_close(db);
}

static void *build_rankings(void *arg)
{
    htrail__explorer *explorer = arg;
    for (size_t i = explorer->count; i-- > 0 && !atomic_load(&explorer->stop);) {
        char message[HTRAIL__MESSAGE_BYTES] = "the database of the snapshot cannot be opened";
        htrail__ranking *ranking = NULL;
        sqlite3 *db = htrail__store_connect(explorer->stores[i]);
        htrail_status status = db == NULL ? HTRAIL_E_DATABASE : htrail__ranking_build(&ranking, db, &explorer->stop, message, sizeof message);
        sqlite3_close(db);
        pthread_mutex_lock(&explorer->lock);
        explorer->rankings[i] = ranking;
        explorer->failures[i] = status == HTRAIL_OK ? NULL : strdup(message);
        pthread_mutex_unlock(&explorer->lock);
    }
    return NULL;
}

htrail_status htrail__explorer_open(htrail__explorer **out, htrail__store *const *stores, size_t count, const htrail__ask_limits *limits)
{
    htrail__explorer *explorer = calloc(1, sizeof *explorer);
    *out = NULL;
    if (explorer == NULL)
        return HTRAIL_E_NOMEM;
    pthread_mutex_init(&explorer->lock, NULL);
    explorer->stores = stores;
    explorer->count = count;
    explorer->limits = *limits;
    explorer->rankings = calloc(count + 1, sizeof *explorer->rankings);
    explorer->failures = calloc(count + 1, sizeof *explorer->failures);
    if (explorer->rankings != NULL && explorer->failures != NULL)
        explorer->has_thread = pthread_create(&explorer->thread, NULL, build_rankings, explorer) == 0;
    if (!explorer->has_thread) {
        htrail__explorer_close(explorer);
        return HTRAIL_E_NOMEM;
    }
    *out = explorer;
    return HTRAIL_OK;
}

void htrail__explorer_stop(htrail__explorer *explorer) { atomic_store(&explorer->stop, true); }

void htrail__explorer_close(htrail__explorer *explorer)
{
    if (explorer == NULL)
        return;
    htrail__explorer_stop(explorer);
    if (explorer->has_thread)
        pthread_join(explorer->thread, NULL);
    for (size_t i = 0; i < explorer->count; i++) {
        htrail__ranking_free(explorer->rankings[i]);
        free(explorer->failures[i]);
    }
    free(explorer->rankings);
    free(explorer->failures);
    pthread_mutex_destroy(&explorer->lock);
    free(explorer);
}
