/* cli/spark.h - a trend in at most eight cells, from the least of its values to the most. */
#ifndef HTRAIL_CLI_SPARK_H
#define HTRAIL_CLI_SPARK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { CLI_SPARK_CELLS = 8 };

/* The level, 0 to 7, is a character of it. */
const char *cli_spark_levels(bool is_utf8);
/* Of so many values there are so many cells; the first and the last value have one in any case. */
size_t cli_spark_cells(size_t count);
size_t cli_spark_value(size_t cell, size_t count);
/* To standard output. */
void cli_spark_print(const int64_t *values, size_t count);

#endif
