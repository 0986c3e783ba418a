/* Names, modules, closure cells. */
#include "tests/unit/small_heap.h"

#include "analyze/naming.h"

static htrail__graph *graph;
static htrail__naming naming;

static const char *text_of(uint32_t number)
{
    static char out[128];
    htrail_str got = htrail__texts_get(&graph->texts, number);
    snprintf(out, sizeof out, "%.*s", (int)got.len, got.data);
    return out;
}

static void name(small_heap *heap)
{
    small_heap_end(heap);
    graph = graph_from(heap);
    cr_assert_eq(htrail__naming_build(&naming, graph), HTRAIL_OK);
}

#define EXPECT_MODULE(object, wanted) cr_expect_str_eq(text_of(naming.module_of[object]), wanted)

Test(naming, functions_classes_and_modules_say_theirs_and_dicts_their_owners)
{
    small_heap heap;
    small_heap_begin(&heap);
    OBJECT(&heap, 0x1000, T_MODULE, 1, 0, REF_LABEL(0x2000, FIELD, FIELD(F_DICT))); /* 0: module logging */
    NAME(&heap, 0x1000, "logging", "");
    LEAF(&heap, 0x2000, T_DICT, 1);                                                 /* 1 */
    OBJECT(&heap, 0x3000, T_TYPE, 1, 0, REF_LABEL(0x4000, FIELD, FIELD(F_DICT)));   /* 2: class app.Thing */
    NAME(&heap, 0x3000, "Thing", "app");
    LEAF(&heap, 0x4000, T_DICT, 1);                                                 /* 3 */
    OBJECT(&heap, 0x5000, T_FUNCTION, 1, 0, REF_LABEL(0x6000, FIELD, FIELD(F_GLOBALS))); /* 4: function of a gone module */
    NAME(&heap, 0x5000, "run.<locals>.f", "gone");
    LEAF(&heap, 0x6000, T_DICT, 1);                                                 /* 5 */
    OBJECT(&heap, 0x7000, T_DICT, 1, 0, REF(0x8000, KEY), REF(0x9000, VALUE));      /* 6: says __name__ */
    LEAF(&heap, 0x8000, T_STR, 1);                                                  /* 7 */
    NAME(&heap, 0x8000, "__name__", "");
    LEAF(&heap, 0x9000, T_STR, 1);                                                  /* 8 */
    NAME(&heap, 0x9000, "stale", "");
    LEAF(&heap, 0xa000, T_DICT, 1);                                                 /* 9: nobody's */
    OBJECT(&heap, 0xb000, T_THING, 1, 0, REF_LABEL(0xa000, FIELD, FIELD(F_DICT)));  /* 10 */
    OBJECT(&heap, 0xc000, T_FUNCTION, 1, 0, REF_LABEL(0x2000, FIELD, FIELD(F_GLOBALS))); /* 11: its owner knows better */
    NAME(&heap, 0xc000, "f", "not_logging");
    name(&heap);
    EXPECT_MODULE(0, "logging");
    EXPECT_MODULE(1, "logging");
    EXPECT_MODULE(2, "app");
    EXPECT_MODULE(3, "app");
    EXPECT_MODULE(4, "gone");
    EXPECT_MODULE(5, "gone");
    EXPECT_MODULE(6, "stale");
    EXPECT_MODULE(7, "builtins");
    EXPECT_MODULE(9, "builtins");
    EXPECT_MODULE(10, "app");
    cr_expect_str_eq(text_of(naming.full_name[graph->name_of[4] - 1]), "gone.run.<locals>.f");
    cr_expect_str_eq(text_of(naming.full_name[graph->name_of[0] - 1]), "logging");
    htrail__naming_release(&naming);
    htrail__graph_free(graph);
}

Test(naming, items_of_a_closure_have_the_names_of_its_variables)
{
    small_heap heap;
    small_heap_begin(&heap);
    OBJECT(&heap, 0x1000, T_FUNCTION, 1, 0, REF_LABEL(0x2000, FIELD, FIELD(F_CODE)), REF_LABEL(0x3000, FIELD, FIELD(F_CLOSURE)));
    OBJECT(&heap, 0x2000, T_CODE, 1, 0, REF_LABEL(0x4000, FIELD, FIELD(F_NAMES)));
    OBJECT(&heap, 0x3000, T_TUPLE, 1, 0, REF(0x5000, INDEX), REF(0x6000, INDEX));                   /* 2 */
    OBJECT(&heap, 0x4000, T_TUPLE, 1, 0, REF(0x7000, INDEX), REF(0x8000, INDEX), REF(0x9000, INDEX));
    LEAF(&heap, 0x5000, T_INT, 1);
    LEAF(&heap, 0x6000, T_INT, 1);
    LEAF(&heap, 0x7000, T_STR, 1);
    NAME(&heap, 0x7000, "argument", "");
    LEAF(&heap, 0x8000, T_STR, 1);
    NAME(&heap, 0x8000, "first", "");
    LEAF(&heap, 0x9000, T_STR, 1);
    NAME(&heap, 0x9000, "second", "");
    name(&heap);
    uint32_t place = graph->objects[2].first_ref;
    cr_expect_eq(htrail__graph_ref_kind(graph, place), HTRAIL_REF_CELL);
    cr_expect_str_eq(text_of(graph->atoms[HTRAIL__LABEL_PAYLOAD(graph->labels[place])].text), "first");
    cr_expect_eq(htrail__graph_ref_kind(graph, place + 1), HTRAIL_REF_CELL);
    cr_expect_str_eq(text_of(graph->atoms[HTRAIL__LABEL_PAYLOAD(graph->labels[place + 1])].text), "second");
    htrail__naming_release(&naming);
    htrail__graph_free(graph);
}

/* As many steps as there are functions and cells, not as their product: a file of 700 bytes can say this. */
Test(naming, a_closure_and_a_code_that_all_functions_share_are_looked_into_once, .timeout = 20)
{
    enum { FUNCTIONS = 50000, CELLS = 400000, PART = 1000 };
    static htrail_ref refs[PART];
    small_heap heap;
    small_heap_begin(&heap);
    for (unsigned i = 0; i < PART; i++)
        refs[i] = (htrail_ref)REF(0x5000, INDEX);
    for (htrail_id tuple = 0x2000; tuple <= 0x3000; tuple += 0x1000)
        for (unsigned i = 0; i < CELLS; i += PART)
            small_heap_add(&heap, tuple, T_TUPLE, 1, i ? HTRAIL_OBJECT_CONTINUED : 0, refs, PART);
    OBJECT(&heap, 0x4000, T_CODE, 1, 0, REF_LABEL(0x3000, FIELD, FIELD(F_NAMES)));
    LEAF(&heap, 0x5000, T_STR, 1);
    for (htrail_id i = 0; i < FUNCTIONS; i++)
        OBJECT(&heap, 0x100000 + 64 * i, T_FUNCTION, 1, 0, REF_LABEL(0x4000, FIELD, FIELD(F_CODE)), REF_LABEL(0x2000, FIELD, FIELD(F_CLOSURE)));
    name(&heap);
    htrail__naming_release(&naming);
    htrail__graph_free(graph);
}
