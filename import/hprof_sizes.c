/* import/hprof_sizes.c - what a Java object takes in the heap. A dump says which fields there are, not where they lie, so the VM's
 * layout is done again: HotSpot's since JDK 15 (fields of a class from the largest to the smallest, references last, each into
 * the smallest gap that takes it, gaps of the superclass too; the whole in steps of 8 bytes).
 *
 * Whether references take 4 or 8 bytes and a header 8, 12 or 16 the distances between arrays tell: the heap is dumped in
 * the order of addresses. What the VM adds to some classes without saying so stands in a table. */
#include <string.h>

#include "import/hprof.h"

enum { GAPS_MAX = 64, WORD_BYTES = 8, LEARN_FROM_AT_LEAST = 3, FAR_BYTES = 1 << 24, PADDING_BYTES = 128 };

/* Of JDK 17: bytes of fields without a name, by their size, and fields set apart by padding (@Contended). */
static const struct { const char *name; uint8_t eights, fours, references, contended_groups; uint8_t contended_eights, contended_fours; } added[] = {
    {"java.lang.Class", 2, 2, 3, 0, 0, 0},
    {"java.lang.ClassLoader", 1, 0, 0, 0, 0, 0},
    {"java.lang.Module", 1, 0, 0, 0, 0, 0},
    {"java.lang.invoke.MemberName", 1, 0, 0, 0, 0, 0},
    {"java.lang.invoke.ResolvedMethodName", 1, 0, 1, 0, 0, 0},
    {"java.lang.invoke.MethodHandleNatives$CallSiteContext", 2, 0, 0, 0, 0, 0},
    {"java.lang.Thread", 0, 0, 0, 1, 1, 2},
    {"java.util.concurrent.ConcurrentHashMap$CounterCell", 0, 0, 0, 1, 1, 0},
    {"java.util.concurrent.atomic.Striped64$Cell", 0, 0, 0, 1, 1, 0},
};

typedef struct layout {
    uint64_t end;
    struct { uint64_t offset, size; } gaps[GAPS_MAX];
    uint32_t gap_count;
} layout;

static void add_gap(layout *l, uint64_t offset, uint64_t size)
{
    if (size > 0 && l->gap_count < GAPS_MAX) {
        l->gaps[l->gap_count].offset = offset;
        l->gaps[l->gap_count++].size = size;
    }
}

static uint64_t aligned(uint64_t offset, uint64_t to) { return (offset + to - 1) / to * to; }

static void append(layout *l, uint64_t size)
{
    uint64_t at = aligned(l->end, size);
    add_gap(l, l->end, at - l->end);
    l->end = at + size;
}

static void place(layout *l, uint64_t size)
{
    uint32_t best = GAPS_MAX;
    for (uint32_t i = 0; i < l->gap_count; i++) {
        uint64_t at = aligned(l->gaps[i].offset, size);
        if (at + size <= l->gaps[i].offset + l->gaps[i].size && (best == GAPS_MAX || l->gaps[i].size < l->gaps[best].size))
            best = i;
    }
    if (best == GAPS_MAX) {
        append(l, size);
        return;
    }
    uint64_t start = l->gaps[best].offset, end = start + l->gaps[best].size, at = aligned(start, size);
    l->gaps[best] = l->gaps[--l->gap_count];
    add_gap(l, start, at - start);
    add_gap(l, at + size, end - at - size);
}

static const hprof_class *super_of(const hprof *h, const hprof_class *of)
{
    uint32_t at = of->super != 0 ? hprof_class_at(h, of->super) : HTRAIL__MAP_NONE;
    return at != HTRAIL__MAP_NONE ? &h->classes[at] : NULL;
}

/* The fields of one class of the chain, behind those of its superclasses. */
static void lay_out(const hprof *h, const hprof_class *of, layout *l)
{
    static const uint8_t sizes[] = {8, 4, 2, 1};
    char name[HPROF_NAME_BYTES];
    uint64_t counts[9] = {0}, references = 0, groups = 0, eights = 0, fours = 0;

    for (uint32_t i = 0; i < of->field_count; i++) {
        uint8_t type = h->fields[of->first_field + i].type;
        if (type == HPROF_OBJECT)
            references++;
        else
            counts[hprof_value_bytes[type]]++;
    }
    hprof_class_name(h, of, name, sizeof name);
    for (size_t i = 0; i < sizeof added / sizeof *added; i++)
        if (strcmp(added[i].name, name) == 0) {
            counts[8] += added[i].eights;
            counts[4] += added[i].fours;
            references += added[i].references;
            groups = added[i].contended_groups;
            eights = added[i].contended_eights < counts[8] ? added[i].contended_eights : counts[8];
            fours = added[i].contended_fours < counts[4] ? added[i].contended_fours : counts[4];
            counts[8] -= eights;
            counts[4] -= fours;
        }
    for (size_t s = 0; s < sizeof sizes; s++)
        for (uint64_t i = 0; i < counts[sizes[s]]; i++)
            place(l, sizes[s]);
    for (uint64_t i = 0; i < references; i++)
        place(l, h->pointer_bytes);
    if (groups > 0) {
        l->end += PADDING_BYTES;
        for (uint64_t i = 0; i < eights; i++)
            append(l, 8);
        for (uint64_t i = 0; i < fours; i++)
            append(l, 4);
        l->end += PADDING_BYTES;
        l->gap_count = 0; /* a subclass begins behind the padding */
    }
}

static uint64_t instance_end(const hprof *h, const hprof_class *of)
{
    const hprof_class *chain[HPROF_SUPERS_MAX];
    uint32_t depth = 0;
    layout l = {.end = h->header_bytes};
    for (const hprof_class *at = of; at != NULL && depth < HPROF_SUPERS_MAX; at = super_of(h, at))
        chain[depth++] = at;
    while (depth > 0)
        lay_out(h, chain[--depth], &l);
    return aligned(l.end, WORD_BYTES);
}

uint32_t hprof_sizes_instance(const hprof *h, const hprof_class *of)
{
    uint64_t bytes = h->is_android ? of->stated_bytes : instance_end(h, of);
    return bytes < UINT32_MAX ? (uint32_t)bytes : UINT32_MAX;
}

/* A class's own object: a java.lang.Class with the statics behind it, references first; gaps stay empty. */
uint64_t hprof_sizes_class_object(const hprof *h, const hprof_class *of)
{
    static const uint8_t sizes[] = {8, 4, 2, 1};
    uint64_t counts[9] = {0}, references = 0;
    layout l = {.end = h->class_class != HTRAIL__MAP_NONE ? h->classes[h->class_class].size_bytes : h->header_bytes};

    for (uint32_t i = 0; i < of->static_count; i++) {
        const hprof_field *field = &h->statics[of->first_static + i];
        htrail_str name = hprof_text_of(h, field->name);
        if (name.len > 0 && name.data[0] == '<') /* what the VM keeps elsewhere and the dump shows as a static */
            continue;
        if (field->type == HPROF_OBJECT)
            references++;
        else
            counts[hprof_value_bytes[field->type]]++;
    }
    for (uint64_t i = 0; i < references; i++)
        append(&l, h->pointer_bytes);
    for (size_t s = 0; s < sizeof sizes; s++)
        for (uint64_t i = 0; i < counts[sizes[s]]; i++)
            append(&l, sizes[s]);
    return aligned(l.end, WORD_BYTES);
}

uint64_t hprof_sizes_array(const hprof *h, uint64_t count, uint32_t item_bytes)
{
    return aligned(h->array_header_bytes + count * (item_bytes != 0 ? item_bytes : h->pointer_bytes), WORD_BYTES);
}

void hprof_sizes_learn(hprof *h, const hprof_item *item)
{
    uint64_t distance = item->id - h->last_array, content = h->last_count * h->last_item_bytes;
    if (h->last_array != 0 && item->id > h->last_array && distance < FAR_BYTES) {
        if (h->last_item_bytes == 0) { /* of references: at least so many that the header does not matter */
            if (h->last_count > LEARN_FROM_AT_LEAST && distance < 12 + h->last_count * 8)
                h->pointer_bytes = 4;
        } else if (distance >= content && distance - content < h->array_header_bytes) {
            h->array_header_bytes = (uint32_t)(distance - content);
        }
    }
    h->last_array = 0;
    if (item->tag == HPROF_OBJECTS || item->tag == HPROF_PRIMITIVES) {
        h->last_array = item->id;
        h->last_count = item->count;
        h->last_item_bytes = item->value == HPROF_OBJECT ? 0 : hprof_value_bytes[item->value];
    }
}

void hprof_sizes_settle(hprof *h)
{
    if (h->id_bytes == 4 || h->is_android) {
        h->header_bytes = 8;
        h->array_header_bytes = 12;
        h->pointer_bytes = 4;
    } else if (h->array_header_bytes <= 12) {
        h->header_bytes = 8;
        h->array_header_bytes = 12;
    } else if (h->array_header_bytes <= 16) {
        h->header_bytes = 12;
        h->array_header_bytes = 16;
    } else {
        h->header_bytes = 16;
        h->array_header_bytes = 24;
    }
    for (size_t i = 0; i < h->class_count; i++)
        h->classes[i].size_bytes = hprof_sizes_instance(h, &h->classes[i]);
}
