/* A thread that is borrowed has its registers, its signals and its system call again, also where
 * whoever borrowed it is killed in the middle. */
#include <criterion/criterion.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "capture/attach/borrow.h"
#include "capture/attach/memory.h"

/* Code that nobody uses, as at the end of a library. */
__asm__(".pushsection .text\n.balign 64\ncave_of_test: .fill 64, 1, 0x90\n.popsection\n");
extern const char cave_of_test[];

enum { ROUNDS = 20000, KILLS = 60 };

/* Keeps integers, doubles and the stack busy; the same number each time, or something was changed. */
static __attribute__((noinline)) uint64_t calculate(void)
{
    uint64_t a = 1, b = 2, c = 3, d = 4, e = 5, f = 6, g = 7, h = 8;
    double x = 1, y = 2, z = 3;
    for (int i = 0; i < ROUNDS; i++) {
        a = a * 6364136223846793005u + b; b ^= c << 1; c += d >> 3; d = (d << 7 | d >> 57) + a;
        e += f ^ a; f = f * 31 + g; g ^= h + i; h = (h << 13 | h >> 51) ^ e;
        x = x * 0.75 + y; y = y * 0.5 + z * 0.25; z = (double)(i & 7) + x * 0.125;
    }
    return a ^ b ^ c ^ d ^ e ^ f ^ g ^ h ^ (uint64_t)(x * 1e6) ^ (uint64_t)(y * 1e6);
}

/* Child: work until told to stop; exit status 0 if every result and the signal mask were right. */
static volatile sig_atomic_t told;
static void on_signal(int number) { told = number; }

static pid_t start_worker(void (*work)(void))
{
    pid_t pid = fork();
    if (pid != 0)
        return pid;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    sigset_t blocked, now;
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGUSR2);
    sigprocmask(SIG_SETMASK, &blocked, NULL);
    struct sigaction action = {.sa_handler = on_signal};
    sigaction(SIGUSR1, &action, NULL);
    while (!told)
        work();
    sigprocmask(SIG_SETMASK, NULL, &now);
    _exit(sigismember(&now, SIGUSR2) == 1 && sigismember(&now, SIGALRM) == 0 ? 0 : 2);
}

static void compute(void)
{
    static uint64_t expected;
    uint64_t result = calculate();
    expected = expected ? expected : result;
    if (result != expected)
        _exit(1);
}

static void sleep_a_while(void)
{
    struct timespec began, ended;
    clock_gettime(CLOCK_MONOTONIC, &began);
    if (nanosleep(&(struct timespec){.tv_nsec = 3000000}, NULL) != 0)
        return; /* by the signal, or by a borrower that was killed */
    clock_gettime(CLOCK_MONOTONIC, &ended);
    if ((ended.tv_sec - began.tv_sec) * 1000000000 + ended.tv_nsec - began.tv_nsec < 3000000)
        _exit(1);
}

static bool borrow_once(pid_t pid, int memory, int64_t *result)
{
    htrail__borrow thread;
    const uint64_t none[6] = {0};
    htrail__borrow_result borrowed = htrail__borrow_stop(&thread, pid, memory, (uint64_t)(uintptr_t)cave_of_test, false);
    if (borrowed == HTRAIL__BORROW_DONE)
        borrowed = htrail__borrow_call(&thread, SYS_getpid, none, result);
    htrail__borrow_let_go(&thread);
    return borrowed == HTRAIL__BORROW_DONE;
}

static void assert_ends_well(pid_t worker)
{
    int status = 0;
    pid_t ended = waitpid(worker, &status, WNOHANG);
    cr_assert_eq(ended, 0, "it has ended: %x", (unsigned)status);
    for (int tries = 0; tries < 1000 && ended == 0; tries++) {
        kill(worker, SIGUSR1);
        usleep(2000);
        ended = waitpid(worker, &status, WNOHANG);
    }
    if (ended == 0)
        kill(worker, SIGKILL);
    cr_assert_eq(ended, worker, "its signals do not reach it");
    cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0, "status %x", (unsigned)status);
}

static void borrow_many(void (*work)(void))
{
    pid_t worker = start_worker(work);
    int memory = htrail__memory_open(worker);
    usleep(20000);
    for (int i = 0; i < 300; i++) {
        int64_t result = 0;
        cr_assert(borrow_once(worker, memory, &result));
        cr_assert_eq(result, worker);
    }
    assert_ends_well(worker);
    close(memory);
}

static void borrow_and_be_killed(void (*work)(void))
{
    pid_t worker = start_worker(work);
    usleep(20000);
    for (int i = 0; i < KILLS; i++) {
        pid_t borrower = fork();
        if (borrower == 0) {
            int64_t result;
            int memory = htrail__memory_open(worker);
            for (;;)
                (void)borrow_once(worker, memory, &result);
        }
        usleep(500 + (useconds_t)(rand() % 3000));
        kill(borrower, SIGKILL);
        waitpid(borrower, NULL, 0);
    }
    assert_ends_well(worker);
}

Test(attach_borrow, a_thread_that_computes_does_not_notice, .timeout = 60) { borrow_many(compute); }
Test(attach_borrow, a_thread_that_sleeps_sleeps_its_whole_time, .timeout = 60) { borrow_many(sleep_a_while); }
Test(attach_borrow, who_is_killed_leaves_a_thread_that_computes_on, .timeout = 60) { borrow_and_be_killed(compute); }
Test(attach_borrow, who_is_killed_leaves_a_thread_that_sleeps_on, .timeout = 60) { borrow_and_be_killed(sleep_a_while); }

Test(attach_borrow, a_signal_that_comes_meanwhile_is_delivered_and_ends_the_system_call)
{
    /* A read without SA_RESTART: it ends with EINTR, though the signal came while the thread was away. */
    int ready[2], wanted[2];
    cr_assert(pipe(ready) == 0 && pipe(wanted) == 0);
    pid_t worker = fork();
    if (worker == 0) {
        char byte;
        struct sigaction action = {.sa_handler = on_signal};
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        sigaction(SIGUSR1, &action, NULL);
        if (write(ready[1], "r", 1) != 1)
            _exit(3);
        errno = 0;
        ssize_t got = read(wanted[0], &byte, 1);
        _exit(got == -1 && errno == EINTR && told == SIGUSR1 ? 0 : 1);
    }
    char byte;
    int status, memory = htrail__memory_open(worker);
    int64_t result = 0;
    const uint64_t none[6] = {0};
    htrail__borrow thread;
    cr_assert_eq(read(ready[0], &byte, 1), 1);
    usleep(20000);
    cr_assert_eq(htrail__borrow_stop(&thread, worker, memory, (uint64_t)(uintptr_t)cave_of_test, false), HTRAIL__BORROW_DONE);
    kill(worker, SIGUSR1);
    cr_assert_eq(htrail__borrow_call(&thread, SYS_getpid, none, &result), HTRAIL__BORROW_DONE);
    cr_assert_eq(result, worker);
    htrail__borrow_let_go(&thread);
    cr_assert_eq(waitpid(worker, &status, 0), worker);
    cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0, "status %x", (unsigned)status);
}
