/* The commands that read: each script tests/cli/NAME.sh runs in a folder with a few small
 * snapshots; what it prints, on both streams, is NAME.exact to the byte.
 *
 *   CLI_REWRITE=1 build/release/unit/test_commands     writes the .exact files anew */
#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <glob.h>
#include <limits.h>
#include <sys/stat.h>

#include "tests/unit/small_heap.h"

/* A program whose list of things grows, with names that no terminal should see raw. */
static void write_snapshot(const char *path, htrail_id things, size_t keep_bytes)
{
    small_heap heap;
    small_heap_begin(&heap);
    htrail_writer_set_meta(heap.writer, text("pid"), text("4711"));
    htrail_writer_set_meta(heap.writer, text("cmdline"), text("app \033[31mred\n"));
    OBJECT(&heap, 0x1000, T_DICT, 1, HTRAIL_OBJECT_TRACKED, REF(0x2000, KEY), REF(0x3000, VALUE));
    LEAF(&heap, 0x2000, T_STR, 1);
    NAME(&heap, 0x2000, "app", "");
    OBJECT(&heap, 0x3000, T_MODULE, 1, HTRAIL_OBJECT_TRACKED, REF_LABEL(0x4000, FIELD, FIELD(F_DICT)));
    NAME(&heap, 0x3000, "app", "");
    OBJECT(&heap, 0x4000, T_DICT, 1, HTRAIL_OBJECT_TRACKED, REF(0x5000, KEY), REF(0x6000, VALUE), REF(0x7000, KEY), REF(0x8000, VALUE));
    LEAF(&heap, 0x5000, T_STR, 1);
    NAME(&heap, 0x5000, "keep", "");
    LEAF(&heap, 0x7000, T_STR, 1);
    NAME(&heap, 0x7000, "bad \033]0;title\007 \342\200\256 \377", "");
    OBJECT(&heap, 0x8000, T_FUNCTION, 1, HTRAIL_OBJECT_TRACKED, REF_LABEL(0x4000, FIELD, FIELD(F_GLOBALS)));
    NAME(&heap, 0x8000, "main.<locals>.\033[2J", "app");
    LEAF(&heap, 0x6000, T_TUPLE, 1);
    for (htrail_id i = 0; i < things; i++) {
        htrail_object thing = {.id = 0x100000 + 64 * i, .type = T_THING, .size_bytes = 48 + i, .length = i, .refcount = 1, .flags = HTRAIL_OBJECT_LENGTH};
        htrail_ref ref = {.target = thing.id, .kind = HTRAIL_REF_INDEX};
        cr_assert_eq(htrail_writer_add_object(heap.writer, &(htrail_object){.id = 0x6000, .refs = &ref, .ref_count = 1, .flags = HTRAIL_OBJECT_CONTINUED}), HTRAIL_OK);
        cr_assert_eq(htrail_writer_add_object(heap.writer, &thing), HTRAIL_OK);
    }
    ROOT(&heap, 0x1000, MODULES, "modules");
    small_heap_end(&heap);
    FILE *file = fopen(path, "wb");
    cr_assert_eq(fwrite(heap.data, 1, keep_bytes < heap.len ? keep_bytes : heap.len, file), keep_bytes < heap.len ? keep_bytes : heap.len);
    fclose(file);
}

/* Ended by its writer before the first object. */
static void write_early(const char *path)
{
    small_heap heap;
    small_heap_begin(&heap);
    htrail_writer_stop(heap.writer, HTRAIL_E_LIMIT, "the longest pause was reached");
    cr_assert_eq(htrail_writer_finish(heap.writer), HTRAIL_OK);
    htrail_writer_free(heap.writer);
    fclose(heap.stream);
    FILE *file = fopen(path, "wb");
    cr_assert_eq(fwrite(heap.data, 1, heap.len, file), heap.len);
    fclose(file);
    free(heap.data);
}

/* Of two references one leads to what is no object of the snapshot. */
static void write_dangling(const char *path)
{
    small_heap heap;
    small_heap_begin(&heap);
    OBJECT(&heap, 0x1000, T_TUPLE, 1, HTRAIL_OBJECT_TRACKED, REF(0x2000, INDEX), REF(0xdead0, INDEX));
    LEAF(&heap, 0x2000, T_STR, 1);
    ROOT(&heap, 0x1000, MODULES, "modules");
    small_heap_end(&heap);
    FILE *file = fopen(path, "wb");
    cr_assert_eq(fwrite(heap.data, 1, heap.len, file), heap.len);
    fclose(file);
}

/* A server whose requests stay: some threads stand where requests do, each with a buffer of its own. */
static void write_threads(const char *path, uint64_t requests, bool has_timer)
{
    small_heap heap;
    small_heap_begin(&heap);
    static const char *const facts[][2] = {
        {"start_time_ns", "1000000000"}, {"created_ns", "86461500000000"}, {"runtime", "cpython 3.11.2"}, {"implementation_path", "/usr/bin/python3.11"},
        {"cmdline", "python3 sse.py \033[2J"}, {"pid", "4711"}, {"uid", "0"}, {"host", "box"}, {"rss_bytes", "123456789"}, {"vm_hwm_bytes", "234567890"},
        {"pss_bytes", "100000000"}, {"private_dirty_bytes", "90000000"}, {"swap_bytes", "0"}, {"pymalloc_arenas", "10"}, {"pymalloc_arena_bytes", "10485760"},
        {"pymalloc_used_bytes", "9000000"}, {"pymalloc_free_pools_bytes", "262144"}, {"malloc_used_bytes", "5000000"}, {"malloc_mmapped_bytes", "1000000"},
        {"malloc_free_bytes", "400000"}, {"cgroup", "/app"}, {"cgroup_version", "2"}, {"cgroup_memory_bytes", "200000000"}, {"cgroup_memory_limit_bytes", "536870912"},
        {"pause_ns", "4300000"}, {"capture_mode", "fork"}, {"trigger", "signal"}, {"capture_mode_reason", "a copy takes at most 1.0 MiB, and MemAvailable leaves 2.0 GiB"},
        {"fork_ns", "4100000"}, {"walk_ns", "1200000000"}, {"write_ns", "50000000"}, {"copy_ns", "1300000000"}, {"look_threads_ns", "1500000"},
        {"look_mappings_ns", "2500000"}, {"look_malloc_ns", "40000"}, {"private_memory_bytes", "9000000"}, {"cow_bytes", "70000000"}};
    for (size_t i = 0; i < sizeof facts / sizeof *facts; i++)
        htrail_writer_set_meta(heap.writer, text(facts[i][0]), text(facts[i][1]));
    for (uint32_t i = 0; i < 8; i++)
        htrail_writer_add_mapping(heap.writer, &(htrail_mapping){.start = 4096 * i, .end = 4096 * i + 4096, .rss_bytes = i << 20, .private_dirty_bytes = i % 2 << 20, .category = i});
    OBJECT(&heap, 0x1000, T_DICT, 1, HTRAIL_OBJECT_TRACKED, REF(0x2000, INDEX));
    LEAF(&heap, 0x2000, T_STR, 1);
    ROOT(&heap, 0x1000, MODULES, "modules");
    for (uint64_t i = 0; i < 2 + requests + has_timer; i++) {
        bool is_request = i >= 2 && i < 2 + requests;
        char name[32];
        snprintf(name, sizeof name, is_request ? "Thread-%d \033[2J" : i == 0 ? "MainThread" : "", (int)i - 1);
        htrail_thread kernel = {.tid = 100 + i, .start_ns = 1000000000 * (i + 1), .user_ns = 20000000 * i, .system_ns = 10000000, .comm = text(i == 1 ? "heaptrail" : "python3"),
                                .wait = text("futex_do_wait"), .state = i == 0 ? 'R' : 'S', .flags = i == 0 ? HTRAIL_THREAD_MAIN : i == 1 ? HTRAIL_THREAD_CAPTURE : 0};
        htrail_thread runtime = {.tid = 100 + i, .ident = 7 + i, .name = text(name), .flags = HTRAIL_THREAD_RUNTIME | (is_request ? HTRAIL_THREAD_DAEMON : 0)};
        htrail_writer_add_thread(heap.writer, &kernel);
        htrail_writer_add_thread(heap.writer, &runtime);
        static const struct { const char *function, *file; uint32_t line; } frames[] = {
            {"events", "/srv/sse.py", 6}, {"Handler.do_GET", "/srv/sse.py", 31}, {"handle_one_request", "/usr/lib/python3.11/http/server.py", 421},
            {"ThreadingMixIn.process_request_thread", "/usr/lib/python3.11/socketserver.py", 755}, {"Thread.run", "/usr/lib/python3.11/threading.py", 975},
            {"Thread._bootstrap", "/usr/lib/python3.11/threading.py", 995}};
        for (uint32_t depth = 0; depth < (is_request ? 6 : 0); depth++)
            htrail_writer_add_frame(heap.writer, &(htrail_frame){.tid = 100 + i, .depth = depth, .line = frames[depth].line, .function = text(frames[depth].function), .file = text(frames[depth].file)});
        if (i == 0)
            htrail_writer_add_frame(heap.writer, &(htrail_frame){.tid = 100, .line = 60, .function = text("<module>"), .file = text("/srv/sse.py")});
        if (!is_request)
            continue;
        OBJECT(&heap, 0x10000 + 0x100 * i, T_THING, 1, HTRAIL_OBJECT_PSEUDO, REF(0x10080 + 0x100 * i, LOCAL));
        small_heap_add(&heap, 0x10080 + 0x100 * i, T_TUPLE, 1, 0, (htrail_ref[100]){{0}}, 100);
        htrail_writer_add_root(heap.writer, &(htrail_root){.object = 0x10000 + 0x100 * i, .kind = HTRAIL_ROOT_FRAME, .thread_id = 100 + i});
    }
    small_heap_end(&heap);
    FILE *file = fopen(path, "wb");
    cr_assert_eq(fwrite(heap.data, 1, heap.len, file), heap.len);
    fclose(file);
}

static char *read_all(const char *path)
{
    FILE *file = fopen(path, "rb");
    char *data = calloc(1, 1 << 20);
    if (file != NULL) {
        cr_assert_lt(fread(data, 1, (1 << 20) - 1, file), (1 << 20) - 1);
        fclose(file);
    }
    return data;
}

ParameterizedTestParameters(commands, print_what_they_printed)
{
    static char (*names)[64];
    glob_t found = {0};
    glob("tests/cli/*.sh", 0, NULL, &found);
    names = cr_malloc(found.gl_pathc * sizeof *names);
    for (size_t i = 0; i < found.gl_pathc; i++)
        snprintf(names[i], sizeof names[i], "%s", found.gl_pathv[i]);
    return cr_make_param_array(char[64], names, found.gl_pathc);
}

ParameterizedTest(char (*script)[64], commands, print_what_they_printed)
{
    char folder[] = "/tmp/heaptrail-cli-XXXXXX", here[PATH_MAX], exact[PATH_MAX + 80], command[3 * PATH_MAX], *got, *wanted;
    const char *heaptrail = getenv("HEAPTRAIL");

    cr_assert_not_null(getcwd(here, sizeof here));
    cr_assert_not_null(mkdtemp(folder));
    cr_assert_eq(chdir(folder), 0);
    write_snapshot("before.htrail", 20, SIZE_MAX);
    write_snapshot("after.htrail", 100, SIZE_MAX);
    write_snapshot("cut.htrail", 100, 600);
    write_early("early.htrail");
    write_dangling("dangling.htrail");
    write_threads("20.htrail", 20, true);
    write_threads("57.htrail", 57, false);
    snprintf(command, sizeof command,
             "heaptrail() { '%s%s' \"$@\"; }; export LC_ALL=C.UTF-8 HOME=/proc/nowhere; unset XDG_CACHE_HOME NO_COLOR; . '%s/%s'",
             heaptrail != NULL ? "" : here, heaptrail != NULL ? heaptrail : "/build/heaptrail", here, *script);
    FILE *run = fopen("run", "w");
    fprintf(run, "exec >output 2>&1 </dev/null\n%s\n", command);
    fclose(run);
    cr_expect_eq(system("sh ./run"), 0);
    got = read_all("output");
    cr_assert_eq(chdir(here), 0);
    snprintf(exact, sizeof exact, "%.*s.exact", (int)strlen(*script) - 3, *script);
    if (getenv("CLI_REWRITE") != NULL) {
        FILE *file = fopen(exact, "w");
        fputs(got, file);
        fclose(file);
    }
    wanted = read_all(exact);
    cr_expect(strcmp(got, wanted) == 0, "%s printed\n%s\nnot\n%s", *script, got, wanted);
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    cr_expect_eq(system(command), 0);
    free(got);
    free(wanted);
}
