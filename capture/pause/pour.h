/* pour.h - write all of something, and never wait for ever: a pipe whose reader does not read
 * is waited for in steps, and takes no more at once than goes without waiting. */
#ifndef HTRAIL_CAPTURE_PAUSE_POUR_H
#define HTRAIL_CAPTURE_PAUSE_POUR_H

#include <stdbool.h>
#include <stddef.h>

/* 0 or an errno value: ETIMEDOUT after 10 s without a reader, ECANCELED where give_up (may be
 * NULL) says so. is_file: never to be waited for. */
int htrail__pour(int fd, bool is_file, const void *data, size_t bytes, bool (*give_up)(void *), void *arg);

#endif
