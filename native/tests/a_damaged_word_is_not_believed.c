/* SPDX-License-Identifier: Apache-2.0
 *
 * Words of the journal, of a spool's frame, of a lane and of a session, each damaged by itself: who reads it says so, or goes by what can be true. */
#include "fails.h"
#include "service.h"
#include "spool.h"

#define TEXT "what is owed\n"
#define LONG_AGO 0x1234567890abcdefu

static struct mpl_journal j;

/* ---- the journal -------------------------------------------------------------------------------------------------------- */
static struct mpl_journal_page *page; /* a copy of one with a write and a touch */

static void journal_says(const char *what, int expected)
{
    const int rc = mpl_journal_check(page, j.page->bytes);
    if (rc != expected)
        fprintf(stderr, "%s\n", what);
    CHECK_EQ(rc, expected);
}

#define WITH(field, value, expected)                                                                                                                         \
    do {                                                                                                                                                     \
        memcpy(page, j.page, sizeof *page);                                                                                                                  \
        page->nwrites = page->ntouches = 1;                                                                                                                  \
        page->field = (value);                                                                                                                               \
        journal_says(#field, expected);                                                                                                                      \
    } while (0)
#define DAMAGED(field, value) WITH(field, value, MPL_E_CORRUPT)
#define RIGHT(field, value) WITH(field, value, 0)

static void owes_more(void) { mpl_journal_set_file(&j, 0, &(struct mpl_file){.spool_end = 16}); }

static void journal(const char *dir)
{
    const uint64_t staging = j.page->staging_bytes;
    page = malloc(sizeof *page);
    CHECK(page != NULL);
    RIGHT(nwrites, MPL_MAX_SINKS);
    DAMAGED(magic, LONG_AGO);
    DAMAGED(byte_order, 0x04030201u);
    DAMAGED(staging_off, 0);
    DAMAGED(bytes, 0);
    DAMAGED(staging_bytes, staging - 8);
    DAMAGED(staging_bytes, UINT64_MAX);
    DAMAGED(state, MPL_ROTATE + 1);
    DAMAGED(nwrites, MPL_MAX_SINKS + 1);
    DAMAGED(nsinks, MPL_MAX_SINKS + 1);
    DAMAGED(ntouches, MPL_MAX_TOUCHES + 1);
    DAMAGED(writes[0].sink, MPL_MAX_SINKS);
    RIGHT(writes[0].place, staging);
    DAMAGED(writes[0].place, staging + 1);
    RIGHT(writes[0].length, staging);
    DAMAGED(writes[0].length, staging + 1);
    RIGHT(writes[0].lead, MPL_LEAD);
    DAMAGED(writes[0].lead, MPL_LEAD + 1);
    DAMAGED(writes[0].targets[0].from, 1);
    DAMAGED(writes[0].targets[1].from, 1);
    DAMAGED(sinks[3].files[1].spool_head, 1);
    DAMAGED(touches[0].segment, MPL_MAX_SEGMENTS);
    DAMAGED(touches[0].lane, MPL_MAX_LANES);
    DAMAGED(leads[3].length, MPL_LEAD + 1);
    DAMAGED(rotate.lead.length, MPL_LEAD + 1);
    DAMAGED(rotate.sink, MPL_MAX_SINKS);
    memcpy(page, j.page, sizeof *page);
    page->abi = MPL_ABI + 1;
    journal_says("abi", MPL_E_ABI);
    free(page);

    /* what is owed is read by others, while the writer writes */
    uint64_t owed[MPL_MAX_SINKS];
    mpl_journal_set_file(&j, 1, &(struct mpl_file){.spool_head = 8, .spool_end = 40});
    CHECK_EQ(mpl_owed(dir, SERVICE, owed), 0);
    CHECK(owed[0] == 0 && owed[1] == 32);
    mpl_journal_set_file(&j, 1, &(struct mpl_file){.spool_head = 8, .spool_end = 0});
    CHECK_EQ(mpl_owed(dir, SERVICE, owed), MPL_E_CORRUPT);
    mpl_journal_set_file(&j, 1, &(struct mpl_file){0});
    j.page->abi++;
    CHECK_EQ(mpl_owed(dir, SERVICE, owed), MPL_E_CORRUPT);
    j.page->abi--;
    j.page->byte_order ^= 1;
    CHECK_EQ(mpl_owed(dir, SERVICE, owed), MPL_E_CORRUPT);
    j.page->byte_order ^= 1;
    j.page->magic ^= 1;
    CHECK_EQ(mpl_owed(dir, SERVICE, owed), MPL_E_CORRUPT);
    j.page->magic ^= 1;
    fail_kinds = F_PREAD;
    before_nth(3, owes_more); /* between two looks at the same words: they are read again */
    CHECK_EQ(mpl_owed(dir, SERVICE, owed), 0);
    CHECK(fail_never() == 1 && owed[0] == 16);
    mpl_journal_set_file(&j, 0, &(struct mpl_file){0});
    j.page->boot_id[3] ^= 1; /* of a former boot: nobody owes anything any more */
    mpl_journal_set_file(&j, 1, &(struct mpl_file){.spool_end = 40});
    CHECK_EQ(mpl_owed(dir, SERVICE, owed), 0);
    CHECK_EQ(owed[1], 0);
    j.page->boot_id[3] ^= 1;
    mpl_journal_set_file(&j, 1, &(struct mpl_file){0});
    char nowhere[MPL_PATH];
    CHECK_EQ(mpl_path(nowhere, dir, SERVICE, "elsewhere"), 0);
    CHECK_EQ(mpl_owed(nowhere, SERVICE, owed), 0); /* no journal: nothing */

    /* one that cannot be believed is replaced, and what it said of spools is forgotten */
    char path[MPL_PATH];
    CHECK_EQ(mpl_spool_append(&j, 2, 0, TEXT, strlen(TEXT)), 0);
    j.page->boot_id[3] ^= 1; /* of a former boot */
    struct mpl_journal next;
    CHECK_EQ(mpl_journal_open(&next, dir, SERVICE, STAGING), 0);
    CHECK(next.fresh);
    CHECK_EQ(mpl_path(path, dir, SERVICE, "2.spool"), 0);
    CHECK(access(path, F_OK) && errno == ENOENT);
    mpl_journal_close(&j);
    j = next;
}

/* A rotation begins where nothing else is under way, or where a sync has failed, and ends once. */
static void rotation(void)
{
    const struct mpl_file file = {.ino = 7};
    struct mpl_rotation to = {.sink = MPL_MAX_SINKS};
    CHECK_EQ(mpl_rotate_end(&j, &file), MPL_E_STATE);
    CHECK_EQ(mpl_rotate_begin(&j, &to), MPL_E_STATE);
    to.sink = 1;
    mpl_store(&j.page->state, MPL_COMMIT);
    CHECK_EQ(mpl_rotate_begin(&j, &to), MPL_E_STATE);
    mpl_store(&j.page->syncing, 1); /* another file's */
    CHECK_EQ(mpl_rotate_begin(&j, &to), MPL_E_STATE);
    mpl_store(&j.page->syncing, 0);
    mpl_store(&j.page->state, MPL_IDLE);
    CHECK_EQ(mpl_rotate_begin(&j, &to), 0);
    CHECK_EQ(mpl_rotate_begin(&j, &to), MPL_E_STATE);
    CHECK_EQ(mpl_rotate_end(&j, &file), 0);
    CHECK_EQ(mpl_journal_file(&j, 1)->ino, 7);
    CHECK_EQ(mpl_rotate_end(&j, &file), MPL_E_STATE);
}

/* ---- a spool ------------------------------------------------------------------------------------------------------------ */
static int64_t loaded(uint64_t head, uint64_t end, uint64_t from, size_t room)
{
    char out[64];
    CHECK(room <= sizeof out);
    mpl_journal_set_file(&j, 0, &(struct mpl_file){.spool_head = head, .spool_end = end, .spool_from = from});
    return mpl_spool_load(&j, 0, out, room);
}

static void overwrite(const char *path, uint32_t value, off_t at)
{
    int fd = open(path, O_RDWR | O_CLOEXEC);
    CHECK(fd >= 0 && pwrite(fd, &value, sizeof value, at) == sizeof value);
    close(fd);
}

static void spool(const char *dir)
{
    const int64_t length = (int64_t)strlen(TEXT);
    const uint64_t end = mpl_spool_bytes((uint64_t)length);
    char path[MPL_PATH];
    CHECK_EQ(mpl_path(path, dir, SERVICE, "0.spool"), 0);
    CHECK_EQ(loaded(0, 0, 0, 64), 0);
    CHECK_EQ(loaded(0, end, 0, 64), MPL_E_CORRUPT); /* there is no file */
    CHECK_EQ(mpl_spool_append(&j, 0, 0, TEXT, (uint64_t)length), 0);
    CHECK_EQ(loaded(0, end, 0, (size_t)length), length);
    CHECK_EQ(loaded(0, end, (uint64_t)length, 64), length);
    CHECK_EQ(loaded(0, end, (uint64_t)length + 1, 64), MPL_E_CORRUPT);
    CHECK_EQ(loaded(0, end, 0, (size_t)length - 1), MPL_E_CORRUPT);
    CHECK_EQ(loaded(0, end - 8, 0, 64), MPL_E_CORRUPT);
    CHECK_EQ(loaded(end, 2 * end, 0, 64), MPL_E_CORRUPT); /* the file ends before it */
    overwrite(path, 0, 4);
    CHECK_EQ(loaded(0, end, 0, 64), MPL_E_CORRUPT);
    overwrite(path, (uint32_t)length, 4);
    CHECK_EQ(loaded(0, end, 0, 64), length);
    overwrite(path, 0, 8);
    CHECK_EQ(loaded(0, end, 0, 64), MPL_E_CORRUPT);
    CHECK_EQ(truncate(path, 10), 0);
    CHECK_EQ(loaded(0, end, 0, 64), MPL_E_CORRUPT);

    fail_kinds = F_FALLOCATE;
    fail_nth(1, EOPNOTSUPP); /* a file system that reserves nothing */
    CHECK_EQ(mpl_spool_reserve(&j, 0, 4096), 0);
    CHECK_EQ(fail_never(), 1);
    mpl_spool_forget(&j, 0);
    CHECK(!mpl_journal_owes(&j, 0));
    CHECK(access(path, F_OK) && errno == ENOENT);
}

/* ---- a lane's positions -------------------------------------------------------------------------------------------------- */
static void each_lane(const char *dir, size_t word, uint64_t value)
{
    struct mpl_segment seg;
    CHECK_EQ(mpl_segment_map(&seg, dir, SERVICE, 0, PROT_READ | PROT_WRITE, false), 0);
    for (uint32_t i = 0; i < seg.head.lanes; i++)
        mpl_store((mpl_a64 *)(void *)((char *)mpl_segment_lane(&seg, i) + word), value);
    mpl_segment_unmap(&seg);
}

static uint32_t claimed_in(const char *dir)
{
    struct mpl_producer p;
    producer_make(&p, dir, "some");
    const uint32_t segment = p.segment;
    mpl_producer_free(&p);
    return segment;
}

static void lanes(const char *dir)
{
    static const struct {
        size_t word;
        uint64_t right, wrong;
    } rows[] = {
        {offsetof(struct mpl_lane, tail), MPL_ORIGIN, MPL_ORIGIN - 8},
        {offsetof(struct mpl_lane, tail), MPL_ORIGIN, MPL_ORIGIN + 8}, /* behind rsv */
        {offsetof(struct mpl_lane, rsv), MPL_ORIGIN, MPL_ORIGIN + 4},
        {offsetof(struct mpl_lane, rsv), MPL_ORIGIN, MPL_ORIGIN + MPL_LANE_SMALL + 8},
        {offsetof(struct mpl_lane, head), MPL_ORIGIN, MPL_ORIGIN - MPL_LANE_SMALL - 8},
        {offsetof(struct mpl_lane, ovf_end), 0, MPL_OVERFLOW_MOST + 8},
        {offsetof(struct mpl_lane, quarantined), 0, 1},
    };
    lanes_of(dir, MPL_LANE_SMALL, MPL_ORIGIN);
    CHECK_EQ(claimed_in(dir), 0);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        each_lane(dir, rows[i].word, rows[i].wrong);
        CHECK_EQ(claimed_in(dir), 1);
        each_lane(dir, rows[i].word, rows[i].right);
        CHECK_EQ(claimed_in(dir), 0);
    }
    struct mpl_lane words;
    memset(&words, 0, sizeof words);
    CHECK(mpl_lane_sane(&words));
    mpl_store(&words.capacity, 12345);
    CHECK(!mpl_lane_sane(&words));
}

/* ---- a session's words ----------------------------------------------------------------------------------------------------- */
static void sessions(const char *dir)
{
    struct mpl_lane lane;
    memset(&lane, 0, sizeof lane);
    CHECK(!mpl_sessions_broken(&lane, 0));
    mpl_store(&lane.epoch, 3);
    mpl_store(&lane.slots[3].epoch_state, mpl_session_word(3, MPL_S_LIVE));
    CHECK(!mpl_sessions_broken(&lane, 3));
    mpl_store(&lane.slots[2].epoch_state, mpl_session_word(2, MPL_S_ENDED));
    CHECK(!mpl_sessions_broken(&lane, 3));
    mpl_store(&lane.slots[2].epoch_state, mpl_session_word(2, MPL_S_LIVE)); /* one that is over, and lives */
    CHECK(mpl_sessions_broken(&lane, 3));
    mpl_sessions_mend(&lane, 3);
    CHECK_EQ(mpl_load(&lane.slots[2].epoch_state), mpl_session_word(2, MPL_S_ENDED));
    CHECK(!mpl_sessions_broken(&lane, 3));

    struct mpl_producer p;
    struct mpl_reader r;
    struct mpl_end ends[64];
    producer_make(&p, dir, "some");
    struct mpl_slot *slot = p.slot;
    mpl_store(&slot->settled, 9);
    mpl_store(&slot->told[0].lost_first, 3);
    mpl_store(&slot->told[0].lost_last, 5);
    mpl_store(&slot->told[0].untold, 2);
    mpl_store(&slot->told[1].lost_first, 3);
    mpl_store(&slot->told[1].lost_last, 5);
    mpl_store(&slot->told[1].untold, 3); /* as many as there are numbers, and one more */
    mpl_store(&slot->told[2].lost_first, 6);
    mpl_store(&slot->told[2].lost_last, 5);
    mpl_store(&slot->told[2].untold, 10);
    struct mpl_slot *other = &p.lane->slots[(p.epoch + 1) % MPL_SLOTS];
    mpl_store(&other->epoch_state, mpl_session_word(p.epoch + 2, MPL_S_ENDED)); /* in a slot that is not its own */
    j.page->segment_ids[p.segment] = p.segment_id; /* a journal that is behind what the lane says */
    mpl_store(&j.page->positions[p.segment][p.lane_number], mpl_load(&p.lane->head) - 64);
    CHECK_EQ(mpl_reader_open(&r, dir, SERVICE, true, ARENA), 0);
    CHECK_EQ(mpl_reader_scan(&r, &j), 1);
    const struct mpl_view *v = mpl_view_at(&r, p.segment * MPL_MAX_LANES + p.lane_number);
    const struct mpl_told *told = v->tally[p.epoch % MPL_SLOTS].told;
    CHECK_EQ(v->pos, mpl_load(&p.lane->head));
    CHECK_EQ(told[0].untold, 2);
    CHECK_EQ(told[1].untold, 0);
    CHECK_EQ(told[2].lost_first + told[2].lost_last + told[2].untold, 0);
    const int ended = mpl_ends(&r, false, ends, 64);
    for (int i = 0; i < ended; i++)
        CHECK(ends[i].view != p.segment * MPL_MAX_LANES + p.lane_number || ends[i].epoch < p.epoch);
    mpl_reader_close(&r);
    mpl_producer_free(&p);
}

static int test(const char *dir)
{
    service_make(dir);
    CHECK_EQ(mpl_journal_open(&j, dir, SERVICE, STAGING), 0);
    journal(dir);
    rotation();
    spool(dir);
    lanes(dir);
    sessions(dir);
    mpl_journal_close(&j);
    return 0;
}
