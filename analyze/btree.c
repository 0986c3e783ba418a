/* analyze/btree.c - see the header. Names as in sqlite.org/fileformat2.html. */
#include "analyze/btree.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    HEADER_BYTES = 100,
    OFFSET_PAGE_SIZE = 16,
    OFFSET_RESERVED = 20,
    OFFSET_CHANGE_COUNTER = 24,
    OFFSET_PAGE_COUNT = 28,
    OFFSET_VERSION_VALID_FOR = 92,
    LEAF_HEADER = 8,
    INTERIOR_HEADER = 12,
    POINTER_BYTES = 2,
    CHILD_BYTES = 4,
    KIND_INTERIOR_INDEX = 2,
    KIND_INTERIOR_TABLE = 5,
    KIND_LEAF_INDEX = 10,
    KIND_LEAF_TABLE = 13,
    BUFFER_BYTES = 1 << 20,
    LOCK_BYTE = 1 << 30 /* the page that holds it is never used */
};

static void put_u16(uint8_t *at, uint32_t value)
{
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

static void put_u32(uint8_t *at, uint32_t value)
{
    put_u16(at, value >> 16);
    put_u16(at + 2, value);
}

static uint32_t get_u16(const uint8_t *at) { return (uint32_t)at[0] << 8 | at[1]; }
static uint32_t get_u32(const uint8_t *at) { return get_u16(at) << 16 | get_u16(at + 2); }

/* A big-endian varint of up to 9 bytes; the ninth holds eight bits. */
static size_t put_varint(uint8_t *at, uint64_t value)
{
    uint8_t reversed[10];
    size_t count = 0;
    if (value < 0x80) {
        at[0] = (uint8_t)value;
        return 1;
    }
    if (value >> 56 != 0) {
        at[8] = (uint8_t)value;
        value >>= 8;
        for (int i = 7; i >= 0; i--, value >>= 7)
            at[i] = (uint8_t)(value | 0x80);
        return 9;
    }
    do {
        reversed[count++] = (uint8_t)(value & 0x7f);
        value >>= 7;
    } while (value != 0);
    for (size_t i = 0; i < count; i++)
        at[i] = reversed[count - 1 - i] | (i + 1 < count ? 0x80 : 0);
    return count;
}

/* A record: the bytes of its header, a serial type a value, then the values. */
static size_t put_record(uint8_t *at, const int64_t *values, size_t count)
{
    uint8_t *body = at + 1 + count;
    at[0] = (uint8_t)(1 + count);
    for (size_t i = 0; i < count; i++) {
        int64_t value = values[i];
        uint64_t magnitude = (uint64_t)(value < 0 ? ~value : value);
        unsigned bytes, type;
        if (value == HTRAIL__BTREE_NULL) {
            at[1 + i] = 0;
            continue;
        }
        if (value == 0 || value == 1) {
            at[1 + i] = (uint8_t)(8 + value);
            continue;
        }
        if (magnitude < UINT64_C(1) << 7)
            bytes = type = 1;
        else if (magnitude < UINT64_C(1) << 15)
            bytes = type = 2;
        else if (magnitude < UINT64_C(1) << 23)
            bytes = type = 3;
        else if (magnitude < UINT64_C(1) << 31)
            bytes = type = 4;
        else if (magnitude < UINT64_C(1) << 47)
            bytes = 6, type = 5;
        else
            bytes = 8, type = 6;
        at[1 + i] = (uint8_t)type;
        for (unsigned b = bytes; b-- > 0;)
            *body++ = (uint8_t)((uint64_t)value >> (8 * b));
    }
    return (size_t)(body - at);
}

/* Pages. */

static htrail_status write_at(int fd, const uint8_t *data, size_t len, uint64_t offset)
{
    while (len > 0) {
        ssize_t written = pwrite(fd, data, len, (off_t)offset);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return HTRAIL_E_IO;
        data += written;
        offset += (uint64_t)written;
        len -= (size_t)written;
    }
    return HTRAIL_OK;
}

static htrail_status flush(htrail__btree_file *file)
{
    htrail_status status = write_at(file->fd, file->buffer, file->buffer_used, file->buffer_offset);
    file->buffer_offset += file->buffer_used;
    file->buffer_used = 0;
    return status;
}

static htrail_status append_page(htrail__btree_file *file, const uint8_t *page, uint32_t *number)
{
    htrail_status status = HTRAIL_OK;
    if (file->page_count >= UINT32_MAX - 2) {
        errno = EFBIG;
        return HTRAIL_E_IO;
    }
    if ((uint64_t)file->page_count * file->page_bytes == LOCK_BYTE) {
        if ((status = flush(file)) != HTRAIL_OK)
            return status;
        file->page_count++;
        file->buffer_offset += file->page_bytes;
    }
    memcpy(file->buffer + file->buffer_used, page, file->page_bytes);
    file->buffer_used += file->page_bytes;
    *number = ++file->page_count;
    return file->buffer_used + file->page_bytes > BUFFER_BYTES ? flush(file) : HTRAIL_OK;
}

htrail_status htrail__btree_file_open(htrail__btree_file *file, const char *path)
{
    uint8_t header[HEADER_BYTES];

    *file = (htrail__btree_file){.fd = open(path, O_RDWR | O_CLOEXEC)};
    if (file->fd < 0)
        return HTRAIL_E_IO;
    if (pread(file->fd, header, sizeof header, 0) != (ssize_t)sizeof header || memcmp(header, "SQLite format 3", 16) != 0 || header[OFFSET_RESERVED] != 0) {
        errno = EINVAL;
        return HTRAIL_E_IO;
    }
    file->page_bytes = get_u16(header + OFFSET_PAGE_SIZE) == 1 ? 65536 : get_u16(header + OFFSET_PAGE_SIZE);
    file->page_count = get_u32(header + OFFSET_PAGE_COUNT);
    file->buffer_offset = (uint64_t)file->page_count * file->page_bytes;
    file->buffer = malloc(BUFFER_BYTES);
    return file->buffer == NULL ? HTRAIL_E_NOMEM : HTRAIL_OK;
}

htrail_status htrail__btree_file_close(htrail__btree_file *file)
{
    uint8_t header[HEADER_BYTES];
    htrail_status status = flush(file);
    int failure;

    if (status == HTRAIL_OK && pread(file->fd, header, sizeof header, 0) != (ssize_t)sizeof header)
        status = HTRAIL_E_IO;
    if (status == HTRAIL_OK) {
        /* The count of pages holds only while these two agree. */
        uint32_t changes = get_u32(header + OFFSET_CHANGE_COUNTER) + 1;
        put_u32(header + OFFSET_CHANGE_COUNTER, changes);
        put_u32(header + OFFSET_VERSION_VALID_FOR, changes);
        put_u32(header + OFFSET_PAGE_COUNT, file->page_count);
        status = write_at(file->fd, header, sizeof header, 0);
    }
    failure = errno;
    htrail__btree_file_release(file);
    errno = failure;
    return status;
}

void htrail__btree_file_release(htrail__btree_file *file)
{
    if (file->fd >= 0)
        close(file->fd);
    free(file->buffer);
    *file = (htrail__btree_file){.fd = -1};
}

/* Levels. */

static htrail_status level_add(htrail__btree_level *level, uint32_t page, const uint8_t *separator, size_t separator_bytes)
{
    if (level->count == level->room) {
        uint32_t room = level->room ? level->room * 2 : 256;
        uint32_t *pages = realloc(level->pages, (size_t)room * sizeof *pages);
        if (pages == NULL)
            return HTRAIL_E_NOMEM;
        level->pages = pages;
        uint32_t *starts = realloc(level->starts, ((size_t)room + 1) * sizeof *starts);
        if (starts == NULL)
            return HTRAIL_E_NOMEM;
        level->starts = starts;
        level->starts[0] = 0;
        level->room = room;
    }
    if (level->separator_bytes + separator_bytes > level->separator_room) {
        size_t room = level->separator_room * 2 + HTRAIL__BTREE_CELL_MAX;
        uint8_t *grown = realloc(level->separators, room);
        if (grown == NULL)
            return HTRAIL_E_NOMEM;
        level->separators = grown;
        level->separator_room = room;
    }
    if (separator_bytes > 0)
        memcpy(level->separators + level->separator_bytes, separator, separator_bytes);
    level->separator_bytes += separator_bytes;
    level->pages[level->count++] = page;
    level->starts[level->count] = (uint32_t)level->separator_bytes;
    return HTRAIL_OK;
}

static void level_release(htrail__btree_level *level)
{
    free(level->pages);
    free(level->separators);
    free(level->starts);
    *level = (htrail__btree_level){0};
}

static void page_header(uint8_t *page, unsigned kind, uint32_t cell_count, uint32_t content_start)
{
    page[0] = (uint8_t)kind;
    put_u16(page + 1, 0);
    put_u16(page + 3, cell_count);
    put_u16(page + 5, content_start); /* 65536 reads 0, as it should */
    page[7] = 0;
}

/* One page above children[first..]; returns how many it took. */
static uint32_t fill_interior(const htrail__btree *tree, const htrail__btree_level *children, uint32_t first, uint8_t *page)
{
    uint32_t room = tree->file->page_bytes - INTERIOR_HEADER, content = tree->file->page_bytes, count = 0, at;

    memset(page, 0, tree->file->page_bytes);
    /* The last child of a page is its right pointer and needs no cell. */
    for (at = first; at + 1 < children->count; at++) {
        uint32_t bytes = children->starts[at + 1] - children->starts[at];
        if (POINTER_BYTES + CHILD_BYTES + bytes > room || (at + 3 == children->count && 2 * (POINTER_BYTES + CHILD_BYTES) + bytes + (children->starts[at + 2] - children->starts[at + 1]) > room && count > 0))
            break; /* also where it would leave a single child for the next page */
        room -= POINTER_BYTES + CHILD_BYTES + bytes;
        content -= CHILD_BYTES + bytes;
        put_u32(page + content, children->pages[at]);
        memcpy(page + content + CHILD_BYTES, children->separators + children->starts[at], bytes);
        put_u16(page + INTERIOR_HEADER + POINTER_BYTES * count++, content);
    }
    page_header(page, tree->is_index ? KIND_INTERIOR_INDEX : KIND_INTERIOR_TABLE, count, content);
    put_u32(page + 8, children->pages[at]);
    return at - first + 1;
}

static htrail_status write_levels(htrail__btree *tree)
{
    htrail__btree_level above = {0};
    htrail_status status = HTRAIL_OK;

    for (;;) {
        uint32_t taken = 0;
        for (uint32_t first = 0; first < tree->children.count && status == HTRAIL_OK; first += taken) {
            uint32_t number;
            taken = fill_interior(tree, &tree->children, first, tree->page);
            if (taken == tree->children.count) {
                status = write_at(tree->file->fd, tree->page, tree->file->page_bytes, (uint64_t)(tree->root_page - 1) * tree->file->page_bytes);
                goto done;
            }
            status = append_page(tree->file, tree->page, &number);
            if (status == HTRAIL_OK)
                status = level_add(&above, number, tree->children.separators + tree->children.starts[first + taken - 1],
                                   tree->children.starts[first + taken] - tree->children.starts[first + taken - 1]);
        }
        if (status != HTRAIL_OK)
            break;
        level_release(&tree->children);
        tree->children = above;
        above = (htrail__btree_level){0};
    }
done:
    level_release(&above);
    return status;
}

/* Leaves. */

static void leaf_clear(htrail__btree *tree)
{
    tree->cell_count = 0;
    tree->content_start = tree->file->page_bytes;
}

static void leaf_header(htrail__btree *tree)
{
    page_header(tree->page, tree->is_index ? KIND_LEAF_INDEX : KIND_LEAF_TABLE, tree->cell_count, tree->content_start);
    size_t gap = LEAF_HEADER + (size_t)POINTER_BYTES * tree->cell_count;
    memset(tree->page + gap, 0, tree->content_start - gap);
}

static htrail_status leaf_write(htrail__btree *tree, const uint8_t *separator, size_t separator_bytes)
{
    uint32_t number;
    leaf_header(tree);
    htrail_status status = append_page(tree->file, tree->page, &number);
    if (status == HTRAIL_OK)
        status = level_add(&tree->children, number, separator, separator_bytes);
    leaf_clear(tree);
    return status;
}

static bool leaf_add(htrail__btree *tree, const uint8_t *cell, uint32_t bytes)
{
    uint32_t pointers = LEAF_HEADER + POINTER_BYTES * (tree->cell_count + 1);
    if (pointers + bytes > tree->content_start)
        return false;
    tree->content_start -= bytes;
    memcpy(tree->page + tree->content_start, cell, bytes);
    put_u16(tree->page + pointers - POINTER_BYTES, tree->content_start);
    tree->cell_count++;
    tree->last_cell_bytes = bytes;
    return true;
}

htrail_status htrail__btree_begin(htrail__btree *tree, htrail__btree_file *file, bool is_index, uint32_t root_page,
                                  uint64_t row_count)
{
    *tree = (htrail__btree){.file = file, .is_index = is_index, .root_page = root_page, .rows_left = row_count};
    tree->page = malloc(file->page_bytes);
    if (tree->page == NULL)
        return HTRAIL_E_NOMEM;
    leaf_clear(tree);
    return HTRAIL_OK;
}

htrail_status htrail__btree_add(htrail__btree *tree, int64_t rowid, const int64_t *values, size_t count)
{
    uint8_t record[HTRAIL__BTREE_CELL_MAX], cell[HTRAIL__BTREE_CELL_MAX], separator[HTRAIL__BTREE_CELL_MAX];
    size_t record_bytes = put_record(record, values, count), at = put_varint(cell, record_bytes);
    htrail_status status;

    if (!tree->is_index)
        at += put_varint(cell + at, (uint64_t)rowid);
    memcpy(cell + at, record, record_bytes);
    uint32_t bytes = (uint32_t)(at + record_bytes);
    tree->rows_left--;
    if (leaf_add(tree, cell, bytes)) {
        tree->last_rowid = rowid;
        return HTRAIL_OK;
    }
    if (!tree->is_index) {
        status = leaf_write(tree, separator, put_varint(separator, (uint64_t)tree->last_rowid));
    } else if (tree->rows_left > 0) {
        return leaf_write(tree, cell, bytes); /* the row itself stands above */
    } else {
        /* The last row of all: the one before goes up, so that the last leaf is not empty. */
        uint32_t last = tree->last_cell_bytes;
        memcpy(separator, tree->page + tree->content_start, last);
        tree->content_start += last;
        tree->cell_count--;
        status = leaf_write(tree, separator, last);
    }
    if (status == HTRAIL_OK)
        leaf_add(tree, cell, bytes);
    tree->last_rowid = rowid;
    return status;
}

htrail_status htrail__btree_end(htrail__btree *tree)
{
    htrail_status status;

    if (tree->children.count == 0) {
        leaf_header(tree);
        status = write_at(tree->file->fd, tree->page, tree->file->page_bytes, (uint64_t)(tree->root_page - 1) * tree->file->page_bytes);
    } else {
        status = leaf_write(tree, NULL, 0);
        if (status == HTRAIL_OK)
            status = write_levels(tree);
    }
    htrail__btree_release(tree);
    return status;
}

void htrail__btree_release(htrail__btree *tree)
{
    free(tree->page);
    tree->page = NULL;
    level_release(&tree->children);
}
