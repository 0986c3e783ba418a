/* viz/measure.c - widths of DejaVu Sans, DejaVu Sans Bold and DejaVu Sans Mono. */
#include "viz/measure.h"

/* Of a font 1000 high, from the space to the tilde. */
static const short width_table[2][95] = {
    {318, 401, 460, 838, 636, 950, 780, 275, 390, 390, 500, 838, 318, 361, 318, 337,
     636, 636, 636, 636, 636, 636, 636, 636, 636, 636, 337, 337, 838, 838, 838, 531,
     1000, 684, 686, 698, 770, 632, 575, 775, 752, 295, 295, 656, 557, 863, 748, 787,
     603, 787, 695, 635, 611, 732, 684, 989, 685, 611, 685, 390, 337, 390, 838, 500,
     500, 613, 635, 550, 635, 615, 352, 635, 634, 278, 278, 579, 278, 974, 634, 612,
     635, 635, 411, 521, 392, 634, 592, 818, 592, 592, 525, 636, 337, 636, 838},
    {348, 456, 521, 838, 696, 1002, 872, 306, 457, 457, 523, 838, 380, 415, 380, 365,
     696, 696, 696, 696, 696, 696, 696, 696, 696, 696, 400, 400, 838, 838, 838, 580,
     1000, 774, 762, 734, 830, 683, 683, 821, 837, 372, 372, 775, 637, 995, 837, 850,
     733, 850, 770, 720, 682, 812, 774, 1103, 771, 724, 725, 457, 365, 457, 838, 500,
     500, 675, 716, 593, 716, 678, 435, 716, 712, 343, 343, 665, 343, 1042, 712, 687,
     716, 716, 493, 595, 478, 712, 652, 924, 645, 652, 582, 712, 365, 712, 838},
};
enum { MONO_WIDTH = 602, ACCENTED_WIDTH = 720, WIDE_WIDTH = 1000 };

double htrail__measure(const char *text, htrail__font font, double size)
{
    long thousandths = 0;
    for (const unsigned char *at = (const unsigned char *)text; *at != '\0'; at++) {
        if ((*at & 0xc0) == 0x80)
            continue; /* counted with its first byte */
        if (*at >= 0xe2)
            thousandths += WIDE_WIDTH;
        else if (font == HTRAIL__FONT_MONO)
            thousandths += MONO_WIDTH;
        else if (*at >= 0x20 && *at < 0x7f)
            thousandths += width_table[font == HTRAIL__FONT_BOLD][*at - 0x20];
        else
            thousandths += ACCENTED_WIDTH;
    }
    return (double)thousandths * size / 1000;
}
