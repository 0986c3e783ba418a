/* Chains merged, and who else holds what they lead to. */
#include "tests/unit/text_heap.h"

#include "analyze/holders.h"
#include "analyze/root_name.h"
#include "analyze/text.h"

/* Three modules that atexit keeps, and at-fork two of them; their functions hold the namespace
 * that holds them. */
static const char reloads[] =
    "1 dict - : value sys 2\n"
    "2 module sys :\n"
    "10 function logging.shutdown : field __globals__ 11\n"
    "11 dict - : value shutdown 10, value lock 12, value handlers 13\n"
    "12 function logging.lock : field __globals__ 11\n"
    "13 app.Handlers - : attr owner 11\n"
    "20 function logging.shutdown : field __globals__ 21\n"
    "21 dict - : value shutdown 20, value lock 22, value handlers 23\n"
    "22 function logging.lock : field __globals__ 21\n"
    "23 app.Handlers - : attr owner 21\n"
    "30 function logging.shutdown : field __globals__ 31\n"
    "31 dict - : value shutdown 30, value lock 32, value handlers 33\n"
    "32 function logging.lock : field __globals__ 31\n"
    "33 app.Handlers - : attr owner 31\n"
    "40 list - : index - 12, index - 22\n"
    "root 1 1 modules\n"
    "root 3 10 callback~1~of~3\n"
    "root 3 20 callback~2~of~3\n"
    "root 3 30 callback~3~of~3\n"
    "root 4 40 before\n";

static htrail__holders *find(text_heap *heap, size_t count, const uint64_t *numbers, const htrail__holders_opts *opts)
{
    uint64_t ids[16];
    htrail__holders *holders;
    for (size_t i = 0; i < count; i++)
        ids[i] = text_heap_id(heap, numbers[i]);
    cr_assert_eq(htrail__holders_find(&holders, heap->lookup, ids, count, opts), HTRAIL_OK, "%s", htrail__lookup_error(heap->lookup));
    return holders;
}

/* The node that an object asked for is in. */
static const htrail__holder_node *node_of(const htrail__holders *holders, size_t target) { return &holders->nodes[holders->target_nodes[target]]; }

static const char *type_of(text_heap *heap, const htrail__holders *holders, uint32_t node)
{
    const htrail__shape *shape = &holders->shapes.shapes[holders->nodes[node].shape];
    return htrail__lookup_text(heap->lookup, shape->root_kind != 0 ? shape->type : shape->name != 0 ? shape->name : shape->type);
}

Test(holders, objects_that_are_held_alike_are_one_node)
{
    text_heap heap;
    text_heap_open(&heap, reloads);
    htrail__holders *holders = find(&heap, 3, (uint64_t[]){11, 21, 31}, NULL);
    const htrail__holder_node *dicts = node_of(holders, 0);
    cr_expect_eq(node_of(holders, 2), dicts);
    cr_expect_eq(dicts->objects, 3);
    cr_expect_eq(dicts->targets, 3);
    cr_expect_eq(dicts->size_bytes, 300);
    cr_expect_eq(dicts->retained_bytes, 200 + 200 + 300); /* each its handlers; the third also its lock, which no list holds */
    cr_expect_eq(dicts->length_min, 3);
    const htrail__holder_node *functions = &holders->nodes[dicts->parent];
    cr_expect_eq(functions->objects, 3);
    cr_expect_str_eq(type_of(&heap, holders, dicts->parent), "logging.shutdown");
    const htrail__holder_node *root = &holders->nodes[functions->parent];
    cr_expect_eq(root->root_names, 3, "three callbacks are one root");
    cr_expect_eq(root->parent, HTRAIL__NO_SHAPE);
    htrail__holders_free(holders);
    text_heap_close(&heap);
}

/* A list of classes of so many names, four of each, and what the class holds. */
static void open_registry(text_heap *heap, int names)
{
    htrail__text lines;
    htrail__text_init(&lines, 1 << 20);
    htrail__text_add_string(&lines, "root 11 1 x\n1 list - :");
    for (int i = 0; i < 4 * names; i++)
        htrail__text_format(&lines, "%s index - %d", i ? "," : "", 100 + i);
    for (int i = 0; i < 4 * names; i++)
        htrail__text_format(&lines, "\n%d type app.Made%d : field doc %d\n%d app.Doc -", 100 + i, i / 4, 600 + i, 600 + i);
    htrail__text_add_string(&lines, "\n");
    text_heap_open(heap, htrail__text_string(&lines));
    htrail__text_release(&lines);
}

Test(holders, many_names_are_one_node_and_few_are_kept_apart)
{
    for (int names = 1; names <= 50; names = names == 1 ? 3 : names == 3 ? 4 : names == 4 ? 50 : 51) {
        text_heap heap;
        uint64_t ids[200];
        htrail__holders *holders;
        open_registry(&heap, names);
        for (int i = 0; i < 4 * names; i++)
            ids[i] = text_heap_id(&heap, 600 + (uint64_t)i);
        cr_assert_eq(htrail__holders_find(&holders, heap.lookup, ids, 4 * (size_t)names, NULL), HTRAIL_OK);
        const htrail__holder_node *docs = node_of(holders, 0), *classes = &holders->nodes[docs->parent];
        cr_expect_eq(docs->targets, names > 3 ? 4 * (uint64_t)names : 4, "%d names", names);
        cr_expect_eq(classes->objects, docs->objects);
        cr_expect_eq(classes->names, names > 3 ? (uint64_t)names : 1);
        cr_expect_eq(docs->names, 1);
        cr_expect(strncmp(htrail__lookup_text(heap.lookup, classes->name), "app.Made", 8) == 0);
        cr_expect_eq(holders->shapes.shapes[classes->shape].name != 0, names <= 3);
        cr_expect_eq(holders->node_count, names > 3 ? 4u : 2u + 2u * (unsigned)names);
        htrail__holders_free(holders);
        text_heap_close(&heap);
    }
}

Test(holders, another_holder_is_found_with_its_chain)
{
    text_heap heap;
    text_heap_open(&heap, reloads);
    htrail__holders *holders = find(&heap, 3, (uint64_t[]){11, 21, 31}, NULL);
    cr_expect_eq(node_of(holders, 0)->held, HTRAIL__HELD_SEVERAL);
    cr_assert_eq(holders->link_count, 1);
    cr_expect_eq(holders->links[0].to, holders->target_nodes[0]);
    cr_expect_eq(holders->links[0].references, 2);
    uint32_t locks = holders->links[0].from, list = holders->nodes[locks].parent;
    cr_expect(holders->nodes[locks].other);
    cr_expect_eq(holders->nodes[locks].objects, 2, "the third is held by what it holds alone");
    cr_expect_str_eq(type_of(&heap, holders, list), "list");
    cr_expect_str_eq(type_of(&heap, holders, holders->nodes[list].parent), "os.register_at_fork");
    htrail__holders_free(holders);
    text_heap_close(&heap);
}

Test(holders, what_an_object_keeps_alive_itself_does_not_hold_it)
{
    text_heap heap;
    text_heap_open(&heap, reloads);
    htrail__holders *holders = find(&heap, 1, (uint64_t[]){31}, NULL);
    cr_expect_eq(node_of(holders, 0)->held, HTRAIL__HELD_ONLY, "function lock and the handlers depend on it");
    cr_expect_eq(holders->link_count, 0);
    htrail__holders_free(holders);
    holders = find(&heap, 2, (uint64_t[]){13, 23}, NULL);
    cr_expect_eq(node_of(holders, 0)->held, HTRAIL__HELD_ONLY, "the dict is its only holder");
    htrail__holders_free(holders);
    text_heap_close(&heap);
}

Test(holders, an_object_is_also_held_through_what_it_holds)
{
    /* 4 is held by 3; what it holds (5) is also held by the root list 6, and holds it. */
    text_heap heap;
    text_heap_open(&heap, "3 list - : index - 4\n"
                           "4 app.A - : attr b 5\n"
                           "5 app.B - : attr a 4, attr c 7\n"
                           "6 list - : index - 8\n"
                           "8 list - : index - 9\n"
                           "9 list - : index - 5\n"
                           "7 app.C -\n"
                           "root 11 3 x\n"
                           "root 11 6 y\n");
    htrail__holders *holders = find(&heap, 1, (uint64_t[]){4}, NULL);
    cr_expect_eq(node_of(holders, 0)->held, HTRAIL__HELD_SEVERAL);
    cr_expect(node_of(holders, 0)->held_from_below);
    htrail__holders_free(holders);
    text_heap_close(&heap);
}

Test(holders, garbage_and_weak_references_hold_nothing)
{
    text_heap heap;
    text_heap_open(&heap, "3 list - : index - 4\n"
                           "4 app.A -\n"
                           "5 app.Ring - : attr next 6, attr a 4\n"
                           "6 app.Ring - : attr next 5\n"
                           "7 weakref - : weak - 4\n"
                           "8 list - : index - 7\n"
                           "root 11 3 x\n"
                           "root 11 8 y\n");
    htrail__holders *holders = find(&heap, 1, (uint64_t[]){4}, NULL);
    cr_expect_eq(node_of(holders, 0)->held, HTRAIL__HELD_ONLY);
    cr_expect_eq(holders->link_count, 0);
    htrail__holders_free(holders);
    text_heap_close(&heap);
}

Test(holders, two_roots_of_one_object_are_two_holders)
{
    text_heap heap;
    text_heap_open(&heap, "4 app.A -\n"
                           "root 3 4 callback~1~of~1\n"
                           "root 11 4 x\n"
                           "root 15 4 interned\n");
    htrail__holders *holders = find(&heap, 1, (uint64_t[]){4}, NULL);
    cr_expect_eq(node_of(holders, 0)->held, HTRAIL__HELD_SEVERAL);
    cr_assert_eq(holders->link_count, 1);
    cr_expect_str_eq(type_of(&heap, holders, holders->links[0].from), "interpreter");
    htrail__holders_free(holders);
    text_heap_close(&heap);
}

/* A list at the top of everything, an object that `count` lists in it hold. */
static void open_star(text_heap *heap, unsigned count)
{
    htrail__text lines;
    htrail__text_init(&lines, 1 << 20);
    htrail__text_add_string(&lines, "1 dict - : value hub 2, value all 3\n2 app.Hub -\n3 list - :");
    for (unsigned i = 0; i < count; i++)
        htrail__text_format(&lines, "%s index - %u", i ? "," : "", 100 + i);
    htrail__text_add_string(&lines, "\n");
    for (unsigned i = 0; i < count; i++)
        htrail__text_format(&lines, "%u list - : index - 2\n", 100 + i);
    htrail__text_add_string(&lines, "root 11 1 x\n");
    text_heap_open(heap, htrail__text_string(&lines));
    htrail__text_release(&lines);
}

Test(holders, holders_that_are_too_many_are_counted)
{
    text_heap heap;
    htrail__holders_opts opts;
    open_star(&heap, 300);
    htrail__holders_opts_init(&opts);
    htrail__holders *holders = find(&heap, 1, (uint64_t[]){2}, &opts);
    cr_assert_eq(holders->link_count, 1);
    cr_expect_eq(holders->links[0].references, 300);
    cr_expect_eq(node_of(holders, 0)->other_holders, 0);
    htrail__holders_free(holders);
    opts.too_many = 10;
    holders = find(&heap, 1, (uint64_t[]){2}, &opts);
    uint64_t drawn = holders->link_count > 0 ? holders->links[0].references : 0;
    cr_expect_leq(drawn, 10);
    cr_expect_eq(node_of(holders, 0)->other_holders + 10, 301);
    htrail__holders_free(holders);
    text_heap_close(&heap);
}

Test(holders, a_search_that_met_its_bound_claims_nothing)
{
    text_heap heap;
    htrail__holders_opts opts;
    text_heap_open(&heap, reloads);
    htrail__holders_opts_init(&opts);
    opts.searches_max = 0;
    htrail__holders *holders = find(&heap, 1, (uint64_t[]){31}, &opts);
    cr_expect_eq(node_of(holders, 0)->held, HTRAIL__HELD_UNKNOWN);
    htrail__holders_free(holders);
    holders = find(&heap, 1, (uint64_t[]){13}, &opts);
    cr_expect_eq(node_of(holders, 0)->held, HTRAIL__HELD_ONLY, "a refcount of 1 needs no search");
    htrail__holders_free(holders);
    text_heap_close(&heap);
}

Test(holders, the_first_objects_are_followed_and_the_rest_counted)
{
    text_heap heap;
    htrail__holders_opts opts;
    text_heap_open(&heap, reloads);
    htrail__holders_opts_init(&opts);
    opts.targets_max = 2;
    htrail__holders *holders = find(&heap, 3, (uint64_t[]){11, 21, 31}, &opts);
    cr_expect_eq(holders->targets, 3);
    cr_expect_eq(holders->targets_followed, 2);
    cr_expect_eq(node_of(holders, 0)->targets, 2);
    htrail__holders_free(holders);
    text_heap_close(&heap);
}

Test(holders, a_database_whose_chain_goes_in_a_circle_is_damaged)
{
    text_heap heap;
    htrail__holders *holders;
    uint64_t id;
    char path[320], message[HTRAIL__MESSAGE_BYTES];
    sqlite3 *db;
    text_heap_open(&heap, reloads);
    id = text_heap_id(&heap, 11);
    htrail__lookup_free(heap.lookup); /* its transaction would see the database as it was */
    snprintf(path, sizeof path, "%s.db", heap.file);
    cr_assert_eq(sqlite3_open(path, &db), SQLITE_OK);
    cr_assert_eq(sqlite3_exec(db, "UPDATE heap_object SET holder = id WHERE holder > 0", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
    cr_assert_eq(htrail__lookup_open(&heap.lookup, htrail__store_db(heap.store), message, sizeof message), HTRAIL_OK, "%s", message);
    cr_expect_eq(htrail__holders_find(&holders, heap.lookup, &id, 1, NULL), HTRAIL_E_CORRUPT);
    cr_expect_null(holders);
    cr_expect_not_null(strstr(htrail__lookup_error(heap.lookup), "held by a later one"));
    text_heap_close(&heap);
}

static void expect_general(const char *name, const char *wanted)
{
    char out[64];
    size_t len = htrail__root_name_general(name, strlen(name), out, sizeof out);
    cr_expect_eq(len, strlen(wanted), "'%.*s'", (int)len, out);
    cr_expect_eq(memcmp(out, wanted, len), 0, "'%.*s'", (int)len, out);
}

Test(holders, the_numbers_of_roots_are_left_out)
{
    expect_general("callback 3 of 20", "callback");
    expect_general("callback 3 of 20, arguments", "callback arguments");
    expect_general("before", "before");
    expect_general("out of memory", "out of memory");
    expect_general("", "");
}

Test(holders, what_lies_below_another_of_a_node_is_retained_once)
{
    text_heap heap;
    text_heap_open(&heap, "1 dict - : value sys 2, value head 10\n"
                          "2 module sys :\n"
                          "10 app.Node - : attr next 11, attr data 20\n"
                          "11 app.Node - : attr next 12, attr data 21\n"
                          "12 app.Node - : attr next 13\n"
                          "13 app.Node - :\n"
                          "20 list - :\n"
                          "21 list - :\n"
                          "root 1 1 modules\n");
    htrail__holders *holders = find(&heap, 4, (uint64_t[]){10, 11, 12, 13}, NULL);
    uint64_t retained = 0, most = 0;
    for (uint32_t i = 0; i < holders->node_count; i++)
        if (strcmp(type_of(&heap, holders, i), "app.Node") == 0) {
            retained = holders->nodes[i].retained_bytes;
            most = retained > most ? retained : most;
        }
    cr_expect_eq(most, 600, "4 nodes and 2 lists of 100 bytes, not %llu", (unsigned long long)most);
    cr_expect_eq(node_of(holders, 3)->objects, node_of(holders, 2)->objects);
    htrail__holders_free(holders);
    text_heap_close(&heap);
}
