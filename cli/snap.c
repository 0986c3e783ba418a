/* cli/snap.c - `heaptrail snap`: ask the agent in a process for a snapshot, and wait. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <htrail/capture.h>

#include "capture/agent/client.h"
#include "capture/agent/destination.h"
#include "capture/attach/attach.h"
#include "capture/pause/mode.h"
#include "cli/command.h"
#include "cli/number.h"
#include "cli/terminal.h"

enum { DEFAULT_TIMEOUT_S = 60, TIMEOUT_MAX_S = 1000000, STEP_MS = 100, PROGRESS_AFTER_MS = 500 };

static const cli_option options[] = {
    {"output", 'o', "FILE", "write to FILE; '-' is standard output (default: DIR/NAME-PID-NNNN.htrail)"},
    {"hashes", 0, NULL, "with a keyed hash of every string, and of numbers in tuples"},
    {"contents", 0, NULL, "with the text of strings"},
    {"no-cmdline", 0, NULL, "without the command line of the process"},
    {"mode", 'm', "MODE", "fork (the program waits for a copy of it to be made), in-place (for the snapshot) or auto"},
    {"dry-run", 'n', NULL, "say what it would cost, and take none (a process without an agent gets it all the same)"},
    {"max-pause", 0, "T", "end early when the program has stood still for T (50ms, 2s); fork: refuse to stop it longer"},
    {"max-memory", 0, "BYTES", "end early when the snapshot takes more than BYTES (K, M, G) of memory from the machine"},
    {"max-bytes", 0, "BYTES", "end early before the file grows past BYTES (K, M, G)"},
    {"no-attach", 0, NULL, "ask an agent that is there; do not bring one into a process without"},
    {"timeout", 't', "T", "give up when nothing happens for T (default 60s)"},
    {NULL, 0, NULL, NULL},
};

static volatile sig_atomic_t caught_signal;

static void on_signal(int number) { caught_signal = number; }

static void catch_signals(void)
{
    static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};
    struct sigaction action = {.sa_handler = on_signal}; /* no SA_RESTART: a wait ends */
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        sigaction(numbers[i], &action, NULL);
    signal(SIGPIPE, SIG_IGN);
}

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

typedef struct wait_state {
    int64_t began_ms, heard_ms;
    bool started, shown;
    uint64_t objects, file_bytes;
} wait_state;

static void show_progress(const htrail__client *client, wait_state *wait)
{
    char objects[32], size[32];
    if (!cli_terminal_moves(stderr) || now_ms() - wait->began_ms < PROGRESS_AFTER_MS)
        return;
    if (!wait->started)
        fprintf(stderr, "\r\033[Kwaiting for process %ld ... %.1f s", (long)client->pid,
                (double)(now_ms() - wait->began_ms) / 1000);
    else {
        cli_format_number(objects, sizeof objects, (int64_t)wait->objects);
        cli_format_bytes(size, sizeof size, (int64_t)wait->file_bytes);
        fprintf(stderr, "\r\033[K%s objects, %s written", objects, size);
    }
    fflush(stderr);
    wait->shown = true;
}

static void print_estimate(FILE *stream, const htrail__agent_message *estimate)
{
    char objects[32], file[32], memory[32], copied[32];
    cli_format_number(objects, sizeof objects, (int64_t)estimate->objects);
    cli_format_bytes(file, sizeof file, (int64_t)estimate->file_bytes);
    cli_format_bytes(memory, sizeof memory, (int64_t)estimate->private_bytes);
    cli_format_bytes(copied, sizeof copied, (int64_t)estimate->cow_bytes);
    fprintf(stream, "about %s objects: a pause of about %.1f ms, %s of memory", objects, (double)estimate->pause_ns / 1e6, memory);
    if (estimate->cow_bytes != 0)
        fprintf(stream, " and at most %s for pages written to meanwhile", copied);
    fprintf(stream, ", a file of about %s\n", file);
}

static void print_mode(FILE *stream, const htrail__agent_message *answer)
{
    fprintf(stream, "%s: %s\n", htrail__mode_name((htrail_capture_mode)answer->mode), answer->mode_reason);
}

/* Until DONE or FAILED. */
static htrail__client_event wait_for_end(htrail__client *client, htrail__agent_message *message, int timeout_ms, bool dry_run)
{
    wait_state wait = {.began_ms = now_ms(), .heard_ms = now_ms()};
    htrail__client_event event;

    for (;;) {
        event = htrail__client_next(client, message, STEP_MS);
        if (caught_signal != 0)
            event = HTRAIL__CLIENT_SIGNAL;
        else if (event == HTRAIL__CLIENT_SIGNAL)
            continue;
        if (event == HTRAIL__CLIENT_QUIET && now_ms() - wait.heard_ms < timeout_ms) {
            show_progress(client, &wait);
            continue;
        }
        if (event != HTRAIL__CLIENT_MESSAGE || message->kind == HTRAIL__AGENT_DONE || message->kind == HTRAIL__AGENT_FAILED)
            break;
        wait.heard_ms = now_ms();
        if (message->kind == HTRAIL__AGENT_ESTIMATE) {
            if (isatty(STDERR_FILENO) && !dry_run)
                print_estimate(stderr, message);
            continue;
        }
        wait.started = true;
        wait.objects = message->objects;
        wait.file_bytes = message->file_bytes;
        show_progress(client, &wait);
    }
    if (event == HTRAIL__CLIENT_QUIET)
        htrail__client_explain_silence(client, wait.started, timeout_ms);
    if (wait.shown)
        fputs("\r\033[K", stderr);
    return event;
}

static int fail_to_open(const cli_arguments *arguments, const char *path, int error)
{
    const char *hint = "";
    if (cli_option_value(arguments, "output") == NULL)
        hint = ": name another place with -o FILE";
    return cli_fail(arguments, "cannot write '%s': %s%s", path, strerror(error), hint);
}

static int fail_of_agent(const cli_arguments *arguments, const htrail__destination *file, const htrail__agent_message *answer)
{
    bool named = strcmp(file->path, "-") != 0;
    const char *reason = strerror(answer->os_error), *hint = "";
    if (answer->os_error == 0 || answer->os_error == ECANCELED)
        return cli_fail(arguments, "%s", answer->text[0] ? answer->text : htrail_status_text(answer->status));
    if (answer->os_error == ETIMEDOUT)
        reason = "nobody reads the other end of the pipe";
    else if (answer->os_error == ENOSPC || answer->os_error == EDQUOT || answer->os_error == EFBIG)
        hint = ": name a place with more room with -o FILE";
    return cli_fail(arguments, "cannot write %s%s%s: %s%s", named ? "'" : "", named ? file->path : "standard output",
                    named ? "'" : "", reason, hint);
}

static void print_summary(FILE *stream, const char *path, const htrail__agent_message *answer)
{
    char objects[32], heap[32], file[32];
    cli_format_number(objects, sizeof objects, (int64_t)answer->objects);
    cli_format_bytes(heap, sizeof heap, (int64_t)answer->size_bytes);
    cli_format_bytes(file, sizeof file, (int64_t)answer->file_bytes);
    if (strcmp(path, "-") != 0)
        fprintf(stream, "%s\n", path);
    fprintf(stream, "%s objects of %s in a file of %s, paused %.1f ms\n", objects, heap, file,
            (double)answer->pause_ns / 1e6);
    print_mode(stream, answer);
}

static int open_file(const cli_arguments *arguments, const htrail__client *client, htrail__destination *file,
                     uint32_t *sequence)
{
    char prefix[sizeof client->root + sizeof client->hello.text];
    const char *wanted = cli_option_value(arguments, "output");
    int error;

    *sequence = client->hello.sequence;
    if (wanted != NULL) {
        error = htrail__destination_open(file, wanted);
        return error == 0 ? CLI_EXIT_OK : fail_to_open(arguments, wanted, error);
    }
    /* An agent that we brought in has no place of its own: the file is put where who asks stands. */
    snprintf(prefix, sizeof prefix, "%s%s", client->hello.text[0] == '/' ? client->root : "", client->hello.text);
    error = htrail__destination_open_numbered(file, prefix, sequence);
    return error == 0 ? CLI_EXIT_OK : fail_to_open(arguments, file->path, error);
}

static int finish(const cli_arguments *arguments, htrail__client *client, htrail__client_event event,
                  htrail__destination *file, const htrail__agent_message *answer)
{
    int result = CLI_EXIT_FAILED;
    if (event == HTRAIL__CLIENT_MESSAGE && answer->kind == HTRAIL__AGENT_DONE && file->fd < 0) {
        print_estimate(stdout, answer);
        print_mode(stdout, answer);
        return CLI_EXIT_OK;
    }
    if (event == HTRAIL__CLIENT_MESSAGE && answer->kind == HTRAIL__AGENT_DONE) {
        int error = htrail__destination_keep(file);
        if (error != 0)
            return cli_fail(arguments, "cannot write '%s': %s", file->path, strerror(error));
        if (answer->status == HTRAIL_E_LIMIT)
            cli_warn(arguments, "the snapshot is shorter than the heap: %s", answer->text);
        print_summary(strcmp(file->path, "-") == 0 ? stderr : stdout, file->path, answer);
        return CLI_EXIT_OK;
    }
    if (event == HTRAIL__CLIENT_MESSAGE)
        result = fail_of_agent(arguments, file, answer);
    else if (event == HTRAIL__CLIENT_ENDED && htrail__destination_leave(file))
        /* The last that is known of a process that was killed: every command reads it. */
        result = cli_fail(arguments, "%s: what it wrote is in '%s'", client->error, file->partial);
    else if (event != HTRAIL__CLIENT_SIGNAL)
        result = cli_fail(arguments, "%s", client->error);
    if (event != HTRAIL__CLIENT_ENDED)
        htrail__destination_drop(file);
    return result;
}

static bool parse_pid(const char *text, pid_t *pid)
{
    unsigned long long number;
    if (!cli_parse_number(text, &number) || text[strspn(text, "0123456789")] != '\0' || number == 0 || number > INT32_MAX)
        return false;
    *pid = (pid_t)number;
    return true;
}

/* An option that is a time, with the units that 'heaptrail run' has, into milliseconds; *ms stays where it is not given. */
static bool parse_time(const cli_arguments *arguments, const char *name, double *ms)
{
    static const struct {
        const char *name;
        double ms;
    } units[] = {{"", 1e3}, {"s", 1e3}, {"ms", 1}, {"m", 60e3}, {"h", 3600e3}, {"d", 86400e3}};
    const char *text = cli_option_value(arguments, name);
    char *end = NULL;
    if (text == NULL)
        return true;
    double number = strtod(text, &end);
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        if (end == text || strcmp(end, units[i].name) != 0)
            continue;
        *ms = number * units[i].ms;
        return *ms > 0 && *ms <= TIMEOUT_MAX_S * 1000.0;
    }
    return false;
}

static bool parse_bytes(const cli_arguments *arguments, const char *name, unsigned long long *bytes)
{
    const char *text = cli_option_value(arguments, name);
    return text == NULL || (cli_parse_number(text, bytes) && *bytes != 0);
}

/* Connect; where nobody listens, bring the agent in first. */
static bool reach(const cli_arguments *arguments, htrail__client *client, pid_t pid, int timeout_ms, htrail__attach_facts *facts)
{
    const htrail__attach_wish wish = {pid, "dir=.", timeout_ms, &caught_signal};
    char reason[HTRAIL__CLIENT_ERROR_CAP - 128];

    if (htrail__client_open(client, pid, timeout_ms))
        return true;
    if (!client->without_agent || caught_signal != 0 || cli_option_given(arguments, "no-attach"))
        return false;
    if (htrail__attach(&wish, facts, reason, sizeof reason))
        return htrail__client_open(client, pid, timeout_ms);
    snprintf(client->error, sizeof client->error, "process %ld (%s) has no heaptrail agent, and cannot be given one: %s",
             (long)pid, client->name, reason);
    return false;
}

static int snap(const cli_arguments *arguments, pid_t pid, int timeout_ms, htrail__client_wish *wish)
{
    static htrail__client client;
    static htrail__destination file;
    static htrail__agent_message answer;
    htrail__attach_facts facts = {0};
    int result;

    if (!reach(arguments, &client, pid, timeout_ms, &facts)) {
        result = caught_signal ? CLI_EXIT_FAILED : cli_fail(arguments, "%s", client.error);
        goto done;
    }
    file.fd = -1;
    result = wish->dry_run ? CLI_EXIT_OK : open_file(arguments, &client, &file, &wish->sequence);
    if (result != CLI_EXIT_OK)
        goto done;
    wish->fd = file.fd;
    wish->path = file.partial;
    if (!htrail__client_request(&client, wish)) {
        result = cli_fail(arguments, "%s", client.error);
        htrail__destination_drop(&file);
        goto done;
    }
    result = finish(arguments, &client, wait_for_end(&client, &answer, timeout_ms, wish->dry_run), &file, &answer);
    if (result == CLI_EXIT_OK && facts.stops > 0)
        fprintf(strcmp(file.path, "-") == 0 ? stderr : stdout,
                "the agent was brought in: one thread stood still for %.2f ms; the next snapshot finds it there\n",
                (double)facts.stopped_ns / 1e6);
done:
    htrail__client_close(&client);
    return result;
}

static int run(const cli_arguments *arguments)
{
    const char *operand = cli_operands(arguments)[0], *wanted = cli_option_value(arguments, "output");
    const char *mode = cli_option_value(arguments, "mode");
    htrail_capture_mode chosen = HTRAIL_CAPTURE_AUTO;
    double timeout_ms = DEFAULT_TIMEOUT_S * 1000, max_pause_ms = 0;
    unsigned long long max_bytes = 0, max_memory_bytes = 0;
    htrail__client_wish wish = {.fd = -1};
    pid_t pid;

    if (!parse_pid(operand, &pid))
        return cli_usage(arguments, "'%s' is no process id", operand);
    if (!parse_time(arguments, "timeout", &timeout_ms))
        return cli_usage(arguments, "'%s' is no time: a number with ms, s, m, h or d behind it", cli_option_value(arguments, "timeout"));
    if (!parse_time(arguments, "max-pause", &max_pause_ms))
        return cli_usage(arguments, "'%s' is no time: a number with ms, s, m, h or d behind it", cli_option_value(arguments, "max-pause"));
    if (!parse_bytes(arguments, "max-bytes", &max_bytes))
        return cli_usage(arguments, "'%s' is no number of bytes", cli_option_value(arguments, "max-bytes"));
    if (!parse_bytes(arguments, "max-memory", &max_memory_bytes))
        return cli_usage(arguments, "'%s' is no number of bytes", cli_option_value(arguments, "max-memory"));
    if (mode != NULL && !htrail__mode_parse(mode, &chosen))
        return cli_usage(arguments, "'%s' is no mode: fork, in-place or auto", mode);
    if (wanted != NULL && strcmp(wanted, "-") == 0 && isatty(STDOUT_FILENO))
        return cli_usage(arguments, "standard output is a terminal: a snapshot is not text");
    wish.flags = (cli_option_given(arguments, "hashes") ? HTRAIL_CPYTHON_HASHES : 0u) |
                 (cli_option_given(arguments, "contents") ? HTRAIL_CPYTHON_CONTENTS : 0u) |
                 (cli_option_given(arguments, "no-cmdline") ? HTRAIL_CPYTHON_NO_CMDLINE : 0u);
    wish.max_bytes = max_bytes;
    wish.max_memory_bytes = max_memory_bytes;
    wish.mode = chosen;
    wish.dry_run = cli_option_given(arguments, "dry-run");
    wish.max_pause_ns = (uint64_t)(max_pause_ms * 1e6);

    catch_signals();
    int result = snap(arguments, pid, (int)timeout_ms, &wish);
    if (caught_signal != 0 && result != CLI_EXIT_OK) {
        signal(caught_signal, SIG_DFL);
        raise(caught_signal); /* so that who started us sees what ended us */
    }
    return result;
}

const cli_command cli_snap = {
    .name = "snap",
    .usage = "[OPTIONS] PID",
    .summary = "take a snapshot of a Python process that runs",
    .help = "The program stands still until a copy of it is made, or the snapshot is taken (--mode), and goes on. FILE is made by\n"
            "heaptrail, with the rights of who runs it. A snapshot that ends early is valid and says so.\n"
            "With -o - the program waits for whoever reads the other end of the pipe. A process that was not\n"
            "started with 'heaptrail run' gets the agent first: one thread of it is stopped, for about a\n"
            "millisecond, longer on a busy machine (Linux on x86-64, the same user or root).\n"
            "T is a time with its unit: 50ms, 2s, 5m; without one it is seconds.",
    .options = options,
    .operands_min = 1,
    .operands_max = 1,
    .run = run,
};
