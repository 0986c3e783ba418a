/* cli/flow.c - see the header. */
#include "cli/flow.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/escape.h"
#include "cli/fit.h"

enum { HANG_MAX = 32, PARAGRAPH_COLUMNS = 60 };

void cli_flow_begin(cli_flow *flow, FILE *stream, size_t column, size_t hang)
{
    *flow = (cli_flow){.stream = stream, .limit = cli_terminal_columns(stream), .hang = hang, .column = column, .is_line_empty = true};
    flow->limit -= flow->limit > 0; /* for what stands behind a word */
    if (flow->limit > 0 && flow->hang > flow->limit / 2)
        flow->hang = flow->limit / 2;
}

/* Parted from what is before it: a blank, or a new line where width columns do not fit. */
static void part(cli_flow *flow, size_t width)
{
    size_t gap = flow->is_line_empty ? 0 : 1;
    if (flow->limit > 0 && flow->column + gap + width > flow->limit && flow->column > flow->hang) {
        fprintf(flow->stream, "\n%*s", (int)flow->hang, "");
        flow->column = flow->hang;
    } else if (gap > 0) {
        putc(' ', flow->stream);
        flow->column++;
    }
}

static void went_on(cli_flow *flow, size_t width)
{
    flow->column += width;
    if (flow->limit > 0 && flow->column > flow->limit)
        flow->column = (flow->column - 1) % flow->limit + 1;
    flow->is_line_empty = false;
}

static void print(cli_flow *flow, const char *text, size_t len, bool can_break)
{
    size_t escaped_len = 0;
    char *escaped = cli_escaped(flow->stream, text, len, &escaped_len);
    if (escaped == NULL) { /* as it is, without a break: better than not at all */
        cli_print_escaped(flow->stream, text, len);
        return;
    }
    size_t width = cli_width(escaped, escaped_len);
    if (can_break)
        part(flow, width);
    fwrite(escaped, 1, escaped_len, flow->stream);
    went_on(flow, width);
    free(escaped);
}

void cli_flow_name(cli_flow *flow, const char *text)
{
    size_t len = 0, width;
    char *escaped = cli_escaped(flow->stream, text, strlen(text), &len);
    if (escaped == NULL)
        return;
    width = cli_width(escaped, len);
    if (flow->limit > 0 && width > flow->limit / 2)
        width = flow->limit / 2;
    part(flow, width);
    went_on(flow, cli_print_fitted(flow->stream, escaped, len, width));
    free(escaped);
}

void cli_flow_word(cli_flow *flow, const char *text, size_t len) { print(flow, text, len, true); }
void cli_flow_more(cli_flow *flow, const char *text, size_t len) { print(flow, text, len, false); }

void cli_flow_pair(cli_flow *flow, const char *arrow, const char *name)
{
    char *both = NULL;
    int len = asprintf(&both, "%s %s", arrow, name);
    if (len < 0)
        return;
    if (flow->limit == 0 || cli_width(both, (size_t)len) + flow->hang <= flow->limit) {
        cli_flow_word(flow, both, (size_t)len);
    } else {
        cli_flow_name(flow, arrow);
        cli_flow_name(flow, name);
    }
    free(both);
}

void cli_flow_text(cli_flow *flow, const char *text, size_t len)
{
    for (size_t at = 0, end; at < len; at = end + 1) {
        const char *blank = memchr(text + at, ' ', len - at);
        end = blank == NULL ? len : (size_t)(blank - text);
        cli_flow_word(flow, text + at, end - at); /* of two blanks there is an empty one between */
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
    fputs(cli_styled(flow->stream, style), flow->stream);
}

void cli_flow_end(cli_flow *flow)
{
    putc('\n', flow->stream);
    flow->column = 0;
}

void cli_print_described(size_t column, const char *text)
{
    cli_flow flow;
    cli_flow_begin(&flow, stdout, column, column);
    cli_flow_text(&flow, text, strlen(text));
    cli_flow_end(&flow);
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
        cli_flow_begin(&flow, stdout, column < len ? column : len, column);
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
