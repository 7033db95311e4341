/* SPDX-License-Identifier: Apache-2.0
 *
 * A process that goes on logging does not meet a fresh page at every few events: its lane is mapped some pages at a time, and on no second lap. */
#include <sys/resource.h>

#include "service.h"

static long faults(void)
{
    struct rusage u;
    CHECK_EQ(getrusage(RUSAGE_SELF, &u), 0);
    return u.ru_minflt;
}

static int test(const char *dir)
{
    static struct writer w;
    struct mpl_producer p;
    long fresh = 0, most = 0;
    long faulting = 0;
    char *probe = mmap(NULL, MPL_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (madvise(probe, MPL_PAGE, MADV_POPULATE_WRITE)) {
        printf("this kernel does not map ahead\n");
        return 0;
    }
    service_make(dir);
    CHECK_EQ(writer_open(&w, dir), 0);
    producer_make(&p, dir, "maps");
    CHECK_EQ(p.capacity, MPL_LANE_LARGE);
    const uint64_t lap = p.tail + p.capacity;
    for (uint64_t n = 1; p.tail + 8192 < lap; n++) {
        const long before = faults();
        CHECK_EQ(send_event(&p, 7, n, 1000), MPL_ACCEPTED);
        const long met = faults() - before;
        fresh += met, most = met > most ? met : most, faulting += met > 0;
    }
    printf("%ld faults in %ld of the lane's events, %ld in one\n", fresh, faulting, most);
    CHECK(fresh >= 255);
    CHECK(faulting < fresh / 4); /* a sanitizer has pages of its own */
    CHECK(p.mapped > lap);
    mpl_detach(&p, true);
    writer_all(&w);
    writer_close(&w);
    return 0;
}
