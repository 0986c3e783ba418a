/* capture/sample/sites.c - see the header. */
#include "capture/sample/sites.h"

#include <string.h>
#include <sys/mman.h>

enum { GROW_BYTES_MIN = 64 << 10, SLOTS_MIN = 1024, TEXT_BYTES_MAX = 4096, WANTED = 0 };

bool htrail__growing_reserve(htrail__growing *growing, size_t bytes)
{
    if (bytes <= growing->mapped_bytes)
        return true;
    size_t wanted = growing->mapped_bytes ? growing->mapped_bytes * 2 : GROW_BYTES_MIN;
    while (wanted < bytes)
        wanted *= 2;
    void *data = growing->data ? mremap(growing->data, growing->mapped_bytes, wanted, MREMAP_MAYMOVE)
                               : mmap(NULL, wanted, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (data == MAP_FAILED)
        return false;
    growing->data = data;
    growing->mapped_bytes = wanted;
    return true;
}

void htrail__growing_release(htrail__growing *growing)
{
    if (growing->data)
        munmap(growing->data, growing->mapped_bytes);
    *growing = (htrail__growing){NULL, 0};
}

void htrail__sites_release(htrail__sites *sites)
{
    htrail__growing_release(&sites->nodes);
    htrail__growing_release(&sites->node_slots);
    htrail__growing_release(&sites->texts);
    htrail__growing_release(&sites->text_slots);
    *sites = (htrail__sites){0};
}

size_t htrail__sites_mapped_bytes(const htrail__sites *sites)
{
    return sites->nodes.mapped_bytes + sites->node_slots.mapped_bytes + sites->texts.mapped_bytes + sites->text_slots.mapped_bytes;
}

static htrail__site_node *nodes_of(const htrail__sites *sites) { return sites->nodes.data; }

static uint32_t mix(uint64_t value) { return (uint32_t)((value ^ value >> 29) * 0x9e3779b97f4a7c15u >> 32); }

static uint32_t hash_text(htrail_str text)
{
    uint64_t hash = 0xcbf29ce484222325u;
    for (size_t i = 0; i < text.len; i++)
        hash = (hash ^ (unsigned char)text.data[i]) * 0x100000001b3u;
    return mix(hash);
}

static uint32_t hash_node(uint32_t caller, uint32_t file, uint32_t function, uint32_t line)
{
    return mix(((uint64_t)mix((uint64_t)caller << 32 | file) << 32) ^ ((uint64_t)function << 32 | line));
}

htrail_str htrail__sites_text(const htrail__sites *sites, uint32_t text)
{
    uint32_t len;
    if (text == 0)
        return (htrail_str){"", 0};
    const char *at = (const char *)sites->texts.data + text;
    memcpy(&len, at, sizeof len);
    return (htrail_str){at + sizeof len, len};
}

/* Twice the slots, all empty; false: no memory. */
static bool grow_slots(htrail__growing *slots, uint32_t *slot_count)
{
    htrail__growing larger = {NULL, 0};
    uint32_t count = *slot_count ? *slot_count * 2 : SLOTS_MIN;
    if (count == 0 || !htrail__growing_reserve(&larger, count * sizeof(uint32_t)))
        return false;
    htrail__growing_release(slots);
    *slots = larger;
    *slot_count = count;
    return true;
}

static uint32_t *text_slot(const htrail__sites *sites, htrail_str text)
{
    uint32_t *slots = sites->text_slots.data;
    for (uint32_t at = hash_text(text);; at++) {
        uint32_t *slot = &slots[at & (sites->text_slot_count - 1)];
        if (*slot == 0)
            return slot;
        htrail_str known = htrail__sites_text(sites, *slot);
        if (known.len == text.len && memcmp(known.data, text.data, text.len) == 0)
            return slot;
    }
}

uint32_t htrail__sites_add_text(htrail__sites *sites, htrail_str text)
{
    if (text.len == 0)
        return 0;
    if (text.len > TEXT_BYTES_MAX) /* the end of a path says more than its beginning */
        text = (htrail_str){text.data + (text.len - TEXT_BYTES_MAX), TEXT_BYTES_MAX};
    if (sites->text_count >= sites->text_slot_count / 2) {
        if (!grow_slots(&sites->text_slots, &sites->text_slot_count))
            return 0;
        for (size_t at = 4; at < sites->text_bytes;) {
            htrail_str known = htrail__sites_text(sites, (uint32_t)at);
            *text_slot(sites, known) = (uint32_t)at;
            at += (4 + known.len + 3) & ~(size_t)3;
        }
    }
    uint32_t *slot = text_slot(sites, text), len = (uint32_t)text.len;
    if (*slot != 0)
        return *slot;
    size_t at = sites->text_bytes ? sites->text_bytes : 4, end = (at + 4 + text.len + 3) & ~(size_t)3;
    if (end > UINT32_MAX || !htrail__growing_reserve(&sites->texts, end))
        return 0;
    char *to = (char *)sites->texts.data + at;
    memcpy(to, &len, sizeof len);
    memcpy(to + sizeof len, text.data, text.len);
    sites->text_bytes = end;
    sites->text_count++;
    return *slot = (uint32_t)at;
}

static uint32_t *node_slot(const htrail__sites *sites, uint32_t caller, uint32_t file, uint32_t function, uint32_t line)
{
    uint32_t *slots = sites->node_slots.data;
    for (uint32_t at = hash_node(caller, file, function, line);; at++) {
        uint32_t *slot = &slots[at & (sites->node_slot_count - 1)];
        if (*slot == 0)
            return slot;
        const htrail__site_node *node = htrail__sites_node(sites, *slot - 1);
        if (node->line == line && node->caller == caller && node->file == file && node->function == function)
            return slot;
    }
}

uint32_t htrail__sites_add(htrail__sites *sites, uint32_t caller, uint32_t file, uint32_t function, uint32_t line)
{
    if (sites->node_count >= sites->node_slot_count / 2) {
        if (!grow_slots(&sites->node_slots, &sites->node_slot_count))
            return HTRAIL_NO_SITE;
        for (uint32_t i = 0; i < sites->node_count; i++) {
            const htrail__site_node *node = htrail__sites_node(sites, i);
            *node_slot(sites, node->caller, node->file, node->function, node->line) = i + 1;
        }
    }
    uint32_t *slot = node_slot(sites, caller, file, function, line);
    if (*slot != 0)
        return *slot - 1;
    if (!htrail__growing_reserve(&sites->nodes, ((size_t)sites->node_count + 1) * sizeof(htrail__site_node)))
        return HTRAIL_NO_SITE;
    nodes_of(sites)[sites->node_count] = (htrail__site_node){caller, line, file, function, HTRAIL_NO_SITE};
    *slot = ++sites->node_count;
    return sites->node_count - 1;
}

void htrail__sites_want_none(htrail__sites *sites)
{
    for (uint32_t i = 0; i < sites->node_count; i++)
        nodes_of(sites)[i].number = HTRAIL_NO_SITE;
}

void htrail__sites_want(htrail__sites *sites, uint32_t site)
{
    while (site != HTRAIL_NO_SITE && nodes_of(sites)[site].number == HTRAIL_NO_SITE) {
        nodes_of(sites)[site].number = WANTED;
        site = nodes_of(sites)[site].caller;
    }
}

htrail_status htrail__sites_write(htrail__sites *sites, htrail_writer *w)
{
    htrail_status status = HTRAIL_OK;
    for (uint32_t i = 0; i < sites->node_count && status == HTRAIL_OK; i++) {
        htrail__site_node *node = &nodes_of(sites)[i];
        if (node->number == HTRAIL_NO_SITE)
            continue;
        htrail_site row = {.caller = node->caller == HTRAIL_NO_SITE ? HTRAIL_NO_SITE : nodes_of(sites)[node->caller].number,
                           .line = node->line,
                           .file = htrail__sites_text(sites, node->file),
                           .function = htrail__sites_text(sites, node->function)};
        status = htrail_writer_add_site(w, &row, &node->number);
    }
    return status;
}
