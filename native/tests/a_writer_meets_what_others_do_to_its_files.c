/* SPDX-License-Identifier: Apache-2.0
 *
 * Segments that are cut, appear or cannot be removed while the writer looks: it counts what it cannot see as something, loses what is lost alone, and takes
 * nothing down that somebody may be in. */
#include "fails.h"
#include "homeless.h"
#include "service.h"

static const char *place;
static struct mpl_reader r;
static struct mpl_journal j;

static void open_both(void)
{
    CHECK_EQ(mpl_reader_open(&r, place, SERVICE, true, ARENA), 0);
    CHECK_EQ(mpl_journal_open(&j, place, SERVICE, STAGING), 0);
    CHECK_EQ(mpl_reader_scan(&r, &j), 1);
}

static void close_both(void)
{
    mpl_journal_close(&j);
    mpl_reader_close(&r);
}

static void segment_path(char *path, uint32_t number) { CHECK_EQ(mpl_segment_path(path, place, SERVICE, number), 0); }

static volatile char *at;

static int touches(void *arg)
{
    (void)arg;
    return *at;
}

static int says_no(void *arg)
{
    (void)arg;
    return -EPERM;
}

static char *mapped_beyond_its_end(int fd)
{
    char *page = mmap(NULL, MPL_PAGE, PROT_READ, MAP_SHARED, fd, 0);
    CHECK(page != MAP_FAILED);
    return page;
}

/* The second of two segments is cut to nothing. */
static void cut(void)
{
    char path[MPL_PATH];
    struct mpl_producer p;
    CHECK_EQ(mpl_path(path, place, SERVICE, "empty"), 0);
    int empty = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    CHECK(empty >= 0);
    char *before = mapped_beyond_its_end(empty);
    service_make(place);
    producer_make(&p, place, "some");
    CHECK_EQ(mpl_segment_create(place, SERVICE, 1), 0);
    open_both();
    char *after = mapped_beyond_its_end(empty);
    CHECK_EQ(send_event(&p, 1, 1, 64), MPL_ACCEPTED);
    CHECK_EQ(mpl_survive(&r, says_no, NULL), -EPERM); /* no fault at all */
    at = before;
    CHECK_EQ(mpl_survive(&r, touches, NULL), MPL_E_CORRUPT); /* not in a segment: none is lost */
    at = after;
    CHECK_EQ(mpl_survive(&r, touches, NULL), MPL_E_CORRUPT);
    munmap(before, MPL_PAGE);
    munmap(after, MPL_PAGE);
    close(empty);
    CHECK_EQ(mpl_owned(&r), 1);

    segment_path(path, 1);
    CHECK_EQ(truncate(path, 0), 0);
    CHECK_EQ(mpl_pending(&r), 1);
    mpl_doze(&r, 3600000000000u); /* an hour: but there is something to find out */
    mpl_sleep(&r, 3600000000000u, mpl_load(&r.bell->departures));
    fail_kinds = F_MMAP;
    fail_from(1, ENOMEM); /* nothing can stand in for it */
    CHECK(mpl_owned(&r) > 0);
    CHECK(mpl_drain(&r, ARENA) < 0);
    struct mpl_end ends[4];
    CHECK_EQ(mpl_ends(&r, true, ends, 4), 0);
    CHECK(fail_never() > 2);
    CHECK_EQ(mpl_drain(&r, ARENA), 0);
    CHECK_EQ(mpl_drain(&r, ARENA), 1);
    CHECK_EQ(mpl_owned(&r), 1);
    CHECK_EQ(mpl_pending(&r) > 0, true);
    mpl_producer_free(&p);
    close_both();
    CHECK_EQ(unlink(path), 0);
}

/* A later writer goes on where the journal says, when that is ahead of the lane. */
static void ahead(void)
{
    struct mpl_producer p;
    producer_make(&p, place, "some");
    const uint64_t head = mpl_load(&p.lane->head);
    CHECK_EQ(send_event(&p, 1, 1, 64), MPL_ACCEPTED);
    const uint64_t first = p.tail;
    CHECK_EQ(send_event(&p, 1, 2, 64), MPL_ACCEPTED);
    CHECK_EQ(mpl_journal_open(&j, place, SERVICE, STAGING), 0);
    mpl_journal_adopt(&j, p.segment, p.segment_id);
    mpl_store(&j.page->positions[p.segment][p.lane_number], first);
    mpl_store(&j.page->ovf_positions[p.segment][p.lane_number], 4096);
    mpl_journal_close(&j);
    open_both();
    const struct mpl_view *v = mpl_view_at(&r, p.segment * MPL_MAX_LANES + p.lane_number);
    CHECK(head != first && v->pos == first);
    CHECK_EQ(v->ovf.pos, 4096);
    close_both();
    mpl_producer_free(&p);
    char path[MPL_PATH];
    CHECK_EQ(mpl_path(path, place, SERVICE, "journal"), 0);
    CHECK_EQ(unlink(path), 0);
}

static void born_anew(void)
{
    remove_tree(place);
    CHECK_EQ(mkdir(place, 0700), 0);
    service_make(place);
}

/* An owner that is in the middle of an event, in its lane or its overflow, is waited for; a lane that nobody holds is not. */
static void in_the_middle(void)
{
    struct mpl_producer p;
    born_anew();
    producer_make(&p, place, "some");
    open_both();
    mpl_store(&p.lane->rsv, p.tail + 64);
    CHECK_EQ(mpl_set_aside(&r), 0);
    mpl_store(&p.lane->rsv, p.tail);
    mpl_store(&p.lane->ovf_rsv, 64);
    CHECK_EQ(mpl_set_aside(&r), 0);
    mpl_store(&p.lane->ovf_rsv, 0);
    CHECK_EQ(mpl_set_aside(&r), 1);
    mpl_producer_free(&p);
    close_both();
}

static void another_segment(void) { CHECK_EQ(mpl_segment_create(place, SERVICE, 1), 0); }

/* A process that got no lane. */
static void nowhere_to_log(void) { mpl_homeless_add(r.bell, 20); }

static int other;
static void takes_a_lane(void)
{
    char path[MPL_PATH];
    segment_path(path, 0);
    other = open(path, O_RDWR | O_CLOEXEC);
    if (other >= 0)
        mpl_lock(other, 5, 1);
}

static void retiring(void)
{
    char path[MPL_PATH];
    struct mpl_producer p;
    struct stat st;
    born_anew();
    producer_make(&p, place, "some");
    CHECK_EQ(send_event(&p, 1, 1, 64), MPL_ACCEPTED);
    mpl_producer_free(&p);
    open_both();
    CHECK_EQ(mpl_retire(&r, &j), 0); /* something is unread */
    CHECK_EQ(mpl_load(&r.bell->state), MPL_LIVE);
    close_both();

    born_anew(); /* a segment is made while the others go: it stays */
    CHECK_EQ(mpl_segment_create(place, SERVICE, 0), 0);
    open_both();
    fail_kinds = F_UNLINK;
    before_nth(1, another_segment);
    CHECK_EQ(mpl_retire(&r, &j), 1);
    CHECK_EQ(fail_never(), 1);
    segment_path(path, 1);
    CHECK_EQ(stat(path, &st), 0);
    close_both();

    born_anew(); /* one that cannot be removed can still be claimed in */
    CHECK_EQ(mpl_segment_create(place, SERVICE, 0), 0);
    open_both();
    fail_nth(1, EPERM);
    CHECK_EQ(mpl_retire(&r, &j), 1);
    CHECK_EQ(fail_never(), 1);
    CHECK_EQ(mpl_load(&((struct mpl_header *)(void *)r.segments[0].base)->state), MPL_LIVE);
    close_both();

    born_anew(); /* one that somebody has removed already is gone */
    CHECK_EQ(mpl_segment_create(place, SERVICE, 0), 0);
    open_both();
    segment_path(path, 0);
    CHECK_EQ(unlink(path), 0);
    CHECK_EQ(mpl_retire(&r, &j), 1);
    CHECK_EQ(mpl_load(&((struct mpl_header *)(void *)r.segments[0].base)->state), MPL_RETIRED);
    close_both();

    born_anew(); /* an event that has found no lane, counted before it is looked for the last time */
    CHECK_EQ(mpl_segment_create(place, SERVICE, 0), 0);
    open_both();
    fail_kinds = F_OPEN;
    before_nth(1, nowhere_to_log);
    CHECK_EQ(mpl_retire(&r, &j), 0);
    CHECK_EQ(fail_never(), 1);
    CHECK_EQ(mpl_load(&r.bell->state), MPL_LIVE);
    close_both();

    for (long n = 1, struck = 1, stayed = 0; struck || !stayed; n++) { /* somebody takes a lane before the n-th call */
        born_anew();
        CHECK_EQ(mpl_segment_create(place, SERVICE, 0), 0);
        open_both();
        fail_kinds = F_FCNTL | F_OPEN | F_UNLINK;
        other = -1;
        before_nth(n, takes_a_lane);
        const int gone = mpl_retire(&r, &j);
        struck = fail_never();
        CHECK(struck || gone);
        CHECK_EQ(mpl_load(&r.bell->state), gone ? MPL_RETIRED : MPL_LIVE);
        if (other >= 0)
            stayed += !gone, close(other);
        close_both();
        CHECK(n < 1000);
    }
}

static int test(const char *dir)
{
    char below[MPL_PATH];
    snprintf(below, sizeof below, "%s/here", dir);
    CHECK_EQ(mkdir(below, 0700), 0);
    place = below;
    cut();
    ahead();
    in_the_middle();
    retiring();
    return 0;
}
