/* SPDX-License-Identifier: Apache-2.0
 *
 * libwallclock.so, for LD_PRELOAD in tests: the wall clock of a process is as many nanoseconds ahead as the first word of the file WALLCLOCK says, which
 * anybody may change at any time. All other clocks are the kernel's. (libfaketime's clock_nanosleep fails where the monotonic clock is left alone.) */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static const volatile int64_t *ahead_ns;

__attribute__((constructor)) static void begin(void)
{
    const char *path = getenv("WALLCLOCK");
    int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    void *page = fd < 0 ? MAP_FAILED : mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
    if (page == MAP_FAILED)
        abort(); /* nothing would be tested */
    ahead_ns = page;
    close(fd);
}

int clock_gettime(clockid_t clock, struct timespec *now)
{
    if (syscall(SYS_clock_gettime, clock, now) != 0)
        return -1;
    if ((clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE) && ahead_ns) {
        int64_t ns = now->tv_sec * INT64_C(1000000000) + now->tv_nsec + *ahead_ns;
        now->tv_sec = ns / 1000000000, now->tv_nsec = ns % 1000000000;
    }
    return 0;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone)
{
    (void)zone;
    struct timespec exact;
    clock_gettime(CLOCK_REALTIME, &exact);
    now->tv_sec = exact.tv_sec, now->tv_usec = exact.tv_nsec / 1000;
    return 0;
}

time_t time(time_t *where)
{
    struct timespec exact;
    clock_gettime(CLOCK_REALTIME, &exact);
    if (where)
        *where = exact.tv_sec;
    return exact.tv_sec;
}
