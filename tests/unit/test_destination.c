/* The file of a snapshot: nothing half-written under its name, nothing left when it is dropped. */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "capture/agent/destination.h"

static char folder[] = "/tmp/htrail-destination-XXXXXX";

static void enter_folder(void)
{
    cr_assert_not_null(mkdtemp(folder));
    cr_assert_eq(chdir(folder), 0);
}

static void remove_folder(void)
{
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    cr_assert_eq(system(command), 0);
}

static bool there(const char *path) { return access(path, F_OK) == 0; }

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    fputs(text, file);
    fclose(file);
}

static void assert_text(const char *path, const char *text)
{
    char got[64] = "";
    FILE *file = fopen(path, "r");
    cr_assert_not_null(file);
    cr_assert(fgets(got, sizeof got, file) != NULL || *text == '\0');
    fclose(file);
    cr_assert_str_eq(got, text);
}

TestSuite(destination, .init = enter_folder, .fini = remove_folder);

Test(destination, the_file_is_for_its_owner_alone)
{
    htrail__destination file;
    struct stat facts;
    uint32_t sequence = 1;
    umask(0);
    cr_assert_eq(htrail__destination_open(&file, "a"), 0);
    cr_assert_eq(htrail__destination_keep(&file), 0);
    cr_assert_eq(stat("a", &facts), 0);
    cr_assert_eq(facts.st_mode & 0777, 0600);
    cr_assert_eq(htrail__destination_open_numbered(&file, "b", &sequence), 0);
    cr_assert_eq(htrail__destination_keep(&file), 0);
    cr_assert_eq(stat("b-0001.htrail", &facts), 0);
    cr_assert_eq(facts.st_mode & 0777, 0600);
}

Test(destination, the_name_is_free_until_the_file_is_whole)
{
    htrail__destination file;
    write_file("a", "old");
    cr_assert_eq(htrail__destination_open(&file, "a"), 0);
    cr_assert_eq(file.path[0], '/');
    cr_assert_eq(write(file.fd, "new", 3), 3);
    assert_text("a", "old");
    cr_assert(there("a.partial"));
    cr_assert_eq(htrail__destination_keep(&file), 0);
    assert_text("a", "new");
    cr_assert_not(there("a.partial"));
    cr_assert_eq(file.fd, -1);
}

Test(destination, what_is_dropped_leaves_the_old_file)
{
    htrail__destination file;
    write_file("a", "old");
    cr_assert_eq(htrail__destination_open(&file, "a"), 0);
    cr_assert_eq(write(file.fd, "new", 3), 3);
    htrail__destination_drop(&file);
    assert_text("a", "old");
    cr_assert_not(there("a.partial"));
}

Test(destination, what_a_killed_snapshot_left_makes_room_and_a_link_is_not_followed)
{
    htrail__destination file;
    write_file("victim", "untouched");
    write_file("a.partial", "left");
    cr_assert_eq(htrail__destination_open(&file, "a"), 0);
    cr_assert_eq(htrail__destination_keep(&file), 0);
    assert_text("a", "");
    cr_assert_eq(symlink("victim", "b.partial"), 0);
    cr_assert_eq(htrail__destination_open(&file, "b"), 0);
    cr_assert_eq(write(file.fd, "new", 3), 3);
    cr_assert_eq(htrail__destination_keep(&file), 0);
    assert_text("b", "new");
    assert_text("victim", "untouched");
}

Test(destination, a_partial_that_holds_something_can_be_left)
{
    htrail__destination file;
    cr_assert_eq(htrail__destination_open(&file, "a"), 0);
    cr_assert_not(htrail__destination_leave(&file));
    cr_assert_not(there("a.partial"));
    cr_assert_eq(htrail__destination_open(&file, "a"), 0);
    cr_assert_eq(write(file.fd, "new", 3), 3);
    cr_assert(htrail__destination_leave(&file));
    assert_text("a.partial", "new");
}

Test(destination, numbers_that_are_taken_are_passed_over)
{
    htrail__destination file;
    char prefix[sizeof folder + 8];
    uint32_t sequence = 3;
    write_file("n-0003.htrail", "mine");
    cr_assert_eq(symlink("nowhere", "n-0004.htrail"), 0);
    snprintf(prefix, sizeof prefix, "%s/n", folder);
    cr_assert_eq(htrail__destination_open_numbered(&file, prefix, &sequence), 0);
    cr_assert_eq(sequence, 5);
    cr_assert_eq(htrail__destination_keep(&file), 0);
    cr_assert(there("n-0005.htrail"));
    assert_text("n-0003.htrail", "mine");
    sequence = 12345;
    cr_assert_eq(htrail__destination_open_numbered(&file, prefix, &sequence), 0);
    cr_assert_eq(htrail__destination_keep(&file), 0);
    cr_assert(there("n-12345.htrail"));
}

Test(destination, a_device_and_standard_output_are_written_in_place)
{
    htrail__destination file;
    cr_assert_eq(htrail__destination_open(&file, "/dev/null"), 0);
    cr_assert_str_eq(file.partial, "");
    cr_assert_eq(htrail__destination_keep(&file), 0);
    cr_assert_eq(htrail__destination_open(&file, "-"), 0);
    cr_assert_eq(file.fd, STDOUT_FILENO);
    htrail__destination_drop(&file);
    cr_assert(fcntl(STDOUT_FILENO, F_GETFD) >= 0, "standard output stays open");
}

Test(destination, a_path_that_cannot_be_is_refused_with_its_reason)
{
    htrail__destination file;
    char *longest = malloc(PATH_MAX + 1);
    memset(longest, 'x', PATH_MAX);
    longest[PATH_MAX] = '\0';
    cr_assert_eq(htrail__destination_open(&file, ""), ENOENT);
    cr_assert_eq(htrail__destination_open(&file, "."), EISDIR);
    cr_assert_eq(htrail__destination_open(&file, "no/such/folder"), ENOENT);
    cr_assert_eq(htrail__destination_open(&file, longest), ENAMETOOLONG);
    cr_assert_eq(mkdir("b.partial", 0700), 0);
    cr_assert_neq(htrail__destination_open(&file, "b"), 0);
    free(longest);
}
