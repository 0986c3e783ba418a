/* cli/facts.h - what is known of a snapshot as keys and values, and how info shows it to people. */
#ifndef HTRAIL_CLI_FACTS_H
#define HTRAIL_CLI_FACTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct cli_fact {
    char *key, *value; /* of the heap: to be escaped; owned */
    size_t key_len, value_len;
} cli_fact;

typedef struct cli_facts {
    cli_fact *items;
    size_t count;
} cli_facts;

/* Copied; a key that is there gets another value. Where memory is out it is left out. */
void cli_facts_set(cli_facts *facts, const char *key, size_t key_len, const char *value, size_t value_len);
void cli_facts_set_text(cli_facts *facts, const char *key, const char *value);
void cli_facts_set_number(cli_facts *facts, const char *key, uint64_t value);
/* "python arenas": memory_python_arenas_bytes and memory_python_arenas_dirty_bytes. */
void cli_facts_set_category(cli_facts *facts, const char *category, uint64_t resident_bytes, uint64_t dirty_bytes);
void cli_facts_release(cli_facts *facts);

/* NULL where there is none. */
const cli_fact *cli_facts_find(const cli_facts *facts, const char *key);
/* False where there is none, or it is no number. */
bool cli_facts_number(const cli_facts *facts, const char *key, uint64_t *value);

/* On standard output, in sections: file, process, memory, threads, cost. What is not known is left out. */
void cli_facts_describe(const cli_facts *facts);

#endif
