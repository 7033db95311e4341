/* SPDX-License-Identifier: Apache-2.0
 *
 * SIGKILL after k instructions of one mpl_publish, for every k: the lane reads as if the event had never been or as if it were whole, the
 * next claimer goes on in that lane, and the session's last number is exact. For a plain record, one that needs a pad, a drop, one that tells the drops before
 * it, one that takes older ones back, one that goes into the overflow, one that begins another chunk of it, and one that comes back from there to the lane.
 *
 * An append has five times the instructions: of those every 37th (of a telling and a taking publish every 13th, of a crossing one every 111th), from a first one that is another in each run; MPL_STEP=1 (make faults) takes them all.
 * MPL_KINDS="crossing returned" takes those alone, MPL_FROM=3000 goes on there.
 *
 * The lane, bell and journal are reused through all k; only the session is new. */
#include <sched.h>

#include "overflow.h"
#include "service.h"
#include "trace.h"

#define LEN 600u /* small enough that memcpy does not use a string instruction, which stops at every byte */

enum which { PLAIN, PADDED, DROPPED, TELLING, TAKING, OVERFLOWED, CROSSING, RETURNED };
static const char *const names[] = {"plain", "padded", "dropped", "telling", "taking", "overflowed", "crossing", "returned"};

struct seen {
    uint64_t events, ends, last, max_n, torn;
};

static const char *place;
static struct writer w;
static enum which which;
static unsigned stride = 37;
static char chosen[128];
static uint64_t from = UINT64_MAX; /* the first kill; not given: anywhere below the stride */

/* Into the overflow, and for CROSSING to the end of its chunk. */
static void overflow_before(struct mpl_producer *p, uint64_t n)
{
    while (!p->overflowing)
        CHECK_EQ(send_event(p, 1, ++n, LEN), MPL_ACCEPTED);
    for (uint64_t rest; which == CROSSING && (rest = MPL_CHUNK_BYTES - p->ovf_end % MPL_CHUNK_BYTES) > LEN + 48;)
        CHECK_EQ(send_event(p, 1, ++n, rest > 40000 ? 16000 : 56), MPL_ACCEPTED);
}

static void publish_before(struct mpl_producer *p)
{
    uint64_t n = 0;
    p->when_full = which >= OVERFLOWED ? MPL_OVERFLOW : which == TAKING ? MPL_DROP_OLDEST : MPL_DROP_NEWEST;
    if (which >= OVERFLOWED) {
        overflow_before(p, n);
        return;
    }
    if (which == DROPPED || which == TELLING) {
        while (send_event(p, 1, ++n, LEN) == MPL_ACCEPTED) {
        }
        return;
    }
    while (which == TAKING && n < 2 * p->capacity / LEN)
        CHECK_EQ(send_event(p, 1, ++n, LEN), MPL_ACCEPTED);
    if (which == TAKING)
        return;
    CHECK_EQ(send_event(p, 1, ++n, 100), MPL_ACCEPTED);
    while (which == PADDED && p->capacity - (p->tail & (p->capacity - 1)) > LEN + 40) {
        uint64_t rest = p->capacity - (p->tail & (p->capacity - 1));
        CHECK_EQ(send_event(p, 1, ++n, rest > 8000 ? 4000 : 56), MPL_ACCEPTED);
    }
}

static int produce(void *arg)
{
    static struct mpl_producer p;
    uint64_t *before = arg;
    char payload[LEN];
    producer_make(&p, place, "stepped");
    publish_before(&p);
    *before = p.seq;
    payload_fill(payload, 1, p.seq + 1, sizeof payload);
    mpl_publish(&p, 10, 0, 0, "", 0); /* all pages are there, all branches were taken once; 0 bytes: not one of ours */
    if (which == TELLING)
        CHECK_EQ(send_event(&p, 1, p.seq + 1, LEN), MPL_DROPPED);
    before[0] = p.seq;
    if (which == RETURNED || which == TELLING) { /* until the writer has drained it all */
        mpl_store((mpl_a64 *)&before[1], 1);
        while (!mpl_load_acquire((mpl_a64 *)&before[2]))
            sched_yield();
    }
    payload_fill(payload, 1, p.seq + 1, sizeof payload);
    trace_marker();
    enum mpl_outcome outcome = mpl_publish(&p, 10, 0, 0, payload, sizeof payload);
    trace_end();
    return outcome == (which == DROPPED ? MPL_DROPPED : MPL_ACCEPTED) ? 0 : 1;
}

/* Drains, ends sessions, and counts; nothing is written, only heads and session words move. */
static void drain(struct seen *s)
{
    struct mpl_end ends[8];
    for (int idle = 0; idle < 2;) {
        int items = mpl_drain(&w.r, ARENA);
        CHECK(items >= 0);
        for (int i = 0; i < items; i++) {
            uint64_t producer, n;
            const struct mpl_item *item = &w.r.items[i];
            if (item->len) {
                s->torn += !payload_read(w.r.arena + item->place, item->len, &producer, &n) || n != item->seq;
                s->events++;
            }
            CHECK(item->seq > s->max_n);
            s->max_n = item->seq;
        }
        if (items > 0) {
            CHECK_EQ(mpl_accept(&w.r, (uint32_t)items), items);
        } else {
            int count = mpl_ends(&w.r, true, ends, 8);
            for (int i = 0; i < count; i++) {
                s->ends++;
                s->last += ends[i].last; /* an adopter that logged nothing adds 0 */
                CHECK_EQ(mpl_close_session(&w.r, &ends[i]), 0);
            }
            if (count == 0) {
                mpl_pending(&w.r) ? pause_ns(1000000) : (void)idle++;
                continue;
            }
        }
        CHECK_EQ(mpl_commit(&w.j, &w.r, 0, w.fd, 0), 0);
    }
}

/* The one that comes next: gets the same lane, publishes, and all of it comes out. */
static void next_one(struct mpl_producer *p, uint64_t lane)
{
    struct seen s = {0};
    CHECK_EQ(mpl_attach(p), 0);
    CHECK_EQ(p->lane_number, lane);
    CHECK_EQ(p->seq, 0);
    CHECK_EQ(send_event(p, 9, 1, 200), MPL_ACCEPTED);
    CHECK_EQ(send_event(p, 9, 2, 20), MPL_ACCEPTED);
    uint64_t n = 2;
    while (which == PADDED && p->capacity - (p->tail & (p->capacity - 1)) > 8000) /* brings the next one near the data's end */
        CHECK_EQ(send_event(p, 9, ++n, 4000), MPL_ACCEPTED);
    mpl_detach(p, false);
    drain(&s);
    CHECK_EQ(s.torn, 0);
    CHECK_EQ(s.events, n);
    CHECK_EQ(s.ends, 1);
    CHECK_EQ(s.last, n);
    CHECK_EQ(writer_quarantines(&w), 0);
}

static void step_through(const char *name, uint64_t *before)
{
    struct mpl_producer next;
    uint64_t with = 0, without = 0, phantom = 0, k = 0;
    CHECK_EQ(mpl_producer_init(&next, place, SERVICE, "next"), 0);
    next.when_full = MPL_OVERFLOW;
    next_one(&next, 0);
    const unsigned step = which == CROSSING && stride > 1 ? 3 * stride : which >= OVERFLOWED ? stride : which >= TELLING ? 1 + stride / 3 : 1;
    k = from != UINT64_MAX ? from : (uint64_t)getpid() % step;
    for (bool finished = false; !finished; k += step) {
        struct seen s = {0};
        before[1] = before[2] = 0;
        pid_t pid = spawn(produce, before);
        if (which == RETURNED || which == TELLING) {
            struct seen earlier = {0};
            while (!mpl_load_acquire((mpl_a64 *)&before[1]))
                sched_yield();
            drain(&earlier);
            mpl_store_release((mpl_a64 *)&before[2], 1);
        }
        trace_start(pid);
        for (uint64_t i = 0; i < k && !finished; i++)
            finished = !trace_step(pid, PTRACE_SINGLESTEP);
        trace_kill(pid);
        while (mpl_locked(w.r.segments[0].fd, 0, 1) > 0) /* whoever looks into /proc/PID just now keeps its memory, and so its lock, a little longer */
            sched_yield();
        bool adopted_unread = k % 2 == 0; /* the adopter first, then the writer; or the other way round */
        if (adopted_unread) {
            CHECK_EQ(mpl_attach(&next), 0);
            mpl_detach(&next, false);
        }
        drain(&s);
        CHECK_EQ(s.torn, 0);
        CHECK_EQ(s.ends, adopted_unread ? 2 : 1);
        CHECK(s.last == *before || s.last == *before + 1);
        bool there = which != DROPPED ? s.max_n == *before + 1 : s.last == *before + 1;
        CHECK(there == (s.last == *before + 1));
        there ? with++ : without++;
        phantom += there && without == 0;
        CHECK(!(finished && !there));
        next_one(&next, 0);
        if (stride == 1 && k % 1000 == 999)
            printf("%-10s %llu kills …\n", name, (unsigned long long)k + 1), fflush(stdout);
    }
    fflush(stdout);
    printf("%-10s %llu instructions: %llu kills left no event, %llu left it whole\n", name, (unsigned long long)k - 2,
        (unsigned long long)without, (unsigned long long)with);
    CHECK(with > 0 && without * step > 50 && phantom == 0);
    mpl_producer_free(&next);
}

static int test(const char *dir)
{
    uint64_t *before = shared_memory(4096);
    place = dir;
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(sched_getcpu(), &one);
    sched_setaffinity(0, sizeof one, &one); /* tracer and traced take turns: on one processor that is much faster */
    if (getenv("MPL_STEP"))
        stride = (unsigned)atoi(getenv("MPL_STEP")) ?: 1;
    if (getenv("MPL_KINDS"))
        snprintf(chosen, sizeof chosen, "%s", getenv("MPL_KINDS"));
    if (getenv("MPL_FROM"))
        from = strtoull(getenv("MPL_FROM"), NULL, 10);
    clearenv(); /* a kill point asks the environment: nothing there, few instructions */
    service_make(dir);
    lanes_of(dir, MPL_LANE_SMALL, MPL_ORIGIN);
    CHECK_EQ(writer_open(&w, dir), 0);
    only_lane_zero(dir);
    int kinds = 0;
    for (which = PLAIN; which <= RETURNED; which++)
        if (!*chosen || strstr(chosen, names[which]))
            step_through(names[which], before), kinds++;
    CHECK(kinds > 0);
    return 0;
}
