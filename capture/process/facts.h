/* facts.h - what the kernel knows of this process, for a snapshot's metadata. Read from
 * /proc with open and read alone: no memory is taken, no lock, nothing of stdio. */
#ifndef HTRAIL_PROCESS_FACTS_H
#define HTRAIL_PROCESS_FACTS_H

#include <stdbool.h>
#include <stdint.h>

#include <htrail/writer.h>

/* Set pid, ppid, uid, host, boot_id, start_time_ns, created_ns, monotonic_ns, thread_count,
 * rss_bytes, vm_hwm_bytes, implementation_path and, if with_cmdline, cmdline (its arguments
 * separated by spaces, control characters as '?'). What cannot be read is left out. */
void htrail__facts_write(htrail_writer *w, bool with_cmdline);

/* A key whose value is a number. */
void htrail__facts_set_number(htrail_writer *w, const char *key, uint64_t value);
void htrail__facts_set_text(htrail_writer *w, const char *key, const char *value);

#endif
