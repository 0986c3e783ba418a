/* viz/measure.h - how wide a text will be, without asking a font: the same on every
 * machine, so that the same input gives the same picture. DejaVu's widths, which are
 * those of the widest font that the pictures name: text never runs out of its card. */
#ifndef HTRAIL_VIZ_MEASURE_H
#define HTRAIL_VIZ_MEASURE_H

typedef enum htrail__font { HTRAIL__FONT_PLAIN, HTRAIL__FONT_BOLD, HTRAIL__FONT_MONO } htrail__font;

/* In the unit of size (the height of the font), of clean UTF-8. */
double htrail__measure(const char *text, htrail__font font, double size);

#endif
