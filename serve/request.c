/* serve/request.c - see the header. */
#include "serve/request.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Sentences are ours and SQLite's: what JSON does not take as it stands is left out of them. */
void htrail__answer_refuse(htrail__answer *answer, unsigned status, const char *format, ...)
{
    char sentence[1024];
    va_list values;
    va_start(values, format);
    vsnprintf(sentence, sizeof sentence, format, values);
    va_end(values);
    for (char *at = sentence; *at != '\0'; at++)
        if ((unsigned char)*at < ' ')
            *at = ' ';
    htrail__text_clear(&answer->text);
    htrail__text_add_string(&answer->text, "{\"error\":\"");
    for (const char *at = sentence; *at != '\0'; at++) {
        if (*at == '"' || *at == '\\')
            htrail__text_add_string(&answer->text, "\\");
        htrail__text_add(&answer->text, at, 1);
    }
    htrail__text_add_string(&answer->text, "\"}");
    answer->status = status;
}
