/* cli/flow.c - see the header. */
#include "cli/flow.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "cli/escape.h"
#include "cli/fit.h"

enum { HANG_MAX = 32, PARAGRAPH_COLUMNS = 60 };

void cli_flow_begin(cli_flow *flow, size_t column, size_t hang)
{
    *flow = (cli_flow){.limit = cli_terminal_columns(stdout), .hang = hang, .column = column, .is_line_empty = true};
    if (flow->limit > 0 && flow->hang > flow->limit / 2)
        flow->hang = flow->limit / 2;
}

static void print(cli_flow *flow, const char *text, size_t len, bool can_break)
{
    size_t escaped_len = 0;
    char *escaped = cli_escaped(stdout, text, len, &escaped_len);
    if (escaped == NULL) { /* as it is, without a break: better than not at all */
        cli_print_escaped(stdout, text, len);
        return;
    }
    size_t width = cli_width(escaped, escaped_len), gap = can_break && !flow->is_line_empty;
    if (can_break && flow->limit > 0 && flow->column + gap + width > flow->limit && flow->column > flow->hang) {
        printf("\n%*s", (int)flow->hang, "");
        flow->column = flow->hang;
    } else if (gap > 0) {
        putchar(' ');
        flow->column++;
    }
    fwrite(escaped, 1, escaped_len, stdout);
    flow->column += width;
    if (flow->limit > 0 && flow->column > flow->limit)
        flow->column = (flow->column - 1) % flow->limit + 1;
    flow->is_line_empty = false;
    free(escaped);
}

void cli_flow_word(cli_flow *flow, const char *text, size_t len) { print(flow, text, len, true); }
void cli_flow_more(cli_flow *flow, const char *text, size_t len) { print(flow, text, len, false); }

void cli_flow_text(cli_flow *flow, const char *text, size_t len)
{
    for (size_t at = 0, end; at < len; at = end + 1) {
        const char *blank = memchr(text + at, ' ', len - at);
        end = blank == NULL ? len : (size_t)(blank - text);
        if (end > at)
            cli_flow_word(flow, text + at, end - at);
    }
}

void cli_flow_format(cli_flow *flow, const char *format, ...)
{
    char *text;
    va_list values;
    va_start(values, format);
    int len = vasprintf(&text, format, values);
    va_end(values);
    if (len < 0)
        return;
    cli_flow_text(flow, text, (size_t)len);
    free(text);
}

void cli_flow_style(cli_flow *flow, cli_style style)
{
    (void)flow;
    fputs(cli_styled(stdout, style), stdout);
}

void cli_flow_end(cli_flow *flow)
{
    putchar('\n');
    flow->column = 0;
}

/* Where the last column of a line begins: after its last gap of two blanks or more, near its start. */
static size_t text_column(const char *line, size_t len)
{
    size_t column = strspn(line, " ");
    for (size_t at = column; at + 2 < len && at < HANG_MAX; at++)
        if (line[at] == ' ' && line[at + 1] == ' ' && line[at + 2] != ' ')
            column = at + 2;
    return column;
}

/* A line that goes on with the one before it: a long one, in the same column. */
static bool goes_on(const char *next, size_t len_before, size_t column)
{
    size_t len = strcspn(next, "\n");
    return len_before >= PARAGRAPH_COLUMNS && len > column && strspn(next, " ") == column && text_column(next, len) == column;
}

void cli_flow_lines(const char *text)
{
    cli_flow flow;
    while (*text != '\0') {
        size_t len = strcspn(text, "\n"), column = text_column(text, len);
        cli_flow_begin(&flow, column < len ? column : len, column);
        fwrite(text, 1, flow.column, stdout);
        cli_flow_text(&flow, text + flow.column, len - flow.column);
        for (text += len; flow.limit > 0 && *text == '\n' && goes_on(text + 1, len, column); text += len) {
            len = strcspn(++text, "\n");
            cli_flow_text(&flow, text, len);
        }
        cli_flow_end(&flow);
        text += *text == '\n';
    }
}
