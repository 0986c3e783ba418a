/* What is drawn, and the bounds that keep it readable. */
#include "tests/unit/text_heap.h"

#include "analyze/holders.h"
#include "analyze/select.h"
#include "analyze/text.h"
#include "viz/cards.h"
#include "viz/model.h"

/* The picture of all objects of a type. */
static void draw(text_heap *heap, const char *selector_text, const htrail__model_opts *opts, htrail__picture *picture)
{
    char message[HTRAIL__MESSAGE_BYTES];
    htrail__selector selector;
    htrail__selection selection = {0};
    htrail__holders *holders;
    cr_assert_eq(htrail__selector_parse(&selector, selector_text, message, sizeof message), HTRAIL_OK);
    cr_assert_eq(htrail__select(&selection, htrail__store_db(heap->store), &selector, message, sizeof message), HTRAIL_OK, "%s", message);
    cr_assert_eq(htrail__holders_find(&holders, heap->lookup, selection.ids, selection.count, NULL), HTRAIL_OK);
    cr_assert_eq(htrail__model_build(picture, heap->lookup, holders, "What?", "subtitle", opts), HTRAIL_OK);
    htrail__holders_free(holders);
    htrail__selection_release(&selection);
}

static const htrail__card *card_titled(const htrail__picture *picture, const char *title)
{
    for (size_t i = 0; i < picture->card_count; i++)
        if (strcmp(picture->cards[i].title, title) == 0)
            return &picture->cards[i];
    return NULL;
}

/* All cards but `more` are reached from a root or a `more` card, and no arrow leads astray. */
static void expect_sound(const htrail__picture *picture)
{
    bool *reached = calloc(picture->card_count + 1, sizeof *reached), changed = true;
    for (size_t i = 0; i < picture->card_count; i++)
        reached[i] = picture->cards[i].kind == HTRAIL__CARD_ROOT || picture->cards[i].kind == HTRAIL__CARD_MORE;
    while (changed) {
        changed = false;
        for (size_t i = 0; i < picture->arrow_count; i++) {
            const htrail__arrow *arrow = &picture->arrows[i];
            cr_assert_lt(arrow->from, picture->card_count);
            cr_assert_lt(arrow->to, picture->card_count);
            if (reached[arrow->from] && !reached[arrow->to])
                reached[arrow->to] = changed = true;
        }
    }
    for (size_t i = 0; i < picture->card_count; i++)
        cr_expect(reached[i], "card '%s' hangs in the air", picture->cards[i].title);
    free(reached);
}

Test(model, cards_say_type_name_count_length_refcount_and_bytes)
{
    text_heap heap;
    htrail__picture picture;
    text_heap_open(&heap, "1 dict - : value app 2\n"
                           "2 module app : field __dict__ 3\n"
                           "3 dict - : value __name__ 8, value tasks 4\n"
                           "4 list - : index - 5, index - 6\n"
                           "5 app.Task -\n"
                           "6 app.Task -\n"
                           "8 str app\n"
                           "root 1 1 modules\n");
    draw(&heap, "type:app.Task", NULL, &picture);
    expect_sound(&picture);
    cr_assert_eq(picture.card_count, 5);
    cr_expect_str_eq(picture.cards[0].title, "sys.modules");
    cr_expect_eq(picture.cards[0].kind, HTRAIL__CARD_ROOT);
    cr_expect_str_eq(picture.cards[1].title, "module app");
    cr_expect_str_eq(picture.cards[2].title, "dict of module app");
    cr_expect_eq(picture.cards[2].kind, HTRAIL__CARD_MODULE);
    cr_expect_str_eq(picture.cards[3].title, "list");
    cr_expect_str_eq(picture.cards[3].detail, "2 items");
    const htrail__card *tasks = &picture.cards[4];
    cr_expect_str_eq(tasks->title, "app.Task");
    cr_expect_str_eq(tasks->count, "× 2");
    cr_expect_str_eq(tasks->bytes, "200 B");
    cr_expect(tasks->suspect);
    cr_expect_not(picture.cards[3].suspect);
    cr_expect_str_eq(picture.arrows[3].label, "[i]");
    cr_expect_eq(picture.arrows[3].hold, HTRAIL__HOLD_ONLY);
    cr_expect_str_eq(picture.arrows[2].label, "['tasks']");
    cr_expect_gt(tasks->share, 0.25);
    cr_expect_lt(tasks->share, 0.3);
    htrail__picture_release(&picture);
    text_heap_close(&heap);
}

Test(model, the_variables_of_a_frame_are_a_module_only_where_it_runs_one)
{
    text_heap heap;
    htrail__picture picture;
    text_heap_open(&heap, "1 generator - : field f_locals 2\n"
                           "2 dict - : value a 5\n"
                           "3 frame - : field f_locals 4\n"
                           "4 dict - : value b 6\n"
                           "5 app.Task -\n"
                           "6 app.Task -\n"
                           "root 11 1 x\n"
                           "root 2 3 <module>~at~/srv/a_long_name_of_a_module.py:65\n");
    draw(&heap, "type:app.Task", NULL, &picture);
    expect_sound(&picture);
    size_t modules = 0, containers = 0;
    for (size_t i = 0; i < picture.card_count; i++) {
        modules += picture.cards[i].kind == HTRAIL__CARD_MODULE;
        containers += picture.cards[i].kind == HTRAIL__CARD_CONTAINER;
    }
    cr_expect_eq(modules, 1);
    cr_expect_eq(containers, 1);
    cr_expect_not_null(card_titled(&picture, "frame <module>…e_of_a_module.py:65"));
    htrail__picture_release(&picture);
    text_heap_close(&heap);
}

Test(model, too_many_kinds_of_siblings_are_counted_on_one_card)
{
    text_heap heap;
    htrail__picture picture;
    htrail__text lines;
    htrail__text_init(&lines, 1 << 20);
    htrail__text_add_string(&lines, "1 dict - :");
    for (int i = 0; i < 30; i++)
        htrail__text_format(&lines, "%s value key%d %d", i ? "," : "", i, 100 + i);
    htrail__text_add_string(&lines, "\n");
    for (int i = 0; i < 30; i++)
        htrail__text_format(&lines, "%d app.A -\n", 100 + i);
    htrail__text_add_string(&lines, "root 11 1 x\n");
    text_heap_open(&heap, htrail__text_string(&lines));
    draw(&heap, "type:app.A", NULL, &picture);
    expect_sound(&picture);
    cr_expect_eq(picture.card_count, 1 + 1 + 5 + 1);
    cr_expect_not_null(card_titled(&picture, "25 more kinds, 25 objects"));
    htrail__picture_release(&picture);
    text_heap_close(&heap);
    htrail__text_release(&lines);
}

/* A dict with lists: the first has 1,000 invoices, the others one object each. */
static void open_shares(text_heap *heap, int others)
{
    htrail__text lines;
    htrail__text_init(&lines, 1 << 20);
    htrail__text_add_string(&lines, "root 11 1 x\n1 dict - : value many 2");
    for (int i = 0; i < others; i++)
        htrail__text_format(&lines, ", value key%d %d", i, 10 + i);
    htrail__text_add_string(&lines, "\n2 list - : ");
    for (int i = 0; i < 1000; i++)
        htrail__text_format(&lines, "%s index - %d", i ? "," : "", 1000 + i);
    htrail__text_add_string(&lines, "\n");
    for (int i = 0; i < 1000; i++)
        htrail__text_format(&lines, "%d app.Invoice -\n", 1000 + i);
    for (int i = 0; i < others; i++)
        htrail__text_format(&lines, "%d list - : index - %d\n%d app.%s -\n", 10 + i, 20 + i, 20 + i, i == 0 ? "Socket" : "Invoice");
    text_heap_open(heap, htrail__text_string(&lines));
    htrail__text_release(&lines);
}

static void draw_shares(int others, size_t group_count, bool *socket_drawn, htrail__picture *picture)
{
    text_heap heap;
    char message[HTRAIL__MESSAGE_BYTES];
    htrail__selector selector;
    htrail__selection selection = {0};
    htrail__holders *holders;
    htrail__model_opts opts;
    size_t ends[2];
    open_shares(&heap, others);
    htrail__model_opts_init(&opts);
    for (size_t i = 0; i < 2; i++) {
        cr_assert_eq(htrail__selector_parse(&selector, i == 0 ? "type:Invoice" : "type:Socket", message, sizeof message), HTRAIL_OK);
        cr_assert_eq(htrail__select(&selection, htrail__store_db(heap.store), &selector, message, sizeof message), HTRAIL_OK, "%s", message);
        ends[i] = selection.count;
    }
    opts.group_ends = ends;
    opts.group_count = group_count;
    cr_assert_eq(htrail__holders_find(&holders, heap.lookup, selection.ids, selection.count, NULL), HTRAIL_OK);
    cr_assert_eq(htrail__model_build(picture, heap.lookup, holders, "What?", "subtitle", &opts), HTRAIL_OK);
    *socket_drawn = card_titled(picture, "app.Socket") != NULL;
    expect_sound(picture);
    htrail__holders_free(holders);
    htrail__selection_release(&selection);
    text_heap_close(&heap);
}

Test(model, of_each_selector_something_is_drawn)
{
    htrail__picture picture;
    bool drawn;
    draw_shares(8, 0, &drawn, &picture);
    cr_expect_not(drawn);
    cr_expect_not_null(card_titled(&picture, "8 more kinds, 8 objects"));
    htrail__picture_release(&picture);
    draw_shares(8, 2, &drawn, &picture);
    cr_expect(drawn);
    cr_expect_not_null(card_titled(&picture, "7 more kinds, 7 objects"));
    htrail__picture_release(&picture);
}

Test(model, a_single_kind_is_drawn_in_the_place_of_its_count)
{
    htrail__picture picture;
    bool drawn;
    draw_shares(1, 0, &drawn, &picture);
    cr_expect(drawn);
    for (size_t i = 0; i < picture.card_count; i++)
        cr_expect_neq(picture.cards[i].kind, HTRAIL__CARD_MORE);
    htrail__picture_release(&picture);
}

/* Lists in lists: level 0 is a root, each holds `width` of the next level by names of its own. */
static void open_levels(text_heap *heap, int levels, int width)
{
    htrail__text lines;
    int first = 1, count = 1;
    htrail__text_init(&lines, 1 << 22);
    htrail__text_add_string(&lines, "root 11 1 x\n");
    for (int level = 0; level < levels; level++) {
        for (int i = 0; i < count; i++) {
            htrail__text_format(&lines, "%d app.Level%d - :", first + i, level);
            for (int k = 0; k < width; k++)
                htrail__text_format(&lines, "%s attr field%d %d", k ? "," : "", i * width + k, first + count + i * width + k);
            htrail__text_add_string(&lines, "\n");
        }
        first += count;
        count *= width;
    }
    for (int i = 0; i < count; i++)
        htrail__text_format(&lines, "%d app.Target -\n", first + i);
    text_heap_open(heap, htrail__text_string(&lines));
    htrail__text_release(&lines);
}

Test(model, a_picture_has_at_most_forty_cards_and_six_or_seven_a_rank)
{
    enum { LEVELS = 9 };
    text_heap heap;
    htrail__picture picture;
    open_levels(&heap, LEVELS, 2);
    draw(&heap, "type:app.Target", NULL, &picture);
    expect_sound(&picture);
    cr_expect_leq(picture.card_count, 40 + 3, "%zu cards", picture.card_count);
    int at_level[LEVELS + 1] = {0};
    for (size_t i = 0; i < picture.card_count; i++)
        for (int level = 0; level <= LEVELS; level++) {
            char title[32];
            snprintf(title, sizeof title, level < LEVELS ? "app.Level%d" : "app.Target", level);
            at_level[level] += strcmp(picture.cards[i].title, title) == 0;
        }
    for (int level = 0; level <= LEVELS; level++)
        cr_expect_leq(at_level[level], 6 + 1, "%d on level %d", at_level[level], level);
    cr_expect_gt(at_level[LEVELS], 0, "what was asked for is drawn");
    htrail__picture_release(&picture);
    text_heap_close(&heap);
}

static void open_chain(text_heap *heap, int length)
{
    htrail__text lines;
    htrail__text_init(&lines, 1 << 22);
    htrail__text_add_string(&lines, "root 11 1 x\n");
    for (int i = 1; i < length; i++)
        htrail__text_format(&lines, "%d app.Step%d - : attr next 1%s%d\n", i == 1 ? 1 : 100000 + i, i % 50, i + 1 >= 100000 ? "" : i + 1 >= 10000 ? "" : i + 1 >= 1000 ? "0" : i + 1 >= 100 ? "00" : i + 1 >= 10 ? "000" : "0000", i + 1);
    htrail__text_format(&lines, "%d app.Target -\n", 100000 + length);
    text_heap_open(heap, htrail__text_string(&lines));
    htrail__text_release(&lines);
}

Test(model, the_middle_of_a_long_chain_is_left_out)
{
    text_heap heap;
    htrail__picture picture;
    open_chain(&heap, 45);
    draw(&heap, "type:app.Target", NULL, &picture);
    expect_sound(&picture);
    cr_expect_leq(picture.card_count, 10, "%zu cards", picture.card_count);
    cr_expect_not_null(card_titled(&picture, "app.Step1"));
    cr_expect_not_null(card_titled(&picture, "app.Step44"));
    cr_expect_not_null(card_titled(&picture, "38 steps left out"));
    cr_expect_not_null(card_titled(&picture, "app.Target"));
    htrail__picture_release(&picture);
    text_heap_close(&heap);
}

Test(model, max_depth_draws_so_many_references_up)
{
    text_heap heap;
    htrail__picture picture;
    htrail__model_opts opts;
    htrail__model_opts_init(&opts);
    opts.depth_max = 2;
    open_chain(&heap, 20);
    draw(&heap, "type:app.Target", &opts, &picture);
    expect_sound(&picture);
    cr_expect_eq(picture.card_count, 4);
    cr_expect_not_null(card_titled(&picture, "app.Step18"));
    cr_expect_null(card_titled(&picture, "app.Step17"));
    const htrail__card *rest = card_titled(&picture, "interpreter x");
    cr_assert_not_null(rest);
    cr_expect_eq(rest->kind, HTRAIL__CARD_MORE);
    cr_expect_str_eq(rest->detail, "18 steps up");
    htrail__picture_release(&picture);
    text_heap_close(&heap);
}

Test(model, names_are_cut_in_the_card_and_whole_in_the_tooltip)
{
    text_heap heap;
    htrail__picture picture;
    char lines[512], name[90];
    memset(name, 'n', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    snprintf(lines, sizeof lines, "1 frame - pseudo : index - 2\n2 function app.%s\nroot 2 1 run~at~/a/very/long/folder/of/some/server.py:65\n", name);
    text_heap_open(&heap, lines);
    draw(&heap, "type:function", NULL, &picture);
    const htrail__card *function = &picture.cards[1];
    cr_expect_null(strstr(function->title, name));
    cr_expect_not_null(strstr(function->title, "…"));
    cr_expect_not_null(strstr(function->whole, name));
    cr_expect_str_eq(picture.cards[0].title, "frame run at server.py:65");
    cr_expect_not_null(strstr(picture.cards[0].whole, "/a/very/long/folder"));
    htrail__picture_release(&picture);
    text_heap_close(&heap);
}

Test(model, a_long_frame_keeps_the_name_of_its_function)
{
    static const char *const frames[][2] = {
        {"frame run at server.py:65", "frame run at server.py:65"},
        {"frame Thread._bootstrap at threading.py:1002", "frame Thread._bootstrap…g.py:1002"},
        {"frame Thread._bootstrap_inner at threading.py:1045", "frame Thread._bootstrap_inner:1045"},
        {"frame ThreadPoolExecutor._adjust_thread_count at thread.py:197", "frame ThreadPoolExecutor._adjust_thread_count:197"},
    };
    for (size_t i = 0; i < sizeof frames / sizeof *frames; i++) {
        htrail__text text;
        htrail__text_init(&text, 1 << 10);
        htrail__text_add_string(&text, frames[i][0]);
        htrail__cards_shorten_frame(&text, 33 + (i == 2));
        cr_expect_str_eq(htrail__text_string(&text), frames[i][1]);
        htrail__text_release(&text);
    }
}

/* Three objects, each held by four lists of which each has a root of its own. */
Test(model, roots_of_other_holders_stand_side_by_side_as_far_as_there_is_room)
{
    enum { OBJECTS = 3, LISTS = 4, SIDE_BY_SIDE = 6 };
    text_heap heap;
    htrail__picture picture;
    htrail__text lines;
    size_t roots = 0;
    unsigned more = 0;
    htrail__text_init(&lines, 1 << 12);
    for (unsigned i = 0; i < OBJECTS; i++) {
        htrail__text_format(&lines, "%u app.Shared%c - :\n", 100 + i, 'A' + i);
        for (unsigned k = 1; k <= LISTS; k++)
            htrail__text_format(&lines, "%u list - : index - %u\nroot 11 %u hook%c\n", i * LISTS + k, 100 + i, i * LISTS + k, 'a' + i * LISTS + k);
    }
    text_heap_open(&heap, htrail__text_string(&lines));
    draw(&heap, "where:type LIKE 'app.Shared%'", NULL, &picture);
    expect_sound(&picture);
    for (size_t i = 0; i < picture.card_count; i++) {
        const char *detail = picture.cards[i].detail, *holders = detail == NULL ? NULL : strstr(detail, " more holder");
        roots += picture.cards[i].kind == HTRAIL__CARD_ROOT;
        while (holders != NULL && holders > detail && holders[-1] >= '0' && holders[-1] <= '9')
            holders--;
        more += holders == NULL ? 0 : (unsigned)strtoul(holders, NULL, 10);
    }
    cr_expect_eq(roots, SIDE_BY_SIDE, "%zu roots", roots);
    cr_expect_eq(more, OBJECTS * LISTS - SIDE_BY_SIDE, "what is not drawn is counted: %u", more);
    htrail__picture_release(&picture);
    htrail__text_release(&lines);
    text_heap_close(&heap);
}

Test(model, garbage_says_that_it_is)
{
    text_heap heap;
    htrail__picture picture;
    text_heap_open(&heap, "1 list - :\n"
                           "2 app.Ring - : attr next 3\n"
                           "3 app.Ring - : attr next 2\n"
                           "root 11 1 x\n");
    draw(&heap, "type:app.Ring", NULL, &picture);
    cr_expect_not_null(card_titled(&picture, "nothing: garbage not yet collected"));
    htrail__picture_release(&picture);
    text_heap_close(&heap);
}
