/* analyze/store.c - find or make the database of a FILE. See the header. */
#include "analyze/store.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <htrail/reader.h>

#include "analyze/load.h"
#include "analyze/replaceable.h"
#include "analyze/resident.h"
#include "analyze/schema.h"

struct htrail__store {
    sqlite3 *db;
    char *path;
    char *warning;
    bool temporary; /* the file goes with the store */
};

static htrail_status fail(char *message, size_t cap, htrail_status status, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

static htrail_status fail(char *message, size_t cap, htrail_status status, const char *format, ...)
{
    va_list values;
    if (message != NULL && cap > 0) {
        va_start(values, format);
        vsnprintf(message, cap, format, values);
        va_end(values);
    }
    return status;
}

/* Text of a fact of the snapshot table; the caller frees it; NULL where there is none. */
static char *fact(sqlite3 *db, const char *key)
{
    sqlite3_stmt *statement = NULL;
    char *value = NULL;
    if (sqlite3_prepare_v2(db, "SELECT value FROM snapshot WHERE key = ?", -1, &statement, NULL) == SQLITE_OK) {
        sqlite3_bind_text(statement, 1, key, -1, SQLITE_STATIC);
        if (sqlite3_step(statement) == SQLITE_ROW && sqlite3_column_text(statement, 0) != NULL)
            value = strdup((const char *)sqlite3_column_text(statement, 0));
    }
    sqlite3_finalize(statement);
    return value;
}

static bool fact_is(sqlite3 *db, const char *key, const char *wanted)
{
    char *value = fact(db, key);
    bool same = value != NULL && strcmp(value, wanted) == 0;
    free(value);
    return same;
}

static sqlite3 *open_database(const char *path, int *failure)
{
    sqlite3 *db = NULL;
    *failure = sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, NULL);
    if (*failure == SQLITE_OK)
        *failure = sqlite3_exec(db, "PRAGMA query_only = 1; PRAGMA mmap_size = 1099511627776; PRAGMA cache_size = -65536; "
                                    "SELECT count(*) FROM sqlite_schema;", NULL, NULL, NULL);
    if (*failure != SQLITE_OK) {
        sqlite3_close(db);
        db = NULL;
    }
    return db;
}

static bool is_loaded_snapshot(sqlite3 *db)
{
    char wanted[16];
    snprintf(wanted, sizeof wanted, "%d", HTRAIL__SCHEMA_VERSION);
    return fact_is(db, "schema_version", wanted);
}

bool htrail__store_is_database(const char *file)
{
    char magic[16] = "";
    struct stat about;
    /* Not even opened where it is a pipe: that would wait for a writer, or end one. */
    bool regular = strcmp(file, "-") != 0 && stat(file, &about) == 0 && S_ISREG(about.st_mode);
    int fd = regular ? open(file, O_RDONLY | O_CLOEXEC) : -1;
    bool is = fd >= 0 && read(fd, magic, sizeof magic) == (ssize_t)sizeof magic &&
              memcmp(magic, "SQLite format 3", sizeof magic) == 0;
    if (fd >= 0)
        close(fd);
    return is;
}

/* Loaded from this very file? */
static bool database_fits(const char *path, uint64_t file_id, uint64_t file_bytes)
{
    char id[32], bytes[32];
    int failure;
    sqlite3 *db = htrail__store_is_database(path) ? open_database(path, &failure) : NULL;
    snprintf(id, sizeof id, "%016" PRIx64, file_id);
    snprintf(bytes, sizeof bytes, "%" PRIu64, file_bytes);
    bool fits = db != NULL && is_loaded_snapshot(db) && fact_is(db, "file_id", id) && fact_is(db, "source_bytes", bytes);
    sqlite3_close(db);
    return fits;
}

static char *printed(const char *format, ...) __attribute__((format(printf, 1, 2)));
static char *printed(const char *format, ...)
{
    va_list values;
    char *text;
    va_start(values, format);
    if (vasprintf(&text, format, values) < 0)
        text = NULL;
    va_end(values);
    return text;
}

static bool make_folders(char *path)
{
    for (char *slash = strchr(path + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        bool made = mkdir(path, 0700) == 0 || errno == EEXIST;
        *slash = '/';
        if (!made)
            return false;
    }
    return true;
}

/* Where databases of snapshots in read-only folders are kept: named by the snapshot's id,
 * so that files of the same name do not meet. */
static char *cache_path(uint64_t file_id)
{
    const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    char *path = NULL;
    if (cache != NULL && cache[0] == '/')
        path = printed("%s/heaptrail/%016" PRIx64 ".db", cache, file_id);
    else if (home != NULL && home[0] == '/')
        path = printed("%s/.cache/heaptrail/%016" PRIx64 ".db", home, file_id);
    if (path != NULL && !make_folders(path)) {
        free(path);
        path = NULL;
    }
    return path;
}

static bool folder_is_writable(const char *file)
{
    char *folder = strdup(file);
    if (folder == NULL)
        return false;
    char *slash = strrchr(folder, '/');
    if (slash == folder)
        slash[1] = '\0';
    else if (slash != NULL)
        *slash = '\0';
    bool writable = access(slash == NULL ? "." : folder, W_OK) == 0;
    free(folder);
    return writable;
}

htrail_status htrail__store_memory_limit(uint64_t *limit, char *message, size_t cap)
{
    const char *said = getenv("HEAPTRAIL_MEMORY"), *const units = "KkMmGg";
    char *end = NULL;
    *limit = 0;
    if (said == NULL || said[0] == '\0')
        return HTRAIL_OK;
    uint64_t bytes = said[0] >= '0' && said[0] <= '9' ? strtoull(said, &end, 10) : 0;
    const char *unit = end != NULL && *end != '\0' ? strchr(units, *end) : NULL;
    unsigned shift = unit == NULL ? 0 : 10 * ((unsigned)(unit - units) / 2 + 1);
    if (end == NULL || end[unit != NULL] != '\0' || bytes > UINT64_MAX >> shift) {
        snprintf(message, cap, "HEAPTRAIL_MEMORY is '%s', which is no number of bytes", said);
        return HTRAIL_E_MISUSE;
    }
    if (bytes << shift < HTRAIL__RESIDENT_LEAST) {
        snprintf(message, cap, "HEAPTRAIL_MEMORY is '%s', and a load needs 64M at least", said);
        return HTRAIL_E_MISUSE;
    }
    *limit = bytes << shift;
    return HTRAIL_OK;
}

static htrail_status load_reader(htrail_reader *reader, const char *file, const char *db_path, const htrail__store_opts *opts,
                                 uint64_t file_bytes, char *message, size_t cap)
{
    htrail__load_source source = {.name = strcmp(file, "-") == 0 ? "standard input" : file, .file_bytes = file_bytes};
    if (opts != NULL) {
        source.progress = opts->progress;
        source.progress_arg = opts->progress_arg;
        source.needs_objects = opts->needs_objects;
    }
    uint64_t limit = opts != NULL ? opts->memory_max_bytes : 0;
    htrail_status status = limit == 0 ? htrail__store_memory_limit(&limit, message, cap) : HTRAIL_OK;
    if (status != HTRAIL_OK)
        return status;
    htrail__resident_begin(limit, htrail__resident_available());
    status = htrail__load(reader, &source, db_path, message, cap);
    htrail__resident_end();
    return status;
}

static uint64_t size_of_file(const char *file)
{
    struct stat about;
    return strcmp(file, "-") != 0 && stat(file, &about) == 0 && S_ISREG(about.st_mode) ? (uint64_t)about.st_size : 0;
}

static htrail_status open_snapshot(htrail_reader **reader, const char *file, char *message, size_t cap)
{
    htrail_limits limits;
    htrail_limits_init(&limits);
    limits.read_ahead = 1;
    return htrail_reader_open_path(reader, file, &limits, message, cap);
}

htrail_status htrail__store_load(const char *file, const char *db_path, const htrail__store_opts *opts, char *message, size_t cap)
{
    htrail_reader *reader = NULL;
    htrail_status status = open_snapshot(&reader, file, message, cap);
    if (status == HTRAIL_OK && !htrail__replaceable(db_path, HTRAIL__TABLE_OF_LOADED))
        status = fail(message, cap, HTRAIL_E_MISUSE, "cannot write '%s': it is there and no loaded snapshot, and stays as it is", db_path);
    if (status == HTRAIL_OK)
        status = load_reader(reader, file, db_path, opts, size_of_file(file), message, cap);
    htrail_reader_free(reader);
    return status;
}

/* The database for a snapshot file: found, or made. *path is the caller's to free. */
static htrail_status database_for(const char *file, const htrail__store_opts *opts, char **path, bool *temporary, char *message, size_t cap)
{
    htrail_reader *reader = NULL;
    char *beside = NULL, *cached = NULL, *target = NULL;
    uint64_t bytes = size_of_file(file);
    htrail_status status = open_snapshot(&reader, file, message, cap);

    if (status != HTRAIL_OK)
        return status;
    uint64_t id = htrail_reader_header(reader)->file_id;
    if (bytes > 0) { /* what is no regular file cannot be met again */
        beside = printed("%s.db", file);
        if (beside != NULL && database_fits(beside, id, bytes)) {
            target = beside;
            goto found;
        }
        if (beside != NULL && folder_is_writable(file) && htrail__replaceable(beside, HTRAIL__TABLE_OF_LOADED))
            target = beside;
        else if ((cached = cache_path(id)) != NULL && database_fits(cached, id, bytes)) {
            target = cached;
            goto found;
        } else if (cached != NULL && folder_is_writable(cached) && htrail__replaceable(cached, HTRAIL__TABLE_OF_LOADED))
            target = cached;
    }
    if (target == NULL) {
        const char *folder = getenv("TMPDIR");
        char *name = printed("%s/heaptrail-XXXXXX", folder != NULL && folder[0] == '/' ? folder : "/tmp");
        int fd = name == NULL ? -1 : mkstemp(name);
        if (fd < 0) {
            status = fail(message, cap, HTRAIL_E_IO, "cannot make a temporary database for '%s': %s", file, strerror(errno));
            free(name);
            goto done;
        }
        close(fd);
        free(cached);
        cached = target = name;
        *temporary = true;
    }
    status = load_reader(reader, file, target, opts, bytes, message, cap);
    if (status != HTRAIL_OK && *temporary)
        unlink(target);
found:
    if (status == HTRAIL_OK) {
        *path = target;
        if (target == beside)
            beside = NULL;
        else
            cached = NULL;
    }
done:
    free(beside);
    free(cached);
    htrail_reader_free(reader);
    return status;
}

static char *warning_for(sqlite3 *db, const char *file)
{
    char *cut = fact(db, "cut"), *stopped = fact(db, "stopped_early"), *warning = NULL;
    if (cut != NULL)
        warning = printed("%s, what follows is of them alone", cut);
    else if (stopped != NULL)
        warning = printed("the snapshot in '%s' was ended early: %s", file, stopped);
    free(cut);
    free(stopped);
    return warning;
}

/* A database may have been loaded by a command that needed no object. */
static htrail_status check_objects(sqlite3 *db, const char *file, char *message, size_t cap)
{
    char *bytes = fact(db, "file_bytes"), *source = fact(db, "source"), *stopped = fact(db, "stopped_early");
    bool is_empty = fact_is(db, "objects", "0");
    if (is_empty)
        htrail__load_say_empty(message, cap, source != NULL ? source : file, !fact_is(db, "complete", "1"), bytes == NULL ? 0 : strtoull(bytes, NULL, 10), stopped);
    free(bytes);
    free(source);
    free(stopped);
    return is_empty ? HTRAIL_E_TRUNCATED : HTRAIL_OK;
}

htrail_status htrail__store_open(htrail__store **out, const char *file, const htrail__store_opts *opts, char *message, size_t cap)
{
    htrail__store *store = calloc(1, sizeof *store);
    htrail_status status = HTRAIL_OK;
    int failure;

    *out = NULL;
    if (store == NULL) {
        status = fail(message, cap, HTRAIL_E_NOMEM, "cannot open '%s': out of memory", file);
        goto done;
    }
    if (htrail__store_is_database(file))
        store->path = strdup(file);
    else
        status = database_for(file, opts, &store->path, &store->temporary, message, cap);
    if (status != HTRAIL_OK)
        goto done;
    store->db = store->path == NULL ? NULL : open_database(store->path, &failure);
    if (store->db == NULL) {
        status = fail(message, cap, HTRAIL_E_DATABASE, "cannot open '%s': %s", file, store->path == NULL ? "out of memory" : sqlite3_errstr(failure));
        goto done;
    }
    if (!is_loaded_snapshot(store->db)) {
        char *version = fact(store->db, "schema_version");
        status = version == NULL
                     ? fail(message, cap, HTRAIL_E_NOT_SNAPSHOT, "'%s' is a database, and no loaded snapshot", file)
                     : fail(message, cap, HTRAIL_E_VERSION, "'%s' was loaded by another version of heaptrail (schema %s, this one knows %d): load its snapshot again",
                            file, version, HTRAIL__SCHEMA_VERSION);
        free(version);
        goto done;
    }
    if (opts != NULL && opts->needs_objects && (status = check_objects(store->db, file, message, cap)) != HTRAIL_OK)
        goto done;
    store->warning = warning_for(store->db, file);
    *out = store;
    store = NULL;
done:
    htrail__store_free(store);
    return status;
}

sqlite3 *htrail__store_db(const htrail__store *store) { return store->db; }
sqlite3 *htrail__store_connect(const htrail__store *store)
{
    int failure;
    return open_database(store->path, &failure);
}
const char *htrail__store_path(const htrail__store *store) { return store->path; }
const char *htrail__store_warning(const htrail__store *store) { return store->warning; }

void htrail__store_free(htrail__store *store)
{
    if (store == NULL)
        return;
    sqlite3_close(store->db);
    if (store->temporary && store->path != NULL)
        unlink(store->path);
    free(store->path);
    free(store->warning);
    free(store);
}
