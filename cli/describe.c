/* cli/describe.c - the facts of a snapshot for people: cli/facts.h. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <htrail/types.h>

#include "cli/facts.h"
#include "cli/flow.h"
#include "cli/number.h"
#include "cli/terminal.h"

enum { LABEL_WIDTH = 14 };

/* A section's head is printed with its first line; a line's parts are put together first. */
typedef struct page {
    const cli_facts *facts;
    const char *section; /* that is to be begun; NULL: it is */
    bool is_first_section;
    char line[8192];
    size_t used;
} page;

static void section(page *p, const char *name) { p->section = name; }

__attribute__((format(printf, 2, 3))) static void put(page *p, const char *format, ...)
{
    va_list values;
    va_start(values, format);
    int len = p->used < sizeof p->line ? vsnprintf(p->line + p->used, sizeof p->line - p->used, format, values) : 0;
    va_end(values);
    if (len > 0)
        p->used += (size_t)len;
}

static void end(page *p, const char *label)
{
    if (p->used == 0)
        return;
    if (p->section != NULL)
        printf("%s%s%s%s\n", p->is_first_section ? "" : "\n", cli_styled(stdout, CLI_STYLE_BOLD), p->section, cli_styled(stdout, CLI_STYLE_NONE));
    p->is_first_section &= p->section == NULL;
    p->section = NULL;
    cli_flow flow;
    int begun = printf("  %-*s  ", LABEL_WIDTH, label);
    cli_flow_begin(&flow, stdout, (size_t)begun, LABEL_WIDTH + 4);
    cli_flow_text(&flow, p->line, p->used < sizeof p->line ? p->used : sizeof p->line - 1);
    cli_flow_end(&flow);
    p->used = 0;
}

static bool get(const page *p, const char *key, uint64_t *value) { return cli_facts_number(p->facts, key, value); }

static const char *text_of(const page *p, const char *key)
{
    const cli_fact *fact = cli_facts_find(p->facts, key);
    return fact != NULL && fact->value_len > 0 ? fact->value : NULL;
}

/* Each puts the value of key between before and after, if there is one; true where there is. */
static bool put_text(page *p, const char *before, const char *key, const char *after)
{
    const char *value = text_of(p, key);
    if (value != NULL)
        put(p, "%s%s%s", before, value, after);
    return value != NULL;
}

static bool put_number(page *p, const char *before, const char *key, const char *after)
{
    uint64_t value;
    char number[32];
    if (!get(p, key, &value))
        return false;
    cli_format_number(number, sizeof number, (int64_t)value);
    put(p, "%s%s%s", before, number, after);
    return true;
}

static bool put_bytes(page *p, const char *before, const char *key, const char *after)
{
    uint64_t value;
    char size[32];
    if (!get(p, key, &value))
        return false;
    cli_format_bytes(size, sizeof size, (int64_t)value);
    put(p, "%s%s%s", before, size, after);
    return true;
}

static bool put_seconds(page *p, const char *before, const char *key, const char *after)
{
    uint64_t value;
    if (!get(p, key, &value))
        return false;
    if (value < 1000000000u)
        put(p, "%s%.1f ms%s", before, (double)value / 1e6, after);
    else
        put(p, "%s%.2f s%s", before, (double)value / 1e9, after);
    return true;
}

static bool put_time(page *p, const char *before, const char *key, const char *after)
{
    uint64_t value;
    char text[64];
    struct tm parts;
    if (!get(p, key, &value))
        return false;
    time_t seconds = (time_t)(value / 1000000000u);
    if (gmtime_r(&seconds, &parts) == NULL || strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S UTC", &parts) == 0)
        return false;
    put(p, "%s%s%s", before, text, after);
    return true;
}

static void file(page *p)
{
    uint64_t complete;
    section(p, "file");
    if (!put_text(p, "no: ", "cut", "") && !put_text(p, "ended early: ", "stopped_early", "") && get(p, "complete", &complete))
        put(p, "%s", complete != 0 ? "yes" : "no");
    end(p, "whole");
    put_bytes(p, "", "file_bytes", "");
    put_text(p, ", ", "bytes_per_object", " bytes an object");
    put_text(p, ", format ", "format_version", "");
    put_text(p, ".", "format_version_minor", "");
    end(p, "size");
    put_number(p, "", "objects", "");
    put_bytes(p, " of ", "size_bytes", "");
    end(p, "objects");
    put_number(p, "", "references", "");
    end(p, "references");
    put_number(p, "", "types", "");
    end(p, "types");
    put_number(p, "", "roots", "");
    end(p, "roots");
    put_text(p, "", "contents_policy", "");
    end(p, "contents");
}

static void process(page *p)
{
    uint64_t started, taken;
    section(p, "process");
    put_text(p, "", "runtime", "");
    put_text(p, ", ", "implementation_path", "");
    end(p, "runtime");
    put_text(p, "", "cmdline", "");
    end(p, "command");
    put_text(p, "", "pid", "");
    put_text(p, " of user ", "uid", "");
    put_text(p, " on ", "host", "");
    end(p, "pid");
    put_time(p, "", "start_time_ns", "");
    end(p, "started");
    put_time(p, "", "created_ns", "");
    if (get(p, "created_ns", &taken) && get(p, "start_time_ns", &started) && taken >= started)
        put(p, ", %.1f s later", (double)(taken - started) / 1e9);
    end(p, "taken");
}

static void memory(page *p)
{
    static const struct { const char *text; const char *key, *dirty_key; } categories[] = {
        {"python arenas", "memory_python_arenas_bytes", "memory_python_arenas_dirty_bytes"},
        {"malloc heap", "memory_malloc_heap_bytes", "memory_malloc_heap_dirty_bytes"},
        {"anonymous", "memory_anonymous_bytes", "memory_anonymous_dirty_bytes"},
        {"stacks", "memory_stacks_bytes", "memory_stacks_dirty_bytes"},
        {"libraries", "memory_libraries_bytes", "memory_libraries_dirty_bytes"},
        {"files", "memory_files_bytes", "memory_files_dirty_bytes"},
        {"heaptrail", "memory_heaptrail_bytes", "memory_heaptrail_dirty_bytes"},
        {"other", "memory_other_bytes", "memory_other_dirty_bytes"}};
    section(p, "memory");
    put_bytes(p, "", "rss_bytes", "");
    put_bytes(p, ", at most so far ", "vm_hwm_bytes", "");
    end(p, "resident");
    put_bytes(p, "", "pss_bytes", " with its part of what is shared");
    put_bytes(p, ", ", "private_dirty_bytes", " private and written to");
    put_bytes(p, ", ", "swap_bytes", " swapped out");
    end(p, "its own");
    for (size_t i = 0; i < sizeof categories / sizeof *categories; i++) {
        uint64_t resident, dirty;
        char size[32];
        if (!get(p, categories[i].key, &resident) || resident == 0)
            continue;
        cli_format_bytes(size, sizeof size, (int64_t)resident);
        put(p, "%10s", size);
        if (get(p, categories[i].dirty_key, &dirty) && dirty != 0 && dirty != resident)
            put_bytes(p, ", ", categories[i].dirty_key, " of it private and written to");
        end(p, categories[i].text);
    }
    put_bytes(p, "", "pymalloc_used_bytes", "");
    put_bytes(p, " in use of ", "pymalloc_arena_bytes", "");
    put_number(p, " in ", "pymalloc_arenas", " arenas");
    put_bytes(p, "; ", "pymalloc_free_pools_bytes", " in pools that are free");
    end(p, "pymalloc");
    bool is_partial = cli_facts_find(p->facts, "malloc_free_partial") != NULL;
    put_bytes(p, is_partial ? "at most " : "", "malloc_used_bytes", " in use");
    put_bytes(p, ", ", "malloc_mmapped_bytes", " of it in blocks mapped one by one");
    put_bytes(p, is_partial ? "; at least " : "; ", "malloc_free_bytes", " free");
    end(p, "malloc");
    put_bytes(p, "", "cgroup_memory_bytes", " in use");
    if (p->used > 0 && !put_bytes(p, " of at most ", "cgroup_memory_limit_bytes", ""))
        put(p, ", no limit");
    put_text(p, ", in ", "cgroup", "");
    put_text(p, " (version ", "cgroup_version", ")");
    end(p, "control group");
}

static void threads(page *p)
{
    static const struct { const char *key, *text; } states[] = {
        {"threads_running", " running"}, {"threads_sleeping", " sleeping"}, {"threads_waiting", " waiting for a device"},
        {"threads_stopped", " stopped"}, {"threads_other", " in another state"}};
    uint64_t count;
    bool any = false;
    section(p, "threads");
    if (put_number(p, "", "threads", "") || put_number(p, "", "thread_count", ""))
        for (size_t i = 0; i < sizeof states / sizeof *states; i++)
            if (get(p, states[i].key, &count) && count > 0)
                any = put_number(p, any ? ", " : ": ", states[i].key, states[i].text);
    end(p, "there");
    put_number(p, "", "threads_python", "");
    if (get(p, "threads_daemon", &count) && count > 0)
        put_number(p, ", ", "threads_daemon", count == 1 ? " of them a daemon" : " of them daemons");
    end(p, "python's");
}

static void cost(page *p)
{
    section(p, "cost");
    put_seconds(p, "", "pause_ns", "");
    end(p, "pause");
    put_text(p, "", "capture_mode", "");
    put_text(p, ": ", "capture_mode_reason", "");
    end(p, "mode");
    put_text(p, "", "trigger", "");
    end(p, "asked for by");
    put_seconds(p, "fork ", "fork_ns", "");
    put_seconds(p, p->used > 0 ? ", walk " : "walk ", "walk_ns", "");
    put_seconds(p, p->used > 0 ? ", writing " : "writing ", "write_ns", "");
    put_seconds(p, p->used > 0 ? ", all of the copy " : "all of the copy ", "copy_ns", "");
    end(p, "of it");
    put_seconds(p, "", "look_threads_ns", " for threads");
    put_seconds(p, p->used > 0 ? ", " : "", "look_mappings_ns", " for memory");
    put_seconds(p, p->used > 0 ? ", " : "", "look_malloc_ns", " for malloc");
    end(p, "before it");
    if (!put_bytes(p, "", "private_memory_bytes", ""))
        put_bytes(p, "", "walk_memory_bytes", "");
    put_bytes(p, ", and ", "cow_bytes", " of the program's that were there twice");
    end(p, "memory");
}

void cli_facts_describe(const cli_facts *facts)
{
    page p = {.facts = facts, .is_first_section = true};
    file(&p);
    process(&p);
    memory(&p);
    threads(&p);
    cost(&p);
}
