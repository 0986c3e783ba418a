/* cli/gist.c - see the header. */
#include "cli/gist.h"

#include <stdlib.h>
#include <string.h>

enum { TEXT_BYTES = 32 };

static void keep(char **text, sqlite3_stmt *row, int column)
{
    const char *key = (const char *)sqlite3_column_text(row, column);
    free(*text);
    *text = strdup(key != NULL ? key : "");
}

static void add_row(void *arg, sqlite3_stmt *row)
{
    cli_gist *gist = arg;
    int key = cli_query_column_at(row, gist->key);
    int64_t bytes = cli_query_number(row, gist->bytes);

    gist->counts += cli_query_number(row, gist->count);
    gist->sum += bytes;
    if (gist->rows == 0 || bytes > gist->most_bytes) {
        keep(&gist->most, row, key);
        gist->most_bytes = bytes;
    }
    if (gist->rows == 0 || bytes < gist->least_bytes) {
        keep(&gist->least, row, key);
        gist->least_bytes = bytes;
    }
    gist->rows++;
}

static void say(void *arg, cli_flow *flow)
{
    cli_gist *gist = arg;
    if (gist->rows > 0)
        gist->say(flow, gist);
}

int cli_print_gist(const cli_arguments *arguments, sqlite3_stmt *statement, const cli_query_column *columns, uint64_t row_limit, cli_gist *gist)
{
    const cli_query_told told = {.row = add_row, .say = say, .arg = gist, .shown = gist->shown};
    int result = cli_print_query_told(arguments, statement, columns, row_limit, &told);
    free(gist->most);
    free(gist->least);
    gist->most = gist->least = NULL;
    return result;
}

const char *cli_gist_number(char *out, int64_t number, bool has_sign)
{
    out[0] = '+';
    cli_format_number(out + (has_sign && number > 0), TEXT_BYTES - 1, number);
    return out;
}

const char *cli_gist_bytes(char *out, int64_t bytes, bool has_sign)
{
    out[0] = '+';
    cli_format_bytes(out + (has_sign && bytes > 0), TEXT_BYTES - 1, bytes);
    return out;
}

const char *cli_gist_share(char *out, int64_t part, int64_t all)
{
    double percent = all > 0 ? 100 * (double)part / (double)all : 0;
    snprintf(out, TEXT_BYTES, percent > 0 && percent < 1 ? "under 1 %%" : "%.0f %%", percent);
    return out;
}

const char *cli_gist_time(char *out, int64_t ns)
{
    static const struct { double seconds; const char *unit; } units[] = {{86400, "d"}, {3600, "h"}, {60, "min"}, {1, "s"}};
    double seconds = (double)ns / 1e9;
    size_t i = 0;
    while (i + 1 < sizeof units / sizeof *units && seconds < 2 * units[i].seconds)
        i++;
    snprintf(out, TEXT_BYTES, "%.1f %s", seconds / units[i].seconds, units[i].unit);
    return out;
}
