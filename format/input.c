/* format/input.c - see input.h. */
#include "format/input.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct memory_source {
    const uint8_t *at, *end;
} memory_source;

static int read_memory(void *arg, void *buf, size_t cap, size_t *got)
{
    memory_source *m = arg;
    size_t left = (size_t)(m->end - m->at);
    *got = cap < left ? cap : left;
    if (*got > 0)
        memcpy(buf, m->at, *got);
    m->at += *got;
    return 0;
}

static int read_fd(void *arg, void *buf, size_t cap, size_t *got)
{
    ssize_t done;
    do {
        done = read((int)(intptr_t)arg, buf, cap);
    } while (done < 0 && errno == EINTR);
    *got = done < 0 ? 0 : (size_t)done;
    return done < 0 ? errno : 0;
}

static void close_fd(void *arg) { close((int)(intptr_t)arg); }

htrail_status htrail__input_open_path(htrail__input *input, const char *path, char *message, size_t message_cap)
{
    bool is_stdin = strcmp(path, "-") == 0;
    int fd = is_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        if (message != NULL)
            snprintf(message, message_cap, "cannot read '%s': %s", path, strerror(errno));
        return HTRAIL_E_IO;
    }
    *input = (htrail__input){{read_fd, is_stdin ? NULL : close_fd, (void *)(intptr_t)fd}, 0};
    return HTRAIL_OK;
}

htrail_status htrail__input_open_memory(htrail__input *input, const void *data, size_t len)
{
    memory_source *m = malloc(sizeof *m);
    if (m == NULL)
        return HTRAIL_E_NOMEM;
    *m = (memory_source){data, (const uint8_t *)data + len};
    *input = (htrail__input){{read_memory, free, m}, 0};
    return HTRAIL_OK;
}

void htrail__input_open_source(htrail__input *input, const htrail_source *source)
{
    *input = (htrail__input){*source, 0};
}

void htrail__input_close(htrail__input *input)
{
    if (input->source.close != NULL)
        input->source.close(input->source.arg);
    input->source = (htrail_source){0};
}

htrail_status htrail__input_read(htrail__input *input, void *to, size_t len, int *error)
{
    for (size_t have = 0, got; have < len; have += got) {
        *error = input->source.read(input->source.arg, (uint8_t *)to + have, len - have, &got);
        if (*error != 0)
            return HTRAIL_E_IO;
        if (got == 0)
            return have == 0 ? HTRAIL_END : HTRAIL_E_TRUNCATED;
        input->offset += got;
    }
    return HTRAIL_OK;
}
