/* format/worker.h - one thread that does one thing at a time while its owner does another.
 *
 * Order of calls: start, then do and wait in turn, stop. What the work writes may be read
 * after wait. Where no thread can be had, do does the work itself: slower, never wrong. */
#ifndef HTRAIL_FORMAT_WORKER_H
#define HTRAIL_FORMAT_WORKER_H

typedef struct htrail__worker htrail__worker;

/* Owned by the caller; NULL where memory or threads ran out, and that is allowed below. */
htrail__worker *htrail__worker_start(void);
void htrail__worker_do(htrail__worker *worker, void (*work)(void *arg), void *arg);
void htrail__worker_wait(htrail__worker *worker);
/* Waits for what is being done. NULL is allowed. */
void htrail__worker_stop(htrail__worker *worker);

#endif
