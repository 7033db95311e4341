/* SPDX-License-Identifier: Apache-2.0
 *
 * Names too long for a path, a bell that is gone or another one, a process that has none yet or is a child, a kernel without what is asked: every question
 * about a service has an answer then, and none is taken for good news. */
#include <sys/resource.h>
#include <sys/syscall.h>

#include "fails.h"
#include "lanes.h"
#include "service.h"

static char longer[MPL_PATH + 64];

static const char *long_name(size_t length)
{
    memset(longer, 'x', sizeof longer);
    longer[length] = 0;
    return longer;
}

static void names(void)
{
    char path[MPL_PATH];
    struct mpl_segment segment;
    for (size_t length = MPL_PATH - 30; length < MPL_PATH + 10; length++) {
        const int rc = mpl_path(path, long_name(length), SERVICE, "bell"), of_segment = mpl_segment_path(path, longer, SERVICE, 12);
        CHECK(rc == 0 || rc == -ENAMETOOLONG);
        CHECK_EQ(mpl_path(path, longer, SERVICE, "bell"), rc);
        CHECK_EQ(rc == 0, length + strlen("/" SERVICE ".") + strlen(".bell") + (size_t)snprintf(NULL, 0, "%u", MPL_ABI) < MPL_PATH);
        CHECK_EQ(of_segment == 0, length + strlen("/" SERVICE ".") + strlen(".12.ring") + (size_t)snprintf(NULL, 0, "%u", MPL_ABI) < MPL_PATH);
    }
    CHECK_EQ(mpl_segment_create(long_name(MPL_PATH), SERVICE, 0), -ENAMETOOLONG);
    CHECK_EQ(mpl_segment_map(&segment, longer, SERVICE, 0, PROT_READ, false), -ENAMETOOLONG);
    CHECK_EQ(mpl_segments_bytes(longer, SERVICE), 0);
    CHECK(mpl_attended(longer, SERVICE)); /* there is nobody to be started there */
}

static void a_bell_that_is_gone(const char *dir)
{
    struct mpl_producer p = {0};
    struct stat st;
    char path[MPL_PATH], aside[MPL_PATH + 8];
    CHECK(!mpl_all_well(&p)); /* no bell at all */
    CHECK_EQ(mpl_synced(&p), 0);
    mpl_ask_sync(&p);

    service_make(dir);
    producer_make(&p, dir, "looks");
    CHECK_EQ(mpl_path(path, dir, SERVICE, "bell"), 0);
    snprintf(aside, sizeof aside, "%s.aside", path);
    CHECK_EQ(stat(path, &st), 0);
    p.seen.dev = st.st_dev, p.seen.ino = st.st_ino;
    int fd = open(path, O_RDWR | O_CLOEXEC);
    CHECK(fd >= 0 && mpl_lock(fd, MPL_LOCK_SUPERVISOR, 1) == 0);
    CHECK(mpl_all_well(&p));
    p.seen.ino++;
    CHECK(!mpl_all_well(&p));
    p.seen.ino--, p.seen.dev++;
    CHECK(!mpl_all_well(&p));
    p.seen.dev--;
    mpl_add(&p.bell->problem_seq, 1);
    CHECK(!mpl_all_well(&p));
    p.seen.problem++;
    CHECK(mpl_all_well(&p));
    fail_kinds = F_FSTAT;
    fail_nth(1, EIO);
    CHECK(!mpl_all_well(&p));
    fail_never();
    CHECK_EQ(rename(path, aside), 0);
    CHECK(!mpl_all_well(&p));
    CHECK(mpl_attended(dir, SERVICE)); /* whoever comes sets it up again */
    CHECK_EQ(rename(aside, path), 0);
    memcpy(p.dir, long_name(MPL_PATH - 1), MPL_PATH);
    CHECK(!mpl_all_well(&p));
    snprintf(p.dir, sizeof p.dir, "%s", dir);
    close(fd);
    CHECK(!mpl_all_well(&p)); /* nobody looks after it */
    mpl_producer_free(&p);
}

/* A child that has not logged yet has nothing to be in doubt of, whatever its parent was told. */
static int child_is_in_doubt(void *arg) { return mpl_take_doubt(arg); }

static void children(const char *dir)
{
    struct mpl_producer p;
    producer_make(&p, dir, "parent");
    mpl_store(&p.slot->doubt, 3);
    CHECK_EQ(reap(spawn(child_is_in_doubt, &p)), 0);
    const pid_t past_handlers = (pid_t)syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL); /* root's children claim in the others */
    if (past_handlers == 0)
        _exit(child_is_in_doubt(&p));
    CHECK_EQ(reap(past_handlers), 0);
    CHECK(mpl_take_doubt(&p));
    CHECK(!mpl_take_doubt(&p));
    mpl_producer_free(&p);
}

/* ---- the kernel's answers -------------------------------------------------------------------------------------------------- */
static int on_a_kernel_that_does_not_tell(void *arg)
{
    fail_kinds = (unsigned)(uintptr_t)arg;
    fail_from(1, ENOSYS);
    CHECK_EQ(mpl_process_ino(), 0);
    CHECK_EQ(mpl_process_ino(), 0); /* and does not ask again */
    fail_never();
    return 0;
}

static int without_descriptors(void *arg)
{
    struct rlimit none = {0};
    (void)arg;
    CHECK_EQ(setrlimit(RLIMIT_NOFILE, &none), 0);
    CHECK_EQ(mpl_process_ino(), 0);
    return 0;
}

static int on_a_disk(void *arg)
{
    int fd = open(arg, O_RDONLY | O_CLOEXEC);
    CHECK(fd >= 0);
    CHECK_EQ(mpl_pidfd_ino(fd), 0); /* no pidfd */
    close(fd);
    return 0;
}

static void randomness(void)
{
    fail_kinds = F_RANDOM;
    fail_nth(1, EINTR);
    const uint64_t one = mpl_random();
    CHECK_EQ(fail_never(), 1);
    CHECK(one != mpl_random());
}

static int boot_is_told(void *arg)
{
    uint8_t boot[16];
    const int error = (int)(intptr_t)arg;
    fail_kinds = F_READ;
    fail_from(1, error);
    const int rc = mpl_boot_id(boot);
    fail_never();
    CHECK_EQ(rc, MPL_E_CORRUPT);
    CHECK_EQ(mpl_boot_id(boot), 0);
    return 0;
}

static int test(const char *dir)
{
    names();
    CHECK_EQ(reap(spawn(on_a_kernel_that_does_not_tell, (void *)(uintptr_t)F_STATFS)), 0);
    CHECK_EQ(reap(spawn(on_a_kernel_that_does_not_tell, (void *)(uintptr_t)F_FSTAT)), 0);
    CHECK_EQ(reap(spawn(without_descriptors, NULL)), 0);
    CHECK_EQ(reap(spawn(on_a_disk, (void *)(uintptr_t)dir)), 0);
    CHECK_EQ(reap(spawn(boot_is_told, (void *)EIO)), 0);
    CHECK_EQ(reap(spawn(boot_is_told, (void *)FAIL_NOTHING)), 0);
    a_bell_that_is_gone(dir);
    children(dir);
    randomness();
    return 0;
}
