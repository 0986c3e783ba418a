/* cli/spark.c - see the header. */
#include "cli/spark.h"

#include <stdio.h>

#include "cli/terminal.h"

enum { LEVEL_BYTES = 3 }; /* of one in UTF-8 */

const char *cli_spark_levels(bool is_utf8) { return is_utf8 ? "▁▂▃▄▅▆▇█" : "_.-:=+*#"; }

size_t cli_spark_cells(size_t count) { return count < CLI_SPARK_CELLS ? count : CLI_SPARK_CELLS; }

size_t cli_spark_value(size_t cell, size_t count)
{
    size_t cells = cli_spark_cells(count);
    return cells < 2 ? 0 : cell * (count - 1) / (cells - 1);
}

void cli_spark_print(const int64_t *values, size_t count)
{
    bool is_utf8 = cli_is_utf8(stdout);
    size_t bytes = is_utf8 ? LEVEL_BYTES : 1;
    int64_t least = INT64_MAX, most = INT64_MIN;
    for (size_t i = 0; i < count; i++) {
        least = values[i] < least ? values[i] : least;
        most = values[i] > most ? values[i] : most;
    }
    for (size_t cell = 0; cell < cli_spark_cells(count); cell++) {
        double share = most > least ? ((double)values[cli_spark_value(cell, count)] - (double)least) / ((double)most - (double)least) : 0;
        fwrite(cli_spark_levels(is_utf8) + (size_t)(share * 7) * bytes, 1, bytes, stdout);
    }
}
