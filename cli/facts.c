/* cli/facts.c - see the header. */
#include "cli/facts.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FACTS_MAX = 4096 };

static char *copy_of(const char *text, size_t len)
{
    char *copy = malloc(len + 1);
    if (copy != NULL) {
        if (len > 0)
            memcpy(copy, text, len);
        copy[len] = '\0';
    }
    return copy;
}

static cli_fact *find(const cli_facts *facts, const char *key, size_t key_len)
{
    for (size_t i = 0; i < facts->count; i++)
        if (facts->items[i].key_len == key_len && memcmp(facts->items[i].key, key, key_len) == 0)
            return &facts->items[i];
    return NULL;
}

void cli_facts_set(cli_facts *facts, const char *key, size_t key_len, const char *value, size_t value_len)
{
    cli_fact *fact = find(facts, key, key_len), added = {copy_of(key, key_len), copy_of(value, value_len), key_len, value_len};
    if (added.key == NULL || added.value == NULL)
        goto drop;
    if (fact == NULL) {
        cli_fact *items = facts->count < FACTS_MAX ? realloc(facts->items, (facts->count + 1) * sizeof *items) : NULL;
        if (items == NULL)
            goto drop;
        facts->items = items;
        items[facts->count++] = added;
        return;
    }
    free(fact->value);
    fact->value = added.value;
    fact->value_len = value_len;
    free(added.key);
    return;
drop:
    free(added.key);
    free(added.value);
}

void cli_facts_set_text(cli_facts *facts, const char *key, const char *value)
{
    cli_facts_set(facts, key, strlen(key), value, strlen(value));
}

void cli_facts_set_number(cli_facts *facts, const char *key, uint64_t value)
{
    char text[32];
    cli_facts_set(facts, key, strlen(key), text, (size_t)snprintf(text, sizeof text, "%" PRIu64, value));
}

void cli_facts_set_category(cli_facts *facts, const char *category, uint64_t resident_bytes, uint64_t dirty_bytes)
{
    char key[64], name[32];
    size_t len = 0;
    for (; category[len] != '\0' && len + 1 < sizeof name; len++)
        name[len] = category[len] == ' ' ? '_' : category[len];
    name[len] = '\0';
    snprintf(key, sizeof key, "memory_%s_bytes", name);
    cli_facts_set_number(facts, key, resident_bytes);
    snprintf(key, sizeof key, "memory_%s_dirty_bytes", name);
    cli_facts_set_number(facts, key, dirty_bytes);
}

void cli_facts_release(cli_facts *facts)
{
    for (size_t i = 0; i < facts->count; i++) {
        free(facts->items[i].key);
        free(facts->items[i].value);
    }
    free(facts->items);
    *facts = (cli_facts){0};
}

const cli_fact *cli_facts_find(const cli_facts *facts, const char *key) { return find(facts, key, strlen(key)); }

bool cli_facts_number(const cli_facts *facts, const char *key, uint64_t *value)
{
    const cli_fact *fact = cli_facts_find(facts, key);
    char *end;
    if (fact == NULL || fact->value_len == 0 || fact->value[0] < '0' || fact->value[0] > '9')
        return false;
    *value = strtoull(fact->value, &end, 10);
    return *end == '\0';
}
