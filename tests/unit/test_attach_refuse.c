/* Why a process may not be entered: what cannot be had on every machine that tests run on. */
#include <criterion/criterion.h>
#include <linux/seccomp.h>
#include <string.h>
#include <sys/syscall.h>

#include "capture/attach/refuse.h"
#include "capture/attach/seccomp.h"

Test(attach_refuse, each_scope_of_yama_is_told_apart_and_what_root_may)
{
    cr_assert_null(htrail__refuse_by_scope(0, false));
    cr_assert_null(htrail__refuse_by_scope(0, true));
    cr_assert(strstr(htrail__refuse_by_scope(1, false), "run heaptrail as root"));
    cr_assert_null(htrail__refuse_by_scope(1, true));
    cr_assert(strstr(htrail__refuse_by_scope(2, false), "ptrace_scope is 2"));
    cr_assert_null(htrail__refuse_by_scope(2, true));
    cr_assert(strstr(htrail__refuse_by_scope(3, true), "lets nobody trace"));
}

Test(attach_refuse, a_filter_is_run_as_the_kernel_runs_it)
{
    /* As Docker's for clone: allowed unless a flag of a new user namespace is set in the low half. */
    const struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clone, 0, 4),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[0])),
        BPF_STMT(BPF_ALU | BPF_AND | BPF_K, 0x10000000),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 1, 0),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    const uint64_t thread[6] = {0x3d0f00}, namespaces[6] = {0x10000000};
    size_t count = sizeof filter / sizeof *filter;
    cr_assert_eq(htrail__seccomp_run(filter, count, SYS_clone, thread), SECCOMP_RET_ALLOW);
    cr_assert_eq(htrail__seccomp_run(filter, count, SYS_clone, namespaces), SECCOMP_RET_ERRNO | 1);
    cr_assert_eq(htrail__seccomp_run(filter, count, SYS_read, namespaces), SECCOMP_RET_ALLOW);
    cr_assert_eq(htrail__seccomp_run(filter, count - 1, SYS_read, thread), SECCOMP_RET_KILL_PROCESS);
}

Test(attach_refuse, a_filter_keeps_words_and_counts_with_them)
{
    const struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_IMM, 40),         BPF_STMT(BPF_ST, 3),
        BPF_STMT(BPF_LDX | BPF_W | BPF_LEN, 0), BPF_STMT(BPF_MISC | BPF_TXA, 0),
        BPF_STMT(BPF_LDX | BPF_MEM, 3),         BPF_STMT(BPF_ALU | BPF_SUB | BPF_X, 0),
        BPF_STMT(BPF_ALU | BPF_LSH | BPF_K, 2), BPF_STMT(BPF_RET | BPF_A, 0),
    };
    const uint64_t none[6] = {0};
    cr_assert_eq(htrail__seccomp_run(filter, sizeof filter / sizeof *filter, 0, none), (sizeof(struct seccomp_data) - 40) << 2);
}
