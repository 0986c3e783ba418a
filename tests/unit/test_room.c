/* How much memory is left, by files of /proc and /sys under a folder of the test's, and what
 * mode follows from it. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "capture/pause/choose.h"
#include "capture/process/room.h"

#define MIB ((uint64_t)1 << 20)

static char root[64];

static void make_root(void)
{
    snprintf(root, sizeof root, "/tmp/heaptrail-room-XXXXXX");
    cr_assert_not_null(mkdtemp(root));
}

static void remove_root(void)
{
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s'", root);
    cr_assert_eq(system(command), 0);
}

/* A file with its folders. */
static void put(const char *path, const char *text)
{
    char whole[512];
    snprintf(whole, sizeof whole, "%s%s", root, path);
    for (char *slash = strchr(whole + strlen(root) + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        mkdir(whole, 0700);
        *slash = '/';
    }
    FILE *file = fopen(whole, "w");
    cr_assert_not_null(file, "%s", whole);
    fputs(text, file);
    fclose(file);
}

static void machine_of(const char *available_kib)
{
    char text[128];
    snprintf(text, sizeof text, "MemTotal:       16000000 kB\nMemFree:          1 kB\nMemAvailable:   %s kB\n", available_kib);
    put("/proc/meminfo", text);
    put("/proc/self/status", "Name:\tpython3\nVmRSS:\t  150000 kB\nRssAnon:\t  102400 kB\nRssFile:\t 47600 kB\n");
    put("/proc/self/cgroup", "0::/\n");
}

TestSuite(room, .init = make_root, .fini = remove_root);

static void expect(uint64_t bytes, const char *by)
{
    htrail__room room;
    cr_assert(htrail__room_read(root, &room));
    cr_assert_eq(room.bytes, bytes, "%llu by %s", (unsigned long long)room.bytes, room.by);
    cr_assert_str_eq(room.by, by);
}

Test(room, without_groups_it_is_what_the_machine_has_available)
{
    machine_of("2048");
    expect(2 * MIB, "MemAvailable");
}

Test(room, nothing_is_known_where_nothing_can_be_read)
{
    htrail__room room;
    uint64_t bytes;
    cr_assert_not(htrail__room_read(root, &room));
    cr_assert_eq(room.bytes, UINT64_MAX);
    cr_assert_not(htrail__room_anonymous(root, &bytes));
}

Test(room, the_tightest_group_of_version_2_on_the_whole_path_counts)
{
    machine_of("8000000");
    put("/proc/self/cgroup", "0::/a/b/c\n");
    put("/sys/fs/cgroup/a/b/c/memory.max", "max\n");
    put("/sys/fs/cgroup/a/b/c/memory.high", "max\n");
    put("/sys/fs/cgroup/a/b/c/memory.current", "52428800\n");
    put("/sys/fs/cgroup/a/b/memory.max", "209715200\n");
    put("/sys/fs/cgroup/a/b/memory.current", "157286400\n");
    put("/sys/fs/cgroup/a/memory.max", "1073741824\n");
    put("/sys/fs/cgroup/a/memory.current", "157286400\n");
    expect(50 * MIB, "memory.max of /a/b");
}

Test(room, high_counts_as_max_does_and_droppable_cache_as_free)
{
    machine_of("8000000");
    put("/proc/self/cgroup", "0::/a\n");
    put("/sys/fs/cgroup/a/memory.max", "209715200\n");
    put("/sys/fs/cgroup/a/memory.high", "104857600\n");
    put("/sys/fs/cgroup/a/memory.current", "104857600\n");
    expect(0, "memory.high of /a");
    put("/sys/fs/cgroup/a/memory.stat", "anon 52428800\nfile 52428800\nactive_file 1\ninactive_file 10485760\n");
    expect(10 * MIB, "memory.high of /a");
}

Test(room, version_1_is_read_beside_an_empty_version_2)
{
    machine_of("8000000");
    put("/proc/self/cgroup", "8:pids:/\n4:cpu,memory:/docker/abc\n0::/\n");
    put("/sys/fs/cgroup/memory/docker/abc/memory.limit_in_bytes", "67108864\n");
    put("/sys/fs/cgroup/memory/docker/abc/memory.usage_in_bytes", "33554432\n");
    put("/sys/fs/cgroup/memory/docker/abc/memory.stat", "inactive_file 4096\ntotal_inactive_file 8388608\n");
    put("/sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
    put("/sys/fs/cgroup/memory/memory.usage_in_bytes", "33554432\n");
    expect(40 * MIB, "memory.limit_in_bytes of /docker/abc");
}

Test(room, in_a_container_the_path_is_the_hosts_and_the_mount_is_the_group)
{
    machine_of("8000000");
    put("/proc/self/cgroup", "0::/kubepods/pod1/abc\n");
    put("/sys/fs/cgroup/memory.max", "104857600\n");
    put("/sys/fs/cgroup/memory.current", "94371840\n");
    expect(10 * MIB, "memory.max of /");
}

/* RssAnon is 100 MiB: a copy may take 128.5. */
static htrail__choice choose(htrail_capture_mode wanted, uint64_t max_pause_ns, uint64_t max_memory_bytes, bool *allowed)
{
    htrail__choice choice;
    const htrail__choose_opts opts = {wanted, max_pause_ns, max_memory_bytes, root};
    *allowed = htrail__choose(&choice, &opts);
    return choice;
}

Test(room, auto_forks_from_just_so_much_memory_on)
{
    bool allowed;
    machine_of("131584");
    htrail__choice choice = choose(HTRAIL_CAPTURE_AUTO, 0, 0, &allowed);
    cr_assert(allowed && choice.mode == HTRAIL_CAPTURE_FORK);
    cr_assert_str_eq(choice.reason, "a copy takes at most 128.5 MiB, and MemAvailable leaves 128.5 MiB");
    machine_of("24117248");
    choice = choose(HTRAIL_CAPTURE_AUTO, 0, 0, &allowed);
    cr_assert_str_eq(choice.reason, "a copy takes at most 128.5 MiB, and MemAvailable leaves 23.0 GiB");
    machine_of("131583");
    choice = choose(HTRAIL_CAPTURE_AUTO, 0, 0, &allowed);
    cr_assert(allowed && choice.mode == HTRAIL_CAPTURE_IN_PLACE);
    cr_assert_str_eq(choice.reason, "a copy may take up to 128.5 MiB, and MemAvailable leaves 128.4 MiB");
}

Test(room, what_is_asked_for_is_not_argued_with)
{
    bool allowed;
    machine_of("1");
    htrail__choice choice = choose(HTRAIL_CAPTURE_FORK, 0, 0, &allowed);
    cr_assert(allowed && choice.mode == HTRAIL_CAPTURE_FORK);
    cr_assert_str_eq(choice.reason, "as asked for");
    machine_of("8000000");
    choice = choose(HTRAIL_CAPTURE_IN_PLACE, 0, 0, &allowed);
    cr_assert(allowed && choice.mode == HTRAIL_CAPTURE_IN_PLACE);
}

Test(room, limits_keep_auto_in_place_and_a_pause_refuses_fork)
{
    bool allowed;
    machine_of("8000000");
    cr_assert_eq(choose(HTRAIL_CAPTURE_AUTO, 0, 128 * MIB, &allowed).mode, HTRAIL_CAPTURE_IN_PLACE);
    cr_assert_eq(choose(HTRAIL_CAPTURE_AUTO, 0, 129 * MIB, &allowed).mode, HTRAIL_CAPTURE_FORK);
    cr_assert_eq(choose(HTRAIL_CAPTURE_AUTO, 1000000, 0, &allowed).mode, HTRAIL_CAPTURE_IN_PLACE);
    cr_assert(allowed);
    cr_assert_eq(choose(HTRAIL_CAPTURE_AUTO, 100000000, 0, &allowed).mode, HTRAIL_CAPTURE_FORK);
    choose(HTRAIL_CAPTURE_FORK, 1000000, 0, &allowed);
    cr_assert_not(allowed);
}

Test(room, a_fork_that_fails_is_said_in_place)
{
    htrail__choice choice = {.mode = HTRAIL_CAPTURE_FORK};
    htrail__choose_again(&choice, 11);
    cr_assert_eq(choice.mode, HTRAIL_CAPTURE_IN_PLACE);
    cr_assert_str_eq(choice.reason, "fork failed: Resource temporarily unavailable");
}
