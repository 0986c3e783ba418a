/* Which rows are one thread, which threads one stack, and what those alone hold. */
#include "tests/unit/small_heap.h"

static void thread(small_heap *h, htrail_thread row) { cr_assert_eq(htrail_writer_add_thread(h->writer, &row), HTRAIL_OK); }

static void frame(small_heap *h, uint64_t tid, uint32_t depth, const char *function, const char *file, uint32_t line, htrail_id object)
{
    htrail_frame row = {.tid = tid, .object = object, .function = text(function), .file = text(file), .line = line, .depth = depth};
    cr_assert_eq(htrail_writer_add_frame(h->writer, &row), HTRAIL_OK);
}

static void frame_root(small_heap *h, uint64_t tid, htrail_id object)
{
    cr_assert_eq(htrail_writer_add_root(h->writer, &(htrail_root){.object = object, .kind = HTRAIL_ROOT_FRAME, .thread_id = tid}), HTRAIL_OK);
}

static sqlite3 *loaded(small_heap *h)
{
    small_heap_end(h);
    return database_from(h->data, h->len);
}

Test(stacks, the_rows_of_kernel_and_runtime_are_one_thread)
{
    small_heap heap;
    small_heap_begin(&heap);
    LEAF(&heap, 0x1000, T_THING, 1);
    ROOT(&heap, 0x1000, MODULES, "");
    /* In any order: a name by ident, what connects ident and tid, what the kernel knows. */
    thread(&heap, (htrail_thread){.ident = 77, .object = 0x1000, .name = text("worker"), .flags = HTRAIL_THREAD_RUNTIME | HTRAIL_THREAD_DAEMON});
    thread(&heap, (htrail_thread){.tid = 12, .start_ns = 5, .user_ns = 6, .system_ns = 7, .comm = text("python3"), .wait = text("pipe_read"), .state = 'S'});
    thread(&heap, (htrail_thread){.tid = 12, .ident = 77, .flags = HTRAIL_THREAD_RUNTIME});
    thread(&heap, (htrail_thread){.tid = 11, .flags = HTRAIL_THREAD_MAIN, .state = 'R'});
    /* One that the kernel has no more. */
    thread(&heap, (htrail_thread){.ident = 78, .name = text("gone"), .flags = HTRAIL_THREAD_RUNTIME});
    sqlite3 *db = loaded(&heap);
    EXPECT_ROWS(db, "SELECT id, tid, ident, name, comm, state, wait, start_ns, user_ns, system_ns, is_main, is_python, is_daemon, is_heaptrail, "
                    "(SELECT address FROM object o WHERE o.id = t.object) FROM thread t",
                "1|11||||R|||0|0|1|0|0|0|\n"
                "2|12|77|worker|python3|S|pipe_read|5|6|7|0|1|1|0|4096\n"
                "3||78|gone|||||0|0|0|1|0|0|\n");
    sqlite3_close(db);
}

Test(stacks, of_rows_with_the_same_ident_the_last_thread_has_it)
{
    small_heap heap;
    small_heap_begin(&heap);
    LEAF(&heap, 0x1000, T_THING, 1);
    thread(&heap, (htrail_thread){.tid = 12, .ident = 77});
    thread(&heap, (htrail_thread){.tid = 13, .ident = 77});
    thread(&heap, (htrail_thread){.ident = 77, .name = text("worker")});
    sqlite3 *db = loaded(&heap);
    EXPECT_ROWS(db, "SELECT tid, name FROM thread", "12|\n13|worker\n");
    sqlite3_close(db);
}

Test(stacks, threads_with_the_same_functions_files_and_lines_are_one_stack)
{
    small_heap heap;
    small_heap_begin(&heap);
    LEAF(&heap, 0x1000, T_THING, 1);
    for (uint64_t tid = 1; tid <= 5; tid++) {
        thread(&heap, (htrail_thread){.tid = tid});
        /* Frames may come in any order. */
        frame(&heap, tid, 1, "do_GET", "/srv/sse.py", 20, 0);
        frame(&heap, tid, 0, "events", "/srv/sse.py", tid == 4 ? 7 : 6, 0);
    }
    thread(&heap, (htrail_thread){.tid = 6, .comm = text("eal-intr")});
    thread(&heap, (htrail_thread){.tid = 7, .comm = text("eal-intr")});
    thread(&heap, (htrail_thread){.tid = 8, .comm = text("heaptrail"), .flags = HTRAIL_THREAD_CAPTURE});
    /* Frames of a thread that no row is of: the rest of the file may be lost. */
    frame(&heap, 9, 0, "events", "/srv/sse.py", 6, 0);
    sqlite3 *db = loaded(&heap);
    EXPECT_ROWS(db, "SELECT id, text, threads, frames, (SELECT group_concat(tid) FROM thread t WHERE t.stack = s.id) FROM stack s",
                "1|sse.py:6 events <- sse.py:20 do_GET|4|2|1,2,3,5\n"
                "2|sse.py:7 events <- sse.py:20 do_GET|1|2|4\n"
                "3|no Python code, eal-intr|2|0|6,7\n"
                "4|heaptrail itself, heaptrail|1|0|8\n"
                "5|sse.py:6 events|1|1|9\n");
    EXPECT_ROWS(db, "SELECT * FROM frame WHERE thread = 4", "4|0|events|/srv/sse.py|7|\n4|1|do_GET|/srv/sse.py|20|\n");
    /* FNV-1a of the texts alone, so that it is the same in every snapshot of the program. */
    EXPECT_ROWS(db, "SELECT hash FROM stack WHERE id IN (1, 3)", "755e5fa63653c3bc\n6a1bd4c66876b668\n");
    sqlite3_close(db);
}

/*   modules: 1 -> shared 2          thread 1, frame 3 -> own 4, shared 2, common 5
 *                                   thread 2, frame 6 -> own 7, common 5       (the same stack as 1)
 *                                   thread 3, frame 8 -> own 9, 10; 10 -> 7 is then held by two stacks */
Test(stacks, what_their_threads_alone_hold)
{
    small_heap heap;
    small_heap_begin(&heap);
    OBJECT(&heap, 0x1000, T_DICT, 1, 0, REF(0x2000, INDEX), REF(0xb000, INDEX));
    LEAF(&heap, 0x2000, T_THING, 2);
    OBJECT(&heap, 0x3000, T_THING, 1, HTRAIL_OBJECT_PSEUDO, REF(0x4000, LOCAL), REF(0x2000, LOCAL), REF(0x5000, LOCAL));
    LEAF(&heap, 0x4000, T_THING, 1);
    LEAF(&heap, 0x5000, T_THING, 2);
    OBJECT(&heap, 0x6000, T_THING, 1, HTRAIL_OBJECT_PSEUDO, REF(0x7000, LOCAL), REF(0x5000, LOCAL));
    LEAF(&heap, 0x7000, T_THING, 1);
    OBJECT(&heap, 0x8000, T_THING, 1, HTRAIL_OBJECT_PSEUDO, REF(0x9000, LOCAL), REF(0xa000, LOCAL), REF(0xc000, WEAK));
    LEAF(&heap, 0x9000, T_THING, 1);
    OBJECT(&heap, 0xa000, T_THING, 1, 0, REF(0x7000, LOCAL));
    /* The thread object of 3 is held by the modules, and goes with its thread all the same. */
    OBJECT(&heap, 0xb000, T_THING, 1, 0, REF(0xc000, ATTR), REF(0x2000, ATTR));
    LEAF(&heap, 0xc000, T_THING, 1);
    ROOT(&heap, 0x1000, MODULES, "");
    frame_root(&heap, 1, 0x3000);
    frame_root(&heap, 2, 0x6000);
    frame_root(&heap, 3, 0x8000);
    for (uint64_t tid = 1; tid <= 3; tid++) {
        thread(&heap, (htrail_thread){.tid = tid, .object = tid == 3 ? 0xb000 : 0});
        frame(&heap, tid, 0, tid == 3 ? "other" : "run", "a.py", 1, tid == 3 ? 0xdead0 : 0x3000 * tid);
    }
    sqlite3 *db = loaded(&heap);
    /* 3, 4, 5, 6 of 64, 16, 16, 48 bytes; and 8, 9, 10, 11, 12 of 64, 16, 32, 48, 16 */
    EXPECT_ROWS(db, "SELECT text, threads, retained_objects, retained_bytes FROM stack", "a.py:1 run|2|4|144\na.py:1 other|1|5|176\n");
    EXPECT_ROWS(db, "SELECT f.thread, o.address FROM frame f JOIN object o ON o.id = f.object", "1|12288\n2|24576\n");
    sqlite3_close(db);
}

Test(stacks, a_stack_in_one_line_shows_what_the_program_does)
{
    static const struct { const char *frames[9]; const char *wanted; } cases[] = {
        {{"/srv/a.py f"}, "a.py:1 f"},
        {{"/srv/a.py f", "/srv/a.py g", "/srv/a.py h"}, "a.py:1 f <- a.py:2 g <- a.py:3 h"},
        {{"/srv/a.py f", "/srv/a.py g", "/srv/a.py h", "/srv/a.py i"}, "a.py:1 f <- a.py:2 g <- a.py:3 h <- a.py:4 i"},
        {{"/srv/a.py f", "/srv/a.py g", "/srv/a.py h", "/srv/a.py i", "/srv/a.py j"}, "a.py:1 f <- a.py:2 g <- ... <- a.py:5 j"},
        /* what begins every thread */
        {{"/srv/a.py f", "/usr/lib/python3.11/threading.py Thread.run", "/usr/lib/python3.11/threading.py Thread._bootstrap_inner",
          "/usr/lib/python3.11/threading.py Thread._bootstrap"}, "a.py:1 f"},
        {{"/usr/lib/python2.7/threading.py run", "/usr/lib/python2.7/threading.py __bootstrap"}, "threading.py:1 run"},
        /* waits within the library, on behalf of the program's second frame */
        {{"/usr/lib/python3.11/threading.py wait", "/usr/lib/python3.11/queue.py get", "/usr/lib/python3.11/x.py y", "/srv/a.py take",
          "/srv/a.py loop", "/srv/a.py more", "/srv/a.py main"}, "threading.py:1 wait <- ... <- a.py:4 take <- a.py:5 loop <- a.py:6 more <- a.py:7 main"},
        {{"/usr/lib/python3/dist-packages/z.py f", "/srv/a.py g", "/srv/a.py h", "/srv/a.py i", "/srv/a.py j"}, "z.py:1 f <- a.py:2 g <- ... <- a.py:5 j"},
        {{"<string> f", "<frozen runpy> g"}, "<string>:1 f <- <frozen runpy>:2 g"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        small_heap heap;
        char sql[64], wanted[512];
        small_heap_begin(&heap);
        LEAF(&heap, 0x1000, T_THING, 1);
        thread(&heap, (htrail_thread){.tid = 1});
        for (uint32_t depth = 0; depth < 9 && cases[i].frames[depth] != NULL; depth++) {
            char file[256];
            const char *space = strrchr(cases[i].frames[depth], ' ');
            snprintf(file, sizeof file, "%.*s", (int)(space - cases[i].frames[depth]), cases[i].frames[depth]);
            frame(&heap, 1, depth, space + 1, file, depth + 1, 0);
        }
        sqlite3 *db = loaded(&heap);
        snprintf(sql, sizeof sql, "SELECT text FROM stack");
        snprintf(wanted, sizeof wanted, "%s\n", cases[i].wanted);
        EXPECT_ROWS(db, sql, wanted);
        sqlite3_close(db);
    }
}

Test(stacks, mappings_have_a_category_in_words)
{
    small_heap heap;
    small_heap_begin(&heap);
    LEAF(&heap, 0x1000, T_THING, 1);
    for (uint32_t i = 0; i < 9; i++)
        cr_assert_eq(htrail_writer_add_mapping(heap.writer, &(htrail_mapping){.start = 4096 * i, .end = 4096 * i + 4096, .rss_bytes = i, .pss_bytes = 2 * i,
                         .private_dirty_bytes = 3 * i, .swap_bytes = 4 * i, .category = i, .flags = i, .path = text("/a")}), HTRAIL_OK);
    sqlite3 *db = loaded(&heap);
    EXPECT_ROWS(db, "SELECT category, access FROM mapping",
                "other|---p\npython arenas|r--p\nmalloc heap|-w-p\nanonymous|rw-p\nstacks|--xp\nlibraries|r-xp\nfiles|-wxp\nheaptrail|rwxp\nother|---s\n");
    EXPECT_ROWS(db, "SELECT * FROM mapping WHERE id = 4", "4|12288|16384|anonymous|rw-p|3|6|9|12|/a\n");
    sqlite3_close(db);
}
