/* SPDX-License-Identifier: Apache-2.0
 *
 * when_full=overflow: what the lane has no room for goes into chunks, comes out behind it in order, and the producer goes back to the lane when all of that
 * is drained; the bound holds, low levels give way first, chunks that were read are gone, and an owner of another policy does not adopt what is unread. */
#include <dirent.h>

#include "overflow.h"
#include "service.h"

static uint64_t sent;

static enum mpl_outcome put(struct mpl_producer *p, unsigned level, size_t len)
{
    char payload[16384];
    payload_fill(payload, 1, ++sent, len);
    return mpl_publish(p, level, 0, 0, payload, len);
}

static unsigned chunks(const char *dir)
{
    unsigned count = 0;
    DIR *d = opendir(dir);
    CHECK(d != NULL);
    for (struct dirent *e = readdir(d); e; e = readdir(d))
        count += strstr(e->d_name, ".overflow") != NULL;
    closedir(d);
    return count;
}

static void fill_to_the_bound(struct mpl_producer *p, uint64_t *info, uint64_t *errors)
{
    while (put(p, 20, 9000) == MPL_ACCEPTED)
        ++*info;
    CHECK(p->overflowing);
    CHECK_EQ(p->overflow_error, -EDQUOT);
    while (put(p, 40, 9000) == MPL_ACCEPTED)
        ++*errors;
}

/* Lane 0 of segment 0 is the only one there, and holds what nobody has read. */
static void other_policies_do_not_adopt(const char *dir)
{
    struct mpl_producer other;
    CHECK_EQ(mpl_producer_init(&other, dir, SERVICE, "blocks"), 0);
    CHECK_EQ(mpl_attach(&other), 0);
    CHECK_EQ(other.segment, 1);
    mpl_producer_free(&other);
}

/* Its events come behind its predecessor's, and go to the lane when all of those are drained. */
static void an_adopter_goes_on(struct mpl_producer *next, struct writer *w, const char *dir)
{
    CHECK_EQ(mpl_producer_init(next, dir, SERVICE, "adopts"), 0);
    next->when_full = MPL_OVERFLOW;
    CHECK_EQ(mpl_attach(next), 0);
    CHECK_EQ(next->segment + next->lane_number, 0);
    CHECK(next->overflowing);
    uint64_t tail = next->tail;
    CHECK_EQ(put(next, 20, 500), MPL_ACCEPTED);
    CHECK_EQ(next->tail, tail);
    writer_all(w);
    CHECK_EQ(chunks(dir), 1); /* the one that the next frame would go into */
    CHECK_EQ(mpl_load(&w->r.bell->overflow_bytes), MPL_CHUNK_BYTES);
    CHECK_EQ(put(next, 20, 500), MPL_ACCEPTED);
    CHECK(!next->overflowing && next->tail > tail);
    mpl_detach(next, false);
}

static int test(const char *dir)
{
    static struct writer w;
    struct mpl_producer p, next;
    uint64_t info = 0, errors = 0;
    service_make(dir);
    lanes_of(dir, MPL_LANE_SMALL, MPL_ORIGIN);
    int others = only_lane_zero(dir);
    producer_make(&p, dir, "overflows");
    p.when_full = MPL_OVERFLOW;
    p.overflow_bytes = 8 * MPL_CHUNK_BYTES;
    CHECK_EQ(writer_open(&w, dir), 0);

    fill_to_the_bound(&p, &info, &errors);
    CHECK(errors >= MPL_CHUNK_BYTES / 9100 && info > 5 * errors / 2);
    CHECK_EQ(chunks(dir), 8);
    CHECK_EQ(mpl_load(&p.bell->overflow_bytes), 8 * MPL_CHUNK_BYTES);
    CHECK_EQ(mpl_load(&p.lane->drops[MPL_REASON_overflow][1]), 1);
    CHECK_EQ(mpl_load(&p.lane->drops[MPL_REASON_overflow][3]), 1);
    mpl_producer_free(&p);
    other_policies_do_not_adopt(dir);
    an_adopter_goes_on(&next, &w, dir);
    writer_all(&w);

    struct tally t = tally_file(w.file);
    CHECK_EQ(t.torn, 0);
    CHECK_EQ(t.out_of_order, 0);
    CHECK_EQ(t.events, info + errors + 2);
    CHECK_EQ(t.dropped, 2);
    CHECK_EQ(writer_quarantines(&w), 0);
    mpl_producer_free(&next);
    close(others);
    CHECK_EQ(mpl_retire(&w.r, &w.j), 1);
    CHECK_EQ(chunks(dir), 0);
    writer_close(&w);
    return 0;
}
