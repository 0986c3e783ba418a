/* capture/attach/registers_aarch64.c - see registers.h. The kernel takes a system call back
 * before it stops a thread, so that its registers are already those to go on with; a sleep
 * begins anew with its whole time. */
#ifdef __aarch64__
#include <asm/sigcontext.h>
#include <elf.h>
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <ucontext.h>

#include "capture/attach/registers.h"

#ifndef NT_ARM_TLS
#define NT_ARM_TLS 0x401
#endif

enum {
    SUPERVISOR_CALL = 0xd4000001u,
    THREAD_ID_OFFSET = 208, /* in struct pthread, which ends at the thread pointer */
    POINTER_OFFSET = 4096,
    NO_SUCH_FLAG = 0x7f /* rt_sigreturn leaves the signal stack alone where its flags are none */
};

static bool regset(int request, pid_t tid, int kind, void *data, size_t bytes)
{
    struct iovec part = {data, bytes};
    return ptrace(request, tid, kind, &part) == 0;
}

bool htrail__registers_get(pid_t tid, htrail__registers *registers)
{
    return regset(PTRACE_GETREGSET, tid, NT_PRSTATUS, registers, sizeof *registers);
}

bool htrail__registers_set(pid_t tid, const htrail__registers *registers)
{
    htrail__registers copy = *registers;
    return regset(PTRACE_SETREGSET, tid, NT_PRSTATUS, &copy, sizeof copy);
}

uint64_t htrail__registers_pc(const htrail__registers *registers) { return registers->pc; }
uint64_t htrail__registers_stack(const htrail__registers *registers) { return registers->sp; }
int64_t htrail__registers_result(const htrail__registers *registers) { return (int64_t)registers->regs[0]; }
bool htrail__registers_are_ours(const htrail__registers *registers) { return (registers->pstate & 0x10) == 0; }

bool htrail__registers_thread_pointer(pid_t tid, const htrail__registers *registers, uint64_t *pointer)
{
    (void)registers;
    return regset(PTRACE_GETREGSET, tid, NT_ARM_TLS, pointer, sizeof *pointer);
}

int64_t htrail__registers_interrupted(pid_t tid, const htrail__registers *registers)
{
    errno = 0;
    uint32_t next = (uint32_t)ptrace(PTRACE_PEEKTEXT, tid, registers->pc & ~7ull, NULL);
    if (errno == 0 && (registers->pc & 4) != 0) {
        long word = ptrace(PTRACE_PEEKTEXT, tid, registers->pc & ~7ull, NULL);
        next = (uint32_t)((uint64_t)word >> 32);
    }
    return errno == 0 && next == SUPERVISOR_CALL ? (int64_t)registers->regs[8] : -1;
}

void htrail__registers_repeat(htrail__registers *registers, bool with_limits)
{
    /* -EINTR of a call that is over: its first argument is lost, and it cannot begin anew. */
    (void)registers;
    (void)with_limits;
}

typedef struct signal_frame {
    siginfo_t info;
    ucontext_t context;
} signal_frame;

_Static_assert(sizeof(signal_frame) <= HTRAIL__FRAME_CAP, "a frame holds what rt_sigreturn reads");

bool htrail__return_make(htrail__return *way_back, pid_t tid, const htrail__registers *registers, uint64_t mask)
{
    static const uint32_t code[] = {SUPERVISOR_CALL, 0xd2801168 /* mov x8, #139: rt_sigreturn */, SUPERVISOR_CALL};
    static signal_frame frame;
    struct fpsimd_context floats = {.head = {FPSIMD_MAGIC, sizeof floats}};
    struct user_fpsimd_struct theirs;

    memset(&frame, 0, sizeof frame);
    if (!regset(PTRACE_GETREGSET, tid, NT_PRFPREG, &theirs, sizeof theirs))
        return false;
    memcpy(floats.vregs, theirs.vregs, sizeof floats.vregs);
    floats.fpsr = theirs.fpsr;
    floats.fpcr = theirs.fpcr;
    memcpy(&frame.context.uc_sigmask, &mask, sizeof mask);
    frame.context.uc_stack.ss_flags = NO_SUCH_FLAG;
    memcpy(frame.context.uc_mcontext.regs, registers->regs, sizeof registers->regs);
    frame.context.uc_mcontext.sp = registers->sp;
    frame.context.uc_mcontext.pc = registers->pc;
    frame.context.uc_mcontext.pstate = registers->pstate;
    memcpy(frame.context.uc_mcontext.__reserved, &floats, sizeof floats);
    way_back->address = (registers->sp - sizeof frame) & ~(uint64_t)15;
    way_back->frame_bytes = sizeof frame;
    memcpy(way_back->frame, &frame, sizeof frame);
    way_back->code_bytes = sizeof code;
    way_back->syscall_bytes = sizeof *code;
    memcpy(way_back->code, code, sizeof code);
    return true;
}

void htrail__registers_call(htrail__registers *registers, const htrail__return *way_back, uint64_t code, long number,
                            const uint64_t arguments[6])
{
    registers->pc = code;
    registers->sp = way_back->address;
    registers->regs[8] = (uint64_t)number;
    memcpy(registers->regs, arguments, 6 * sizeof *arguments);
}

void htrail__registers_enter(htrail__registers *registers, const htrail__return *way_back, uint64_t code, uint64_t area)
{
    registers->pc = code;
    registers->sp = way_back->address;
    registers->regs[19] = area;
}

int64_t htrail__tcb_id_offset(uint64_t pthread_bytes) { return THREAD_ID_OFFSET - (int64_t)pthread_bytes; }

size_t htrail__tcb_pointer_offset(uint64_t pthread_bytes)
{
    (void)pthread_bytes;
    return POINTER_OFFSET;
}

/* struct pthread begins with multiple_threads; at the pointer stands the table of variables. */
void htrail__tcb_make(uint8_t *ours, uint64_t pointer, uint64_t pthread_bytes, const uint64_t theirs[8], uint64_t dtv)
{
    const uint32_t multiple_threads = 1;
    const uint64_t head = dtv + 16;
    (void)pointer;
    (void)theirs;
    memcpy(ours + POINTER_OFFSET - pthread_bytes, &multiple_threads, sizeof multiple_threads);
    memcpy(ours + POINTER_OFFSET, &head, sizeof head);
}
#endif
