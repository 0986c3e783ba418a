/* cli/serve.c - heaptrail serve: the report's page with every object behind it, for one browser on this machine.
 *
 * What takes long of the page (what leaks, the tree, the waste) is made by a child: it can be ended at any moment, and its
 * memory goes with it. Until it is there the page stands without these. */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "analyze/leaks_tables.h"
#include "cli/query.h"
#include "cli/report.h"
#include "serve/explorer.h"
#include "serve/http.h"
#include "viz/report_page.h"

enum { WAIT_FOR_PAGE_MS = 1500, SQL_ROWS = 1000, SQL_ROWS_MAX = 100000, SQL_SECONDS = 5, SQL_SECONDS_MAX = 3600 };

typedef struct page {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    htrail__text text; /* under lock */
    bool is_whole, is_settled; /* settled: it will not change any more */
    pid_t child;
    int from_child;
    pthread_t reader;
    bool has_reader;
} page;

typedef struct server {
    const cli_arguments *arguments;
    htrail__store *stores[HTRAIL__LEAKS_SNAPSHOTS_MAX];
    size_t count;
    page page;
    htrail__explorer *explorer;
    htrail__http *http;
    char bookmark[64]; /* a file that leads a browser to the address; "" where there is none */
} server;

/* Connections do not survive a fork: the child opens its own. */
static int make_page(server *s, int to_parent)
{
    htrail__store *stores[HTRAIL__LEAKS_SNAPSHOTS_MAX] = {NULL};
    char message[HTRAIL__MESSAGE_BYTES] = "";
    htrail__text text;

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (nice(5) == -1) /* who clicks comes first; where that is refused it is no harm */
        errno = 0;
    htrail__text_init(&text, HTRAIL__REPORT_BYTES_MAX);
    for (size_t i = 0; i < s->count; i++)
        if (htrail__store_open(&stores[i], htrail__store_path(s->stores[i]), NULL, message, sizeof message) != HTRAIL_OK)
            return cli_fail(s->arguments, "%s", message);
    int result = cli_report_page(s->arguments, stores, (unsigned)s->count, CLI_REPORT_SERVED, &text);
    for (size_t at = 0; result == CLI_EXIT_OK && at < text.len;) {
        ssize_t written = write(to_parent, text.data + at, text.len - at);
        if (written < 0 && errno != EINTR)
            result = CLI_EXIT_FAILED;
        at += written > 0 ? (size_t)written : 0;
    }
    return result;
}

static int start_child(server *s)
{
    int ends[2];
    if (pipe(ends) != 0)
        return cli_fail(s->arguments, "cannot make a pipe: %s", strerror(errno));
    fflush(NULL);
    s->page.child = fork();
    if (s->page.child == 0) {
        close(ends[0]);
        _exit(make_page(s, ends[1]));
    }
    close(ends[1]);
    s->page.from_child = ends[0];
    return s->page.child > 0 ? CLI_EXIT_OK : cli_fail(s->arguments, "cannot fork: %s", strerror(errno));
}

static void *read_page(void *arg)
{
    server *s = arg;
    page *p = &s->page;
    htrail__text text;
    char piece[1 << 16];
    ssize_t bytes;
    int status = -1;

    htrail__text_init(&text, HTRAIL__REPORT_BYTES_MAX);
    while ((bytes = read(p->from_child, piece, sizeof piece)) > 0 || (bytes < 0 && errno == EINTR))
        htrail__text_add(&text, piece, bytes > 0 ? (size_t)bytes : 0);
    waitpid(p->child, &status, 0);
    pthread_mutex_lock(&p->lock);
    p->child = 0;
    if (status == 0 && !text.failed && text.len > 0) {
        htrail__text old = p->text;
        p->text = text;
        text = old;
        p->is_whole = true;
    }
    p->is_settled = true;
    pthread_cond_signal(&p->changed);
    pthread_mutex_unlock(&p->lock);
    htrail__text_release(&text);
    return NULL;
}

/* The page of a small heap is whole before anybody can ask for it. */
static int start_page(server *s)
{
    struct timespec until;
    pthread_mutex_lock(&s->page.lock);
    s->page.has_reader = pthread_create(&s->page.reader, NULL, read_page, s) == 0;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += WAIT_FOR_PAGE_MS * 1000000l;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    while (s->page.has_reader && !s->page.is_settled && pthread_cond_timedwait(&s->page.changed, &s->page.lock, &until) == 0)
        ;
    pthread_mutex_unlock(&s->page.lock);
    return s->page.has_reader ? CLI_EXIT_OK : cli_fail(s->arguments, "cannot start a thread");
}

static void answer(void *arg, const htrail__request *request, htrail__answer *answer)
{
    server *s = arg;
    if (request->path[0] != '\0' && strcmp(request->path, "page") != 0) {
        htrail__explorer_answer(s->explorer, request, answer);
        return;
    }
    pthread_mutex_lock(&s->page.lock);
    if (request->path[0] == '\0') {
        answer->kind = "text/html; charset=utf-8";
        htrail__text_add(&answer->text, htrail__text_string(&s->page.text), s->page.text.len);
    } else {
        htrail__text_format(&answer->text, "{\"whole\":%s,\"settled\":%s}", s->page.is_whole ? "true" : "false", s->page.is_settled ? "true" : "false");
    }
    pthread_mutex_unlock(&s->page.lock);
}

/* Not the address itself: arguments can be read by every user of this machine, and the token is in it. */
static void open_browser(server *s)
{
    const char *browser = getenv("BROWSER"), *folder = getenv("XDG_RUNTIME_DIR");
    if (browser == NULL || browser[0] == '\0')
        browser = "xdg-open";
    snprintf(s->bookmark, sizeof s->bookmark, "%.30s/heaptrail-XXXXXX.html", folder != NULL && folder[0] == '/' && strlen(folder) <= 30 ? folder : "/tmp");
    int fd = mkstemps(s->bookmark, 5);
    FILE *file = fd < 0 ? NULL : fdopen(fd, "w");
    if (file == NULL) {
        s->bookmark[0] = '\0';
        cli_warn(s->arguments, "cannot make a file to open a browser with: %s", strerror(errno));
        return;
    }
    fprintf(file, "<!DOCTYPE html><meta name=\"referrer\" content=\"no-referrer\"><meta http-equiv=\"refresh\" content=\"0;url=%s\"><title>heaptrail</title>\n", htrail__http_address(s->http));
    fclose(file);
    pid_t child = fork();
    if (child == 0) {
        sigset_t none;
        sigemptyset(&none);
        sigprocmask(SIG_SETMASK, &none, NULL);
        setsid();
        if (freopen("/dev/null", "r", stdin) != NULL && freopen("/dev/null", "w", stdout) != NULL)
            execlp(browser, browser, s->bookmark, (char *)NULL);
        fprintf(stderr, "heaptrail serve: cannot run '%s': %s\n", browser, strerror(errno));
        _exit(127);
    }
}

static int serve(server *s, uint16_t port, const htrail__ask_limits *limits, const sigset_t *ends)
{
    char message[HTRAIL__MESSAGE_BYTES] = "";
    int signal_number, result;

    if (htrail__explorer_open(&s->explorer, s->stores, s->count, limits) != HTRAIL_OK)
        return cli_fail(s->arguments, "out of memory");
    if ((result = start_page(s)) != CLI_EXIT_OK)
        return result;
    if (htrail__http_start(&s->http, port, answer, s, message, sizeof message) != HTRAIL_OK)
        return cli_fail(s->arguments, "%s", message);
    printf("%s\n", htrail__http_address(s->http));
    fflush(stdout);
    if (isatty(STDERR_FILENO))
        fputs("for this machine alone; Ctrl-C ends it\n", stderr);
    if (cli_option_given(s->arguments, "open"))
        open_browser(s);
    sigwait(ends, &signal_number);
    return CLI_EXIT_OK;
}

static void end(server *s)
{
    if (s->explorer != NULL)
        htrail__explorer_stop(s->explorer);
    htrail__http_stop(s->http);
    pthread_mutex_lock(&s->page.lock);
    if (s->page.child > 0)
        kill(s->page.child, SIGKILL);
    pthread_mutex_unlock(&s->page.lock);
    if (s->page.has_reader)
        pthread_join(s->page.reader, NULL);
    else if (s->page.child > 0)
        waitpid(s->page.child, NULL, 0);
    htrail__explorer_close(s->explorer);
    if (s->page.from_child >= 0)
        close(s->page.from_child);
    if (s->bookmark[0] != '\0')
        unlink(s->bookmark);
}

/* Where it is given it is a number from 1 (from 0: a port) to most. */
static bool number(const cli_arguments *arguments, const char *name, unsigned long long least, unsigned long long most, unsigned long long *out)
{
    const char *text = cli_option_value(arguments, name);
    return text == NULL || (cli_parse_number(text, out) && *out >= least && *out <= most);
}

static int run(const cli_arguments *arguments)
{
    server s = {.arguments = arguments, .count = cli_operand_count(arguments), .page = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER, .from_child = -1}};
    unsigned long long port = 0, rows = SQL_ROWS, seconds = SQL_SECONDS;
    sigset_t ends;
    int result;

    if (!number(arguments, "port", 0, UINT16_MAX, &port))
        return cli_usage(arguments, "'%s' is no port", cli_option_value(arguments, "port"));
    if (!number(arguments, "sql-rows", 1, SQL_ROWS_MAX, &rows))
        return cli_usage(arguments, "--sql-rows is a number from 1 to %d", SQL_ROWS_MAX);
    if (!number(arguments, "sql-seconds", 1, SQL_SECONDS_MAX, &seconds))
        return cli_usage(arguments, "--sql-seconds is a number from 1 to %d", SQL_SECONDS_MAX);
    htrail__text_init(&s.page.text, HTRAIL__REPORT_BYTES_MAX);
    if ((result = cli_report_open(arguments, s.stores)) != CLI_EXIT_OK ||
        (result = cli_report_page(arguments, s.stores, (unsigned)s.count, CLI_REPORT_SERVED_AT_ONCE, &s.page.text)) != CLI_EXIT_OK ||
        (result = start_child(&s)) != CLI_EXIT_OK)
        goto done;
    /* Before there is any thread, so that all of them have it from here. */
    sigemptyset(&ends);
    sigaddset(&ends, SIGINT);
    sigaddset(&ends, SIGTERM);
    sigaddset(&ends, SIGHUP);
    pthread_sigmask(SIG_BLOCK, &ends, NULL);
    signal(SIGPIPE, SIG_IGN);
    result = serve(&s, (uint16_t)port, &(htrail__ask_limits){.rows = rows, .milliseconds = 1000 * seconds}, &ends);
done:
    end(&s);
    htrail__text_release(&s.page.text);
    for (size_t i = 0; i < HTRAIL__LEAKS_SNAPSHOTS_MAX; i++)
        htrail__store_free(s.stores[i]);
    return result;
}

static const cli_option options[] = {
    {"port", 'p', "N", "where to listen on 127.0.0.1; any that is free unless given"},
    {"open", 0, NULL, "open a browser: $BROWSER, or what xdg-open finds"},
    {"sql-rows", 0, "N", "rows that a query of yours gives at most (1000)"},
    {"sql-seconds", 0, "N", "seconds that it may take (5)"},
    {NULL, 0, NULL, NULL},
};

const cli_command cli_serve = {
    .name = "serve",
    .usage = "[--open] A [B ...]",
    .summary = "explore snapshots in a browser: the report, and every object behind it",
    .help = "Snapshots of one process, the oldest first. Prints an address for a browser on this machine: the page of 'heaptrail\n"
            "report', and of every object its fields, its referrers, its chain from a root, what it retains, and SQL. It listens on\n"
            "127.0.0.1 alone, answers nobody without the token in that address, and changes nothing. Ctrl-C ends it.",
    .options = options,
    .operands_min = 1,
    .operands_max = -1,
    .run = run,
};
