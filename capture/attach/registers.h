/* capture/attach/registers.h - the registers of a stopped thread, one file an architecture
 * (registers_x86_64.c, registers_aarch64.c), and how it comes back to them by itself.
 *
 * A thread that is borrowed runs code of ours: one system call, then the return code, which
 * takes every register from a frame below the thread's stack (and its red zone). We are there
 * and put the registers back before that; the return code is for a heaptrail that was killed. */
#ifndef HTRAIL_CAPTURE_ATTACH_REGISTERS_H
#define HTRAIL_CAPTURE_ATTACH_REGISTERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/user.h>

#if defined __x86_64__
typedef struct user_regs_struct htrail__registers;
#elif defined __aarch64__
typedef struct user_regs_struct htrail__registers;
#else
#error "a process of this architecture cannot be entered"
#endif

enum {
    HTRAIL__FRAME_CAP = 4096 + 1024,
    HTRAIL__CODE_CAP = 64,     /* a system call and the return code */
    HTRAIL__SYSCALL_BYTES = 4, /* of its instruction, at most */
    HTRAIL__TCB_BYTES = 8192   /* room for what the C library knows of a thread */
};

/* false with errno. */
bool htrail__registers_get(pid_t tid, htrail__registers *registers);
bool htrail__registers_set(pid_t tid, const htrail__registers *registers);

uint64_t htrail__registers_pc(const htrail__registers *registers);
uint64_t htrail__registers_stack(const htrail__registers *registers);
int64_t htrail__registers_result(const htrail__registers *registers); /* of a system call */

/* The pointer to the thread's own variables. false with errno. */
bool htrail__registers_thread_pointer(pid_t tid, const htrail__registers *registers, uint64_t *pointer);

/* Is it 64-bit code of this architecture? */
bool htrail__registers_are_ours(const htrail__registers *registers);

/* The system call that the stop has interrupted; -1: none. Most begin anew, unless a signal is
 * delivered. */
int64_t htrail__registers_interrupted(pid_t tid, const htrail__registers *registers);

/* Some calls (epoll_wait, sigwait) end with EINTR at any stop, where others begin anew: make
 * it begin anew too, unless a signal is delivered. Those with a time limit only where
 * with_limits: their limit begins anew as well. */
void htrail__registers_repeat(htrail__registers *registers, bool with_limits);

/* What the return code needs: its frame, to be written to *address, and the code after which
 * the thread is at registers again, with the signals blocked that mask blocks. false with errno. */
typedef struct htrail__return {
    uint64_t address;
    size_t frame_bytes, code_bytes;
    uint8_t frame[HTRAIL__FRAME_CAP];
    uint8_t code[HTRAIL__CODE_CAP]; /* the instruction of a system call, then the return code */
    size_t syscall_bytes;           /* of that instruction */
} htrail__return;

bool htrail__return_make(htrail__return *way_back, pid_t tid, const htrail__registers *registers, uint64_t mask);

/* registers, changed to run code with the frame: to make a system call, or to enter the area. */
void htrail__registers_call(htrail__registers *registers, const htrail__return *way_back, uint64_t code, long number,
                            const uint64_t arguments[6]);
void htrail__registers_enter(htrail__registers *registers, const htrail__return *way_back, uint64_t code, uint64_t area);

/* The C library's facts of a thread (its TCB): where it keeps the thread's id, relative to
 * the thread pointer. pthread_bytes is the size of its struct. */
int64_t htrail__tcb_id_offset(uint64_t pthread_bytes);

/* Fill the TCB of a new thread: ours is HTRAIL__TCB_BYTES around the thread pointer that it is
 * for, which stands at *pointer_offset; theirs the first bytes at the pointer of a thread that
 * runs. dtv is the address of an empty table of the variables' places. */
size_t htrail__tcb_pointer_offset(uint64_t pthread_bytes);
void htrail__tcb_make(uint8_t *ours, uint64_t pointer, uint64_t pthread_bytes, const uint64_t theirs[8], uint64_t dtv);

#endif
