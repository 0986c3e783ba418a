/* format/crc32c.h - CRC-32C (Castagnoli, RFC 3720 B.4), the checksum of heads and
 * payloads. Uses the processor's instruction where it has one. */
#ifndef HTRAIL_FORMAT_CRC32C_H
#define HTRAIL_FORMAT_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/* The checksum of data behind what gave crc; start with 0. */
uint32_t htrail__crc32c(uint32_t crc, const void *data, size_t len);

#endif
