/* viz/tree.c - a picture as text. */
#include "viz/tree.h"

static void write_card(const htrail__card *card, FILE *stream)
{
    fprintf(stream, "%s%s", card->title, card->suspect ? " (asked for)" : "");
    const char *const parts[] = {card->count, card->detail, card->bytes};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (parts[i][0] != '\0')
            fprintf(stream, "%s %s", i == 0 ? "" : ",", parts[i]);
    fputc('\n', stream);
}

void htrail__tree_write(const htrail__picture *picture, FILE *stream)
{
    fprintf(stream, "%s\n%s\n\n", picture->question, picture->subtitle);
    for (size_t i = 0; i < picture->card_count; i++) {
        write_card(&picture->cards[i], stream);
        for (size_t k = 0; k < picture->arrow_count; k++) {
            const htrail__arrow *arrow = &picture->arrows[k];
            if (arrow->from != i)
                continue;
            fprintf(stream, "    %s%s-> ", arrow->label, arrow->label[0] != '\0' ? " " : "");
            write_card(&picture->cards[arrow->to], stream);
        }
    }
}
