/* Which objects an OBJECT of the command line means. */
#include "tests/unit/text_heap.h"

#include "analyze/select.h"

/* Two copies of module app, the first of them no longer in sys.modules; app.Task is a type. */
static const char two_copies[] =
    "1 dict - : value app 2, value sys 9\n"
    "2 module app : field __dict__ 3\n"
    "3 dict - : value __name__ 8, value task 5\n"
    "5 app.Task -\n"
    "6 other.Task -\n"
    "8 str app\n"
    "9 module sys :\n"
    "10 function app.shutdown : field __globals__ 12\n"
    "11 module app : field __dict__ 12\n"
    "12 dict - : value __name__ 8, value self 11, value task 6\n"
    "13 dict - : value __module__ 8, value __name__ 8\n"
    "root 1 1 modules\n"
    "root 3 10 callback~1~of~1\n"
    "root 2 13 x\n";

static htrail_status find(text_heap *heap, const char *text, htrail__selection *selection, char *message)
{
    htrail__selector selector;
    htrail_status status = htrail__selector_parse(&selector, text, message, HTRAIL__MESSAGE_BYTES);
    return status == HTRAIL_OK ? htrail__select(selection, htrail__store_db(heap->store), &selector, message, HTRAIL__MESSAGE_BYTES) : status;
}

static void expect(text_heap *heap, const char *text, size_t count, const uint64_t *numbers)
{
    char message[HTRAIL__MESSAGE_BYTES];
    htrail__selection selection = {0};
    cr_assert_eq(find(heap, text, &selection, message), HTRAIL_OK, "%s: %s", text, message);
    cr_expect_eq(selection.count, count, "%s: %zu objects", text, selection.count);
    for (size_t i = 0; i < count && i < selection.count; i++)
        cr_expect_eq(selection.ids[i], text_heap_id(heap, numbers[i]), "%s: object %zu", text, i);
    htrail__selection_release(&selection);
}

static void expect_error(text_heap *heap, const char *text, htrail_status wanted, const char *part)
{
    char message[HTRAIL__MESSAGE_BYTES] = "";
    htrail__selection selection = {0};
    cr_expect_eq(find(heap, text, &selection, message), wanted, "%s", text);
    cr_expect_not_null(strstr(message, part), "%s: '%s'", text, message);
    htrail__selection_release(&selection);
}

Test(select, an_object_is_found_by_its_address_and_by_its_id)
{
    text_heap heap;
    char text[64];
    text_heap_open(&heap, two_copies);
    snprintf(text, sizeof text, "0x%llx", (unsigned long long)text_heap_address(5));
    expect(&heap, text, 1, (uint64_t[]){5});
    snprintf(text, sizeof text, "id:%llu", (unsigned long long)text_heap_id(&heap, 6));
    expect(&heap, text, 1, (uint64_t[]){6});
    text_heap_close(&heap);
}

Test(select, a_type_is_found_by_its_full_name_or_its_last_part)
{
    text_heap heap;
    text_heap_open(&heap, two_copies);
    expect(&heap, "type:app.Task", 1, (uint64_t[]){5});
    uint64_t tasks[2] = {5, 6};
    if (text_heap_id(&heap, 5) > text_heap_id(&heap, 6)) {
        tasks[0] = 6;
        tasks[1] = 5;
    }
    expect(&heap, "type:Task", 2, tasks);
    text_heap_close(&heap);
}

Test(select, stale_copies_of_a_module_and_their_namespaces_come_first)
{
    text_heap heap;
    char message[HTRAIL__MESSAGE_BYTES];
    htrail__selection selection = {0};
    text_heap_open(&heap, two_copies);
    cr_assert_eq(find(&heap, "module:app", &selection, message), HTRAIL_OK, "%s", message);
    cr_expect_eq(selection.count, 4);
    cr_expect_eq(selection.stale, 2);
    cr_expect_eq(selection.ids[0], text_heap_id(&heap, 12), "the namespace, which holds the module");
    cr_expect_eq(selection.ids[1], text_heap_id(&heap, 11));
    cr_expect_eq(selection.ids[2], text_heap_id(&heap, 2));
    cr_expect_eq(selection.ids[3], text_heap_id(&heap, 3));
    htrail__selection_release(&selection);
    text_heap_close(&heap);
}

Test(select, an_expression_is_asked_of_the_object_table)
{
    text_heap heap;
    text_heap_open(&heap, two_copies);
    expect(&heap, "where:type = 'other.Task'", 1, (uint64_t[]){6});
    expect(&heap, "where:type = 'other.Task' -- and no more", 1, (uint64_t[]){6});
    expect_error(&heap, "where:type = ", HTRAIL_E_MISUSE, "type = ");
    expect_error(&heap, "where:1); DELETE FROM snapshot; --", HTRAIL_E_MISUSE, "DELETE");
    expect_error(&heap, "where:no_such_column = 1", HTRAIL_E_MISUSE, "no_such_column");
    text_heap_close(&heap);
}

Test(select, what_is_not_there_and_what_is_no_selector_are_said_in_a_sentence)
{
    text_heap heap;
    text_heap_open(&heap, two_copies);
    expect_error(&heap, "type:Nothing", HTRAIL_E_NOT_FOUND, "'Nothing'");
    expect_error(&heap, "module:nothing", HTRAIL_E_NOT_FOUND, "'nothing'");
    expect_error(&heap, "id:999999", HTRAIL_E_NOT_FOUND, "999999");
    expect_error(&heap, "0xdead", HTRAIL_E_NOT_FOUND, "0xdead");
    expect_error(&heap, "where:0", HTRAIL_E_NOT_FOUND, "no object fits: 0");
    expect_error(&heap, "Task", HTRAIL_E_MISUSE, "'Task'");
    expect_error(&heap, "type:", HTRAIL_E_MISUSE, "nothing after");
    expect_error(&heap, "id:12x", HTRAIL_E_MISUSE, "no id");
    expect_error(&heap, "0x-1", HTRAIL_E_MISUSE, "no address");
    expect_error(&heap, "0x11112222333344445", HTRAIL_E_MISUSE, "no address");
    text_heap_close(&heap);
}

Test(select, an_object_named_twice_is_meant_once)
{
    text_heap heap;
    char message[HTRAIL__MESSAGE_BYTES];
    htrail__selection selection = {0};
    text_heap_open(&heap, two_copies);
    cr_assert_eq(find(&heap, "type:app.Task", &selection, message), HTRAIL_OK);
    cr_assert_eq(find(&heap, "type:Task", &selection, message), HTRAIL_OK);
    cr_expect_eq(selection.count, 2);
    cr_expect_eq(selection.ids[0], text_heap_id(&heap, 5));
    cr_expect_eq(selection.ids[1], text_heap_id(&heap, 6));
    htrail__selection_release(&selection);
    text_heap_close(&heap);
}
