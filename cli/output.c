/* cli/output.c - see the header. */
#include "cli/output.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cli/fit.h"
#include "cli/flow.h"

enum {
    CELL_NARROWEST = 12, /* no column is cut below this */
    TEXT_WANTED = 32,    /* before text is cut below this, heads are shortened and columns left out */
    GAP = 2,
    SPARES = 2,     /* kinds of columns to spare */
    INDENT = 2,     /* of a level */
    LEVELS_MAX = 40, /* deeper ones stand below each other, with the number of their level */
    LEVEL_COLUMNS = 24
};

typedef enum cell_kind { CELL_NULL, CELL_INTEGER, CELL_REAL, CELL_TEXT } cell_kind;

typedef struct cell {
    cell_kind kind;
    int64_t number;
    double real;
    char *text; /* owned */
    size_t len;
    size_t level;   /* of a tree */
    char *branches; /* before the text; owned, NULL: none */
} cell;

typedef struct column {
    char *name;
    const char *head; /* shorter; NULL: none */
    cli_column_kind kind;
    unsigned spare; /* 0: stays; the largest goes first */
    bool is_sentence;
} column;

struct cli_rows {
    const char *command;
    bool json, begun, heads_kept, is_tree;
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

void cli_rows_column_narrow(cli_rows *rows, const char *head, unsigned spare)
{
    rows->columns[rows->column_count - 1].head = head;
    rows->columns[rows->column_count - 1].spare = spare;
}

void cli_rows_column_sentence(cli_rows *rows) { rows->columns[rows->column_count - 1].is_sentence = true; }

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
        added.text = must(cli_escaped(stdout, data, len, &added.len));
    }
    add_cell(rows, added);
}

void cli_rows_branch(cli_rows *rows, size_t level, const char *data, size_t len)
{
    cli_rows_text(rows, data, len);
    if (rows->json)
        return;
    rows->cells[rows->cell_count - 1].level = level;
    rows->is_tree = true;
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
            snprintf(text, sizeof text, kind == CLI_COLUMN_TENTHS ? "%.1f" : kind == CLI_COLUMN_HUNDREDTHS ? "%.2f" : "%.6g", value->real);
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

/* What stands before the lines of a tree: a branch to each, and a line down to the next of the same parent. From
 * the last row up it is known whether there is one. */
static void draw_branches(cli_rows *rows)
{
    static const struct { const char *line, *branch, *last, *nothing; } utf8 = {"│ ", "├─", "└─", "  "}, ascii = {"| ", "|-", "`-", "  "}, pipe = {"  ", "  ", "  ", "  "};
    bool has_next[LEVELS_MAX + 1] = {false};
    for (size_t at = rows->cell_count; rows->is_tree && at-- > 0;) {
        cell *drawn = &rows->cells[at];
        size_t level = drawn->level < LEVELS_MAX ? drawn->level : LEVELS_MAX;
        char text[4 * INDENT * LEVELS_MAX] = "", *end = text;
        if (at % rows->column_count != 0)
            continue;
        for (size_t i = 1; i <= level; i++) {
            const char *line = i < level ? (has_next[i] ? utf8.line : utf8.nothing) : has_next[i] ? utf8.branch : utf8.last;
            if (!cli_is_terminal(stdout))
                line = pipe.line;
            else if (!cli_is_utf8(stdout))
                line = i < level ? (has_next[i] ? ascii.line : ascii.nothing) : has_next[i] ? ascii.branch : ascii.last;
            end = stpcpy(end, line);
        }
        drawn->branches = must(strdup(text));
        has_next[level] = true;
        memset(has_next + level + 1, 0, (LEVELS_MAX - level) * sizeof *has_next);
    }
}

/* What stands before the text where there is room for it. */
static size_t branch_columns(const cell *value)
{
    char level[LEVEL_COLUMNS];
    if (value->branches == NULL || value->level <= LEVELS_MAX)
        return value->branches == NULL ? 0 : INDENT * value->level;
    return INDENT * LEVELS_MAX + (size_t)snprintf(level, sizeof level, "%zu: ", value->level);
}

static int64_t rank_of(const cli_rows *rows, size_t row, size_t at)
{
    const cell *cells = rows->cells + row * rows->column_count;
    if (cells[at].kind == CELL_NULL && at > 0)
        at--;
    return cells[at].kind == CELL_REAL ? (int64_t)cells[at].real : cells[at].number;
}

static int by_rank(const void *left, const void *right)
{
    const int64_t *a = left, *b = right; /* number, row */
    return a[0] != b[0] ? (a[0] > b[0] ? -1 : 1) : a[1] < b[1] ? -1 : a[1] > b[1];
}

size_t cli_rows_keep_largest(cli_rows *rows, const char *by, size_t count)
{
    size_t at = 0, kept = 0, gone = rows->row_count > count ? rows->row_count - count : 0;
    while (at < rows->column_count && strcmp(rows->columns[at].name, by) != 0)
        at++;
    if (gone == 0 || at == rows->column_count || rows->json)
        return 0;
    int64_t (*ranks)[2] = must(calloc(rows->row_count, sizeof *ranks));
    bool *stays = must(calloc(rows->row_count, sizeof *stays));
    for (size_t row = 0; row < rows->row_count; row++) {
        ranks[row][0] = rank_of(rows, row, at);
        ranks[row][1] = (int64_t)row;
    }
    qsort(ranks, rows->row_count, sizeof *ranks, by_rank);
    for (size_t i = 0; i < count; i++)
        stays[ranks[i][1]] = true;
    for (size_t i = 0; i < rows->cell_count; i++) {
        if (stays[i / rows->column_count])
            rows->cells[kept++] = rows->cells[i];
        else
            free(rows->cells[i].text);
    }
    rows->cell_count = kept;
    rows->row_count = count;
    free(ranks);
    free(stays);
    return gone;
}

/* What a table looks like where it is printed. */
typedef struct layout {
    size_t *widths;
    bool short_heads, sentences_out;
    unsigned spares_out; /* columns that are so much to spare, or more; 0: all stay */
} layout;

static bool is_out(const cli_rows *rows, const layout *chosen, size_t i)
{
    return (chosen->spares_out > 0 && rows->columns[i].spare >= chosen->spares_out) || (chosen->sentences_out && rows->columns[i].is_sentence);
}

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
            size_t width = branch_columns(&rows->cells[at]) + cli_width(rows->cells[at].text, rows->cells[at].len);
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
        chosen->sentences_out = measure(rows, chosen, SIZE_MAX) > limit;
        chosen->short_heads = measure(rows, chosen, TEXT_WANTED) > limit;
        for (unsigned spare = SPARES; spare > 0 && measure(rows, chosen, TEXT_WANTED) > limit; spare--)
            chosen->spares_out = spare;
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

/* Branches of the first so many levels. */
static void print_some_branches(const char *branches, size_t levels)
{
    size_t characters = 0, bytes = 0;
    for (; branches[bytes] != '\0'; bytes++)
        if (((unsigned char)branches[bytes] & 0xc0) != 0x80 && characters++ == INDENT * levels)
            break;
    printf("%s%.*s%s", cli_styled(stdout, CLI_STYLE_DIM), (int)bytes, branches, cli_styled(stdout, CLI_STYLE_NONE));
}

/* As much of them as leaves room for the text; what is deeper has its level before it. */
static size_t print_branches(const cell *value, size_t columns)
{
    char level[LEVEL_COLUMNS];
    size_t number = (size_t)snprintf(level, sizeof level, "%zu: ", value->level);
    size_t shown = value->level < LEVELS_MAX ? value->level : LEVELS_MAX, room = columns > CELL_NARROWEST ? columns - CELL_NARROWEST : 0;
    if (value->level == 0 || value->branches == NULL)
        return 0;
    if (shown == value->level && INDENT * shown <= room) {
        print_some_branches(value->branches, shown);
        return INDENT * shown;
    }
    room = room > number ? (room - number) / INDENT : 0;
    shown = shown < room ? shown : room;
    print_some_branches(value->branches, shown);
    if (shown == 0 && columns < CELL_NARROWEST + number)
        return 0;
    printf("%s%s%s", cli_styled(stdout, CLI_STYLE_DIM), level, cli_styled(stdout, CLI_STYLE_NONE));
    return INDENT * shown + number;
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
        size_t len = cells == NULL ? strlen(text) : cells[i].len, width = left ? 0 : cli_width(text, len);
        if (width < chosen->widths[i] && !left)
            pending += chosen->widths[i] - width;
        if (len > 0) {
            printf("%*s", (int)pending, "");
            pending = 0;
            width = cells == NULL ? 0 : print_branches(&cells[i], chosen->widths[i]);
            width += cli_print_fitted(stdout, text, len, chosen->widths[i] - width);
        }
        pending += GAP + (left ? chosen->widths[i] - width : 0);
    }
    fputs(style[0] ? cli_styled(stdout, CLI_STYLE_NONE) : "", stdout);
    fputc('\n', stdout);
}

/* What stands below a row. */
static void print_sentences(const cli_rows *rows, const cell *cells)
{
    for (size_t i = 0; i < rows->column_count; i++) {
        cli_flow flow;
        if (!rows->columns[i].is_sentence || cells[i].len == 0)
            continue;
        cli_flow_begin(&flow, stdout, (size_t)printf("  "), 2);
        cli_flow_text(&flow, cells[i].text, cells[i].len);
        cli_flow_end(&flow);
    }
}

static void print_table(cli_rows *rows)
{
    layout chosen = {.widths = must(calloc(rows->column_count + 1, sizeof *chosen.widths))};
    choose_kinds(rows);
    format_cells(rows);
    draw_branches(rows);
    choose_layout(rows, &chosen, cli_terminal_columns(stdout));
    if (rows->row_count > 0 || (rows->heads_kept && rows->column_count > 0))
        print_line(rows, &chosen, NULL, cli_styled(stdout, CLI_STYLE_BOLD));
    for (size_t row = 0; row < rows->row_count; row++) {
        print_line(rows, &chosen, rows->cells + row * rows->column_count, "");
        if (chosen.sentences_out)
            print_sentences(rows, rows->cells + row * rows->column_count);
    }
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
    for (size_t i = 0; i < rows->cell_count; i++) {
        free(rows->cells[i].text);
        free(rows->cells[i].branches);
    }
    for (size_t i = 0; i < rows->column_count; i++)
        free(rows->columns[i].name);
    free(rows->columns);
    free(rows->cells);
    free(rows->members);
    free(rows);
}
