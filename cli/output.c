/* cli/output.c - see the header. */
#include "cli/output.h"

#include <inttypes.h>
#include <langinfo.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

enum {
    CELL_NARROWEST = 12, /* no column is cut below this */
    TEXT_WANTED = 24,    /* before text is cut below this, heads are shortened and columns left out */
    GAP = 2,
    PROGRESS_AFTER_MS = 500,
    PROGRESS_EVERY_MS = 100,
    BAR_CELLS = 30
};

typedef enum cell_kind { CELL_NULL, CELL_INTEGER, CELL_REAL, CELL_TEXT } cell_kind;

typedef struct cell {
    cell_kind kind;
    int64_t number;
    double real;
    char *text; /* owned */
    size_t len;
} cell;

typedef struct column {
    char *name;
    const char *head; /* shorter; NULL: none */
    cli_column_kind kind;
    bool is_spare;
} column;

struct cli_rows {
    const char *command;
    bool json, begun, heads_kept;
    column *columns;
    size_t column_count;
    cell *cells; /* table: all; JSON: of one row */
    size_t cell_count, cell_room, row_count;
    char *members; /* JSON text for after the rows */
    size_t members_len;
};

static void *must(void *memory)
{
    if (memory == NULL) {
        fputs("heaptrail: out of memory\n", stderr);
        exit(3);
    }
    return memory;
}

/* Text. */

/* Length of the character at data, 0 where it is to be escaped. */
static size_t printable(const unsigned char *data, size_t len)
{
    unsigned char lead = data[0];
    size_t wanted = lead < 0x80 ? 1 : lead < 0xc2 ? 0 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : lead < 0xf5 ? 4 : 0;
    uint32_t point = wanted == 1 ? lead : lead & (0x7fu >> wanted);

    if (wanted == 0 || wanted > len)
        return 0;
    for (size_t i = 1; i < wanted; i++) {
        if ((data[i] & 0xc0) != 0x80)
            return 0;
        point = point << 6 | (data[i] & 0x3f);
    }
    if ((wanted == 3 && point < 0x800) || (wanted == 4 && point < 0x10000) || point > 0x10ffff || (point >= 0xd800 && point < 0xe000))
        return 0;
    return wanted;
}

static uint32_t code_point(const unsigned char *data, size_t len)
{
    uint32_t point = len == 1 ? data[0] : data[0] & (0x7fu >> len);
    for (size_t i = 1; i < len; i++)
        point = point << 6 | (data[i] & 0x3f);
    return point;
}

/* Controls, line separators and what turns the direction of text: a name must not
 * be able to rewrite the line that it stands in. */
static bool is_hostile(uint32_t point)
{
    return point < 0x20 || (point >= 0x7f && point < 0xa0) || point == 0x61c || (point >= 0x200b && point <= 0x200f) ||
           (point >= 0x2028 && point <= 0x202e) || (point >= 0x2060 && point <= 0x2069) || point == 0xfeff;
}

/* One character of data into out (room for 12), escaped; how much of data it took. */
static size_t escape_one(char *out, const char *data, size_t len)
{
    const unsigned char *bytes = (const unsigned char *)data;
    size_t step = printable(bytes, len);
    if (step == 0) {
        snprintf(out, 12, "\\x%02x", bytes[0]);
        return 1;
    }
    uint32_t point = code_point(bytes, step);
    if (!is_hostile(point)) {
        memcpy(out, data, step);
        out[step] = '\0';
    } else if (point == '\n' || point == '\t' || point == '\r') {
        snprintf(out, 12, "\\%c", point == '\n' ? 'n' : point == '\t' ? 't' : 'r');
    } else {
        snprintf(out, 12, point < 0x100 ? "\\x%02x" : "\\u%04x", (unsigned)point);
    }
    return step;
}

static char *escaped(const char *data, size_t len, size_t *out_len)
{
    char *text = must(malloc(len * 8 + 12));
    size_t used = 0;
    for (size_t at = 0; at < len;) {
        at += escape_one(text + used, data + at, len - at);
        used += strlen(text + used);
    }
    text[used] = '\0';
    *out_len = used;
    return text;
}

void cli_print_escaped(FILE *stream, const char *data, size_t len)
{
    char one[12];
    for (size_t at = 0; at < len;) {
        at += escape_one(one, data + at, len - at);
        fputs(one, stream);
    }
}

void cli_print_json_text(FILE *stream, const char *data, size_t len)
{
    const unsigned char *bytes = (const unsigned char *)data;
    fputc('"', stream);
    for (size_t at = 0; at < len;) {
        size_t step = printable(bytes + at, len - at);
        if (step == 0) {
            fputs("\\ufffd", stream);
            at++;
            continue;
        }
        uint32_t point = code_point(bytes + at, step);
        if (point == '"' || point == '\\')
            fprintf(stream, "\\%c", (char)point);
        else if (point == '\n')
            fputs("\\n", stream);
        else if (is_hostile(point))
            fprintf(stream, "\\u%04x", (unsigned)point);
        else
            fwrite(data + at, 1, step, stream);
        at += step;
    }
    fputc('"', stream);
}

/* Width on a terminal: characters, wide ones (East Asian, emoji) as two. */
static size_t width_of(const char *text, size_t len)
{
    size_t width = 0;
    for (size_t at = 0; at < len;) {
        size_t step = printable((const unsigned char *)text + at, len - at);
        uint32_t point = step ? code_point((const unsigned char *)text + at, step) : 0;
        at += step ? step : 1;
        width += (point >= 0x1100 && point < 0x1160) || (point >= 0x2e80 && point < 0xa4d0) || (point >= 0xac00 && point < 0xd7a4) ||
                         (point >= 0xf900 && point < 0xfb00) || (point >= 0xfe30 && point < 0xfe70) || (point >= 0xff00 && point < 0xff61) ||
                         (point >= 0x1f300 && point < 0x20000) || (point >= 0x20000 && point < 0x40000)
                     ? 2 : 1;
    }
    return width;
}

/* Where the first (or last) columns of text end (begin). */
static size_t head_bytes(const char *text, size_t len, size_t columns)
{
    size_t at = 0;
    while (at < len) {
        size_t step = printable((const unsigned char *)text + at, len - at);
        step = step ? step : 1;
        if (width_of(text, at + step) > columns)
            break;
        at += step;
    }
    return at;
}

static size_t tail_start(const char *text, size_t len, size_t columns)
{
    size_t at = len;
    while (at > 0) {
        size_t before = at - 1;
        while (before > 0 && ((unsigned char)text[before] & 0xc0) == 0x80)
            before--;
        if (width_of(text + before, len - before) > columns)
            break;
        at = before;
    }
    return at;
}

/* Cut in the middle: the ends of a qualified name say most. */
static void print_fitted(const char *text, size_t len, size_t columns)
{
    bool utf8 = cli_is_utf8(stdout);
    size_t dots = utf8 ? 1 : 2;
    if (width_of(text, len) <= columns) {
        fwrite(text, 1, len, stdout);
        return;
    }
    size_t head = head_bytes(text, len, (columns - dots) / 2), left = columns - dots - width_of(text, head);
    size_t tail = tail_start(text, len, left);
    fwrite(text, 1, head, stdout);
    fputs(utf8 ? "\u2026" : "..", stdout);
    fwrite(text + tail, 1, len - tail, stdout);
}

/* Numbers. */

void cli_format_number(char *out, size_t cap, int64_t number)
{
    char digits[32];
    int len = snprintf(digits, sizeof digits, "%" PRIu64, number < 0 ? -(uint64_t)number : (uint64_t)number);
    size_t used = 0;
    if (number < 0 && used + 1 < cap)
        out[used++] = '-';
    for (int i = 0; i < len; i++) {
        if (i > 0 && (len - i) % 3 == 0 && used + 1 < cap)
            out[used++] = ',';
        if (used + 1 < cap)
            out[used++] = digits[i];
    }
    if (cap > 0)
        out[used] = '\0';
}

void cli_format_bytes(char *out, size_t cap, int64_t bytes)
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    double value = bytes < 0 ? -(double)bytes : (double)bytes;
    size_t unit = 0;
    while (value >= 1023.95 && unit + 1 < sizeof units / sizeof *units) {
        value /= 1024;
        unit++;
    }
    snprintf(out, cap, unit == 0 ? "%s%.0f %s" : "%s%.1f %s", bytes < 0 ? "-" : "", value, units[unit]);
}

/* Terminal. */

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

/* Rows. */

cli_rows *cli_rows_open(const char *command, bool json)
{
    cli_rows *rows = must(calloc(1, sizeof *rows));
    rows->command = command;
    rows->json = json;
    return rows;
}

static bool has_column(const cli_rows *rows, const char *name)
{
    for (size_t i = 0; i < rows->column_count; i++)
        if (strcmp(rows->columns[i].name, name) == 0)
            return true;
    return false;
}

void cli_rows_column(cli_rows *rows, const char *name, cli_column_kind kind)
{
    char *unique = must(strdup(name));
    for (unsigned number = 2; rows->json && has_column(rows, unique); number++) {
        free(unique);
        if (asprintf(&unique, "%s_%u", name, number) < 0)
            must(unique = NULL);
    }
    rows->columns = must(realloc(rows->columns, (rows->column_count + 1) * sizeof *rows->columns));
    rows->columns[rows->column_count++] = (column){.name = unique, .kind = kind};
}

void cli_rows_column_narrow(cli_rows *rows, const char *head, bool is_spare)
{
    rows->columns[rows->column_count - 1].head = head;
    rows->columns[rows->column_count - 1].is_spare = is_spare;
}

void cli_rows_keep_heads(cli_rows *rows) { rows->heads_kept = true; }

static void begin_json(cli_rows *rows)
{
    if (rows->begun)
        return;
    printf("{\"command\": ");
    cli_print_json_text(stdout, rows->command, strlen(rows->command));
    printf(", \"format\": 1, \"rows\": [");
    rows->begun = true;
}

/* With as few digits as give the same number again. */
static void print_real(double real)
{
    char text[40];
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, real);
        if (strtod(text, NULL) == real)
            break;
    }
    fputs(text, stdout);
}

static void print_json_cell(const cell *value)
{
    switch (value->kind) {
    case CELL_NULL: fputs("null", stdout); break;
    case CELL_INTEGER: printf("%" PRId64, value->number); break;
    case CELL_REAL:
        if (value->real - value->real == 0) /* JSON knows no infinity */
            print_real(value->real);
        else
            fputs("null", stdout);
        break;
    case CELL_TEXT: cli_print_json_text(stdout, value->text, value->len); break;
    }
}

static void print_json_row(cli_rows *rows)
{
    begin_json(rows);
    fputs(rows->row_count > 1 ? ",\n  {" : "\n  {", stdout);
    for (size_t i = 0; i < rows->column_count; i++) {
        fputs(i ? ", " : "", stdout);
        cli_print_json_text(stdout, rows->columns[i].name, strlen(rows->columns[i].name));
        fputs(": ", stdout);
        if (rows->columns[i].kind == CLI_COLUMN_JSON && rows->cells[i].kind == CELL_TEXT)
            fwrite(rows->cells[i].text, 1, rows->cells[i].len, stdout);
        else
            print_json_cell(&rows->cells[i]);
        free(rows->cells[i].text);
    }
    fputc('}', stdout);
    rows->cell_count = 0;
}

static void add_cell(cli_rows *rows, cell added)
{
    if (rows->cell_count == rows->cell_room) {
        rows->cell_room = rows->cell_room ? rows->cell_room * 2 : 64;
        rows->cells = must(realloc(rows->cells, rows->cell_room * sizeof *rows->cells));
    }
    rows->cells[rows->cell_count++] = added;
    if (rows->cell_count % rows->column_count != 0)
        return;
    rows->row_count++;
    if (rows->json)
        print_json_row(rows);
}

void cli_rows_text(cli_rows *rows, const char *data, size_t len)
{
    cell added = {.kind = CELL_TEXT};
    if (rows->json) {
        added.text = must(malloc(len + 1));
        if (len > 0)
            memcpy(added.text, data, len);
        added.len = len;
    } else {
        added.text = escaped(data, len, &added.len);
    }
    add_cell(rows, added);
}

void cli_rows_number(cli_rows *rows, int64_t number) { add_cell(rows, (cell){.kind = CELL_INTEGER, .number = number}); }
void cli_rows_real(cli_rows *rows, double number) { add_cell(rows, (cell){.kind = CELL_REAL, .real = number}); }
void cli_rows_null(cli_rows *rows) { add_cell(rows, (cell){.kind = CELL_NULL}); }
size_t cli_rows_count(const cli_rows *rows) { return rows->row_count; }

static void add_member(cli_rows *rows, const char *key, const char *text, const int64_t *number)
{
    char *buffer = NULL;
    size_t size = 0;
    if (!rows->json)
        return;
    FILE *stream = must(open_memstream(&buffer, &size));
    if (rows->members != NULL)
        fwrite(rows->members, 1, rows->members_len, stream);
    fputs(", ", stream);
    cli_print_json_text(stream, key, strlen(key));
    fputs(": ", stream);
    if (number != NULL)
        fprintf(stream, "%" PRId64, *number);
    else if (text == NULL)
        fputs("null", stream);
    else
        cli_print_json_text(stream, text, strlen(text));
    fclose(stream);
    free(rows->members);
    rows->members = must(buffer);
    rows->members_len = size;
}

void cli_rows_member(cli_rows *rows, const char *key, const char *text) { add_member(rows, key, text, NULL); }
void cli_rows_member_number(cli_rows *rows, const char *key, int64_t number) { add_member(rows, key, NULL, &number); }

void cli_rows_next(cli_rows *rows, const char *name)
{
    begin_json(rows);
    fputs(rows->row_count > 0 ? "\n], " : "], ", stdout);
    cli_print_json_text(stdout, name, strlen(name));
    fputs(": [", stdout);
    rows->row_count = 0;
    while (rows->column_count > 0)
        free(rows->columns[--rows->column_count].name);
}

/* A number as the column shows it; text stays. */
static void format_cells(cli_rows *rows)
{
    char text[64] = "";
    for (size_t i = 0; i < rows->cell_count; i++) {
        cell *value = &rows->cells[i];
        cli_column_kind kind = rows->columns[i % rows->column_count].kind;
        bool bytes = kind == CLI_COLUMN_BYTES || kind == CLI_COLUMN_BYTES_CHANGE;
        if (value->kind == CELL_TEXT)
            continue;
        if (value->kind == CELL_NULL)
            text[0] = '\0';
        else if (value->kind == CELL_REAL)
            snprintf(text, sizeof text, kind == CLI_COLUMN_TENTHS ? "%.1f" : "%.6g", value->real);
        else if (bytes)
            cli_format_bytes(text, sizeof text, value->number);
        else if (kind == CLI_COLUMN_NUMBER || kind == CLI_COLUMN_CHANGE)
            cli_format_number(text, sizeof text, value->number);
        else
            snprintf(text, sizeof text, "%" PRId64, value->number);
        if (value->kind == CELL_INTEGER && value->number > 0 && (kind == CLI_COLUMN_CHANGE || kind == CLI_COLUMN_BYTES_CHANGE)) {
            memmove(text + 1, text, strlen(text) + 1);
            text[0] = '+';
        }
        value->text = must(strdup(text));
        value->len = strlen(text);
    }
}

static void choose_kinds(cli_rows *rows)
{
    for (size_t i = 0; i < rows->column_count; i++) {
        bool text = false;
        for (size_t at = i; at < rows->cell_count && !text; at += rows->column_count)
            text = rows->cells[at].kind == CELL_TEXT;
        if (rows->columns[i].kind == CLI_COLUMN_ANY)
            rows->columns[i].kind = text ? CLI_COLUMN_TEXT : CLI_COLUMN_PLAIN;
    }
}

/* What a table looks like where it is printed. */
typedef struct layout {
    size_t *widths;
    bool short_heads, spares_out;
} layout;

static bool is_out(const cli_rows *rows, const layout *chosen, size_t i) { return chosen->spares_out && rows->columns[i].is_spare; }

static const char *head_of(const cli_rows *rows, const layout *chosen, size_t i)
{
    return chosen->short_heads && rows->columns[i].head != NULL ? rows->columns[i].head : rows->columns[i].name;
}

/* All columns and the gaps between them; of text no more than text_max each. */
static size_t measure(const cli_rows *rows, layout *chosen, size_t text_max)
{
    size_t all = 0;
    for (size_t i = 0; i < rows->column_count; i++) {
        chosen->widths[i] = strlen(head_of(rows, chosen, i));
        for (size_t at = i; at < rows->cell_count; at += rows->column_count) {
            size_t width = width_of(rows->cells[at].text, rows->cells[at].len);
            if (width > chosen->widths[i])
                chosen->widths[i] = width;
        }
        if (is_out(rows, chosen, i))
            continue;
        bool is_cut = rows->columns[i].kind == CLI_COLUMN_TEXT && chosen->widths[i] > text_max;
        all += (all > 0 ? GAP : 0) + (is_cut ? text_max : chosen->widths[i]);
    }
    return all;
}

/* First the heads become short, then what can be spared goes, then text is cut. */
static void choose_layout(const cli_rows *rows, layout *chosen, size_t limit)
{
    if (limit > 0) {
        chosen->short_heads = measure(rows, chosen, TEXT_WANTED) > limit;
        chosen->spares_out = measure(rows, chosen, TEXT_WANTED) > limit;
    }
    size_t all = measure(rows, chosen, SIZE_MAX);
    while (limit > 0 && all > limit) {
        size_t widest = rows->column_count;
        for (size_t i = 0; i < rows->column_count; i++)
            if (rows->columns[i].kind == CLI_COLUMN_TEXT && chosen->widths[i] > CELL_NARROWEST && !is_out(rows, chosen, i) &&
                (widest == rows->column_count || chosen->widths[i] > chosen->widths[widest]))
                widest = i;
        if (widest == rows->column_count)
            return;
        chosen->widths[widest]--;
        all--;
    }
}

static void print_line(const cli_rows *rows, const layout *chosen, const cell *cells, const char *style)
{
    size_t pending = 0; /* blanks, written when something follows: no line ends in one */
    fputs(style, stdout);
    for (size_t i = 0; i < rows->column_count; i++) {
        if (is_out(rows, chosen, i))
            continue;
        bool left = rows->columns[i].kind == CLI_COLUMN_TEXT;
        const char *text = cells == NULL ? head_of(rows, chosen, i) : cells[i].text;
        size_t len = cells == NULL ? strlen(text) : cells[i].len, width = width_of(text, len);
        size_t blank = width < chosen->widths[i] ? chosen->widths[i] - width : 0;
        if (!left)
            pending += blank;
        if (len > 0) {
            printf("%*s", (int)pending, "");
            pending = 0;
            print_fitted(text, len, chosen->widths[i]);
        } else {
            pending += width;
        }
        pending += GAP + (left ? blank : 0);
    }
    fputs(style[0] ? cli_styled(stdout, CLI_STYLE_NONE) : "", stdout);
    fputc('\n', stdout);
}

static void print_table(cli_rows *rows)
{
    layout chosen = {.widths = must(calloc(rows->column_count + 1, sizeof *chosen.widths))};
    choose_kinds(rows);
    format_cells(rows);
    choose_layout(rows, &chosen, cli_terminal_columns());
    if (rows->row_count > 0 || (rows->heads_kept && rows->column_count > 0))
        print_line(rows, &chosen, NULL, cli_styled(stdout, CLI_STYLE_BOLD));
    for (size_t row = 0; row < rows->row_count; row++)
        print_line(rows, &chosen, rows->cells + row * rows->column_count, "");
    free(chosen.widths);
}

void cli_rows_close(cli_rows *rows)
{
    if (rows->json) {
        begin_json(rows);
        fputs(rows->row_count > 0 ? "\n]" : "]", stdout);
        if (rows->members != NULL)
            fwrite(rows->members, 1, rows->members_len, stdout);
        fputs("}\n", stdout);
    } else {
        print_table(rows);
    }
    cli_rows_discard(rows);
}

void cli_rows_discard(cli_rows *rows)
{
    for (size_t i = 0; i < rows->cell_count; i++)
        free(rows->cells[i].text);
    for (size_t i = 0; i < rows->column_count; i++)
        free(rows->columns[i].name);
    free(rows->columns);
    free(rows->cells);
    free(rows->members);
    free(rows);
}

/* Progress. */

static uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

void cli_progress_init(cli_progress *progress, const char *what)
{
    *progress = (cli_progress){.what = what, .started_ns = now_ns()};
}

void cli_progress_step(void *arg, uint64_t done, uint64_t total)
{
    cli_progress *progress = arg;
    uint64_t now = now_ns();
    char bytes[32];

    if (!isatty(STDERR_FILENO) || now - progress->started_ns < PROGRESS_AFTER_MS * UINT64_C(1000000) ||
        now - progress->shown_ns < PROGRESS_EVERY_MS * UINT64_C(1000000))
        return;
    progress->shown_ns = now;
    fputs("\r\033[K", stderr);
    cli_print_escaped(stderr, progress->what, strlen(progress->what));
    if (total == 0) {
        cli_format_bytes(bytes, sizeof bytes, (int64_t)done);
        fprintf(stderr, "  %s", bytes);
    } else {
        int percent = (int)((double)(done < total ? done : total) * 100 / (double)total), cells = percent * BAR_CELLS / 100;
        fprintf(stderr, "  [%.*s%*s] %3d %%", cells, "##############################", BAR_CELLS - cells, "", percent);
    }
    fflush(stderr);
}

void cli_progress_end(cli_progress *progress)
{
    if (progress->shown_ns != 0)
        fputs("\r\033[K", stderr);
    progress->shown_ns = 0;
}
