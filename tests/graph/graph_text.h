/* graph_text.h - heaps as text, so that a reviewer reads a test's whole input. A .graph file:
 *
 *     # A list in a module keeps 1,000 records, and C code holds one of them.
 *     let n 1000                                  n may be set from outside: one text makes a series
 *     type app.Record base=object class=Record    needed only to say more than its name
 *     root modules main __main__                  KIND OBJECT NAME
 *
 *     main      module __main__  : field __dict__ globals
 *     globals   dict   -         : value keep keep, value Record Record
 *     Record    type   app.Record
 *     keep      list   -         size=n*8+56 : index - record[*]
 *     record[n] app.Record -     size=48 : attr data data[$], weak owner keep
 *     data[n]   bytearray -      size=1000 length=943
 *     record[7] ...              no: a line stands for all its copies; give the seventh a line of its own
 *
 * An object is a line: ID TYPE NAME, what is said of it, and after a colon what it refers to:
 * KIND LABEL TARGET, KIND LABEL TARGET ... '-' is no name and no label. A line that begins with a blank continues the one
 * before; '#' begins a comment, at the start of a line or after a blank; '~' in a name or text is a space.
 *
 * ID       A word (but let meta type root thread frame mapping site), or ID[count] for as many objects alike. The same word has the same address in every file, so an object
 *          that is in two snapshots is the same one; at=OTHER gives it the address of another word instead, as memory that is used again.
 * TARGET   ID, ID[number], ID[*] for all, ID[from..to]. '$' is the number of the copy whose line it is: node[$+1],
 *          item[$*20..$*20+19]. With a '$' in it, what is beyond the copies is left out: the end of a chain.
 *          A bare number that no line has: an address without an object.
 * number   Numbers, '$' and names of `let`, with + - * / % from left to right.
 * TYPE     `dict`, or `app.Record`: the last dot parts the module. Types with a module are made by class statements (heap)
 *          unless a line `type NAME static` says otherwise. type NAME [heap|static] [pseudo] [base=TYPE] [class=ID] [size=number]
 *          [item=number]; class: the object that it is.
 * NAME     `app.Record` (in module app), of a module or string as it is. '$' is the number of the copy.
 * KIND     plain index key value attr slot field local cell default offset stack weak
 * LABEL    As NAME; '$' is the number of the target. A number for index, stack and offset. A `value` without label belongs
 *          to the `key` before it: `key - name, value - x`; for as many of both, `pair KEY TARGET`: pair word[*] item[*].
 * of it    size= (100) length= (references but keys and weak ones, where there is a colon) refcount= (the references and
 *          roots that lead to it, or 1: C code holds what nothing else does; refcount=+2: two more) text= hash= site=SITE
 *          tracked pseudo immortal
 *
 *     meta KEY VALUE                    until the end of the line
 *     root KIND TARGET [NAME] [thread=TID] [depth=N]     KIND: a number or modules frame atexit ... as in htrail/types.h
 *     thread TID [name=] [ident=] [object=ID] [main] [daemon] [capture]
 *     frame TID DEPTH FUNCTION FILE:LINE [object=ID]
 *     mapping START BYTES CATEGORY PATH [rss=] [pss=] [dirty=] [swap=]     CATEGORY as in the database; '-': no PATH
 *     site ID FILE:LINE FUNCTION [caller=SITE]            before the objects that say site=
 *
 * Questions stand in the files beside their answers, as comments: '#?' and SQL, in which @record[7] is that object's address,
 * then '#=' and a row for each of the answer as the sqlite3 shell prints it. tests/analyze/test_graph.py asks them.
 *
 * graph-to-htrail (graph_to_htrail.c) makes a snapshot of a file, tests/graph/graph_file.py is that for Python, and
 * tests/unit/text_heap.h takes the same text in C. */
#ifndef HTRAIL_TESTS_GRAPH_GRAPH_TEXT_H
#define HTRAIL_TESTS_GRAPH_GRAPH_TEXT_H

#include <ctype.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <htrail/writer.h>

enum {
    GRAPH_TEXT_COPIES_MAX = 1 << 20,
    GRAPH_TEXT_STEP_BYTES = 256, /* from a copy to the next */
    GRAPH_TEXT_WORD = 160
};

/* Word to number. */
typedef struct graph_text_map {
    struct graph_text_entry { char *word; uint64_t value; } *entries;
    size_t used, cap;
} graph_text_map;

/* What an ID stands for. */
typedef struct graph_text_name {
    uint64_t address, count;
    uint32_t *refcounts;
    bool is_many;
} graph_text_name;

typedef struct graph_text {
    htrail_writer *writer;
    char *message;
    size_t message_cap, line;
    bool failed;
    graph_text_map lets, names, regions, types, strings, sites;
    graph_text_name *name; /* by the number in names */
    size_t name_cap;
    htrail_ref *refs;
    size_t ref_count, ref_cap;
} graph_text;

__attribute__((format(printf, 2, 3)))
static inline bool graph_text_fail(graph_text *g, const char *format, ...)
{
    if (!g->failed) {
        int used = g->line > 0 ? snprintf(g->message, g->message_cap, "line %zu: ", g->line) : 0;
        va_list args;
        va_start(args, format);
        vsnprintf(g->message + used, g->message_cap - (size_t)used, format, args);
        va_end(args);
    }
    g->failed = true;
    return false;
}

static inline uint64_t graph_text_hash(const char *word)
{
    uint64_t hash = 0xcbf29ce484222325;
    for (; *word != '\0'; word++)
        hash = (hash ^ (unsigned char)*word) * 0x100000001b3;
    return hash ^ hash >> 29;
}

/* The entry of word, made with value if there is none. */
static inline struct graph_text_entry *graph_text_put(graph_text_map *map, const char *word, uint64_t value)
{
    if (map->used * 2 >= map->cap) {
        graph_text_map grown = {.cap = map->cap ? map->cap * 2 : 64};
        grown.entries = calloc(grown.cap, sizeof *grown.entries);
        for (size_t i = 0; i < map->cap; i++)
            if (map->entries[i].word != NULL) {
                size_t at = graph_text_hash(map->entries[i].word) % grown.cap;
                while (grown.entries[at].word != NULL)
                    at = (at + 1) % grown.cap;
                grown.entries[at] = map->entries[i];
                grown.used++;
            }
        free(map->entries);
        *map = grown;
    }
    size_t at = graph_text_hash(word) % map->cap;
    while (map->entries[at].word != NULL && strcmp(map->entries[at].word, word) != 0)
        at = (at + 1) % map->cap;
    if (map->entries[at].word == NULL) {
        map->entries[at] = (struct graph_text_entry){strdup(word), value};
        map->used++;
    }
    return &map->entries[at];
}

static inline struct graph_text_entry *graph_text_get(graph_text_map *map, const char *word)
{
    if (map->cap == 0)
        return NULL;
    size_t at = graph_text_hash(word) % map->cap;
    while (map->entries[at].word != NULL && strcmp(map->entries[at].word, word) != 0)
        at = (at + 1) % map->cap;
    return map->entries[at].word != NULL ? &map->entries[at] : NULL;
}

static inline void graph_text_map_release(graph_text_map *map)
{
    for (size_t i = 0; i < map->cap; i++)
        free(map->entries[i].word);
    free(map->entries);
}

static inline bool graph_text_is_number(const char *word)
{
    return word[0] != '\0' && strspn(word, "0123456789") == strlen(word);
}

/* Of the first object of an ID. */
static inline uint64_t graph_text_address(const char *word)
{
    if (graph_text_is_number(word))
        return 0x10000 + strtoull(word, NULL, 10) * 16;
    return ((graph_text_hash(word) & 0x7ffff) + 1) << 28;
}

static inline htrail_str graph_text_str(const char *text) { return (htrail_str){text, strlen(text)}; }

/* A number at *at, which is moved behind it; copy stands for '$'. */
static inline bool graph_text_number(graph_text *g, const char **at, uint64_t copy, int64_t *out)
{
    int64_t result = 0;
    for (char operator = '+';;) {
        int64_t term;
        if (**at == '$') {
            term = (int64_t)copy;
            (*at)++;
        } else if (isdigit((unsigned char)**at)) {
            char *end;
            term = strtoll(*at, &end, 0);
            *at = end;
        } else {
            char word[GRAPH_TEXT_WORD];
            size_t len = 0;
            while ((isalnum((unsigned char)**at) || **at == '_') && len < sizeof word - 1)
                word[len++] = *(*at)++;
            word[len] = '\0';
            struct graph_text_entry *let = graph_text_get(&g->lets, word);
            if (let == NULL)
                return graph_text_fail(g, "'%s' is no number", len > 0 ? word : *at);
            term = (int64_t)let->value;
        }
        if ((operator == '/' || operator == '%') && term == 0)
            return graph_text_fail(g, "division by zero");
        result = operator == '+' ? result + term : operator == '-' ? result - term : operator == '*' ? result * term
               : operator == '/' ? result / term : result % term;
        if (**at == '\0' || strchr("+-*/%", **at) == NULL)
            break;
        operator = *(*at)++;
    }
    *out = result;
    return true;
}

static inline bool graph_text_whole_number(graph_text *g, const char *text, uint64_t copy, uint64_t *out)
{
    const char *at = text;
    int64_t number;
    if (!graph_text_number(g, &at, copy, &number))
        return false;
    if (*at != '\0' || number < 0)
        return graph_text_fail(g, "'%s' is no number", text);
    *out = (uint64_t)number;
    return true;
}

/* "name" or "name[...]" in two. */
static inline bool graph_text_split(graph_text *g, const char *text, char word[GRAPH_TEXT_WORD], char inside[GRAPH_TEXT_WORD])
{
    const char *open = strchr(text, '['), *end = text + strlen(text);
    size_t len = open != NULL ? (size_t)(open - text) : strlen(text);
    if (len == 0 || (size_t)(end - text) >= GRAPH_TEXT_WORD || (open != NULL && (end[-1] != ']' || end - open < 3)))
        return graph_text_fail(g, "'%s' is no ID", text);
    memcpy(word, text, len);
    word[len] = inside[0] = '\0';
    if (open != NULL) {
        memcpy(inside, open + 1, (size_t)(end - open - 2));
        inside[end - open - 2] = '\0';
    }
    return true;
}

/* Which objects a TARGET is: those from *from on, before *end, of *name; or an address (name NULL). */
typedef struct graph_text_target {
    graph_text_name *name;
    uint64_t from, end, address;
} graph_text_target;

static inline bool graph_text_find(graph_text *g, const char *text, uint64_t copy, graph_text_target *out)
{
    char word[GRAPH_TEXT_WORD], inside[GRAPH_TEXT_WORD];
    if (!graph_text_split(g, text, word, inside))
        return false;
    struct graph_text_entry *entry = graph_text_get(&g->names, word);
    *out = (graph_text_target){.end = 1, .address = graph_text_address(word)};
    if (entry == NULL)
        return graph_text_is_number(word) && inside[0] == '\0' ? true : graph_text_fail(g, "no object '%s'", word);
    out->name = &g->name[entry->value];
    if (inside[0] == '\0')
        return !out->name->is_many ? true : graph_text_fail(g, "'%s' is %llu objects: say which", word, (unsigned long long)out->name->count);
    if (strcmp(inside, "*") == 0) {
        out->end = out->name->count;
        return true;
    }
    const char *at = inside;
    int64_t from, last;
    if (!graph_text_number(g, &at, copy, &from))
        return false;
    last = from;
    if (at[0] == '.' && at[1] == '.') {
        at += 2;
        if (!graph_text_number(g, &at, copy, &last))
            return false;
    }
    if (*at != '\0')
        return graph_text_fail(g, "'%s' is no number", inside);
    if (strchr(inside, '$') == NULL && last >= from && (from < 0 || (uint64_t)last >= out->name->count))
        return graph_text_fail(g, "'%s' has no [%s]: it is %llu objects", word, inside, (unsigned long long)out->name->count);
    out->from = from < 0 ? 0 : (uint64_t)from;
    out->end = last < from || last < 0 ? out->from : (uint64_t)last + 1;
    if (out->end > out->name->count)
        out->end = out->name->count;
    return true;
}

static inline uint64_t graph_text_target_address(const graph_text_target *target, uint64_t number)
{
    return target->name != NULL ? target->name->address + number * GRAPH_TEXT_STEP_BYTES : target->address;
}

/* The text with '~' for spaces and '$' for number; true if it is none ("-"). */
static inline bool graph_text_words(char *out, size_t cap, const char *text, uint64_t number)
{
    size_t len = 0;
    for (; *text != '\0' && len + 1 < cap; text++)
        if (*text == '$')
            len += (size_t)snprintf(out + len, cap - len, "%llu", (unsigned long long)number);
        else
            out[len++] = *text == '~' ? ' ' : *text;
    out[len < cap ? len : cap - 1] = '\0';
    return strcmp(out, "-") == 0;
}

/* The value of a token KEY=VALUE, or NULL. */
static inline const char *graph_text_option(const char *token, const char *key)
{
    size_t len = strlen(key);
    return strncmp(token, key, len) == 0 && token[len] == '=' ? token + len + 1 : NULL;
}

static inline bool graph_text_kind(graph_text *g, const char *name, uint32_t *out)
{
    static const char *const kinds[] = {"plain", "index", "key", "value", "attr", "slot", "field", "local", "cell", "default", "offset", "stack", "weak"};
    for (uint32_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (strcmp(kinds[i], name) == 0) {
            *out = i;
            return true;
        }
    return graph_text_fail(g, "no kind of reference: '%s'", name);
}

static inline bool graph_text_root_kind(graph_text *g, const char *name, uint32_t *out)
{
#define X(kind, number, text) {#kind, number},
    static const struct { const char *name; uint32_t number; } kinds[] = {HTRAIL_ROOT_MAP(X)};
#undef X
    uint64_t number = 0;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (strcasecmp(kinds[i].name, name) == 0)
            number = kinds[i].number;
    if (number == 0 && (!graph_text_is_number(name) || !graph_text_whole_number(g, name, 0, &number)))
        return graph_text_fail(g, "no kind of root: '%s'", name);
    *out = (uint32_t)number;
    return true;
}

static inline bool graph_text_added(graph_text *g, htrail_status status)
{
    return status == HTRAIL_OK ? true : graph_text_fail(g, "%s", htrail_writer_error(g->writer));
}

/* The type of that name, added if it is new. options: the rest of a line, or NULL. */
static inline bool graph_text_type(graph_text *g, const char *name, char *options, htrail_id *id)
{
    struct graph_text_entry *known = graph_text_get(&g->types, name);
    if (known != NULL) {
        *id = known->value;
        return options == NULL ? true : graph_text_fail(g, "the type '%s' is there already", name);
    }
    char word[GRAPH_TEXT_WORD + 8], *state = NULL;
    snprintf(word, sizeof word, "type %s", name);
    htrail_type type = {.id = graph_text_address(word), .name = graph_text_str(name), .module = graph_text_str("builtins")};
    const char *dot = strrchr(name, '.'), *value;
    if (dot != NULL) {
        type.module = (htrail_str){name, (size_t)(dot - name)};
        type.name = graph_text_str(dot + 1);
        type.flags = HTRAIL_TYPE_HEAP;
    }
    for (char *token = options ? strtok_r(options, " ", &state) : NULL; token != NULL; token = strtok_r(NULL, " ", &state)) {
        graph_text_target target;
        if (strcmp(token, "heap") == 0) {
            type.flags |= HTRAIL_TYPE_HEAP;
        } else if (strcmp(token, "static") == 0) {
            type.flags &= ~(uint32_t)HTRAIL_TYPE_HEAP;
        } else if (strcmp(token, "pseudo") == 0) {
            type.flags |= HTRAIL_TYPE_PSEUDO;
        } else if ((value = graph_text_option(token, "base")) != NULL) {
            if (!graph_text_type(g, value, NULL, &type.base))
                return false;
        } else if ((value = graph_text_option(token, "class")) != NULL) {
            if (!graph_text_find(g, value, 0, &target))
                return false;
            type.id = graph_text_target_address(&target, target.from);
        } else if ((value = graph_text_option(token, "size")) != NULL) {
            if (!graph_text_whole_number(g, value, 0, &type.basic_bytes))
                return false;
        } else if ((value = graph_text_option(token, "item")) != NULL) {
            if (!graph_text_whole_number(g, value, 0, &type.item_bytes))
                return false;
        } else {
            return graph_text_fail(g, "what is '%s' of a type?", token);
        }
    }
    *id = type.id;
    graph_text_put(&g->types, name, type.id);
    return graph_text_added(g, htrail_writer_add_type(g->writer, &type));
}

static inline htrail_ref *graph_text_add_ref(graph_text *g, htrail_ref ref)
{
    if (g->ref_count == g->ref_cap) {
        g->ref_cap = g->ref_cap ? g->ref_cap * 2 : 256;
        g->refs = realloc(g->refs, g->ref_cap * sizeof *g->refs);
    }
    g->refs[g->ref_count] = ref;
    return &g->refs[g->ref_count++];
}

static inline bool graph_text_label(graph_text *g, const char *label, uint64_t number, htrail_ref *ref)
{
    char words[GRAPH_TEXT_WORD];
    uint64_t position = 0;
    uint32_t id;
    if (graph_text_words(words, sizeof words, label, number))
        return true;
    if (ref->kind == HTRAIL_REF_INDEX || ref->kind == HTRAIL_REF_STACK || ref->kind == HTRAIL_REF_OFFSET) {
        if (!graph_text_whole_number(g, words, number, &position))
            return false;
        ref->label = position + 1;
        return true;
    }
    struct graph_text_entry *string = graph_text_get(&g->strings, words);
    if (string == NULL) {
        if (!graph_text_added(g, htrail_writer_add_string(g->writer, graph_text_str(words), &id)))
            return false;
        string = graph_text_put(&g->strings, words, id);
    }
    ref->label = HTRAIL_LABEL_STRING(string->value);
    return true;
}

static inline void graph_text_count(const graph_text_target *target, uint64_t number)
{
    if (target->name != NULL)
        target->name->refcounts[number]++;
}

/* One reference of a copy: counted, or added to g->refs. */
static inline bool graph_text_reference(graph_text *g, const char *text, uint64_t copy, bool is_counting, uint64_t *length)
{
    char kind[32], label[128], to[GRAPH_TEXT_WORD];
    uint32_t kind_number = HTRAIL_REF_VALUE;
    graph_text_target target, key = {0};
    int used = 0;
    if (sscanf(text, "%31s %127s %159s %n", kind, label, to, &used) != 3 || text[used] != '\0')
        return graph_text_fail(g, "'%s' is no reference: KIND LABEL TARGET", text);
    bool is_pair = strcmp(kind, "pair") == 0;
    if ((!is_pair && !graph_text_kind(g, kind, &kind_number)) || !graph_text_find(g, to, copy, &target))
        return false;
    if (is_pair && (!graph_text_find(g, label, copy, &key) || key.end - key.from != target.end - target.from))
        return graph_text_fail(g, "'%s' and '%s' are not as many", label, to);
    for (uint64_t i = target.from; i < target.end; i++) {
        uint64_t key_number = key.from + i - target.from;
        *length += kind_number != HTRAIL_REF_KEY && kind_number != HTRAIL_REF_WEAK;
        if (is_counting) {
            if (kind_number != HTRAIL_REF_WEAK)
                graph_text_count(&target, i);
            if (is_pair)
                graph_text_count(&key, key_number);
            continue;
        }
        if (is_pair)
            graph_text_add_ref(g, (htrail_ref){.target = graph_text_target_address(&key, key_number), .kind = HTRAIL_REF_KEY});
        htrail_ref *ref = graph_text_add_ref(g, (htrail_ref){.target = graph_text_target_address(&target, i), .kind = kind_number});
        if (!is_pair && !graph_text_label(g, label, i, ref))
            return false;
    }
    return true;
}

/* All references of a copy; text is what stands behind the colon. */
static inline bool graph_text_references(graph_text *g, const char *text, uint64_t copy, bool is_counting, uint64_t *length)
{
    g->ref_count = 0;
    while (text[strspn(text, " ")] != '\0') {
        char part[512];
        text += strspn(text, " ");
        size_t len = strcspn(text, ",");
        if (len >= sizeof part)
            return graph_text_fail(g, "a reference is too long");
        memcpy(part, text, len);
        part[len] = '\0';
        if (!graph_text_reference(g, part, copy, is_counting, length))
            return false;
        text += len + (text[len] == ',');
    }
    return true;
}

/* What is said of an object between its name and the colon. */
static inline bool graph_text_describe(graph_text *g, char *options, uint64_t copy, uint64_t refcount, htrail_object *object, htrail_value *value,
                                       uint64_t *site)
{
    static char text[4096]; /* one thread; the writer copies it */
    char *state = NULL;
    const char *what;
    object->refcount = refcount > 0 ? refcount : 1;
    for (char *token = strtok_r(options, " ", &state); token != NULL; token = strtok_r(NULL, " ", &state)) {
        if ((what = graph_text_option(token, "size")) != NULL) {
            graph_text_whole_number(g, what, copy, &object->size_bytes);
        } else if ((what = graph_text_option(token, "length")) != NULL) {
            object->flags &= ~(uint32_t)HTRAIL_OBJECT_LENGTH;
            if (strcmp(what, "-") != 0 && graph_text_whole_number(g, what, copy, &object->length))
                object->flags |= HTRAIL_OBJECT_LENGTH;
        } else if ((what = graph_text_option(token, "refcount")) != NULL) {
            if (graph_text_whole_number(g, what + (*what == '+'), copy, &object->refcount) && *what == '+')
                object->refcount += refcount;
        } else if ((what = graph_text_option(token, "hash")) != NULL) {
            graph_text_whole_number(g, what, copy, &value->hash);
            value->flags |= HTRAIL_VALUE_HASH;
        } else if ((what = graph_text_option(token, "text")) != NULL) {
            graph_text_words(text, sizeof text, what, copy);
            value->text = graph_text_str(text);
            value->flags |= HTRAIL_VALUE_TEXT;
        } else if ((what = graph_text_option(token, "site")) != NULL) {
            struct graph_text_entry *known = graph_text_get(&g->sites, what);
            if (known == NULL)
                return graph_text_fail(g, "no site '%s'", what);
            *site = known->value;
        } else if (strcmp(token, "tracked") == 0) {
            object->flags |= HTRAIL_OBJECT_TRACKED;
        } else if (strcmp(token, "pseudo") == 0) {
            object->flags |= HTRAIL_OBJECT_PSEUDO;
        } else if (strcmp(token, "immortal") == 0) {
            object->flags |= HTRAIL_OBJECT_IMMORTAL;
        } else if (graph_text_option(token, "at") == NULL) {
            return graph_text_fail(g, "what is '%s' of an object?", token);
        }
    }
    return !g->failed;
}

static inline bool graph_text_object(graph_text *g, const char *line, const char *refs)
{
    char id[GRAPH_TEXT_WORD], word[GRAPH_TEXT_WORD], inside[GRAPH_TEXT_WORD], type[GRAPH_TEXT_WORD], name[128], words[GRAPH_TEXT_WORD], options[4096];
    int used = 0;
    htrail_id type_id;
    if (sscanf(line, "%159s %159s %127s%n", id, type, name, &used) != 3)
        return graph_text_fail(g, "'%s' is no object: ID TYPE NAME", line);
    if (!graph_text_split(g, id, word, inside) || !graph_text_type(g, type, NULL, &type_id))
        return false;
    graph_text_name *self = &g->name[graph_text_get(&g->names, word)->value];
    for (uint64_t copy = 0; copy < self->count; copy++) {
        htrail_object object = {.id = self->address + copy * GRAPH_TEXT_STEP_BYTES, .type = type_id, .size_bytes = 100};
        htrail_value value = {.object = object.id};
        uint64_t length = 0, site = UINT64_MAX;
        if (refs != NULL) {
            if (!graph_text_references(g, refs, copy, false, &length))
                return false;
            object.length = length;
            object.flags = HTRAIL_OBJECT_LENGTH;
        } else {
            g->ref_count = 0;
        }
        snprintf(options, sizeof options, "%s", line + used);
        if (!graph_text_describe(g, options, copy, self->refcounts[copy], &object, &value, &site))
            return false;
        object.refs = g->refs;
        object.ref_count = (uint32_t)(g->ref_count < HTRAIL_REFS_MAX ? g->ref_count : HTRAIL_REFS_MAX);
        if (!graph_text_added(g, htrail_writer_add_object(g->writer, &object)))
            return false;
        for (size_t at = object.ref_count; at < g->ref_count;) {
            size_t left = g->ref_count - at;
            htrail_object more = {.id = object.id, .flags = HTRAIL_OBJECT_CONTINUED, .refs = g->refs + at};
            more.ref_count = (uint32_t)(left < HTRAIL_REFS_MAX ? left : HTRAIL_REFS_MAX);
            if (!graph_text_added(g, htrail_writer_add_object(g->writer, &more)))
                return false;
            at += more.ref_count;
        }
        if (!graph_text_words(words, sizeof words, name, copy)) {
            htrail_name named = {.object = object.id, .name = graph_text_str(words)};
            char *dot = strcmp(type, "module") == 0 || strcmp(type, "str") == 0 ? NULL : strchr(words, '.');
            if (dot != NULL) {
                named.module = (htrail_str){words, (size_t)(dot - words)};
                named.name = graph_text_str(dot + 1);
            }
            if (!graph_text_added(g, htrail_writer_add_name(g->writer, &named)))
                return false;
        }
        if (value.flags != 0 && !graph_text_added(g, htrail_writer_add_value(g->writer, &value)))
            return false;
        htrail_site_of block = {.address = object.id, .size_bytes = object.size_bytes, .site = (uint32_t)site};
        if (site != UINT64_MAX && !graph_text_added(g, htrail_writer_add_site_of(g->writer, &block)))
            return false;
    }
    return true;
}

static inline bool graph_text_root(graph_text *g, char *line, bool is_counting)
{
    char *state = NULL, *kind = strtok_r(line, " ", &state), *object = strtok_r(NULL, " ", &state), name[GRAPH_TEXT_WORD];
    const char *value;
    graph_text_target target;
    htrail_root root = {0};
    uint64_t depth = 0;
    if (object == NULL)
        return graph_text_fail(g, "a root is KIND OBJECT [NAME]");
    if (!graph_text_root_kind(g, kind, &root.kind) || !graph_text_find(g, object, 0, &target))
        return false;
    const char *words = "";
    for (char *token = strtok_r(NULL, " ", &state); token != NULL; token = strtok_r(NULL, " ", &state))
        if ((value = graph_text_option(token, "thread")) != NULL)
            graph_text_whole_number(g, value, 0, &root.thread_id);
        else if ((value = graph_text_option(token, "depth")) != NULL)
            graph_text_whole_number(g, value, 0, &depth);
        else
            words = token;
    root.depth = (uint32_t)depth;
    for (uint64_t i = target.from; i < target.end && !g->failed; i++) {
        graph_text_words(name, sizeof name, words, i);
        root.name = graph_text_str(name);
        root.object = graph_text_target_address(&target, i);
        if (!is_counting)
            graph_text_added(g, htrail_writer_add_root(g->writer, &root));
        else if (target.name != NULL)
            target.name->refcounts[i]++;
    }
    return !g->failed;
}

static inline bool graph_text_thread(graph_text *g, char *line)
{
    char *state = NULL, *tid = strtok_r(line, " ", &state), name[GRAPH_TEXT_WORD] = "";
    const char *value;
    graph_text_target target;
    htrail_thread thread = {.flags = HTRAIL_THREAD_RUNTIME};
    if (tid == NULL || !graph_text_whole_number(g, tid, 0, &thread.tid))
        return graph_text_fail(g, "a thread is TID");
    thread.ident = thread.tid;
    for (char *token = strtok_r(NULL, " ", &state); token != NULL; token = strtok_r(NULL, " ", &state))
        if ((value = graph_text_option(token, "name")) != NULL) {
            graph_text_words(name, sizeof name, value, 0);
            thread.name = graph_text_str(name);
        } else if ((value = graph_text_option(token, "ident")) != NULL) {
            graph_text_whole_number(g, value, 0, &thread.ident);
        } else if ((value = graph_text_option(token, "object")) != NULL) {
            if (!graph_text_find(g, value, 0, &target))
                return false;
            thread.object = graph_text_target_address(&target, target.from);
        } else if (strcmp(token, "main") == 0) {
            thread.flags |= HTRAIL_THREAD_MAIN;
        } else if (strcmp(token, "daemon") == 0) {
            thread.flags |= HTRAIL_THREAD_DAEMON;
        } else if (strcmp(token, "capture") == 0) {
            thread.flags |= HTRAIL_THREAD_CAPTURE;
        } else {
            return graph_text_fail(g, "what is '%s' of a thread?", token);
        }
    return !g->failed && graph_text_added(g, htrail_writer_add_thread(g->writer, &thread));
}

/* FILE:LINE */
static inline bool graph_text_place(graph_text *g, char *text, htrail_str *file, uint32_t *line)
{
    char *colon = strrchr(text, ':');
    if (colon == NULL || !graph_text_is_number(colon + 1))
        return graph_text_fail(g, "'%s' is not FILE:LINE", text);
    *file = (htrail_str){text, (size_t)(colon - text)};
    *line = (uint32_t)strtoul(colon + 1, NULL, 10);
    return true;
}

static inline bool graph_text_frame(graph_text *g, char *line)
{
    char *state = NULL, *tid = strtok_r(line, " ", &state), *depth = strtok_r(NULL, " ", &state), *function = strtok_r(NULL, " ", &state),
         *place = strtok_r(NULL, " ", &state), *option = strtok_r(NULL, " ", &state);
    uint64_t number = 0;
    htrail_frame frame = {0};
    graph_text_target target;
    if (place == NULL || !graph_text_whole_number(g, depth, 0, &number) || !graph_text_whole_number(g, tid, 0, &frame.tid))
        return graph_text_fail(g, "a frame is TID DEPTH FUNCTION FILE:LINE [object=ID]");
    frame.depth = (uint32_t)number;
    frame.ident = frame.tid;
    frame.function = graph_text_str(function);
    if (!graph_text_place(g, place, &frame.file, &frame.line))
        return false;
    if (option != NULL) {
        const char *object = graph_text_option(option, "object");
        if (object == NULL)
            return graph_text_fail(g, "what is '%s' of a frame?", option);
        if (!graph_text_find(g, object, 0, &target))
            return false;
        frame.object = graph_text_target_address(&target, target.from);
    }
    return graph_text_added(g, htrail_writer_add_frame(g->writer, &frame));
}

static inline bool graph_text_site(graph_text *g, char *line)
{
    char *state = NULL, *id = strtok_r(line, " ", &state), *place = strtok_r(NULL, " ", &state), *function = strtok_r(NULL, " ", &state),
         *option = strtok_r(NULL, " ", &state);
    htrail_site site = {.caller = HTRAIL_NO_SITE};
    uint32_t number;
    if (function == NULL)
        return graph_text_fail(g, "a site is ID FILE:LINE FUNCTION [caller=SITE]");
    site.function = graph_text_str(function);
    if (!graph_text_place(g, place, &site.file, &site.line))
        return false;
    if (option != NULL) {
        const char *caller = graph_text_option(option, "caller");
        struct graph_text_entry *known = caller != NULL ? graph_text_get(&g->sites, caller) : NULL;
        if (known == NULL)
            return graph_text_fail(g, "'%s' is no caller", option);
        site.caller = (uint32_t)known->value;
    }
    if (!graph_text_added(g, htrail_writer_add_site(g->writer, &site, &number)))
        return false;
    graph_text_put(&g->sites, id, number);
    return true;
}

static inline bool graph_text_mapping(graph_text *g, char *line)
{
#define X(name, number, text) {text, number},
    static const struct { const char *text; uint32_t number; } categories[] = {HTRAIL_MAPPING_MAP(X)};
#undef X
    char *state = NULL, *start = strtok_r(line, " ", &state), *bytes = strtok_r(NULL, " ", &state), *category = strtok_r(NULL, " ", &state),
         *path = strtok_r(NULL, " ", &state), words[GRAPH_TEXT_WORD], file[GRAPH_TEXT_WORD];
    htrail_mapping mapping = {.flags = HTRAIL_MAPPING_READ | HTRAIL_MAPPING_WRITE, .category = UINT32_MAX};
    uint64_t length = 0;
    if (path == NULL || !graph_text_whole_number(g, start, 0, &mapping.start) || !graph_text_whole_number(g, bytes, 0, &length))
        return graph_text_fail(g, "a mapping is START BYTES CATEGORY PATH");
    mapping.end = mapping.start + length;
    graph_text_words(words, sizeof words, category, 0);
    for (size_t i = 0; i < sizeof categories / sizeof *categories; i++)
        if (strcmp(categories[i].text, words) == 0)
            mapping.category = categories[i].number;
    if (mapping.category == UINT32_MAX)
        return graph_text_fail(g, "no category of mappings: '%s'", words);
    if (!graph_text_words(file, sizeof file, path, 0))
        mapping.path = graph_text_str(file);
    for (char *token = strtok_r(NULL, " ", &state); token != NULL; token = strtok_r(NULL, " ", &state)) {
        const struct { const char *key; uint64_t *number; } known[] = {{"rss", &mapping.rss_bytes}, {"pss", &mapping.pss_bytes},
                                                                       {"dirty", &mapping.private_dirty_bytes}, {"swap", &mapping.swap_bytes}};
        size_t i = 0;
        while (i < 4 && graph_text_option(token, known[i].key) == NULL)
            i++;
        if (i == 4)
            return graph_text_fail(g, "what is '%s' of a mapping?", token);
        graph_text_whole_number(g, graph_text_option(token, known[i].key), 0, known[i].number);
    }
    return !g->failed && graph_text_added(g, htrail_writer_add_mapping(g->writer, &mapping));
}

/* `let` and the IDs of objects. */
static inline bool graph_text_declare(graph_text *g, char *line)
{
    char id[GRAPH_TEXT_WORD], word[GRAPH_TEXT_WORD], inside[GRAPH_TEXT_WORD], region[32], *at = strstr(line, " at=");
    if (sscanf(line, "%159s", id) != 1 || !graph_text_split(g, id, word, inside))
        return false;
    graph_text_name name = {.address = graph_text_address(word), .count = 1, .is_many = inside[0] != '\0'};
    if (name.is_many && !graph_text_whole_number(g, inside, 0, &name.count))
        return false;
    if (name.is_many && (graph_text_is_number(word) || name.count > GRAPH_TEXT_COPIES_MAX))
        return graph_text_fail(g, "'%s': at most %d of a word", id, GRAPH_TEXT_COPIES_MAX);
    char *colon = strstr(line, " :");
    if (at != NULL && (colon == NULL || at < colon)) {
        sscanf(at, " at=%159s", word);
        name.address = graph_text_address(word);
        graph_text_split(g, id, word, inside);
    }
    snprintf(region, sizeof region, "%llx", (unsigned long long)name.address);
    if (graph_text_get(&g->names, word) != NULL)
        return graph_text_fail(g, "the object '%s' is there already", word);
    struct graph_text_entry *owner = graph_text_put(&g->regions, region, g->names.used);
    if (owner->value != g->names.used)
        return graph_text_fail(g, "the address of '%s' is that of another object: call it something else", word);
    size_t number = g->names.used;
    graph_text_put(&g->names, word, number);
    if (number >= g->name_cap) {
        g->name_cap = g->name_cap ? g->name_cap * 2 : 64;
        g->name = realloc(g->name, g->name_cap * sizeof *g->name);
    }
    name.refcounts = calloc(name.count + 1, sizeof *name.refcounts);
    g->name[number] = name;
    return true;
}

enum { GRAPH_TEXT_DECLARE, GRAPH_TEXT_COUNT, GRAPH_TEXT_WRITE };

static inline bool graph_text_line(graph_text *g, char *line, int pass)
{
    char word[GRAPH_TEXT_WORD];
    int used = 0;
    if (sscanf(line, "%159s %n", word, &used) != 1)
        return true;
    char *rest = line + used, *colon = strstr(line, " :");
    if (strcmp(word, "let") == 0) {
        char name[GRAPH_TEXT_WORD], text[GRAPH_TEXT_WORD];
        uint64_t value = 0;
        if (pass != GRAPH_TEXT_DECLARE)
            return true;
        if (sscanf(rest, "%159s %159s", name, text) != 2 || !graph_text_whole_number(g, text, 0, &value))
            return graph_text_fail(g, "'%s' is not NAME number", rest);
        graph_text_put(&g->lets, name, value); /* one from outside is there already and stays */
        return true;
    }
    if (strcmp(word, "root") == 0)
        return pass == GRAPH_TEXT_DECLARE ? true : graph_text_root(g, rest, pass == GRAPH_TEXT_COUNT);
    bool is_record = strcmp(word, "meta") == 0 || strcmp(word, "type") == 0 || strcmp(word, "thread") == 0 || strcmp(word, "frame") == 0 ||
                     strcmp(word, "mapping") == 0 || strcmp(word, "site") == 0;
    if (is_record && pass != GRAPH_TEXT_WRITE)
        return true;
    if (strcmp(word, "thread") == 0)
        return graph_text_thread(g, rest);
    if (strcmp(word, "frame") == 0)
        return graph_text_frame(g, rest);
    if (strcmp(word, "mapping") == 0)
        return graph_text_mapping(g, rest);
    if (strcmp(word, "site") == 0)
        return graph_text_site(g, rest);
    if (strcmp(word, "meta") == 0 || strcmp(word, "type") == 0) {
        size_t len = strcspn(rest, " ");
        char *value = rest + len + (rest[len] != '\0');
        htrail_id id;
        rest[len] = '\0';
        if (strcmp(word, "type") == 0)
            return graph_text_type(g, rest, value, &id);
        return graph_text_added(g, htrail_writer_set_meta(g->writer, graph_text_str(rest), graph_text_str(value)));
    }
    if (pass == GRAPH_TEXT_DECLARE)
        return graph_text_declare(g, line);
    if (colon != NULL && colon[2] != '\0' && colon[2] != ' ')
        colon = NULL;
    if (colon != NULL)
        *colon = '\0';
    if (pass == GRAPH_TEXT_WRITE)
        return graph_text_object(g, line, colon != NULL ? colon + 2 : NULL);
    char inside[GRAPH_TEXT_WORD], id[GRAPH_TEXT_WORD];
    uint64_t length = 0;
    snprintf(id, sizeof id, "%s", word);
    if (!graph_text_split(g, id, word, inside))
        return false;
    uint64_t count = g->name[graph_text_get(&g->names, word)->value].count;
    for (uint64_t copy = 0; colon != NULL && copy < count; copy++)
        if (!graph_text_references(g, colon + 2, copy, true, &length))
            return false;
    return true;
}

static inline bool graph_text_pass(graph_text *g, const char *text, int pass)
{
    char *line = malloc(strlen(text) + 2);
    size_t number = 1;
    while (*text != '\0' && !g->failed) {
        size_t len = 0;
        g->line = number;
        do { /* and the lines that continue it */
            for (; *text != '\0' && *text != '\n'; text++) {
                if (*text == '#' && (len == 0 || isspace((unsigned char)line[len - 1]))) {
                    text += strcspn(text, "\n");
                    break;
                }
                line[len++] = *text == '\t' || *text == '\r' ? ' ' : *text;
            }
            number++;
            if (*text == '\n')
                text++;
            line[len++] = ' ';
        } while (*text == ' ' || *text == '\t');
        while (len > 0 && line[len - 1] == ' ')
            len--;
        line[len] = '\0';
        graph_text_line(g, line, pass);
    }
    free(line);
    g->line = 0;
    return !g->failed;
}

/* Sets a `let` from outside; before graph_text_write. */
static inline void graph_text_let(graph_text *g, const char *name, uint64_t value) { graph_text_put(&g->lets, name, value)->value = value; }

static inline bool graph_text_write(graph_text *g, htrail_writer *writer, const char *text, char *message, size_t message_cap)
{
    g->writer = writer;
    g->message = message;
    g->message_cap = message_cap;
    return graph_text_pass(g, text, GRAPH_TEXT_DECLARE) && graph_text_pass(g, text, GRAPH_TEXT_COUNT) && graph_text_pass(g, text, GRAPH_TEXT_WRITE);
}

static inline void graph_text_release(graph_text *g)
{
    for (size_t i = 0; i < g->names.used; i++)
        free(g->name[i].refcounts);
    free(g->name);
    free(g->refs);
    graph_text_map *maps[] = {&g->lets, &g->names, &g->regions, &g->types, &g->strings, &g->sites};
    for (size_t i = 0; i < sizeof maps / sizeof *maps; i++)
        graph_text_map_release(maps[i]);
}

#endif
