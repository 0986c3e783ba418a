/* capture/attach/enter_aarch64.c - as enter_x86_64.c: x19 is the area, sp a signal frame that
 * rt_sigreturn takes the registers from. */
#ifdef __aarch64__
#include <stddef.h>

#include "capture/attach/area.h"

#define TEXT(x) TEXT_(x)
#define TEXT_(x) #x
#define AT(field) "[x19, #" TEXT(HTRAIL__AREA_##field) "]"

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
    ".pushsection htrail_remote,\"ax\",%progbits\n"
    ".balign 16\n"
    ".hidden htrail__remote_enter, htrail__remote_leave, htrail__remote_return, htrail__remote_work\n"
    ".globl htrail__remote_enter, htrail__remote_leave, htrail__remote_return, htrail__remote_work\n"
    ".hidden htrail__remote_bootstrap, htrail__remote_load\n"
    "htrail__remote_enter:\n"
    "  mov x8, #220\n" /* clone(flags, stack, parent_tid, tls, child_tid) */
    "  ldr x0, " AT(CLONE_FLAGS) "\n"
    "  ldr x1, " AT(STACK) "\n"
    "  ldr x2, " AT(THREAD_ID) "\n"
    "  ldr x3, " AT(TLS) "\n"
    "  ldr x4, " AT(ALIVE) "\n"
    "  svc #0\n"
    "  cbz x0, 4f\n"
    "  str x0, " AT(CLONED) "\n"
    "  tbnz x0, #63, 3f\n"
    "  mov w20, #0x100000\n" /* a bound, though nothing keeps the other from being ready */
    "2:\n"
    "  ldr w1, " AT(MUST_WAIT) "\n"
    "  cbz w1, 3f\n"
    "  ldr w1, " AT(READY) "\n"
    "  cbnz w1, 3f\n"
    "  mov x8, #124\n" /* sched_yield */
    "  svc #0\n"
    "  subs w20, w20, #1\n"
    "  b.ne 2b\n"
    "3:\n"
    "  mov x8, #124\n" /* sched_yield, for somebody to wait for */
    "htrail__remote_leave:\n"
    "  svc #0\n"
    "htrail__remote_return:\n"
    "  .fill 16, 4, 0xd4200000\n"
    "4:\n"
    "  mov x29, #0\n"
    "  mov x30, #0\n"
    "  mov x0, x19\n"
    "  bl htrail__remote_bootstrap\n"
    "  brk #0\n"
    "htrail__remote_work:\n" /* munmap returns where we would: the code that called it is gone */
    "  stp x0, x30, [sp, #-16]!\n"
    "  bl htrail__remote_load\n"
    "  ldp x9, x30, [sp], #16\n"
    "  ldr x0, [x9, #" TEXT(HTRAIL__AREA_START) "]\n"
    "  ldr x1, [x9, #" TEXT(HTRAIL__AREA_BYTES) "]\n"
    "  ldr x9, [x9, #" TEXT(HTRAIL__AREA_MUNMAP) "]\n"
    "  br x9\n"
    ".popsection\n");
#endif
