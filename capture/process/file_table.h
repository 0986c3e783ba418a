/* capture/process/file_table.h - a table of open files for one thread alone.
 *
 * Descriptors belong to the threads that share a table, and the kernel gives a thread one of
 * its own on request. With it the agent is out of the program's way: the program sees no
 * socket among its files and gets the numbers it expects, a fork does not copy ours, a daemon
 * that closes everything does not close them, and a program that has run out of descriptors
 * can still be asked. The thread must never run code of the program, which would see none of
 * its own files; the agent's does not. */
#ifndef HTRAIL_CAPTURE_PROCESS_FILE_TABLE_H
#define HTRAIL_CAPTURE_PROCESS_FILE_TABLE_H

#include <stdbool.h>

/* Give the calling thread a table of its own, with one file in it. false: the kernel (before
 * 2.6.16) or a seccomp filter does not let us, and the table is shared as before. */
bool htrail__file_table_own(int kept_fd);

#endif
