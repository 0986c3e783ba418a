/* The shortest chain of an object, how its steps read, and the Python expression for it. */
#include "tests/unit/text_heap.h"

#include "analyze/chain.h"
#include "analyze/expression.h"

static const char program[] =
    "1 dict - : value app 2\n"
    "2 module app : field __dict__ 3\n"
    "3 dict - : value __name__ 50, value keep 4, value Base 20, value handler 30, value g 40, value deep 60\n"
    "4 app.Keep - : attr leak 5, attr class 6, weak - 9\n"
    "5 list - : index - 7, index - 8\n"
    "6 set - : index - 10\n"
    "7 dict - : value it's 11\n"
    "8 dict - : key - 51, value - 12\n"
    "9 app.Weak -\n"
    "10 app.InSet -\n"
    "11 app.Named -\n"
    "12 app.Unnamed -\n"
    "20 type app.Base : field __dict__ 21\n"
    "21 dict - : value run 22, value __doc__ 23, value made 24\n"
    "22 function app.Base.run\n"
    "23 str -\n"
    "24 classmethod - : field __func__ 25\n"
    "25 function app.Base.made\n"
    "30 function app.handler : field __closure__ 31\n"
    "31 tuple - : cell total 32\n"
    "32 cell - : cell - 33\n"
    "33 app.InCell -\n"
    "40 generator - : local item 41\n"
    "41 app.InGenerator -\n"
    "50 str app\n"
    "51 int -\n"
    "60 app.Slots - : slot first 61, field ht_cached_keys 62, field __wrapped__ 63\n"
    "61 app.InSlot -\n"
    "62 app.InC -\n"
    "63 app.Wrapped -\n"
    "70 function app.shutdown : field __globals__ 3, field __kwdefaults__ 71\n"
    "71 app.Default -\n"
    "80 frame - : local x 81, field f_locals 3\n"
    "81 app.Local -\n"
    "90 app.Garbage - : attr other 91\n"
    "91 app.Garbage - : attr other 90\n"
    "root 1 1 modules\n"
    "root 3 70 callback~3~of~20\n"
    "root 2 80 run~at~/srv/app.py:65\n";

static void expect_expression(text_heap *heap, uint64_t number, const char *wanted)
{
    htrail__chain chain;
    htrail__text text;
    bool exists;
    htrail__text_init(&text, 1 << 16);
    cr_assert_eq(htrail__chain_find(&chain, heap->lookup, text_heap_id(heap, number)), HTRAIL_OK);
    cr_assert_eq(htrail__expression_of_chain(&text, &exists, NULL, heap->lookup, &chain), HTRAIL_OK);
    cr_expect_eq(exists, wanted != NULL, "object %llu: '%s'", (unsigned long long)number, htrail__text_string(&text));
    cr_expect_str_eq(htrail__text_string(&text), wanted != NULL ? wanted : "");
    htrail__text_release(&text);
    htrail__chain_release(&chain);
}

Test(chain, an_expression_goes_by_attributes_keys_and_positions)
{
    text_heap heap;
    text_heap_open(&heap, program);
    expect_expression(&heap, 1, "sys.modules");
    expect_expression(&heap, 2, "sys.modules['app']");
    expect_expression(&heap, 3, "sys.modules['app'].__dict__");
    expect_expression(&heap, 7, "sys.modules['app'].keep.leak[0]");
    expect_expression(&heap, 11, "sys.modules['app'].keep.leak[0]['it\\'s']");
    expect_expression(&heap, 61, "sys.modules['app'].deep.first");
    expect_expression(&heap, 63, "sys.modules['app'].deep.__wrapped__");
    expect_expression(&heap, 6, "getattr(sys.modules['app'].keep, 'class')");
    text_heap_close(&heap);
}

Test(chain, what_a_class_holds_is_asked_of_its_dict_where_getattr_answers_otherwise)
{
    text_heap heap;
    text_heap_open(&heap, program);
    expect_expression(&heap, 21, "gc.get_referents(sys.modules['app'].Base.__dict__)[0]");
    expect_expression(&heap, 22, "sys.modules['app'].Base.run");
    expect_expression(&heap, 23, "sys.modules['app'].Base.__dict__['__doc__']");
    expect_expression(&heap, 25, "sys.modules['app'].Base.__dict__['made'].__func__");
    text_heap_close(&heap);
}

Test(chain, closures_and_generators_have_expressions)
{
    text_heap heap;
    text_heap_open(&heap, program);
    expect_expression(&heap, 41, "sys.modules['app'].g.gi_frame.f_locals['item']");
    expect_expression(&heap, 31, "sys.modules['app'].handler.__closure__");
    expect_expression(&heap, 33, "sys.modules['app'].handler.__closure__[sys.modules['app'].handler.__code__.co_freevars.index('total')].cell_contents");
    text_heap_close(&heap);
}

Test(chain, what_has_no_name_is_found_by_its_address)
{
    text_heap heap;
    text_heap_open(&heap, program);
    /* under a key that was not recorded */
    expect_expression(&heap, 12, "next(v for v in sys.modules['app'].keep.leak[1].values() if id(v) == 0x100c0)");
    expect_expression(&heap, 10, "next(v for v in getattr(sys.modules['app'].keep, 'class') if id(v) == 0x100a0)");
    text_heap_close(&heap);
}

Test(chain, there_is_none_for_what_python_cannot_name)
{
    text_heap heap;
    text_heap_open(&heap, program);
    expect_expression(&heap, 62, NULL); /* in a field of C */
    expect_expression(&heap, 71, NULL); /* of an atexit callback */
    expect_expression(&heap, 81, NULL); /* a local variable of a running frame */
    expect_expression(&heap, 90, NULL); /* garbage */
    text_heap_close(&heap);
}

Test(chain, a_namespace_is_the_modules_and_not_its_frames)
{
    text_heap heap;
    htrail__chain chain;
    text_heap_open(&heap, program);
    cr_assert_eq(htrail__chain_find(&chain, heap.lookup, text_heap_id(&heap, 4)), HTRAIL_OK);
    cr_expect_eq(chain.root.kind, HTRAIL_ROOT_MODULES);
    cr_expect_eq(chain.step_count, 4);
    cr_expect_not(chain.garbage);
    htrail__chain_release(&chain);
    text_heap_close(&heap);
}

Test(chain, weak_references_and_cycles_hold_nothing)
{
    text_heap heap;
    htrail__chain chain;
    text_heap_open(&heap, program);
    for (uint64_t number = 90; number < 92; number++) {
        cr_assert_eq(htrail__chain_find(&chain, heap.lookup, text_heap_id(&heap, number)), HTRAIL_OK);
        cr_expect(chain.garbage);
        htrail__chain_release(&chain);
    }
    /* Its count says that something holds it; nothing that is a reference does. */
    cr_assert_eq(htrail__chain_find(&chain, heap.lookup, text_heap_id(&heap, 9)), HTRAIL_OK);
    cr_expect_eq(chain.step_count, 1);
    cr_expect_eq(chain.root.kind, HTRAIL_ROOT_C_REFERENCE);
    htrail__chain_release(&chain);
    text_heap_close(&heap);
}

Test(chain, the_sql_of_a_chain_gives_its_steps)
{
    text_heap heap;
    htrail__chain chain;
    sqlite3_stmt *statement = NULL;
    size_t steps = 0;
    text_heap_open(&heap, program);
    cr_assert_eq(htrail__chain_find(&chain, heap.lookup, text_heap_id(&heap, 11)), HTRAIL_OK);
    cr_assert_eq(sqlite3_prepare_v2(htrail__store_db(heap.store), htrail__chain_sql, -1, &statement, NULL), SQLITE_OK, "%s", sqlite3_errmsg(htrail__store_db(heap.store)));
    sqlite3_bind_int64(statement, 1, (sqlite3_int64)text_heap_id(&heap, 11));
    while (sqlite3_step(statement) == SQLITE_ROW) {
        cr_assert_lt(steps, chain.step_count);
        cr_expect_eq((uint64_t)sqlite3_column_int64(statement, 3), chain.steps[steps].id);
        steps++;
    }
    cr_expect_eq(steps, chain.step_count);
    sqlite3_finalize(statement);
    htrail__chain_release(&chain);
    text_heap_close(&heap);
}

static void expect_label(uint32_t kind, const char *label, uint64_t position, const char *wanted)
{
    htrail__text text;
    htrail__text_init(&text, 1 << 16);
    htrail__chain_label(&text, kind, graph_text_str(label), position);
    cr_expect_str_eq(htrail__text_string(&text), wanted);
    htrail__text_release(&text);
}

Test(chain, labels_read_as_python_writes_them)
{
    expect_label(HTRAIL_REF_VALUE, "app", 0, "['app']");
    expect_label(HTRAIL_REF_VALUE, "a'b\\c\n\x01", 0, "['a\\'b\\\\c\\n\\x01']");
    expect_label(HTRAIL_REF_VALUE, "(int)", 0, "[int key]");
    expect_label(HTRAIL_REF_VALUE, "", 0, "[key]");
    expect_label(HTRAIL_REF_INDEX, "", 7, "[7]");
    expect_label(HTRAIL_REF_INDEX, "", HTRAIL__ANY_POSITION, "[i]");
    expect_label(HTRAIL_REF_STACK, "", 2, "stack[2]");
    expect_label(HTRAIL_REF_ATTR, "q", 0, ".q");
    expect_label(HTRAIL_REF_FIELD, "__globals__", 0, "__globals__");
    expect_label(HTRAIL_REF_LOCAL, "item", 0, "local item");
    expect_label(HTRAIL_REF_CELL, "total", 0, "cell total");
    expect_label(HTRAIL_REF_CELL, "cell_contents", 0, "cell_contents");
    expect_label(HTRAIL_REF_OFFSET, "24", 0, "+24");
    expect_label(HTRAIL_REF_PLAIN, "", 0, "");
}

static void expect_root(const char *kind, const char *name, const char *wanted)
{
    htrail__text text;
    htrail__text_init(&text, 1 << 16);
    htrail__chain_root_text(&text, graph_text_str(kind), graph_text_str(name));
    cr_expect_str_eq(htrail__text_string(&text), wanted);
    htrail__text_release(&text);
}

Test(chain, a_root_says_its_name_once)
{
    expect_root("atexit callback", "callback 3 of 20", "atexit callback 3 of 20");
    expect_root("sys.modules", "modules", "sys.modules");
    expect_root("exception being handled", "being handled", "exception being handled");
    expect_root("frame", "run at server.py:65", "frame run at server.py:65");
    expect_root("interpreter", "", "interpreter");
    expect_root("C code", "codes", "C code codes");
}
