/* cli/number.h - numbers and bytes as people read them. */
#ifndef HTRAIL_CLI_NUMBER_H
#define HTRAIL_CLI_NUMBER_H

#include <stddef.h>
#include <stdint.h>

/* "27.0 MiB" into out. */
void cli_format_bytes(char *out, size_t cap, int64_t bytes);
/* "1,234,567" into out. */
void cli_format_number(char *out, size_t cap, int64_t number);

#endif
