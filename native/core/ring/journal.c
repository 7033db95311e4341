/* SPDX-License-Identifier: Apache-2.0
 *
 * The commit journal: exactly once into files. A batch is formatted into staging, described in an entry, and committed by one store; every step
 * after that store can be done again by whoever comes next. No file is ever shortened.
 *
 *   IDLE --(commit: one store)--> COMMIT --(heads, bytes, offset, settled)--> IDLE
 *   IDLE --(rotate_begin)-------> ROTATE --(renames, new file in force)-----> IDLE
 *
 * No field of the entry is written while the state is not IDLE; offsets and retargets are written beside the value in force and flipped by one store.
 *
 * Pairs kept here:
 *   journal:A            the whole entry before COMMIT; read by the redo of a later writer, which the kernel's lock orders after this one's death
 *   free:A / wait:A      head and settled before the look at waiters; waiters before the producer's last look at head and settled
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/futex.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "fault.h"
#include "fresh.h"
#include "overflow.h"
#include "session.h"

#define STAGING_OFF ((sizeof(struct mpl_journal_page) + MPL_PAGE - 1) / MPL_PAGE * MPL_PAGE)

/* What a journal must satisfy before a word of it is believed; a later writer may find the leavings of any accident. */
int mpl_journal_check(const struct mpl_journal_page *g, uint64_t file_bytes)
{
    if (g->magic != MPL_MAGIC_JOURNAL || g->byte_order != MPL_BYTE_ORDER)
        return MPL_E_CORRUPT;
    if (g->abi != MPL_ABI)
        return MPL_E_ABI;
    if (g->staging_off != STAGING_OFF || g->bytes != file_bytes || g->staging_bytes > file_bytes || g->staging_off + g->staging_bytes != file_bytes)
        return MPL_E_CORRUPT;
    if (mpl_load(&((struct mpl_journal_page *)(uintptr_t)g)->state) > MPL_ROTATE || g->nwrites > MPL_MAX_SINKS || g->ntouches > MPL_MAX_TOUCHES)
        return MPL_E_CORRUPT;
    for (uint32_t i = 0; i < g->nwrites; i++) {
        const struct mpl_write *w = &g->writes[i];
        if (w->sink >= MPL_MAX_SINKS || w->place > g->staging_bytes || w->length > g->staging_bytes - w->place)
            return MPL_E_CORRUPT;
        if (w->targets[0].from > w->length || w->targets[1].from > w->length)
            return MPL_E_CORRUPT;
    }
    for (uint32_t i = 0; i < g->ntouches; i++)
        if (g->touches[i].segment >= MPL_MAX_SEGMENTS || g->touches[i].lane >= MPL_MAX_LANES)
            return MPL_E_CORRUPT;
    return g->rotate.sink < MPL_MAX_SINKS ? 0 : MPL_E_CORRUPT;
}

static int journal_create(const char *path, const char *dir, size_t staging_bytes)
{
    struct mpl_fresh file;
    struct mpl_journal_page g = {.magic = MPL_MAGIC_JOURNAL, .abi = MPL_ABI, .byte_order = MPL_BYTE_ORDER, .staging_off = STAGING_OFF};
    g.staging_bytes = staging_bytes;
    g.bytes = STAGING_OFF + staging_bytes;
    mpl_boot_id(g.boot_id);
    int rc = mpl_fresh_open(&file, dir);
    if (rc)
        return rc;
    rc = fallocate(file.fd, 0, 0, (off_t)g.bytes) ? -errno : 0;
    if (!rc && pwrite(file.fd, &g, sizeof g, 0) != sizeof g)
        rc = -EIO;
    if (!rc && unlink(path) && errno != ENOENT) /* one that is not to be believed; only the one writer gets here */
        rc = -errno;
    if (!rc)
        rc = mpl_fresh_link(&file, path);
    mpl_fresh_close(&file);
    return rc;
}

static int journal_map(struct mpl_journal *j, const char *path)
{
    uint8_t boot[16];
    struct stat st;
    int fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW), rc = 0;
    if (fd < 0)
        return -errno;
    if (fstat(fd, &st) || (uint64_t)st.st_size < sizeof(struct mpl_journal_page))
        rc = MPL_E_CORRUPT;
    void *base = rc ? MAP_FAILED : mmap(NULL, (size_t)st.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    if (base == MAP_FAILED)
        return rc ? rc : -errno;
    struct mpl_journal_page *page = base;
    rc = mpl_journal_check(page, (uint64_t)st.st_size);
    if (!rc && (mpl_boot_id(boot) || memcmp(boot, page->boot_id, sizeof boot) != 0))
        rc = MPL_E_CORRUPT; /* of a former boot: what it says of files may not be true any more */
    for (uint32_t i = 0; !rc && mpl_load(&page->state) == MPL_COMMIT && i < page->nwrites; i++)
        if (mpl_crc32c(0, (char *)base + page->staging_off + page->writes[i].place, page->writes[i].length) != page->writes[i].crc && !SEEDED(staging_crc_unchecked))
            rc = MPL_E_CORRUPT;
    if (rc) {
        munmap(base, (size_t)st.st_size);
        return rc;
    }
    *j = (struct mpl_journal){.page = page, .staging = (char *)base + page->staging_off, .mapped = (size_t)st.st_size};
    return 0;
}

/* Role: W, holding the service's and the file's locks. Blocks: no. A journal that cannot be believed is replaced. */
int mpl_journal_open(struct mpl_journal *j, const char *dir, const char *service, size_t staging_bytes)
{
    char path[MPL_PATH];
    int rc = mpl_path(path, dir, service, "journal");
    if (rc)
        return rc;
    rc = journal_map(j, path);
    if (rc != -ENOENT && rc != MPL_E_CORRUPT && rc != MPL_E_ABI) /* the ABI stands in the path: another one inside is damage */
        return rc;
    rc = journal_create(path, dir, staging_bytes);
    if (!rc)
        rc = journal_map(j, path);
    j->fresh = rc == 0;
    return rc;
}

void mpl_journal_close(struct mpl_journal *j)
{
    if (j->page)
        munmap(j->page, j->mapped);
    j->page = NULL;
}

struct mpl_positions mpl_journal_position(const struct mpl_journal *j, uint32_t segment, uint64_t segment_id, uint32_t lane)
{
    if (j->page->segment_ids[segment] != segment_id)
        return (struct mpl_positions){0};
    return (struct mpl_positions){.pos = mpl_load(&j->page->positions[segment][lane]), .ovf = mpl_load(&j->page->ovf_positions[segment][lane]), .known = true};
}

void mpl_journal_adopt(struct mpl_journal *j, uint32_t segment, uint64_t segment_id)
{
    if (j->page->segment_ids[segment] == segment_id)
        return;
    for (uint32_t lane = 0; lane < MPL_MAX_LANES; lane++) {
        mpl_store(&j->page->positions[segment][lane], 0);
        mpl_store(&j->page->ovf_positions[segment][lane], 0);
    }
    mpl_fence_release();
    j->page->segment_ids[segment] = segment_id;
}

const struct mpl_file *mpl_journal_file(const struct mpl_journal *j, uint32_t sink)
{
    const struct mpl_sink_entry *s = &j->page->sinks[sink];
    return &s->files[mpl_load_acquire(&s->flip) & 1];
}

void mpl_journal_set_file(struct mpl_journal *j, uint32_t sink, const struct mpl_file *file)
{
    struct mpl_sink_entry *s = &j->page->sinks[sink];
    uint32_t flip = mpl_load(&s->flip);
    s->files[(flip + 1) & 1] = *file;
    mpl_store_release(&s->flip, flip + 1);
}

/* ---- step 4: space back to the producers, session words, positions -------------------------------------------------------------------------- */
static struct mpl_lane *lane_of(struct mpl_reader *r, const struct mpl_touch *t)
{
    struct mpl_segment *seg = &r->segments[t->segment];
    if (!r->views[t->segment] || seg->head.segment_id != t->segment_id || t->lane >= seg->head.lanes)
        return NULL; /* that segment is gone, and with it whoever could care */
    return mpl_segment_lane(seg, t->lane);
}

/* Not one that this entry has closed before a writer was killed: its slot may be a later session's at any moment. */
static bool names_session(const struct mpl_slot *slot, const struct mpl_touch *t)
{
    const uint64_t word = mpl_load_acquire(&slot->epoch_state);
    return mpl_word_epoch(word) == t->epoch && mpl_word_state(word) != MPL_S_CLOSED;
}

static void apply_heads(struct mpl_journal *j, struct mpl_reader *r)
{
    for (uint32_t i = 0; i < j->page->ntouches; i++) {
        const struct mpl_touch *t = &j->page->touches[i];
        struct mpl_lane *lane = lane_of(r, t);
        if (!lane || (i == 0 && SEEDED(head_skipped)))
            continue;
        mpl_raise(&j->page->positions[t->segment][t->lane], t->head);
        mpl_raise(&j->page->ovf_positions[t->segment][t->lane], t->ovf_head);
        mpl_raise(&lane->head, t->head);         /* ORD(drain:D) release: the copy; pairs with ORD(publish:A), ORD(publish:E) */
        mpl_raise(&lane->ovf_head, t->ovf_head); /* ORD(drain:E) release: the copy; pairs with ORD(overflow:B) */
        KILL_POINT(commit_head);
        struct mpl_slot *slot = &lane->slots[t->epoch % MPL_SLOTS];
        if (!names_session(slot, t))
            continue; /* I4 */
        mpl_store(&slot->delivered, t->delivered);
        mpl_store(&slot->filtered, t->filtered);
        mpl_store(&slot->untold, t->untold);
    }
}

static void wake_waiters(struct mpl_lane *lane)
{
    mpl_fence_full(); /* ORD(free:A) seq_cst: head and settled, then waiters; pairs with ORD(wait:A) */
    if (!mpl_load(&lane->waiters))
        return;
    mpl_store(&lane->waiters, 0);
    mpl_add(&lane->space_seq, 1);
    syscall(SYS_futex, &lane->space_seq, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
}

static void wake_all(struct mpl_journal *j, struct mpl_reader *r)
{
    for (uint32_t i = 0; i < j->page->ntouches; i++) {
        struct mpl_lane *lane = lane_of(r, &j->page->touches[i]);
        if (lane)
            wake_waiters(lane);
    }
}

/* Step 7. Settled is told only now: the bytes are in the file. */
static void apply_settled(struct mpl_journal *j, struct mpl_reader *r)
{
    for (uint32_t i = 0; i < j->page->ntouches; i++) {
        const struct mpl_touch *t = &j->page->touches[i];
        struct mpl_lane *lane = lane_of(r, t);
        if (!lane)
            continue;
        struct mpl_slot *slot = &lane->slots[t->epoch % MPL_SLOTS];
        if (!names_session(slot, t))
            continue;
        mpl_store_release(&slot->settled, t->settled);
        KILL_POINT(commit_settled);
        if (t->close && !SEEDED_ONCE(session_closed_twice))
            mpl_swap(&slot->epoch_state, mpl_session_word(t->epoch, MPL_S_ENDED), mpl_session_word(t->epoch, MPL_S_CLOSED));
    }
}

/* ---- step 5: the bytes ----------------------------------------------------------------------------------------------------------------------- */
static struct mpl_target target_of(const struct mpl_write *w) { return w->targets[mpl_load_acquire(&w->flip) & 1]; }

static void retarget(struct mpl_write *w, uint64_t offset, uint64_t from)
{
    uint32_t flip = mpl_load(&w->flip);
    w->targets[(flip + 1) & 1] = (struct mpl_target){.offset = offset, .from = from};
    mpl_store_release(&w->flip, flip + 1);
}

/* The longest common prefix of bytes[0, len) and the file from offset; -errno when the file cannot be read. */
static int64_t common_prefix(int fd, const char *bytes, uint64_t len, uint64_t offset)
{
    char chunk[65536];
    uint64_t k = 0;
    while (k < len) {
        size_t want = len - k < sizeof chunk ? len - k : sizeof chunk;
        ssize_t n = pread(fd, chunk, want, (off_t)(offset + k));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        for (ssize_t i = 0; i < n; i++)
            if (chunk[i] != bytes[k + (uint64_t)i])
                return (int64_t)(k + (uint64_t)i);
        k += (uint64_t)n;
        if (n == 0)
            break;
    }
    return (int64_t)k;
}

static int pwrite_whole(int fd, const char *bytes, uint64_t len, uint64_t offset)
{
    while (len) {
        ssize_t n = pwrite(fd, bytes, len, (off_t)offset);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? -errno : -EIO;
        KILL_POINT(commit_written_part);
        if ((uint64_t)n < len && SEEDED(short_write_believed))
            return 0;
        bytes += n, len -= (uint64_t)n, offset += (uint64_t)n;
    }
    return 0;
}

/* A line that somebody has left without its end gets one: the size then, or -errno. */
static int64_t end_line(int fd, uint64_t size)
{
    char last = '\n';
    if (size && pread(fd, &last, 1, (off_t)(size - 1)) < 0)
        return -errno;
    int rc = last == '\n' ? 0 : pwrite_whole(fd, "\n", 1, size);
    return rc ? rc : (int64_t)size + (last != '\n');
}

/* Cut between our look and our write, the file has a hole before our bytes, and our first line would begin in it: the hole gets a line end of its own. */
static int end_hole(int fd, uint64_t offset)
{
    char before = '\n';
    if (!offset || pread(fd, &before, 1, (off_t)(offset - 1)) != 1 || before)
        return 0;
    return pwrite_whole(fd, "\n", 1, offset - 1) ?: MPL_FOUND_TRUNCATED | MPL_FOUND_FOREIGN;
}

/* Somebody else's bytes stand where ours should: go on behind them, on a line of our own, from our last line end that is in the file. */
static int step_behind_foreign(struct mpl_journal *j, struct mpl_write *w, int fd, uint64_t size, uint64_t common)
{
    struct mpl_target t = target_of(w);
    const char *bytes = j->staging + w->place + t.from;
    uint64_t from = common;
    while (from && bytes[from - 1] != '\n')
        from--;
    int64_t end = end_line(fd, size);
    if (end < 0)
        return (int)end;
    retarget(w, (uint64_t)end, t.from + from);
    return MPL_FOUND_FOREIGN;
}

/* Looks at the file, then writes what is missing. Returns flags of what it found, or -errno. */
static int write_entry(struct mpl_journal *j, struct mpl_write *w, int fd)
{
    int found = 0;
    for (int round = 0; round < 8; round++) {
        struct stat st;
        struct mpl_target t = target_of(w);
        const char *bytes = j->staging + w->place + t.from;
        uint64_t len = w->length - t.from;
        if (fstat(fd, &st))
            return -errno;
        uint64_t size = (uint64_t)st.st_size;
        if (size < t.offset) {
            int64_t end = end_line(fd, size);
            if (end < 0)
                return (int)end;
            retarget(w, (uint64_t)end, t.from);
            found |= MPL_FOUND_TRUNCATED;
            continue;
        }
        if (size > t.offset && SEEDED(doubled_by_the_redo)) {
            retarget(w, size, t.from);
            continue;
        }
        int64_t common = size == t.offset ? 0 : common_prefix(fd, bytes, len, t.offset);
        if (common < 0)
            return (int)common;
        if ((uint64_t)common == len || size == t.offset + (uint64_t)common) {
            int rc = pwrite_whole(fd, bytes + common, len - (uint64_t)common, t.offset + (uint64_t)common) ?: end_hole(fd, t.offset);
            return rc < 0 ? rc : found | rc;
        }
        int rc = step_behind_foreign(j, w, fd, size, (uint64_t)common);
        if (rc < 0)
            return rc;
        found |= rc;
    }
    return -EBUSY; /* somebody appends faster than we look */
}

static void apply_offset(struct mpl_journal *j, const struct mpl_write *w)
{
    struct mpl_target t = target_of(w);
    struct mpl_file file = *mpl_journal_file(j, w->sink);
    if (file.offset != t.offset && SEEDED(offset_added_twice))
        t.offset = file.offset;
    file.offset = t.offset + w->length - t.from; /* what somebody appended behind it is found by the next batch */
    mpl_journal_set_file(j, w->sink, &file);
}

/* The writer's own positions and numbers follow the entry: also those of a later writer, who mapped the segments before it did this redo. */
static void take_over(struct mpl_journal *j, struct mpl_reader *r)
{
    for (uint32_t i = 0; i < j->page->ntouches; i++) {
        const struct mpl_touch *t = &j->page->touches[i];
        if (!lane_of(r, t))
            continue;
        struct mpl_view *v = &r->views[t->segment][t->lane];
        struct mpl_tally *tally = &v->tally[t->epoch % MPL_SLOTS];
        if ((int64_t)(t->head - v->pos) > 0)
            v->pos = t->head;
        if (t->ovf_head > v->ovf.pos)
            v->ovf.pos = t->ovf_head;
        if (tally->epoch == t->epoch || (int32_t)(t->epoch - tally->epoch) > 0)
            *tally = (struct mpl_tally){.epoch = t->epoch, .settled = t->settled, .delivered = t->delivered, .filtered = t->filtered, .untold = t->untold};
    }
}

struct step {
    struct mpl_journal *j;
    struct mpl_reader *r;
};

static int heads_body(void *arg)
{
    struct step *s = arg;
    take_over(s->j, s->r);
    apply_heads(s->j, s->r);
    wake_all(s->j, s->r);
    return 0;
}

static int settled_body(void *arg)
{
    struct step *s = arg;
    apply_settled(s->j, s->r);
    return 0;
}

static int wake_body(void *arg)
{
    struct step *s = arg;
    wake_all(s->j, s->r);
    return 0;
}

/* Chunks that the entry has passed go when it is over: until then a redo would want none of them, but a look at the files should show what was unread. */
static void sweep(struct mpl_journal *j, struct mpl_reader *r)
{
    for (uint32_t i = 0; i < j->page->ntouches; i++) {
        const struct mpl_touch *t = &j->page->touches[i];
        if (t->ovf_head && r->views[t->segment] && r->segments[t->segment].head.segment_id == t->segment_id)
            mpl_overflow_sweep(r, &r->views[t->segment][t->lane], t->ovf_head);
    }
}

/* Steps 4 to 7. Role: W. Blocks on the file. What it does it may have done before: all of it is absolute. */
int mpl_redo(struct mpl_journal *j, struct mpl_reader *r, int fd)
{
    struct mpl_journal_page *g = j->page;
    struct step step = {.j = j, .r = r};
    int found = 0;
    if (mpl_load(&g->state) != MPL_COMMIT)
        return 0;
    mpl_add(&r->bell->begun, 1);
    int rc = mpl_survive(r, heads_body, &step);
    if (rc < 0)
        return rc;
    KILL_POINT(commit_heads);
    if (g->nwrites && SEEDED(settled_before_the_bytes))
        mpl_survive(r, settled_body, &step);
    for (uint32_t i = 0; i < g->nwrites; i++) {
        rc = write_entry(j, &g->writes[i], fd);
        if (rc < 0)
            return rc;
        found |= rc;
        KILL_POINT(commit_written);
        apply_offset(j, &g->writes[i]);
        KILL_POINT(commit_offset);
    }
    rc = mpl_survive(r, settled_body, &step);
    if (rc < 0)
        return rc;
    KILL_POINT(commit_done);
    mpl_store_release(&g->state, MPL_IDLE);
    mpl_store_release(&r->bell->done, mpl_load(&r->bell->begun));
    mpl_survive(r, wake_body, &step);
    sweep(j, r);
    return found;
}

/* Role: W. Blocks on the file. `length` bytes of staging and the accepted items become one batch. */
int mpl_commit(struct mpl_journal *j, struct mpl_reader *r, uint32_t sink, int fd, size_t length)
{
    struct mpl_journal_page *g = j->page;
    if (mpl_load(&g->state) != MPL_IDLE || length > g->staging_bytes || sink >= MPL_MAX_SINKS)
        return MPL_E_STATE;
    g->batch++;
    g->nwrites = length ? 1 : 0;
    struct mpl_write *w = &g->writes[0];
    w->sink = sink;
    w->place = 0;
    w->length = length;
    w->crc = mpl_crc32c(0, j->staging, length);
    mpl_store(&w->flip, 0);
    w->targets[0] = (struct mpl_target){.offset = mpl_journal_file(j, sink)->offset};
    w->targets[1] = w->targets[0];
    memcpy(g->touches, r->touches, r->ntouches * sizeof *g->touches);
    g->ntouches = r->ntouches;
    KILL_POINT(commit_entry);
    mpl_store_release(&g->state, MPL_COMMIT); /* ORD(journal:A) release: the whole entry; pairs with ORD(journal:A), the redo after this writer's death */
    KILL_POINT(commit_point);
    r->committed_mono = r->accepted_mono;
    mpl_rewind(r);
    return mpl_redo(j, r, fd);
}

/* ---- rotation: the steps are the caller's (mplog/files/rotation.py), the state is kept here ---------------------------------------------------- */
int mpl_rotate_begin(struct mpl_journal *j, const struct mpl_rotation *rotation)
{
    struct mpl_journal_page *g = j->page;
    if (mpl_load(&g->state) != MPL_IDLE || rotation->sink >= MPL_MAX_SINKS)
        return MPL_E_STATE;
    g->rotate = *rotation;
    g->rotate.archive[sizeof g->rotate.archive - 1] = 0;
    KILL_POINT(rotate_entry);
    mpl_store_release(&g->state, MPL_ROTATE);
    KILL_POINT(rotate_point);
    return 0;
}

int mpl_rotate_end(struct mpl_journal *j, const struct mpl_file *file)
{
    if (mpl_load(&j->page->state) != MPL_ROTATE)
        return MPL_E_STATE;
    mpl_journal_set_file(j, j->page->rotate.sink, file);
    KILL_POINT(rotate_flipped);
    mpl_store_release(&j->page->state, MPL_IDLE);
    return 0;
}
