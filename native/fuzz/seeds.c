/* SPDX-License-Identifier: Apache-2.0
 *
 * seeds DIR: writes what the harnesses begin with, taken from a real service. */
#include "fuzz.h"
#include "ring/frame.h"
#include "ring/spool.h"

static const char *out_dir;

static void save(const char *name, const void *a, size_t a_bytes, const void *b, size_t b_bytes)
{
    char path[MPL_PATH];
    snprintf(path, sizeof path, "%s/%s", out_dir, name);
    FILE *f = fopen(path, "w");
    REQUIRE(f && fwrite(a, 1, a_bytes, f) == a_bytes && fwrite(b, 1, b_bytes, f) == b_bytes && fclose(f) == 0);
}

static void save_lane(const char *name, const struct mpl_lane *lane, const char *data, uint8_t which)
{
    char head[4 + sizeof *lane];
    uint16_t bytes = sizeof *lane;
    uint64_t offset = mpl_load(&lane->head) & (MPL_LANE_LARGE - 1);
    head[0] = (char)which;
    head[1] = 3;
    memcpy(head + 2, &bytes, 2);
    memcpy(head + 4, lane, sizeof *lane);
    save(name, head, sizeof head, data + offset, 512);
}

static void lanes(void)
{
    struct mpl_producer p;
    REQUIRE(mpl_producer_init(&p, fuzz_dir, SERVICE, "seed") == 0 && mpl_attach(&p) == 0);
    for (int i = 0; i < 3; i++)
        REQUIRE(mpl_publish(&p, 20, 0, 0, "an event of a few bytes", 23) == MPL_ACCEPTED);
    save_lane("lane/live", p.lane, p.data, 0);
    mpl_drop(&p, MPL_REASON_lane_full, 20);
    REQUIRE(mpl_publish(&p, 40, 1, MPL_FLAG_CUT, "after a drop", 12) == MPL_ACCEPTED);
    mpl_store(&p.lane->rsv, p.tail + 64);
    save_lane("lane/dropped_and_in_flight", p.lane, p.data, 1);
    mpl_store(&p.lane->rsv, p.tail);
    struct mpl_lane ended = *p.lane;
    mpl_store(&ended.slots[1].epoch_state, 1ull << 32 | MPL_S_ENDED);
    mpl_store(&ended.slots[1].last, p.seq);
    mpl_store(&ended.slots[1].end_pos, p.tail);
    save_lane("lane/ended", &ended, p.data, 1);
    mpl_detach(&p, true);
}

/* What a lane that was full has left in its overflow; all of the lane is drained. */
static void overflow(void)
{
    static const char text[60000];
    char path[MPL_PATH], chunk[4096] = "", head[4 + sizeof(struct mpl_lane)];
    struct mpl_producer p;
    const uint16_t bytes = sizeof(struct mpl_lane);
    REQUIRE(mpl_producer_init(&p, fuzz_dir, SERVICE, "seed") == 0 && mpl_attach(&p) == 0);
    p.when_full = MPL_OVERFLOW;
    while (mpl_load(&p.lane->ovf_end) == mpl_load(&p.lane->ovf_head))
        REQUIRE(mpl_publish(&p, 20, 0, 0, text, p.seq < 20 ? sizeof text : 23) == MPL_ACCEPTED);
    for (int i = 0; i < 3; i++)
        REQUIRE(mpl_publish(&p, 40, 0, 0, "an event of a few bytes", 23) == MPL_ACCEPTED);
    snprintf(path, sizeof path, "%s/%s.%u.%012llx.%u.0.overflow", fuzz_dir, SERVICE, MPL_ABI, (unsigned long long)p.segment_id, p.lane_number);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    REQUIRE(fd >= 0 && pread(fd, chunk, sizeof chunk, 0) > 0);
    close(fd);
    struct mpl_lane lane = *p.lane;
    for (unsigned i = 0; i < MPL_SLOTS; i++)
        if (mpl_load(&lane.slots[i].epoch_state) >> 32 == p.epoch)
            mpl_store(&lane.slots[i].settled, p.seq - 4);
    head[0] = 1;
    head[1] = 3;
    memcpy(head + 2, &bytes, 2);
    memcpy(head + 4, &lane, sizeof lane);
    save("overflow/full_lane", head, sizeof head, chunk, sizeof chunk);
    mpl_detach(&p, true);
}

/* As the harness takes it apart: content, the page's beginning, positions, and as many touches. */
static void save_journal(const char *name, const char *content, unsigned flags, const struct mpl_journal_page *g)
{
    static char out[1 << 16];
    const uint16_t words[2] = {(uint16_t)(flags | strlen(content)), offsetof(struct mpl_journal_page, positions)};
    char *at = out;
    at = mempcpy(at, words, sizeof words);
    at = mempcpy(at, content, strlen(content));
    at = mempcpy(at, g, words[1]);
    at = mempcpy(at, (const void *)&g->positions[0][0], sizeof g->positions[0][0]);
    at = mempcpy(at, (const void *)&g->ovf_positions[0][0], sizeof g->ovf_positions[0][0]);
    save(name, out, (size_t)(at - out), g->touches, g->ntouches * sizeof *g->touches);
}

static void journals(void)
{
    static const char content[] = "old\nnew\n";
    struct mpl_journal j;
    REQUIRE(mpl_journal_open(&j, fuzz_dir, SERVICE, STAGING) == 0);
    save_journal("journal/idle", content, 0, j.page);
    j.page->nwrites = 1;
    j.page->ntouches = 1;
    j.page->writes[0] = (struct mpl_write){.length = 100, .targets = {{4, 0}, {4, 0}}};
    j.page->touches[0] = (struct mpl_touch){.epoch = 1, .head = MPL_ORIGIN + 64};
    mpl_store(&j.page->state, MPL_COMMIT);
    save_journal("journal/commit_over_foreign_bytes", content, 0, j.page);
    j.page->writes[0].targets[0].offset = 8;
    j.page->sync = 1;
    save_journal("journal/commit", content, 0, j.page);
    j.page->writes[0].owed = 1;
    save_journal("journal/commit_of_what_is_owed", content, 0x8000, j.page);
    mpl_store(&j.page->state, MPL_IDLE);
    mpl_journal_close(&j);
}

/* Two frames that a file is owed. */
static void spools(void)
{
    static const char lines[] = "a line that is owed\n";
    const uint64_t frame = mpl_spool_bytes(sizeof lines - 1), words[3] = {0, 2 * frame, 0};
    char head[1 + sizeof words] = {1}, path[MPL_PATH], whole[256];
    struct mpl_journal j;
    REQUIRE(mpl_journal_open(&j, fuzz_dir, SERVICE, STAGING) == 0 && mpl_path(path, fuzz_dir, SERVICE, "0.spool") == 0);
    for (uint64_t at = 0; at < 2 * frame; at += frame)
        REQUIRE(mpl_spool_append(&j, 0, at, lines, sizeof lines - 1) == 0);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    REQUIRE(fd >= 0 && pread(fd, whole, 2 * frame, 0) > 0);
    close(fd);
    memcpy(head + 1, words, sizeof words);
    save("spool/two", head, sizeof head, whole, 2 * frame);
    mpl_journal_close(&j);
}

/* Two records as the overflow has them, and the end of a chunk behind them. */
static void frames(void)
{
    const struct mpl_frame nothing = {0};
    char whole[2 * (MPL_FRAME_HEAD + 24)];
    for (int i = 0; i < 2; i++) {
        const char payload[24] = "a payload";
        struct mpl_record head = {.len = sizeof head + sizeof payload, .epoch = 1, .seq = (uint64_t)i + 1, .payload_len = sizeof payload, .level = 20};
        struct mpl_frame frame = {.crc = mpl_frame_sum(&head, payload), .len = head.len};
        char *at = whole + (size_t)i * (MPL_FRAME_HEAD + sizeof payload);
        memcpy(at, &frame, sizeof frame);
        memcpy(at + sizeof frame, &head, sizeof head);
        memcpy(at + MPL_FRAME_HEAD, payload, sizeof payload);
    }
    save("frames/two", whole, sizeof whole, "", 0);
    save("frames/closed", whole, sizeof whole / 2, &nothing, sizeof nothing);
}

int main(int argc, char **argv)
{
    REQUIRE(argc == 2);
    out_dir = argv[1];
    LLVMFuzzerInitialize(NULL, NULL);
    fuzz_service();
    char *base = fuzz_map("0.ring", MPL_PAGE);
    save("header/live", base, sizeof(struct mpl_header), "", 0);
    lanes();
    overflow();
    journals();
    spools();
    frames();
    return 0;
}
