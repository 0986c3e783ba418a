/* cli/terminal.c - see the header. */
#include "cli/terminal.h"

#include <langinfo.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

const char *cli_styled(FILE *stream, cli_style style)
{
    static const char *const codes[] = {"\033[0m", "\033[1m", "\033[2m", "\033[31m", "\033[32m", "\033[33m", "\033[34m"};
    const char *term = getenv("TERM"), *no_color = getenv("NO_COLOR");
    if (!isatty(fileno(stream)) || (no_color != NULL && no_color[0] != '\0') || term == NULL || strcmp(term, "dumb") == 0)
        return "";
    return codes[style];
}

bool cli_is_utf8(FILE *stream)
{
    static int utf8 = -1;
    if (utf8 < 0)
        utf8 = setlocale(LC_CTYPE, "") != NULL && strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
    return utf8 && isatty(fileno(stream));
}

size_t cli_terminal_columns(void)
{
    struct winsize size;
    const char *said = getenv("COLUMNS");
    if (!isatty(STDOUT_FILENO))
        return 0;
    if (said != NULL && strtoul(said, NULL, 10) > 0)
        return strtoul(said, NULL, 10);
    return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}
