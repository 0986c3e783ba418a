/* analyze/load_sites.c - the tables of sites: how much is in use of what was asked for at each, and
 * where the block of each object was asked for. */
#include <math.h>
#include <stdlib.h>

#include "analyze/loader.h"
#include "analyze/mapping.h"

typedef struct site_sum {
    uint32_t blocks;
    double count, bytes, count_variance, bytes_variance;
} site_sum;

/* The object that lies in a block: at its first byte, or behind what the runtime puts in front (the
 * collector's header, and a word or two for a dict and weak references). */
static uint32_t object_in(const htrail__loader *l, const htrail__graph_block *block)
{
    static const uint64_t offsets[] = {0, 16, 32};
    for (size_t i = 0; i < sizeof offsets / sizeof *offsets; i++) {
        uint32_t object = offsets[i] == 0 || offsets[i] < block->size_bytes
                              ? htrail__addresses_find(&l->graph->addresses, block->address + offsets[i]) : HTRAIL__NO_ID;
        if (object != HTRAIL__NO_ID)
            return object;
    }
    return HTRAIL__NO_ID;
}

static double weight_of(const htrail__graph_block *block)
{
    return block->weight == 0 ? 1 : (double)block->weight / HTRAIL_WEIGHT_ONE;
}

/* Sums of each site; of each object the block it lies in, + 1. */
static void sum_up(const htrail__loader *l, site_sum *sums, uint32_t *block_of)
{
    for (uint32_t i = 0; i < l->graph->block_count; i++) {
        const htrail__graph_block *block = &l->graph->blocks[i];
        double weight = weight_of(block), size = (double)block->size_bytes;
        if (block->site >= l->graph->site_count)
            continue; /* the file is cut before it */
        site_sum *sum = &sums[block->site];
        sum->blocks++;
        sum->count += weight;
        sum->bytes += weight * size;
        sum->count_variance += weight * (weight - 1);
        sum->bytes_variance += size * size * weight * (weight - 1);
        uint32_t object = object_in(l, block);
        if (object != HTRAIL__NO_ID)
            block_of[object] = i + 1;
    }
}

/* In the order of the objects' numbers, so that the table grows at its end. */
static htrail_status write_objects(htrail__loader *l, const uint32_t *block_of)
{
    sqlite3_stmt *statement = htrail__loader_prepare(l, "INSERT INTO object_site VALUES(?, ?, ?, ?)");
    bool fine = statement != NULL;
    for (uint32_t place = 0; place < l->graph->object_count && fine; place++) {
        uint32_t number = block_of[l->reach.object_of[place]];
        if (number == 0)
            continue;
        const htrail__graph_block *block = &l->graph->blocks[number - 1];
        htrail__loader_bind_number(statement, 1, (uint64_t)place + 1);
        htrail__loader_bind_number(statement, 2, (uint64_t)block->site + 1);
        htrail__loader_bind_number(statement, 3, block->size_bytes);
        sqlite3_bind_double(statement, 4, weight_of(block));
        fine = htrail__loader_insert(statement);
    }
    return htrail__loader_end_statement(l, statement, fine);
}

/* SQL has numbers of 63 bits, and a file may claim more. */
static int64_t whole(double value) { return value < 0x1p62 ? (int64_t)llround(value) : INT64_C(1) << 62; }

static htrail_status write_sums(htrail__loader *l, const site_sum *sums)
{
    sqlite3_stmt *statement = htrail__loader_prepare(l, "INSERT INTO site VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
    bool fine = statement != NULL;
    for (uint32_t i = 0; i < l->graph->site_count && fine; i++) {
        const htrail__graph_site *site = &l->graph->sites[i];
        sqlite3_clear_bindings(statement);
        htrail__loader_bind_number(statement, 1, (uint64_t)i + 1);
        if (site->caller != HTRAIL_NO_SITE)
            htrail__loader_bind_number(statement, 2, (uint64_t)site->caller + 1);
        htrail__loader_bind_text(l, statement, 3, site->file);
        htrail__loader_bind_number(statement, 4, site->line);
        htrail__loader_bind_text(l, statement, 5, site->function);
        htrail__loader_bind_number(statement, 6, sums[i].blocks);
        sqlite3_bind_int64(statement, 7, whole(sums[i].count));
        sqlite3_bind_int64(statement, 8, whole(sums[i].bytes));
        sqlite3_bind_double(statement, 9, sqrt(sums[i].count_variance));
        sqlite3_bind_double(statement, 10, sqrt(sums[i].bytes_variance));
        fine = htrail__loader_insert(statement);
    }
    return htrail__loader_end_statement(l, statement, fine);
}

htrail_status htrail__loader_write_sites(htrail__loader *l)
{
    site_sum *sums = calloc((size_t)l->graph->site_count + 1, sizeof *sums);
    uint32_t *block_of = l->graph->block_count > 0 ? htrail__mapping_new(l->graph->object_count, sizeof *block_of) : NULL;
    htrail_status status = HTRAIL_OK;

    if (sums == NULL || (block_of == NULL && l->graph->block_count > 0)) {
        status = htrail__loader_no_memory(l);
        goto done;
    }
    if (block_of != NULL) {
        sum_up(l, sums, block_of);
        status = write_objects(l, block_of);
    }
    if (status == HTRAIL_OK)
        status = write_sums(l, sums);
done:
    free(sums);
    htrail__mapping_free(block_of);
    return status;
}
