/* cli/fit.h - how wide a text is on a terminal, and text cut to fit. */
#ifndef HTRAIL_CLI_FIT_H
#define HTRAIL_CLI_FIT_H

#include <stddef.h>

/* Width on a terminal: characters, wide ones (East Asian, emoji) as two. */
size_t cli_width(const char *text, size_t len);
/* To standard output; cut in the middle: the ends of a qualified name say most. */
void cli_print_fitted(const char *text, size_t len, size_t columns);

#endif
