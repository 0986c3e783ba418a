/* import/source.c - see the header. */
#include "import/source.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

enum { PACKED_BYTES = 1 << 17, WINDOW_BITS_GZIP = 15 + 16 };

struct htrail__source {
    int fd;
    bool is_gzip, is_inflating, has_ended;
    uint64_t offset; /* of window[at] */
    size_t at, end;
    char error[HTRAIL__SOURCE_MESSAGE_BYTES];
    z_stream inflater;
    uint8_t window[HTRAIL__SOURCE_WINDOW_BYTES];
    uint8_t packed[PACKED_BYTES];
};

static ssize_t read_some(htrail__source *s, void *data, size_t room)
{
    ssize_t got;
    do
        got = read(s->fd, data, room);
    while (got < 0 && errno == EINTR);
    if (got < 0) {
        snprintf(s->error, sizeof s->error, "%s", strerror(errno));
        s->has_ended = true;
    }
    return got;
}

/* Up to room bytes of what is in the gzip; several one after the other count as one. */
static size_t inflate_some(htrail__source *s, uint8_t *data, size_t room)
{
    s->inflater.next_out = data;
    s->inflater.avail_out = (uInt)room;
    while (s->inflater.avail_out == room && !s->has_ended) {
        if (s->inflater.avail_in == 0) {
            ssize_t got = read_some(s, s->packed, sizeof s->packed);
            if (got <= 0) {
                if (got == 0 && s->is_inflating)
                    snprintf(s->error, sizeof s->error, "the gzip is cut");
                s->has_ended = true;
                break;
            }
            s->inflater.next_in = s->packed;
            s->inflater.avail_in = (uInt)got;
        }
        s->is_inflating = true;
        int result = inflate(&s->inflater, Z_NO_FLUSH);
        if (result == Z_STREAM_END) {
            s->is_inflating = false;
            result = inflateReset(&s->inflater);
        }
        if (result != Z_OK && result != Z_BUF_ERROR) {
            snprintf(s->error, sizeof s->error, "the gzip is damaged: %s", s->inflater.msg != NULL ? s->inflater.msg : "zlib gave no reason");
            s->has_ended = true;
        }
    }
    return room - s->inflater.avail_out;
}

static void fill(htrail__source *s, size_t wanted)
{
    if (s->at > 0) {
        memmove(s->window, s->window + s->at, s->end - s->at);
        s->end -= s->at;
        s->at = 0;
    }
    while (s->end < wanted && !s->has_ended) {
        if (s->is_gzip) {
            s->end += inflate_some(s, s->window + s->end, sizeof s->window - s->end);
        } else {
            ssize_t got = read_some(s, s->window + s->end, sizeof s->window - s->end);
            s->has_ended |= got <= 0;
            s->end += got > 0 ? (size_t)got : 0;
        }
    }
}

const uint8_t *htrail__source_look(htrail__source *s, size_t wanted, size_t *len)
{
    if (wanted == 0)
        wanted = 1;
    if (s->end - s->at < wanted && !s->has_ended)
        fill(s, wanted < sizeof s->window ? wanted : sizeof s->window);
    *len = s->end - s->at;
    return *len > 0 ? s->window + s->at : NULL;
}

bool htrail__source_skip(htrail__source *s, uint64_t count)
{
    while (count > 0) {
        size_t there = s->end - s->at;
        if (there == 0 && htrail__source_look(s, 1, &there) == NULL)
            return false;
        size_t step = count < there ? (size_t)count : there;
        s->at += step;
        s->offset += step;
        count -= step;
    }
    return true;
}

bool htrail__source_rewind(htrail__source *s)
{
    if (lseek(s->fd, 0, SEEK_SET) != 0) {
        snprintf(s->error, sizeof s->error, "it cannot be read twice: %s", strerror(errno));
        s->has_ended = true;
        return false;
    }
    if (s->is_gzip && inflateReset(&s->inflater) != Z_OK)
        return false;
    s->inflater.avail_in = 0;
    s->at = s->end = 0;
    s->offset = 0;
    s->has_ended = s->is_inflating = false;
    s->error[0] = '\0';
    return true;
}

uint64_t htrail__source_offset(const htrail__source *s) { return s->offset; }
const char *htrail__source_error(const htrail__source *s) { return s->error; }

htrail_status htrail__source_open(htrail__source **out, const char *path, char *message, size_t message_cap)
{
    struct stat kind;
    uint8_t magic[2];
    htrail__source *s = malloc(sizeof *s);

    *out = NULL;
    if (s == NULL) {
        snprintf(message, message_cap, "out of memory");
        return HTRAIL_E_NOMEM;
    }
    memset(s, 0, offsetof(htrail__source, window));
    s->fd = open(path, O_RDONLY | O_CLOEXEC);
    if (s->fd < 0 || fstat(s->fd, &kind) != 0) {
        snprintf(message, message_cap, "%s", strerror(errno));
        goto failed;
    }
    if (!S_ISREG(kind.st_mode)) {
        snprintf(message, message_cap, "it is no regular file, and it has to be read twice");
        goto failed;
    }
    if (pread(s->fd, magic, sizeof magic, 0) == sizeof magic && magic[0] == 0x1f && magic[1] == 0x8b) {
        s->is_gzip = true;
        if (inflateInit2(&s->inflater, WINDOW_BITS_GZIP) != Z_OK) {
            snprintf(message, message_cap, "out of memory");
            goto failed;
        }
    }
    *out = s;
    return HTRAIL_OK;
failed:
    s->is_gzip = false;
    htrail__source_free(s);
    return HTRAIL_E_IO;
}

void htrail__source_free(htrail__source *s)
{
    if (s == NULL)
        return;
    if (s->is_gzip)
        inflateEnd(&s->inflater);
    if (s->fd >= 0)
        close(s->fd);
    free(s);
}
