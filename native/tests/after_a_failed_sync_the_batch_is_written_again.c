/* SPDX-License-Identifier: Apache-2.0
 *
 * A sync that fails is not repeated by its descriptor, and nobody is told that anything is on the disk: the batch, which staging has still, goes whole into a
 * new file, behind the lead that tells of it. A later writer that finds the mark of a sync writes the batch again where it is. */
#include "service.h"

#define EVENTS 20u
#define LEAD "S 000000000000 0 0 0 0 0 0 0\n"

static int failing, syncs; /* how many syncs are to fail yet, and how many there were */
static uint64_t written;   /* bytes, by this process */

int fdatasync(int fd)
{
    (void)fd;
    syncs++;
    if (failing <= 0)
        return 0;
    failing--;
    errno = EIO;
    return -1;
}

ssize_t pwrite(int fd, const void *bytes, size_t count, off_t at)
{
    CHECK_EQ(lseek(fd, at, SEEK_SET), at);
    written += count;
    return write(fd, bytes, count);
}

static struct mpl_slot *slot_of(struct mpl_producer *p) { return p->slot; }

/* One event in a file that is synced, then a batch of which the sync fails. */
static void until_it_fails(struct writer *w, struct mpl_producer *p, const char *dir)
{
    service_make(dir);
    CHECK_EQ(writer_open(w, dir), 0);
    producer_make(p, dir, "durable");
    CHECK_EQ(send_event(p, 1, 1, 40), MPL_ACCEPTED);
    w->j.sync = true;
    CHECK(mpl_reader_scan(&w->r, &w->j) >= 0);
    CHECK_EQ(writer_batch(w), 1);
    CHECK_EQ(mpl_synced(p), 1);
    for (uint64_t n = 2; n <= EVENTS; n++)
        CHECK_EQ(send_event(p, 1, n, 40), MPL_ACCEPTED);
    failing = 1;
    CHECK_EQ(writer_batch(w), -EIO);
}

static void nobody_is_told(struct writer *w, struct mpl_producer *p)
{
    const int before = syncs;
    CHECK_EQ(mpl_redo(&w->j, &w->r, w->fd), -EIO);
    CHECK_EQ(syncs, before); /* not by this descriptor, not again */
    CHECK_EQ(mpl_load(&w->j.page->state), MPL_COMMIT);
    CHECK_EQ(mpl_synced(p), 1);
    CHECK_EQ(mpl_settled(p), 1);
    CHECK_EQ(mpl_load(&slot_of(p)->doubt), 0);
}

static void goes_into_a_new_file(struct writer *w, struct mpl_producer *p, const char *dir)
{
    char path[MPL_PATH];
    const struct mpl_unsure unsure = mpl_sync_unsure(&w->j, 0);
    struct mpl_rotation r = {.generation = 1};
    CHECK_EQ(unsure.synced, unsure.from);
    CHECK(unsure.end > unsure.from && unsure.from > 0);
    strcpy(r.archive, "archive");
    memcpy(r.lead.text, LEAD, strlen(LEAD));
    mpl_store(&r.lead.length, (uint32_t)strlen(LEAD));
    CHECK_EQ(mpl_rotate_begin(&w->j, &r), 0);
    snprintf(path, sizeof path, "%s/new", dir);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    struct stat st;
    CHECK_EQ(fstat(fd, &st), 0);
    const struct mpl_file file = {.dev = st.st_dev, .ino = st.st_ino, .generation = 2};
    CHECK_EQ(mpl_rotate_end(&w->j, &file), 0);
    CHECK_EQ(mpl_load(&w->j.page->state), MPL_COMMIT);
    CHECK(mpl_redo(&w->j, &w->r, fd) >= 0);
    CHECK_EQ(mpl_load(&w->j.page->state), MPL_IDLE);
    CHECK_EQ(mpl_synced(p), EVENTS);
    struct tally t = tally_file(path);
    CHECK_EQ(t.events, EVENTS - 1);
    CHECK_EQ(t.ends, 1); /* the lead, once */
    CHECK_EQ(fstat(fd, &st), 0);
    CHECK_EQ(mpl_journal_file(&w->j, 0)->offset, st.st_size);
    CHECK_EQ(send_event(p, 1, EVENTS + 1, 40), MPL_ACCEPTED);
    close(w->fd);
    w->fd = fd;
    CHECK_EQ(writer_batch(w), 1);
    CHECK_EQ(mpl_synced(p), EVENTS + 1);
    CHECK_EQ(tally_file(path).ends, 1);
}

/* What was never synced and is in no batch any more is in doubt, before any later number is on the disk. */
static void doubt_comes_before(struct writer *w, struct mpl_producer *p)
{
    const int lost = syncs;
    w->j.sync = false;
    CHECK_EQ(send_event(p, 1, EVENTS + 2, 40), MPL_ACCEPTED);
    CHECK_EQ(writer_batch(w), 1);
    CHECK_EQ(mpl_synced(p), EVENTS + 1);
    CHECK_EQ(syncs, lost);
    CHECK(!mpl_take_doubt(p));
    CHECK_EQ(mpl_tell_doubt(&w->r), 0);
    CHECK_EQ(mpl_sync(&w->j, &w->r, &w->fd, 1), 0);
    CHECK_EQ(mpl_synced(p), EVENTS + 2);
    CHECK(mpl_take_doubt(p));
    CHECK(!mpl_take_doubt(p));
}

/* The writer is gone in the middle of its sync. The next one has another descriptor. */
static void is_written_again(const char *dir)
{
    static struct writer w, later;
    struct mpl_producer p;
    until_it_fails(&w, &p, dir);
    const uint64_t batch = mpl_sync_unsure(&w.j, 0).end - mpl_sync_unsure(&w.j, 0).from;
    close(w.fd);
    close(w.lock);
    CHECK_EQ(mpl_reader_open(&later.r, dir, SERVICE, true, ARENA), 0);
    CHECK_EQ(mpl_journal_open(&later.j, dir, SERVICE, STAGING), 0);
    CHECK(mpl_reader_scan(&later.r, &later.j) >= 0);
    later.fd = open(w.file, O_RDWR | O_CLOEXEC);
    CHECK_EQ(mpl_redo(&later.j, &later.r, later.fd), -EIO); /* as long as nobody has seen to it */
    mpl_sync_anew(&later.j, 0);
    const uint64_t before = written;
    CHECK(mpl_redo(&later.j, &later.r, later.fd) >= 0);
    CHECK_EQ(written - before, batch);
    CHECK_EQ(mpl_synced(&p), EVENTS);
    CHECK_EQ(tally_file(w.file).events, EVENTS);
    mpl_producer_free(&p);
}

static int test(const char *dir)
{
    static struct writer w;
    struct mpl_producer p;
    char other[MPL_PATH];
    until_it_fails(&w, &p, dir);
    nobody_is_told(&w, &p);
    goes_into_a_new_file(&w, &p, dir);
    doubt_comes_before(&w, &p);
    mpl_producer_free(&p);
    writer_close(&w);
    snprintf(other, sizeof other, "%s/other", dir);
    CHECK_EQ(mkdir(other, 0700), 0);
    is_written_again(other);
    return 0;
}
