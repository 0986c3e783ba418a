/* Records into arrays. */
#include "tests/unit/small_heap.h"

static void expect_refs(const htrail__graph *graph, uint32_t object, const char *wanted)
{
    char got[512] = "";
    size_t used = 0;
    const htrail__graph_object *o = &graph->objects[object];
    for (uint32_t at = o->first_ref; at < o->first_ref + o->ref_count; at++) {
        uint32_t code = graph->labels[at];
        used += (size_t)snprintf(got + used, sizeof got - used, "%s%d:%u:", used ? " " : "", (int)graph->targets[at], htrail__graph_ref_kind(graph, at));
        if (HTRAIL__LABEL_TAG(code) == HTRAIL__LABEL_ATOM) {
            htrail_str label = htrail__texts_get(&graph->texts, graph->atoms[HTRAIL__LABEL_PAYLOAD(code)].text);
            used += (size_t)snprintf(got + used, sizeof got - used, "%.*s", (int)label.len, label.data);
        } else {
            used += (size_t)snprintf(got + used, sizeof got - used, "%u", HTRAIL__LABEL_PAYLOAD(code));
        }
    }
    cr_expect_str_eq(got, wanted);
}

Test(graph, references_lead_to_numbers_with_their_labels)
{
    small_heap heap;
    small_heap_begin(&heap);
    OBJECT(&heap, 0x1000, T_THING, 1, 0, REF_LABEL(0x2000, FIELD, FIELD(F_X)), REF_LABEL(0x2000, ATTR, HTRAIL_LABEL_OBJECT(0x3000)),
           REF(0x3000, KEY), REF(0x2000, VALUE), REF_LABEL(0x2000, VALUE, HTRAIL_LABEL_OBJECT(0x3000)), REF_LABEL(0x2000, OFFSET, 25));
    LEAF(&heap, 0x2000, T_INT, 1);
    LEAF(&heap, 0x3000, T_STR, 1);
    NAME(&heap, 0x3000, "name", "");
    small_heap_end(&heap);
    htrail__graph *graph = graph_from(&heap);
    expect_refs(graph, 0, "1:6:x 1:4:name 2:2: 1:3:0 1:3:name 1:10:24");
    cr_expect(graph->complete);
    cr_expect_eq(graph->references, 6);
    htrail__graph_free(graph);
}

Test(graph, parts_of_an_object_lie_side_by_side_and_count_on)
{
    small_heap heap;
    small_heap_begin(&heap);
    OBJECT(&heap, 0x1000, T_TUPLE, 1, 0, REF(0x2000, INDEX), REF(0x2000, INDEX));
    LEAF(&heap, 0x2000, T_INT, 1);
    OBJECT(&heap, 0x1000, 0, 0, HTRAIL_OBJECT_CONTINUED, REF(0x2000, INDEX), REF(0x3000, INDEX), REF_LABEL(0x2000, INDEX, 11), REF(0x2000, INDEX));
    LEAF(&heap, 0x3000, T_INT, 1);
    OBJECT(&heap, 0x1000, 0, 0, HTRAIL_OBJECT_CONTINUED, REF(0x3000, INDEX), REF(0x3000, KEY));
    OBJECT(&heap, 0x1000, 0, 0, HTRAIL_OBJECT_CONTINUED, REF(0x3000, VALUE), REF(0x3000, STACK));
    OBJECT(&heap, 0x1000, 0, 0, HTRAIL_OBJECT_CONTINUED, REF(0x3000, VALUE)); /* no key before it */
    small_heap_end(&heap);
    htrail__graph *graph = graph_from(&heap);
    expect_refs(graph, 0, "1:1:0 1:1:1 1:1:2 2:1:3 1:1:10 1:1:11 2:1:12 2:2: 2:3:0 2:11:0 2:3:");
    cr_expect_eq(graph->object_count, 3);
    cr_expect_eq(graph->references, 11);
    htrail__graph_free(graph);
}

Test(graph, what_leads_nowhere_is_counted_and_dropped)
{
    small_heap heap;
    small_heap_begin(&heap);
    OBJECT(&heap, 0x1000, T_TUPLE, 1, 0, REF(0x2000, INDEX), REF(0x9990, INDEX), REF(0x2000, VALUE));
    LEAF(&heap, 0x2000, T_INT, 7);
    LEAF(&heap, 0x2000, T_STR, 8);
    OBJECT(&heap, 0x8880, 0, 0, HTRAIL_OBJECT_CONTINUED, REF(0x2000, INDEX));
    NAME(&heap, 0x7770, "nobody", "");
    ROOT(&heap, 0x7770, MODULES, "");
    ROOT(&heap, 0x1000, MODULES, "");
    small_heap_end(&heap);
    htrail__graph *graph = graph_from(&heap);
    expect_refs(graph, 0, "1:1:0 -1:1:1 1:3:");
    cr_expect_eq(graph->object_count, 2);
    cr_expect_eq(graph->objects[1].refcount, 7, "the first of two objects at one address counts");
    cr_expect_eq(graph->references, 2);
    cr_expect_eq(graph->references_dangling, 1);
    cr_expect_eq(graph->objects_duplicate, 1);
    cr_expect_eq(graph->parts_lost, 1);
    cr_expect_eq(graph->names_dangling, 1);
    cr_expect_eq(graph->roots_dangling, 1);
    cr_expect_eq(graph->root_count, 1);
    htrail__graph_free(graph);
}

Test(graph, a_type_says_where_its_objects_keep_their_names)
{
    small_heap heap;
    small_heap_begin(&heap);
    htrail_writer_add_type(heap.writer, &(htrail_type){.id = 0xa00, .name = text("method"), .module = text("builtins"),
                                                       .name_label = FIELD(F_X), .module_label = FIELD(F_DICT)});
    OBJECT(&heap, 0x1000, 0xa00, 1, 0, REF_LABEL(0x3000, FIELD, FIELD(F_X)), REF_LABEL(0x4000, FIELD, FIELD(F_DICT)));
    LEAF(&heap, 0x3000, T_STR, 1);
    NAME(&heap, 0x3000, "run", "");
    LEAF(&heap, 0x4000, T_STR, 1);
    NAME(&heap, 0x4000, "app.main", "");
    small_heap_end(&heap);
    htrail__graph *graph = graph_from(&heap);
    cr_assert_neq(graph->name_of[0], 0);
    const htrail__graph_name *name = &graph->names[graph->name_of[0] - 1];
    cr_expect_eq(htrail__texts_get(&graph->texts, name->name).len, 3);
    cr_expect_eq(htrail__texts_get(&graph->texts, name->module).len, 8);
    htrail__graph_free(graph);
}

Test(graph, past_a_limit_it_says_so)
{
    small_heap heap;
    char message[512] = "";
    small_heap_begin(&heap);
    OBJECT(&heap, 0x1000, T_TUPLE, 1, 0, REF(0x2000, INDEX), REF(0x2000, INDEX));
    LEAF(&heap, 0x2000, T_INT, 1);
    small_heap_end(&heap);
    cr_assert_null(graph_of(heap.data, heap.len, &(htrail__graph_opts){.name = "a.htrail", .objects_max = 1}, HTRAIL_E_LIMIT, message, sizeof message));
    cr_expect_str_eq(message, "cannot load 'a.htrail': more than 1 objects");
    cr_assert_null(graph_of(heap.data, heap.len, &(htrail__graph_opts){.refs_max = 1}, HTRAIL_E_LIMIT, message, sizeof message));
    cr_expect_str_eq(message, "cannot load 'snapshot': more than 1 references");
}

Test(graph, a_file_that_was_cut_gives_what_was_before)
{
    small_heap heap;
    char message[512] = "";
    uint32_t most = 0;
    small_heap_begin(&heap);
    for (htrail_id i = 0; i < 50000; i++)
        OBJECT(&heap, 0x100000 + 64 * i, T_TUPLE, 1, 0, REF(0x100000 + 64 * (i * 7919 % 50000), INDEX));
    small_heap_end(&heap);
    for (size_t len = 64; len < heap.len; len += heap.len / 50) {
        htrail__graph *graph = graph_of(heap.data, len, NULL, HTRAIL_OK, message, sizeof message);
        cr_expect_not(graph->complete);
        cr_expect_neq(graph->cut[0], '\0');
        most = graph->object_count > most ? graph->object_count : most;
        htrail__graph_free(graph);
    }
    cr_expect_gt(most, 0);
}

Test(graph, numbers_chosen_to_meet_in_one_slot_do_not, .timeout = 20)
{
    const uint64_t multiplier = UINT64_C(0x9e3779b97f4a7c15);
    uint64_t inverse = multiplier;
    small_heap heap;
    small_heap_begin(&heap);
    for (int i = 0; i < 6; i++)
        inverse *= 2 - multiplier * inverse;
    for (uint64_t i = 1; i <= 200000; i++)
        htrail_writer_add_type(heap.writer, &(htrail_type){.id = inverse * i, .name = text("T")});
    small_heap_end(&heap);
    htrail__graph *graph = graph_from(&heap);
    cr_expect_geq(graph->type_count, 200000);
    htrail__graph_free(graph);
}
