/* analyze/btree_scan.c - see the header. Pages: sqlite.org/fileformat2.html. */
#include "analyze/btree_scan.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* The kind of a page is of two bits: whose it is, and whether it is a leaf. */
enum { FILE_HEAD = 100, OF_INDEX = 2, OF_TABLE = 5, LEAF = 8, CHILD_BYTES = 4, INTERIOR_HEAD = 12, LEAF_HEAD = 8 };

static bool is_leaf(const uint8_t *head) { return (head[0] & LEAF) != 0; }

static uint32_t get_16(const uint8_t *at) { return (uint32_t)at[0] << 8 | at[1]; }
static uint32_t get_32(const uint8_t *at) { return get_16(at) << 16 | get_16(at + 2); }

/* Bytes of the number at `at`; 0: it does not end before `end`. */
static size_t get_varint(const uint8_t *at, const uint8_t *end, uint64_t *out)
{
    uint64_t value = 0;
    if (at < end && at[0] < 0x80) {
        *out = at[0];
        return 1;
    }
    for (size_t i = 0; i < 9 && at + i < end; i++) {
        if (i == 8) {
            *out = value << 8 | at[i];
            return 9;
        }
        value = value << 7 | (at[i] & 0x7f);
        if (at[i] < 0x80) {
            *out = value;
            return i + 1;
        }
    }
    return 0;
}

static bool enter(htrail__btree_scan *scan, uint32_t number)
{
    if (number == 0 || (size_t)number * scan->page_bytes > scan->map_bytes || scan->depth + 1 >= HTRAIL__BTREE_DEPTH_MAX ||
        scan->pages_left-- == 0)
        return false;
    const uint8_t *page = scan->map + (size_t)(number - 1) * scan->page_bytes, *head = page + (number == 1 ? FILE_HEAD : 0);
    size_t cells = get_16(head + 3), cells_at = (size_t)(head - page) + (is_leaf(head) ? LEAF_HEAD : INTERIOR_HEAD);
    if (scan->depth < 0)
        scan->is_index = (head[0] & ~LEAF) == OF_INDEX;
    if ((head[0] & ~LEAF) != (scan->is_index ? OF_INDEX : OF_TABLE) || cells_at + 2 * cells > scan->page_bytes)
        return false;
    /* Only a table without rows has a page without: many of them would be a long way to the next row. */
    if (cells == 0 && scan->depth >= 0)
        return false;
    scan->depth++;
    scan->levels[scan->depth].page = page;
    scan->levels[scan->depth].head = head;
    scan->levels[scan->depth].cells = (uint32_t)cells;
    scan->levels[scan->depth].next = 0;
    return true;
}

bool htrail__btree_scan_open(htrail__btree_scan *scan, sqlite3 *db, const char *table)
{
    const char *path = sqlite3_db_filename(db, "main");
    sqlite3_stmt *statement = NULL;
    uint32_t root = 0;
    int has_moved = 1;
    struct stat about;

    *scan = (htrail__btree_scan){.depth = -1};
    if (path == NULL || path[0] == '\0' || sqlite3_txn_state(db, "main") == SQLITE_TXN_WRITE)
        return false;
    if (sqlite3_prepare_v2(db, "SELECT rootpage FROM sqlite_schema WHERE name = ?", -1, &statement, NULL) == SQLITE_OK) {
        sqlite3_bind_text(statement, 1, table, -1, SQLITE_STATIC);
        if (sqlite3_step(statement) == SQLITE_ROW)
            root = (uint32_t)sqlite3_column_int64(statement, 0);
    }
    sqlite3_finalize(statement);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    /* A file that another has taken the name of since is not ours to read. */
    sqlite3_file_control(db, "main", SQLITE_FCNTL_HAS_MOVED, &has_moved);
    void *map =
        !has_moved && fstat(fd, &about) == 0 && about.st_size > FILE_HEAD ? mmap(NULL, (size_t)about.st_size, PROT_READ, MAP_SHARED, fd, 0) : MAP_FAILED;
    close(fd);
    if (map == MAP_FAILED)
        return false;
    scan->map = map;
    scan->map_bytes = (size_t)about.st_size;
    scan->page_bytes = get_16(scan->map + 16) == 1 ? 65536 : get_16(scan->map + 16);
    scan->page_count = scan->pages_left = scan->page_bytes < 512 ? 0 : scan->map_bytes / scan->page_bytes;
    scan->root = root;
    bool is_plain = scan->map[18] == 1 && scan->map[19] == 1 && scan->map[20] == 0; /* no write-ahead log, no reserved bytes */
    if (is_plain && scan->page_bytes >= 512 && scan->map_bytes >= scan->page_bytes && enter(scan, root))
        return true;
    htrail__btree_scan_release(scan);
    return false;
}

/* Down from interior pages, and up from those that are at their end, to a row. An interior page has a child before each of its
 * cells and one after the last; in an index the cells are rows too. *cell: where the row is. */
static htrail__btree_step find_row(htrail__btree_scan *scan, const uint8_t **cell)
{
    while (scan->depth >= 0) {
        uint32_t at = scan->levels[scan->depth].next++, cells = scan->levels[scan->depth].cells;
        const uint8_t *page = scan->levels[scan->depth].page, *head = scan->levels[scan->depth].head;
        if (is_leaf(head)) {
            if (at < cells) {
                *cell = page + get_16(head + LEAF_HEAD + 2 * at);
                return HTRAIL__BTREE_ROW;
            }
            scan->depth--;
            continue;
        }
        bool is_child = !scan->is_index || at % 2 == 0;
        at = scan->is_index ? at / 2 : at;
        if (at > cells || (at == cells && !is_child)) {
            scan->depth--;
            continue;
        }
        size_t start = at < cells ? get_16(head + INTERIOR_HEAD + 2 * at) : 0;
        if (start + CHILD_BYTES > scan->page_bytes)
            return HTRAIL__BTREE_BROKEN;
        if (!is_child) {
            *cell = page + start + CHILD_BYTES;
            return HTRAIL__BTREE_ROW;
        }
        if (!enter(scan, at < cells ? get_32(page + start) : get_32(head + 8)))
            return HTRAIL__BTREE_BROKEN;
    }
    return HTRAIL__BTREE_DONE;
}

/* What each serial type says: how many bytes the number has, and what is read as one of eight shifted down to those; or a number that needs none. */
enum { SERIAL_TYPES = 10, SERIAL_FLOAT = 7 };
static const struct {
    uint8_t bytes, shift;
    uint64_t mask;
    int64_t number;
} serials[SERIAL_TYPES] = {
    {0, 0, 0, HTRAIL__BTREE_NULL}, {1, 56, UINT64_MAX, 0}, {2, 48, UINT64_MAX, 0}, {3, 40, UINT64_MAX, 0}, {4, 32, UINT64_MAX, 0},
    {6, 16, UINT64_MAX, 0}, {8, 0, UINT64_MAX, 0}, {0, 0, 0, 0}, {0, 0, 0, 0}, {0, 0, 0, 1},
};

static uint64_t get_64(const uint8_t *at) { return (uint64_t)get_32(at) << 32 | get_32(at + 4); }

/* The bytes that are left before end, as if zeros followed. */
static uint64_t get_rest(const uint8_t *at, const uint8_t *end)
{
    uint8_t bytes[8] = {0};
    memcpy(bytes, at, (size_t)(end - at));
    return get_64(bytes);
}

/* Values of a record whose types are head[0..head_bytes), at value; nothing beyond row_end is theirs, and page_end is the end of what can be read.
 * No branch depends on a value: columns differ from row to row. */
static bool get_values(const uint8_t *head, size_t head_bytes, const uint8_t *value, const uint8_t *row_end, const uint8_t *page_end, int64_t *values, size_t count)
{
    size_t here = head_bytes < count ? head_bytes : count;
    for (size_t column = 0; column < here; column++) {
        unsigned serial = head[column];
        if (serial >= SERIAL_TYPES || serial == SERIAL_FLOAT || serials[serial].bytes > row_end - value)
            return false;
        uint64_t number = page_end - value >= 8 ? get_64(value) : get_rest(value, page_end);
        values[column] = (int64_t)((uint64_t)((int64_t)number >> serials[serial].shift) & serials[serial].mask) | serials[serial].number;
        value += serials[serial].bytes;
    }
    for (size_t column = here; column < count; column++)
        values[column] = HTRAIL__BTREE_NULL;
    return true;
}

static bool get_row(const htrail__btree_scan *scan, const uint8_t *at, int64_t *rowid, int64_t *values, size_t count)
{
    const uint8_t *end = scan->levels[scan->depth].page + scan->page_bytes;
    uint64_t payload, id = 0, head_bytes;
    size_t len;
    if ((len = get_varint(at, end, &payload)) == 0)
        return false;
    at += len;
    if (!scan->is_index) {
        if ((len = get_varint(at, end, &id)) == 0)
            return false;
        at += len;
    }
    if (payload > (uint64_t)(end - at) || (len = get_varint(at, at + payload, &head_bytes)) == 0 || head_bytes > payload || head_bytes < len)
        return false;
    *rowid = (int64_t)id;
    return get_values(at + len, head_bytes - len, at + head_bytes, at + payload, end, values, count);
}

htrail__btree_step htrail__btree_scan_next(htrail__btree_scan *scan, int64_t *rowid, int64_t *values, size_t count)
{
    const uint8_t *at = NULL;
    htrail__btree_step step = find_row(scan, &at);
    return step == HTRAIL__BTREE_ROW && !get_row(scan, at, rowid, values, count) ? HTRAIL__BTREE_BROKEN : step;
}

/* What a cell of the page is found by: the id, or an index's first column. */
static bool key_of(const htrail__btree_scan *scan, uint32_t cell, int64_t *key)
{
    const uint8_t *page = scan->levels[scan->depth].page, *head = scan->levels[scan->depth].head, *end = page + scan->page_bytes;
    bool is_in_leaf = is_leaf(head);
    size_t start = get_16(head + (is_in_leaf ? LEAF_HEAD : INTERIOR_HEAD) + 2 * (size_t)cell) + (is_in_leaf ? 0 : CHILD_BYTES), len;
    const uint8_t *at = page + start;
    uint64_t number;
    int64_t none;
    if (start >= scan->page_bytes)
        return false;
    if (scan->is_index)
        return get_row(scan, at, &none, key, 1);
    if (is_in_leaf && (len = get_varint(at, end, &number)) != 0)
        at += len;
    if (get_varint(at, end, &number) == 0)
        return false;
    *key = (int64_t)number;
    return true;
}

/* The first cell of the page whose key is not below. Ids often stand one beside the other, so their place is guessed. */
static bool find_cell(const htrail__btree_scan *scan, int64_t wanted, uint32_t *out)
{
    uint32_t low = 0, high = scan->levels[scan->depth].cells;
    int64_t key;
    if (low < high && !scan->is_index && is_leaf(scan->levels[scan->depth].head)) {
        if (!key_of(scan, 0, &key))
            return false;
        if (wanted >= key && (uint64_t)wanted - (uint64_t)key < high) {
            *out = (uint32_t)((uint64_t)wanted - (uint64_t)key);
            if (!key_of(scan, *out, &key))
                return false;
            if (key == wanted)
                return true;
        }
    }
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (!key_of(scan, middle, &key))
            return false;
        if (key < wanted)
            low = middle + 1;
        else
            high = middle;
    }
    *out = low;
    return true;
}

/* Whether the page that was read last is a leaf that has the key between others: then the search begins and ends there. */
static bool is_in_leaf(const htrail__btree_scan *scan, int64_t wanted)
{
    int64_t first, last;
    if (scan->depth < 0 || !is_leaf(scan->levels[scan->depth].head) || scan->levels[scan->depth].cells == 0)
        return false;
    return key_of(scan, 0, &first) && first < wanted && key_of(scan, scan->levels[scan->depth].cells - 1, &last) && wanted <= last;
}

bool htrail__btree_scan_seek(htrail__btree_scan *scan, int64_t key)
{
    uint32_t cell;
    bool is_near = is_in_leaf(scan, key);
    scan->pages_left = scan->page_count;
    if (!is_near) {
        scan->depth = -1;
        if (!enter(scan, scan->root))
            return false;
    }
    for (;;) {
        if (!find_cell(scan, key, &cell))
            return false;
        if (is_leaf(scan->levels[scan->depth].head))
            break;
        const uint8_t *page = scan->levels[scan->depth].page, *head = scan->levels[scan->depth].head;
        bool is_last = cell == scan->levels[scan->depth].cells;
        size_t start = is_last ? 0 : get_16(head + INTERIOR_HEAD + 2 * (size_t)cell);
        scan->levels[scan->depth].next = scan->is_index ? 2 * cell + 1 : cell + 1;
        if (start + CHILD_BYTES > scan->page_bytes || !enter(scan, is_last ? get_32(head + 8) : get_32(page + start)))
            return false;
    }
    scan->levels[scan->depth].next = cell;
    return true;
}

void htrail__btree_scan_release(htrail__btree_scan *scan)
{
    if (scan->map != NULL)
        munmap((void *)scan->map, scan->map_bytes);
    *scan = (htrail__btree_scan){.depth = -1};
}
