/* capture/attach/registers_x86_64.c - see registers.h. */
#ifdef __x86_64__
#include <errno.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>

#include "capture/attach/registers.h"

enum {
    RED_ZONE_BYTES = 128,
    CODE_SEGMENT = 0x33, /* 64-bit */
    DIRECTION_FLAG = 0x400,
    THREAD_ID_OFFSET = 720, /* in struct pthread, which begins at the thread pointer */
    /* The kernel's own results, which a program never sees. */
    ERESTARTSYS = 512,
    ERESTARTNOINTR = 513,
    ERESTARTNOHAND = 514,
    ERESTART_RESTARTBLOCK = 516
};

bool htrail__registers_get(pid_t tid, htrail__registers *registers)
{
    return ptrace(PTRACE_GETREGS, tid, NULL, registers) == 0;
}

bool htrail__registers_set(pid_t tid, const htrail__registers *registers)
{
    return ptrace(PTRACE_SETREGS, tid, NULL, registers) == 0;
}

uint64_t htrail__registers_pc(const htrail__registers *registers) { return registers->rip; }
uint64_t htrail__registers_stack(const htrail__registers *registers) { return registers->rsp; }
int64_t htrail__registers_result(const htrail__registers *registers) { return (int64_t)registers->rax; }
bool htrail__registers_are_ours(const htrail__registers *registers) { return registers->cs == CODE_SEGMENT; }

bool htrail__registers_thread_pointer(pid_t tid, const htrail__registers *registers, uint64_t *pointer)
{
    (void)tid;
    *pointer = registers->fs_base;
    return true;
}

static bool begins_anew(const htrail__registers *registers)
{
    switch (-(int64_t)registers->rax) {
    case ERESTARTSYS:
    case ERESTARTNOINTR:
    case ERESTARTNOHAND:
    case ERESTART_RESTARTBLOCK:
        return (int64_t)registers->orig_rax >= 0;
    default:
        return false;
    }
}

int64_t htrail__registers_interrupted(pid_t tid, const htrail__registers *registers)
{
    (void)tid;
    return begins_anew(registers) || (int64_t)registers->rax == -EINTR ? (int64_t)registers->orig_rax : -1;
}

void htrail__registers_repeat(htrail__registers *registers, bool with_limits)
{
    bool limited;
    if ((int64_t)registers->rax != -EINTR)
        return;
    switch ((int64_t)registers->orig_rax) {
    case SYS_epoll_wait:
    case SYS_epoll_pwait:
        limited = (int32_t)registers->r10 >= 0;
        break;
    case SYS_epoll_pwait2:
    case SYS_semtimedop:
        limited = registers->r10 != 0;
        break;
    case SYS_semop:
        limited = false;
        break;
    case SYS_rt_sigtimedwait:
        limited = registers->rdx != 0;
        break;
    default:
        return;
    }
    if (!limited || with_limits)
        registers->rax = (uint64_t)-ERESTARTNOHAND;
}

/* Where the kernel would let the thread go on. */
static htrail__registers resumed(const htrail__registers *registers)
{
    htrail__registers result = *registers;
    if (!begins_anew(registers))
        return result;
    result.rip -= 2;
    result.rax = (int64_t)registers->rax == -ERESTART_RESTARTBLOCK ? SYS_restart_syscall : registers->orig_rax;
    return result;
}

/* Set the mask, pop each register and the flags, and return with a jump over the red zone, which
 * lies between frame and stack: no register is left changed, and the floating-point ones are
 * never touched. The code is always the same, so that a thread that is still in it when it is
 * borrowed again finds its way all the same; the frame is not aligned for that. */
bool htrail__return_make(htrail__return *way_back, pid_t tid, const htrail__registers *registers, uint64_t mask)
{
    static const uint8_t code[] = {0x0f, 0x05,                                     /* syscall */
                                   0xb8, 14, 0, 0, 0, 0xbf, 2, 0, 0, 0,            /* mov $14, eax; mov $2, edi: rt_sigprocmask */
                                   0x48, 0x89, 0xe6, 0x31, 0xd2,                   /* mov rsp, rsi; xor edx, edx */
                                   0x41, 0xba, 8, 0, 0, 0, 0x0f, 0x05, 0x58,       /* mov $8, r10d; syscall; pop rax */
                                   0x41, 0x5f, 0x41, 0x5e, 0x41, 0x5d, 0x41, 0x5c, /* pop r15 r14 r13 r12 */
                                   0x41, 0x5b, 0x41, 0x5a, 0x41, 0x59, 0x41, 0x58, /* r11 r10 r9 r8 */
                                   0x5f, 0x5e, 0x5d, 0x5b, 0x5a, 0x59, 0x58,       /* rdi rsi rbp rbx rdx rcx rax */
                                   0x9d, 0xc2, RED_ZONE_BYTES, 0};                 /* popfq; ret imm16 */
    htrail__registers to = resumed(registers);
    const uint64_t frame[] = {mask,   to.r15, to.r14, to.r13, to.r12, to.r11, to.r10, to.r9,     to.r8,
                              to.rdi, to.rsi, to.rbp, to.rbx, to.rdx, to.rcx, to.rax, to.eflags, to.rip};
    (void)tid;
    way_back->address = to.rsp - RED_ZONE_BYTES - sizeof frame;
    way_back->frame_bytes = sizeof frame;
    memcpy(way_back->frame, frame, sizeof frame);
    way_back->code_bytes = sizeof code;
    way_back->syscall_bytes = 2;
    memcpy(way_back->code, code, sizeof code);
    return true;
}

void htrail__registers_call(htrail__registers *registers, const htrail__return *way_back, uint64_t code, long number,
                            const uint64_t arguments[6])
{
    registers->orig_rax = (uint64_t)-1; /* no system call is to begin anew */
    registers->rip = code;
    registers->rsp = way_back->address;
    registers->rax = (uint64_t)number;
    registers->rdi = arguments[0];
    registers->rsi = arguments[1];
    registers->rdx = arguments[2];
    registers->r10 = arguments[3];
    registers->r8 = arguments[4];
    registers->r9 = arguments[5];
    registers->eflags &= ~(uint64_t)DIRECTION_FLAG;
}

void htrail__registers_enter(htrail__registers *registers, const htrail__return *way_back, uint64_t code, uint64_t area)
{
    static const uint64_t none[6];
    htrail__registers_call(registers, way_back, code, 0, none);
    registers->rbx = area;
}

int64_t htrail__tcb_id_offset(uint64_t pthread_bytes)
{
    (void)pthread_bytes;
    return THREAD_ID_OFFSET;
}

size_t htrail__tcb_pointer_offset(uint64_t pthread_bytes)
{
    (void)pthread_bytes;
    return 0;
}

/* tcbhead_t: itself, variables, itself, multiple_threads, sysinfo, guard of stacks, of pointers. */
void htrail__tcb_make(uint8_t *ours, uint64_t pointer, uint64_t pthread_bytes, const uint64_t theirs[8], uint64_t dtv)
{
    const uint64_t head[] = {pointer, dtv + 16, pointer, 1, 0, theirs[5], theirs[6]};
    (void)pthread_bytes;
    memcpy(ours, head, sizeof head);
}
#endif
