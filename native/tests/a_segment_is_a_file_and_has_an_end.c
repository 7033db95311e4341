/* SPDX-License-Identifier: Apache-2.0
 *
 * What is no file is no segment, whatever its name; all that a service may have of them are counted; one that was let go holds no descriptor any more, and
 * a reservation that a signal interrupts gives a smaller lane rather than none. */
#include "fails.h"
#include "lanes.h"
#include "service.h"

static void no_file(const char *dir)
{
    char path[MPL_PATH];
    struct mpl_segment seg;
    CHECK_EQ(mpl_segment_path(path, dir, SERVICE, 0), 0);
    CHECK_EQ(mkfifo(path, 0600), 0);
    CHECK_EQ(mpl_segment_map(&seg, dir, SERVICE, 0, PROT_READ | PROT_WRITE, false), MPL_E_CORRUPT);
    CHECK_EQ(unlink(path), 0);
}

static void let_go(const char *dir)
{
    struct mpl_segment seg;
    CHECK_EQ(mpl_segment_create(dir, SERVICE, 0), 0);
    CHECK_EQ(mpl_segment_map(&seg, dir, SERVICE, 0, PROT_READ | PROT_WRITE, false), 0);
    mpl_segment_unmap(&seg);
    int fd = open("/dev/null", O_RDONLY | O_CLOEXEC); /* gets the number that was the segment's */
    mpl_segment_unmap(&seg);
    CHECK(fcntl(fd, F_GETFD, NULL) >= 0);
    close(fd);
}

static void all_of_them(const char *dir)
{
    uint64_t bytes = 0;
    for (uint32_t n = 0; n < MPL_MAX_SEGMENTS; n++) {
        char path[MPL_PATH];
        struct stat st;
        CHECK_EQ(mpl_segment_path(path, dir, SERVICE, n), 0);
        int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        CHECK(fd >= 0 && fallocate(fd, 0, 0, MPL_PAGE) == 0 && fstat(fd, &st) == 0);
        bytes += (uint64_t)st.st_blocks * 512u;
        close(fd);
    }
    CHECK(bytes >= MPL_MAX_SEGMENTS * (uint64_t)MPL_PAGE);
    CHECK_EQ(mpl_segments_bytes(dir, SERVICE), bytes);
}

static void interrupted(const char *dir)
{
    struct mpl_producer whole, smaller;
    service_make(dir);
    producer_make(&whole, dir, "whole");
    CHECK_EQ(mpl_producer_init(&smaller, dir, SERVICE, "smaller"), 0);
    fail_kinds = F_FALLOCATE;
    fail_nth(1, EINTR);
    CHECK_EQ(mpl_attach(&smaller), 0);
    CHECK_EQ(fail_never(), 1);
    CHECK(smaller.capacity > 0 && (smaller.capacity < whole.capacity || whole.capacity < MPL_LANE_LARGE));
    mpl_producer_free(&smaller);
    mpl_producer_free(&whole);
}

static int test(const char *dir)
{
    no_file(dir);
    let_go(dir);
    interrupted(dir);
    all_of_them(dir);
    return 0;
}
