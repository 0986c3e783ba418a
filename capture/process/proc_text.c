/* proc_text.c - see proc_text.h. */
#include "capture/process/proc_text.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

bool htrail__proc_read(const char *path, char *text, size_t text_cap)
{
    size_t len = 0;
    ssize_t got;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    text[0] = '\0';
    if (fd < 0)
        return false;
    while (len + 1 < text_cap && (got = read(fd, text + len, text_cap - 1 - len)) > 0)
        len += (size_t)got;
    close(fd);
    text[len] = '\0';
    return len > 0;
}

bool htrail__proc_number(const char *text, uint64_t *value)
{
    text += strspn(text, " \t");
    if (*text < '0' || *text > '9')
        return false;
    for (*value = 0; *text >= '0' && *text <= '9' && *value < UINT64_MAX / 10 - 1; text++)
        *value = *value * 10 + (uint64_t)(*text - '0');
    return true;
}

bool htrail__proc_number_of(const char *text, const char *key, uint64_t *value)
{
    size_t len = strlen(key);
    for (const char *line = text; line != NULL; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (strncmp(line, key, len) == 0)
            return htrail__proc_number(line + len, value);
    }
    return false;
}
