/* capture/attach/enter_x86_64.c - the first and the last instructions inside, in assembly.
 *
 * enter: %rbx is the area, %rsp a frame that the return code takes the registers from. No
 * function is called and no stack is used, so it does not matter what the thread was doing. All
 * signals are blocked. It makes two system calls. Where heaptrail is killed meanwhile, the thread goes
 * through return by itself, and is where it was. */
#ifdef __x86_64__
#include <stddef.h>

#include "capture/attach/area.h"

#define TEXT(x) TEXT_(x)
#define TEXT_(x) #x
#define AT(field) TEXT(HTRAIL__AREA_##field) "(%rbx)"

#define SAME(field, name) _Static_assert(HTRAIL__AREA_##field == offsetof(htrail__area, name), #name)
SAME(CLONE_FLAGS, clone_flags);
SAME(STACK, stack);
SAME(THREAD_ID, thread_id);
SAME(ALIVE, alive_at);
SAME(TLS, tls);
SAME(CLONED, cloned);
SAME(MUST_WAIT, must_wait);
SAME(READY, ready);
SAME(START, start);
SAME(BYTES, bytes);
SAME(MUNMAP, munmap);

__asm__(
    ".pushsection htrail_remote,\"ax\",@progbits\n"
    ".balign 16\n"
    ".hidden htrail__remote_enter, htrail__remote_leave, htrail__remote_return, htrail__remote_work\n"
    ".globl htrail__remote_enter, htrail__remote_leave, htrail__remote_return, htrail__remote_work\n"
    ".hidden htrail__remote_bootstrap, htrail__remote_load\n"
    "htrail__remote_enter:\n"
    "  movl $56, %eax\n" /* clone(flags, stack, parent_tid, child_tid, tls) */
    "  movq " AT(CLONE_FLAGS) ", %rdi\n"
    "  movq " AT(STACK) ", %rsi\n"
    "  movq " AT(THREAD_ID) ", %rdx\n"
    "  movq " AT(ALIVE) ", %r10\n"
    "  movq " AT(TLS) ", %r8\n"
    "  syscall\n"
    "  testq %rax, %rax\n"
    "  jz 4f\n"
    "  movq %rax, " AT(CLONED) "\n"
    "  js 3f\n"
    "  movl $1000000, %r12d\n" /* a bound, though nothing keeps the other from being ready */
    "2:\n"
    "  cmpl $0, " AT(MUST_WAIT) "\n"
    "  je 3f\n"
    "  cmpl $0, " AT(READY) "\n"
    "  jne 3f\n"
    "  movl $24, %eax\n" /* sched_yield: leaves no trace that a restarted system call could meet */
    "  syscall\n"
    "  decl %r12d\n"
    "  jnz 2b\n"
    "3:\n"
    "  movl $24, %eax\n" /* sched_yield, for somebody to wait for */
    "htrail__remote_leave:\n"
    "  syscall\n"
    "htrail__remote_return:\n"
    "  .fill 64, 1, 0xcc\n"
    "4:\n" /* as a thread begins, whatever the other one calculates with */
    "  fninit\n"
    "  pushq $0x1f80\n"
    "  ldmxcsr (%rsp)\n"
    "  popq %rax\n"
    "  xorl %ebp, %ebp\n"
    "  movq %rbx, %rdi\n"
    "  call htrail__remote_bootstrap\n"
    "  ud2\n"
    "htrail__remote_work:\n" /* munmap returns where we would: the code that called it is gone */
    "  pushq %rdi\n"
    "  call htrail__remote_load\n"
    "  popq %rax\n"
    "  movq " TEXT(HTRAIL__AREA_START) "(%rax), %rdi\n"
    "  movq " TEXT(HTRAIL__AREA_BYTES) "(%rax), %rsi\n"
    "  jmpq *" TEXT(HTRAIL__AREA_MUNMAP) "(%rax)\n"
    ".popsection\n");
#endif
