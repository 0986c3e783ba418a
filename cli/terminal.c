/* cli/terminal.c - see the header. */
#include "cli/terminal.h"

#include <langinfo.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { COLUMNS_MIN = 20, COLUMNS_MAX = 10000 };

static struct {
    bool has_width;
    size_t width;
    enum { COLOR_AUTO, COLOR_ALWAYS, COLOR_NEVER } color;
} asked;

bool cli_terminal_set_width(const char *text)
{
    char *end;
    unsigned long width = strtoul(text, &end, 10);
    if (*text < '0' || *text > '9' || *end != '\0' || (width > 0 && width < COLUMNS_MIN) || width > COLUMNS_MAX)
        return false;
    asked.has_width = true;
    asked.width = width;
    return true;
}

bool cli_terminal_set_color(const char *text)
{
    static const char *const known[] = {[COLOR_AUTO] = "auto", [COLOR_ALWAYS] = "always", [COLOR_NEVER] = "never"};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strcmp(text, known[i]) == 0) {
            asked.color = i;
            return true;
        }
    return false;
}

/* Asked once a stream: a table asks for each of its cells. */
bool cli_is_terminal(FILE *stream)
{
    static signed char known[STDERR_FILENO + 1]; /* 0: not asked */
    int number = fileno(stream);
    if (number < 0 || number > STDERR_FILENO)
        return isatty(number);
    if (known[number] == 0)
        known[number] = isatty(number) ? 1 : -1;
    return known[number] > 0;
}

bool cli_terminal_moves(FILE *stream)
{
    const char *term = getenv("TERM");
    return cli_is_terminal(stream) && term != NULL && strcmp(term, "dumb") != 0;
}

const char *cli_styled(FILE *stream, cli_style style)
{
    static const char *const codes[] = {"\033[0m", "\033[1m", "\033[2m", "\033[31m", "\033[32m", "\033[33m", "\033[34m"};
    const char *no_color = getenv("NO_COLOR");
    bool is_automatic = cli_terminal_moves(stream) && (no_color == NULL || no_color[0] == '\0');
    return asked.color == COLOR_ALWAYS || (asked.color == COLOR_AUTO && is_automatic) ? codes[style] : "";
}

static bool locale_is_utf8(void)
{
    static int utf8 = -1;
    if (utf8 < 0)
        utf8 = setlocale(LC_CTYPE, "") != NULL && strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
    return utf8;
}

bool cli_is_utf8(FILE *stream) { return cli_is_terminal(stream) && locale_is_utf8(); }
bool cli_is_ascii(FILE *stream) { return cli_is_terminal(stream) && !locale_is_utf8(); }

/* What the variable says of it, else what the terminal does. */
static size_t terminal_size(FILE *stream, const char *variable)
{
    struct winsize size;
    const char *said = getenv(variable);
    char *end = NULL;
    unsigned long number = said == NULL || *said < '0' || *said > '9' ? 0 : strtoul(said, &end, 10);
    if (!cli_is_terminal(stream))
        return 0;
    if (number > 0 && *end == '\0')
        return number < COLUMNS_MAX ? number : COLUMNS_MAX;
    if (ioctl(fileno(stream), TIOCGWINSZ, &size) != 0)
        return 0;
    return variable[0] == 'C' ? size.ws_col : size.ws_row;
}

size_t cli_terminal_columns(FILE *stream) { return asked.has_width ? asked.width : terminal_size(stream, "COLUMNS"); }
size_t cli_terminal_lines(void) { return terminal_size(stdout, "LINES"); }
