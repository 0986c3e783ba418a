/* viz/svg.c - a placed picture as SVG. Colours are concrete, the dark ones under a media
 * query (librsvg draws CSS variables black). Numbers have one digit after the point,
 * whatever the locale. */
#include "viz/svg.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "viz/escape.h"
#include "viz/measure.h"

static const double MARGIN = 24, HEAD = 70, LEGEND_GAP = 30, ROW = 22, WIDTH_MIN = 420, PILL_HEIGHT = 15;
enum { TITLE_SIZE = 17, SUBTITLE_SIZE = 12, PILL_GAP = 8, LEGEND_TEXT_MAX = 1 << 12 };

/* In a style text every '$' stands for the picture's class, and its theme's where there is one. */
static const char common_style[] =
    "$ text{font-family:Inter,'Segoe UI',system-ui,'DejaVu Sans',sans-serif}"
    "$ .m{font-family:ui-monospace,'SF Mono','DejaVu Sans Mono',Consolas,monospace}"
    "$ .h1{font-size:17px;font-weight:650}$ .h2{font-size:12px}$ .t{font-size:12.5px;font-weight:600}$ .s{font-size:11px}"
    "$ .b{font-size:11px;font-weight:600;text-anchor:end}$ .e path{fill:none}$ .e text{font-size:11px;text-anchor:middle;"
    "paint-order:stroke;stroke-width:4px;stroke-linejoin:round}$ .d path{stroke-dasharray:5 4}$ .S .box{stroke-width:2}"
    "$ .more .box{stroke-dasharray:4 3}$ .more .t{font-weight:400}$ .H .box{stroke-width:2}"
    "$ .pill{fill:#c2570c}$ .p{font-size:9px;font-weight:700;text-anchor:middle}";

typedef struct palette {
    const char *text, *page, *dim, *box, *line, *track, *edge, *dashed, *suspect_box, *suspect, *root_box, *hover, *highlight_box, *highlight;
    const char *kinds[HTRAIL__CARD_KIND_COUNT];
} palette;

static const palette light = {
    "#1c2330", "#fff", "#667085", "#fff", "#d0d5dd", "#e4e7ec", "#98a2b3", "#dc6803", "#fef3f2", "#d92d20", "#ecfdf8", "#2f6fde", "#fef9c3", "#ca8a04",
    {"#0f7b6c", "#2f6fde", "#9b59b6", "#7a5af8", "#0e9384", "#667085", "#b54708", "#344054", "#98a2b3"},
};
static const palette dark = {
    "#e6e9ef", "#0f1319", "#98a2b3", "#181d26", "#343c4a", "#2a3240", "#667085", "#fdb022", "#2c1617", "#f97066", "#0d2622", "#6ea8ff", "#2b2710", "#eab308",
    {"#2ed3b7", "#6ea8ff", "#c39bd3", "#a48afb", "#5fe9d0", "#98a2b3", "#fd853a", "#d0d5dd", "#667085"},
};

static const struct {
    const char *class, *text;
} kinds[HTRAIL__CARD_KIND_COUNT] = {
    {"k-root", "root"},   {"k-mod", "module"},      {"k-type", "class"},    {"k-fn", "function / code"}, {"k-frame", "frame"},
    {"k-cont", "container"}, {"k-value", "value"}, {"k-inst", "instance"}, {"k-more", "left out"},
};

static void add_style(htrail__text *out, const char *style, const char *selector)
{
    for (; *style != '\0'; style++) {
        if (*style == '$')
            htrail__text_add_string(out, selector);
        else
            htrail__text_add(out, style, 1);
    }
}

static void add_palette(htrail__text *out, const palette *colours, const char *selector)
{
    htrail__text style;
    htrail__text_init(&style, 1 << 14);
    htrail__text_format(&style, "$ text{fill:%s}$ .bg{fill:%s}$ .h2,$ .s,$ .more .t{fill:%s}$ .box{fill:%s;stroke:%s}$ .track{fill:%s}", colours->text,
                        colours->page, colours->dim, colours->box, colours->line, colours->track);
    htrail__text_format(&style, "$ .e path{stroke:%s}$ .e polygon{fill:%s}$ .e text{fill:%s;stroke:%s}", colours->edge, colours->edge,
                        colours->text, colours->page);
    htrail__text_format(&style, "$ .d path{stroke:%s}$ .d polygon{fill:%s}", colours->dashed, colours->dashed);
    htrail__text_format(&style, "$ .root .box{fill:%s;stroke:%s}$ .more .box{fill:none;stroke:%s}$ .S .box{fill:%s;stroke:%s}", colours->root_box,
                        colours->kinds[HTRAIL__CARD_ROOT], colours->kinds[HTRAIL__CARD_MORE], colours->suspect_box, colours->suspect);
    htrail__text_format(&style, "$ .H .box{fill:%s}$ .H:not(.S) .box{stroke:%s}$ .p{fill:#fff}", colours->highlight_box, colours->highlight);
    for (int i = 0; i < HTRAIL__CARD_KIND_COUNT; i++)
        htrail__text_format(&style, "$ .%s{fill:%s}", kinds[i].class, colours->kinds[i]);
    htrail__text_format(&style, "$ .S .bar{fill:%s}$ .n:hover .box,$ .e:hover path{stroke:%s}", colours->suspect, colours->hover);
    add_style(out, htrail__text_string(&style), selector);
    out->failed |= style.failed;
    htrail__text_release(&style);
}

static void add_escaped(htrail__text *out, const char *text)
{
    htrail__escape_xml(out, text, strlen(text));
}

/* The tooltip: its lines stay lines. */
static void add_tooltip(htrail__text *out, const char *whole)
{
    htrail__text_add_string(out, "<title>");
    for (const char *line = whole; *line != '\0';) {
        size_t len = strcspn(line, "\n");
        htrail__escape_xml(out, line, len);
        if (line[len] == '\n')
            htrail__text_add_string(out, "\n");
        line += len + (line[len] == '\n');
    }
    htrail__text_add_string(out, "</title>");
}

static void add_attribute(htrail__text *out, const char *name, double number)
{
    htrail__text_format(out, " %s=\"", name);
    htrail__text_add_tenths(out, number);
    htrail__text_add_string(out, "\"");
}

static void add_text(htrail__text *out, const char *class, double x, double y, const char *text)
{
    if (text[0] == '\0')
        return;
    htrail__text_format(out, "<text class=\"%s\"", class);
    add_attribute(out, "x", x);
    add_attribute(out, "y", y);
    htrail__text_add_string(out, ">");
    add_escaped(out, text);
    htrail__text_add_string(out, "</text>");
}

static void add_rect(htrail__text *out, const char *class, double x, double y, double width, double height, double radius)
{
    htrail__text_format(out, "<rect class=\"%s\"", class);
    add_attribute(out, "x", x);
    add_attribute(out, "y", y);
    add_attribute(out, "width", width);
    add_attribute(out, "height", height);
    add_attribute(out, "rx", radius);
    htrail__text_add_string(out, "/>");
}

/* FNV-1a of what is drawn: ids that differ between pictures and never between runs. */
static uint32_t fingerprint(const htrail__picture *picture)
{
    uint32_t hash = 2166136261u;
    const char *texts[2] = {picture->question, picture->subtitle};
    for (size_t i = 0; i < 2 + picture->card_count; i++)
        for (const char *at = i < 2 ? texts[i] : picture->cards[i - 2].whole; *at != '\0'; at++)
            hash = (hash ^ (unsigned char)*at) * 16777619u;
    return hash;
}

static void add_pill(htrail__text *out, const char *text, double x, double y)
{
    double width = htrail__picture_pill_width(text);
    add_rect(out, "pill", x, y - PILL_HEIGHT / 2, width, PILL_HEIGHT, PILL_HEIGHT / 2);
    add_text(out, "p", x + width / 2, y + 3.2, text);
}

static void add_card(htrail__text *out, const htrail__picture *picture, size_t index, uint32_t prefix, double left, double top)
{
    const htrail__card *card = &picture->cards[index];
    const char *class = kinds[card->kind].class;
    double x = left + card->x, y = top + card->y, right = x + card->width - 10;
    char bar[32];
    snprintf(bar, sizeof bar, "bar %s", class);
    htrail__text_format(out, "<g class=\"n%s%s%s\" id=\"h%08x-n%zu\"",
                        card->kind == HTRAIL__CARD_ROOT ? " root" : card->kind == HTRAIL__CARD_MORE ? " more" : "",
                        card->suspect ? " S" : "", card->highlight ? " H" : "", prefix, index);
    for (size_t i = 0; card->attributes != NULL && i < picture->attribute_count; i++) {
        htrail__text_format(out, " data-%s=\"", picture->attribute_names[i]);
        add_escaped(out, card->attributes[i]);
        htrail__text_add_string(out, "\"");
    }
    htrail__text_add_string(out, ">");
    add_tooltip(out, card->whole);
    add_rect(out, "box", x, y, card->width, card->height, 7);
    if (card->kind == HTRAIL__CARD_ROOT) {
        htrail__text_format(out, "<circle class=\"%s\"", class);
        add_attribute(out, "cx", x + 15);
        add_attribute(out, "cy", y + card->height / 2);
        htrail__text_add_string(out, " r=\"5\"/>");
        x += 11;
    } else if (card->kind != HTRAIL__CARD_MORE) {
        add_rect(out, bar, x + 5, y + 8, 4, card->height - 16, 2);
    }
    double first = card->detail[0] == '\0' && card->bytes[0] == '\0' && card->info == NULL ? y + card->height / 2 + 4.5 : y + 20;
    add_text(out, "t", x + 16, first, card->title);
    add_text(out, "b", right, first, card->count);
    add_text(out, "s", x + 16, y + 37, card->detail);
    add_text(out, "b", right, y + 37, card->bytes);
    if (card->info != NULL)
        add_text(out, "s", x + 16, y + 37 + HTRAIL__INFO_HEIGHT, card->info);
    if (card->share >= 0) {
        double room = right - (x + 16), width = room * card->share;
        add_rect(out, "track", x + 16, y + card->height - 9.5, room, 3, 1.5);
        add_rect(out, bar, x + 16, y + card->height - 9.5, width < 1.5 ? 1.5 : width > room ? room : width, 3, 1.5);
    }
    if (card->fresh != NULL)
        add_pill(out, card->fresh, x + 16 + htrail__measure(card->title, HTRAIL__FONT_BOLD, HTRAIL__FONT_TITLE_TENTHS / 10.0) + PILL_GAP, first - 4);
    htrail__text_add_string(out, "</g>\n");
}

static void add_point(htrail__text *out, double x, double y)
{
    htrail__text_add_tenths(out, x);
    htrail__text_add_string(out, ",");
    htrail__text_add_tenths(out, y);
}

/* The curve stops where the head begins, so that a thick line does not show at the tip. */
static void add_arrow(htrail__text *out, const htrail__arrow *arrow, double left, double top)
{
    bool thick = arrow->hold == HTRAIL__HOLD_ONLY;
    double head_length = thick ? 11.5 : 8.5, head_half = thick ? 6.2 : 4.1;
    size_t last = arrow->point_count - 1;
    htrail__point tip = arrow->points[last];
    /* The direction of the head: from the nearest point that is far enough to have one. */
    size_t back = last;
    double dx = 0, dy = 0, length = 0;
    while (back > 0 && length < head_length) {
        back--;
        dx = tip.x - arrow->points[back].x;
        dy = tip.y - arrow->points[back].y;
        length = sqrt(dx * dx + dy * dy);
    }
    if (length < 0.1) {
        dx = 0;
        dy = length = 1;
    }
    dx /= length;
    dy /= length;
    double base_x = tip.x - dx * head_length, base_y = tip.y - dy * head_length;

    htrail__text_format(out, "<g class=\"e%s\">", arrow->hold == HTRAIL__HOLD_SEVERAL ? " d" : "");
    add_tooltip(out, arrow->whole);
    htrail__text_format(out, "<path stroke-width=\"%s\" d=\"M", thick ? "4.0" : "1.4");
    add_point(out, left + arrow->points[0].x, top + arrow->points[0].y);
    /* The last piece of a curve is the straight one that render added for the head. */
    size_t end = arrow->point_count > 4 ? arrow->point_count - 3 : arrow->point_count;
    for (size_t i = 1; i < end; i++) {
        double x = arrow->points[i].x, y = arrow->points[i].y;
        if (i == end - 1) {
            x = base_x + dx;
            y = base_y + dy;
        }
        htrail__text_add_string(out, i % 3 == 1 ? "C" : " ");
        add_point(out, left + x, top + y);
    }
    htrail__text_add_string(out, "\"/><polygon points=\"");
    add_point(out, left + tip.x, top + tip.y);
    htrail__text_add_string(out, " ");
    add_point(out, left + base_x - dy * head_half, top + base_y + dx * head_half);
    htrail__text_add_string(out, " ");
    add_point(out, left + base_x + dy * head_half, top + base_y - dx * head_half);
    htrail__text_add_string(out, "\"/>");
    htrail__text_add_string(out, "</g>\n");
}

/* Above all lines, on the colour of the page: no arrow cuts a name. */
static void add_label(htrail__text *out, const htrail__arrow *arrow, double left, double top)
{
    double width = htrail__picture_label_width(arrow->label);
    if (arrow->label[0] == '\0')
        return;
    htrail__text_add_string(out, "<g class=\"e\">");
    add_tooltip(out, arrow->whole);
    add_rect(out, "bg", left + arrow->label_x - width / 2 - 1, top + arrow->label_y - 6, width + 2, 13, 2);
    add_text(out, "m", left + arrow->label_x, top + arrow->label_y + 4, arrow->label);
    htrail__text_add_string(out, "</g>\n");
}

/* Where the next entry of the legend stands; a new row where it does not fit. */
typedef struct legend {
    double x, y, right;
} legend;

static void legend_room(legend *at, double symbol, const char *text)
{
    if (at->x > MARGIN && at->x + symbol + 8 + htrail__measure(text, HTRAIL__FONT_PLAIN, HTRAIL__FONT_SMALL) > at->right) {
        at->x = MARGIN;
        at->y += ROW;
    }
}

static void legend_text(htrail__text *out, legend *at, double symbol, const char *text)
{
    if (out != NULL)
        add_text(out, "s", at->x + symbol + 7, at->y + 4, text);
    at->x += symbol + 7 + htrail__measure(text, HTRAIL__FONT_PLAIN, HTRAIL__FONT_SMALL) + 22;
}

/* With out NULL only measures: leaves in *at where the legend ends. */
static void add_legend(htrail__text *out, legend *at, const htrail__picture *picture)
{
    bool kind_drawn[HTRAIL__CARD_KIND_COUNT] = {false}, hold_drawn[3] = {false}, suspect = false, bar = false, fresh = false, highlight = false;
    static const char *const holds[3] = {"the only holder: cut it and they go", "one of several holders", "a holder; others may not be drawn"};
    for (size_t i = 0; i < picture->card_count; i++) {
        kind_drawn[picture->cards[i].kind] |= !picture->cards[i].suspect;
        suspect |= picture->cards[i].suspect;
        bar |= picture->cards[i].share >= 0;
        fresh |= picture->cards[i].fresh != NULL;
        highlight |= picture->cards[i].highlight;
    }
    for (size_t i = 0; i < picture->arrow_count; i++)
        hold_drawn[picture->arrows[i].hold] = true;
    for (int i = 0; i < HTRAIL__CARD_KIND_COUNT; i++) {
        if (!kind_drawn[i] || i == HTRAIL__CARD_MORE)
            continue;
        legend_room(at, 10, kinds[i].text);
        if (out != NULL)
            add_rect(out, kinds[i].class, at->x, at->y - 5, 10, 10, 2.5);
        legend_text(out, at, 10, kinds[i].text);
    }
    if (suspect) {
        legend_room(at, 14, "what was asked for");
        if (out != NULL) {
            htrail__text_add_string(out, "<g class=\"S\">");
            add_rect(out, "box", at->x, at->y - 5.5, 14, 11, 3);
            htrail__text_add_string(out, "</g>");
        }
        legend_text(out, at, 14, "what was asked for");
    }
    if (kind_drawn[HTRAIL__CARD_MORE]) {
        legend_room(at, 14, "counted, not drawn");
        if (out != NULL) {
            htrail__text_add_string(out, "<g class=\"more\">");
            add_rect(out, "box", at->x, at->y - 5.5, 14, 11, 3);
            htrail__text_add_string(out, "</g>");
        }
        legend_text(out, at, 14, "counted, not drawn");
    }
    if (highlight) {
        legend_room(at, 14, "highlighted");
        if (out != NULL) {
            htrail__text_add_string(out, "<g class=\"H\">");
            add_rect(out, "box", at->x, at->y - 5.5, 14, 11, 3);
            htrail__text_add_string(out, "</g>");
        }
        legend_text(out, at, 14, "highlighted");
    }
    if (fresh) {
        double width = htrail__picture_pill_width("NEW");
        htrail__text text;
        htrail__text_init(&text, LEGEND_TEXT_MAX);
        htrail__text_format(&text, "not in %s", picture->earlier != NULL ? picture->earlier : "the earlier one");
        legend_room(at, width, htrail__text_string(&text));
        if (out != NULL)
            add_pill(out, "NEW", at->x, at->y);
        legend_text(out, at, width, htrail__text_string(&text));
        htrail__text_release(&text);
    }
    at->x = MARGIN;
    at->y += ROW;
    for (int i = 0; i < 3; i++) {
        if (!hold_drawn[i])
            continue;
        legend_room(at, 28, holds[i]);
        if (out != NULL) {
            htrail__text_format(out, "<g class=\"e%s\"><path stroke-width=\"%s\" d=\"M", i == HTRAIL__HOLD_SEVERAL ? " d" : "",
                                i == HTRAIL__HOLD_ONLY ? "4.0" : "1.4");
            add_point(out, at->x, at->y);
            htrail__text_add_string(out, "h28\"/></g>");
        }
        legend_text(out, at, 28, holds[i]);
    }
    if (bar) {
        const char *text = "what they retain, of the heap";
        legend_room(at, 30, text);
        if (out != NULL) {
            add_rect(out, "track", at->x, at->y - 1.5, 30, 3, 1.5);
            add_rect(out, "k-inst", at->x, at->y - 1.5, 12, 3, 1.5);
        }
        legend_text(out, at, 30, text);
    }
}

void htrail__svg_write(htrail__text *out, const htrail__picture *picture, htrail__theme theme)
{
    const char *class = theme == HTRAIL__THEME_LIGHT ? "htrail htrail-light" : theme == HTRAIL__THEME_DARK ? "htrail htrail-dark" : "htrail";
    const char *selector = theme == HTRAIL__THEME_LIGHT ? ".htrail-light" : theme == HTRAIL__THEME_DARK ? ".htrail-dark" : ".htrail";
    double width = picture->width;
    double question = htrail__measure(picture->question, HTRAIL__FONT_BOLD, TITLE_SIZE);
    double subtitle = htrail__measure(picture->subtitle, HTRAIL__FONT_PLAIN, SUBTITLE_SIZE);
    width = question > width ? question : width;
    width = subtitle > width ? subtitle : width;
    width = ceil(2 * MARGIN + (width < WIDTH_MIN ? WIDTH_MIN : width));
    legend at = {MARGIN, HEAD + picture->height + LEGEND_GAP, width - MARGIN};
    legend end = at;
    add_legend(NULL, &end, picture);
    double height = ceil(end.y + 22), left = (width - picture->width) / 2;
    uint32_t prefix = fingerprint(picture);

    htrail__text_format(out, "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"%s\" width=\"%d\" height=\"%d\" viewBox=\"0 0 %d %d\" role=\"img\">",
                        class, (int)width, (int)height, (int)width, (int)height);
    add_tooltip(out, picture->question);
    htrail__text_add_string(out, "<style>");
    add_style(out, common_style, selector);
    add_palette(out, theme == HTRAIL__THEME_DARK ? &dark : &light, selector);
    if (theme == HTRAIL__THEME_AUTO) {
        htrail__text_add_string(out, "@media(prefers-color-scheme:dark){");
        add_palette(out, &dark, selector);
        htrail__text_add_string(out, "}");
    }
    htrail__text_add_string(out, "</style><rect class=\"bg\" width=\"100%\" height=\"100%\"/>\n");
    add_text(out, "h1", MARGIN, 30, picture->question);
    add_text(out, "h2", MARGIN, 49, picture->subtitle);
    htrail__text_add_string(out, "\n");
    for (size_t i = 0; i < picture->arrow_count; i++)
        if (picture->arrows[i].point_count >= 4)
            add_arrow(out, &picture->arrows[i], left, HEAD);
    for (size_t i = 0; i < picture->arrow_count; i++)
        if (picture->arrows[i].point_count >= 4)
            add_label(out, &picture->arrows[i], left, HEAD);
    for (size_t i = 0; i < picture->card_count; i++)
        add_card(out, picture, i, prefix, left, HEAD);
    add_legend(out, &at, picture);
    htrail__text_add_string(out, "\n</svg>\n");
}
