/* viz/picture.c - cards that fit their texts. */
#include "viz/picture.h"

#include <stdlib.h>

#include "viz/measure.h"

static const double CARD_HEIGHT = 54, ROOT_HEIGHT = 40, CARD_WIDTH_MIN = 150;
static const double PAD_LEFT = 16, PAD_RIGHT = 10, DOT_WIDTH = 11, GAP = 24, PILL_SIZE = 9, PILL_PAD = 12, PILL_GAP = 8;

static double larger(double a, double b) { return a > b ? a : b; }

void htrail__picture_size_cards(htrail__picture *picture)
{
    const double title_size = HTRAIL__FONT_TITLE_TENTHS / 10.0;
    for (size_t i = 0; i < picture->card_count; i++) {
        htrail__card *card = &picture->cards[i];
        double first = htrail__measure(card->title, HTRAIL__FONT_BOLD, title_size);
        double second = htrail__measure(card->detail, HTRAIL__FONT_PLAIN, HTRAIL__FONT_SMALL);
        if (card->count[0] != '\0')
            first += GAP + htrail__measure(card->count, HTRAIL__FONT_BOLD, HTRAIL__FONT_SMALL);
        if (card->bytes[0] != '\0')
            second += GAP + htrail__measure(card->bytes, HTRAIL__FONT_BOLD, HTRAIL__FONT_SMALL);
        bool low = card->detail[0] == '\0' && card->bytes[0] == '\0';
        if (card->fresh != NULL)
            first += PILL_GAP + htrail__picture_pill_width(card->fresh);
        if (card->info != NULL)
            second = larger(second, htrail__measure(card->info, HTRAIL__FONT_PLAIN, HTRAIL__FONT_SMALL));
        card->width = PAD_LEFT + larger(first, second) + PAD_RIGHT;
        if (card->kind == HTRAIL__CARD_ROOT)
            card->width += DOT_WIDTH;
        else if (!low)
            card->width = larger(card->width, CARD_WIDTH_MIN);
        card->height = (low ? ROOT_HEIGHT : CARD_HEIGHT) + (card->info != NULL ? HTRAIL__INFO_HEIGHT : 0);
    }
}

double htrail__picture_pill_width(const char *text)
{
    return htrail__measure(text, HTRAIL__FONT_BOLD, PILL_SIZE) + PILL_PAD;
}

double htrail__picture_label_width(const char *label)
{
    return htrail__measure(label, HTRAIL__FONT_MONO, HTRAIL__FONT_SMALL);
}

void htrail__picture_release(htrail__picture *picture)
{
    for (size_t i = 0; i < picture->card_count; i++) {
        htrail__card *card = &picture->cards[i];
        free(card->title);
        free(card->count);
        free(card->detail);
        free(card->bytes);
        free(card->whole);
        free(card->fresh);
        free(card->info);
        for (size_t k = 0; card->attributes != NULL && k < picture->attribute_count; k++)
            free(card->attributes[k]);
        free(card->attributes);
    }
    for (size_t i = 0; i < picture->arrow_count; i++) {
        free(picture->arrows[i].label);
        free(picture->arrows[i].whole);
        free(picture->arrows[i].points);
    }
    free(picture->cards);
    free(picture->arrows);
    free(picture->question);
    free(picture->subtitle);
    free(picture->earlier);
    *picture = (htrail__picture){0};
}
