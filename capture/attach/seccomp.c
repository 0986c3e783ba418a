/* capture/attach/seccomp.c - PTRACE_SECCOMP_GET_FILTER, and an interpreter of the few
 * instructions that a filter may have (Documentation/userspace-api/seccomp_filter.rst). */
#include <errno.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>

#include "capture/attach/seccomp.h"

#if defined __x86_64__
enum { ARCHITECTURE = AUDIT_ARCH_X86_64 };
#else
enum { ARCHITECTURE = AUDIT_ARCH_AARCH64 };
#endif
enum { FILTERS_MAX = 64, SCRATCH_WORDS = 16, THREAD_FLAGS = 0x3d0f00 };

/* What entering, loading and serving cannot do without, as it is called. */
static const struct {
    const char *name;
    long number;
    uint64_t arguments[6];
} needed[] = {
    {"mmap", SYS_mmap, {0, 1 << 20, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, (uint64_t)-1, 0}},
    {"mmap", SYS_mmap, {0, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_DENYWRITE, 3, 0}},
    {"mprotect", SYS_mprotect, {4096, 4096, PROT_READ | PROT_WRITE, 0, 0, 0}},
    {"munmap", SYS_munmap, {4096, 4096, 0, 0, 0, 0}},
    {"clone", SYS_clone, {THREAD_FLAGS, 4096, 4096, 4096, 4096, 0}},
    {"sched_yield", SYS_sched_yield, {0}},
    {"exit", SYS_exit, {0}},
    {"nanosleep", SYS_nanosleep, {4096, 0, 0, 0, 0, 0}},
    {"openat", SYS_openat, {(uint64_t)-100, 4096, 0x80000, 0, 0, 0}},
    {"read", SYS_read, {3, 4096, 832, 0, 0, 0}},
    {"close", SYS_close, {3, 0, 0, 0, 0, 0}},
    {"futex", SYS_futex, {4096, 128, 0, 0, 0, 0}},
    {"rt_sigprocmask", SYS_rt_sigprocmask, {2, 4096, 0, 8, 0, 0}},
    {"set_robust_list", SYS_set_robust_list, {4096, 24, 0, 0, 0, 0}},
    {"socket", SYS_socket, {1, 5 | 02004000, 0, 0, 0, 0}},
    {"bind", SYS_bind, {3, 4096, 30, 0, 0, 0}},
    {"listen", SYS_listen, {3, 64, 0, 0, 0, 0}},
    {"accept4", SYS_accept4, {3, 0, 0, 02000000, 0, 0}},
    {"sendmsg", SYS_sendmsg, {3, 4096, 0, 0, 0, 0}},
    {"recvmsg", SYS_recvmsg, {3, 4096, 0, 0, 0, 0}},
    {"write", SYS_write, {3, 4096, 4096, 0, 0, 0}},
    {"prctl", SYS_prctl, {15, 4096, 0, 0, 0, 0}},
};

/* What may fail, but not be fatal: the C library and the agent have another way; of clone3 only
 * where the kernel seems not to know it. */
static const struct {
    const char *name;
    long number;
    uint64_t arguments[6];
    uint32_t error; /* 0: any */
} tried[] = {
    {"clone3", SYS_clone3, {4096, 88, 0, 0, 0, 0}, ENOSYS},
    {"rseq", SYS_rseq, {4096, 32, 0, 0x53053053, 0, 0}, 0},
    {"close_range", SYS_close_range, {4, 0xffffffff, 2, 0, 0, 0}, 0},
    {"unshare", SYS_unshare, {CLONE_FILES, 0, 0, 0, 0, 0}, 0},
    {"madvise", SYS_madvise, {4096, 4096, 4, 0, 0, 0}, 0},
    {"memfd_create", SYS_memfd_create, {4096, 17, 0, 0, 0, 0}, 0},
};

static uint32_t load(const struct seccomp_data *data, uint32_t offset)
{
    uint32_t word = 0;
    if (offset <= sizeof *data - sizeof word)
        memcpy(&word, (const char *)data + offset, sizeof word);
    return word;
}

static uint32_t calculate(uint16_t operation, uint32_t a, uint32_t b)
{
    switch (operation) {
    case BPF_ADD:
        return a + b;
    case BPF_SUB:
        return a - b;
    case BPF_MUL:
        return a * b;
    case BPF_DIV:
        return b != 0 ? a / b : 0;
    case BPF_AND:
        return a & b;
    case BPF_OR:
        return a | b;
    case BPF_XOR:
        return a ^ b;
    case BPF_LSH:
        return b < 32 ? a << b : 0;
    case BPF_RSH:
        return b < 32 ? a >> b : 0;
    case BPF_NEG:
        return -a;
    default:
        return a;
    }
}

static bool compare(uint16_t operation, uint32_t a, uint32_t b)
{
    return operation == BPF_JEQ ? a == b : operation == BPF_JGT ? a > b : operation == BPF_JGE ? a >= b : (a & b) != 0;
}

/* Jumps lead forward only: it ends. */
uint32_t htrail__seccomp_run(const struct sock_filter *filter, size_t count, long number, const uint64_t arguments[6])
{
    struct seccomp_data data = {.nr = (int)number, .arch = ARCHITECTURE, .instruction_pointer = 4096};
    uint32_t a = 0, x = 0, scratch[SCRATCH_WORDS] = {0};

    memcpy(data.args, arguments, sizeof data.args);
    for (size_t at = 0; at < count; at++) {
        const struct sock_filter *one = &filter[at];
        uint32_t operand = BPF_SRC(one->code) == BPF_X ? x : one->k, word = one->k % SCRATCH_WORDS;
        uint32_t value = BPF_MODE(one->code) == BPF_ABS   ? load(&data, one->k)
                         : BPF_MODE(one->code) == BPF_MEM ? scratch[word]
                         : BPF_MODE(one->code) == BPF_IMM ? one->k
                                                          : (uint32_t)sizeof data;
        switch (BPF_CLASS(one->code)) {
        case BPF_LD:
            a = value;
            break;
        case BPF_LDX:
            x = value;
            break;
        case BPF_ST:
            scratch[word] = a;
            break;
        case BPF_STX:
            scratch[word] = x;
            break;
        case BPF_ALU:
            a = calculate(BPF_OP(one->code), a, operand);
            break;
        case BPF_JMP:
            at += BPF_OP(one->code) == BPF_JA ? one->k : compare(BPF_OP(one->code), a, operand) ? one->jt : one->jf;
            break;
        case BPF_RET:
            return BPF_RVAL(one->code) == BPF_A ? a : one->k;
        case BPF_MISC:
            if (BPF_MISCOP(one->code) == BPF_TAX)
                x = a;
            else
                a = x;
            break;
        }
    }
    return SECCOMP_RET_KILL_PROCESS;
}

static uint32_t answer_of(const struct sock_filter *filter, size_t count, long number, const uint64_t arguments[6])
{
    return htrail__seccomp_run(filter, count, number, arguments) & SECCOMP_RET_ACTION_FULL;
}

static bool filter_allows(const struct sock_filter *filter, size_t count, char *reason, size_t reason_cap)
{
    const char *forbidden = NULL;
    for (size_t i = 0; i < sizeof needed / sizeof *needed && forbidden == NULL; i++) {
        uint32_t answer = answer_of(filter, count, needed[i].number, needed[i].arguments);
        if (answer != SECCOMP_RET_ALLOW && answer != SECCOMP_RET_LOG)
            forbidden = needed[i].name;
    }
    for (size_t i = 0; i < sizeof tried / sizeof *tried && forbidden == NULL; i++) {
        uint32_t whole = htrail__seccomp_run(filter, count, tried[i].number, tried[i].arguments);
        uint32_t answer = whole & SECCOMP_RET_ACTION_FULL;
        bool fails = answer == SECCOMP_RET_ERRNO && (tried[i].error == 0 || (whole & SECCOMP_RET_DATA) == tried[i].error);
        if (answer != SECCOMP_RET_ALLOW && answer != SECCOMP_RET_LOG && !fails)
            forbidden = tried[i].name;
    }
    if (forbidden != NULL)
        snprintf(reason, reason_cap, "a seccomp filter in it forbids the system call %s, which the agent needs", forbidden);
    return forbidden == NULL;
}

bool htrail__seccomp_allows(pid_t tid, char *reason, size_t reason_cap)
{
    static struct sock_filter filter[BPF_MAXINSNS];
    for (long number = 0; number < FILTERS_MAX; number++) {
        long count = ptrace(PTRACE_SECCOMP_GET_FILTER, tid, (void *)number, filter);
        if (count < 0 && errno == ENOENT)
            return true; /* that was the last */
        if (count < 0) {
            snprintf(reason, reason_cap, "it has a seccomp filter, and only root can read whether that lets the agent in: run heaptrail "
                                         "as root");
            return false;
        }
        if (!filter_allows(filter, (size_t)count, reason, reason_cap))
            return false;
    }
    snprintf(reason, reason_cap, "it has more than %d seccomp filters", FILTERS_MAX);
    return false;
}
