/* SPDX-License-Identifier: Apache-2.0
 *
 * A journal of any bytes: {u16 bytes of the file's content (bit 15: its writes have a hand), u16 bytes of the page's beginning, content, beginning, the
 * positions of lane 0, touches}. It is refused or redone against a file; the redo ends, and neither reads nor writes out of bounds; what it owes then is
 * loaded and paid; a reader that believes its positions drains. The checksum over staging is made right, or no entry would ever be believed. */
#include "fuzz.h"
#include "ring/spool.h"

#define HEAD offsetof(struct mpl_journal_page, positions)
#define APART 0x8000u

static int file;
static char lines[STAGING];
static struct mpl_reader r;

static void start(void)
{
    fuzz_service();
    file = fuzz_file();
    for (size_t i = 0; i < STAGING; i++)
        lines[i] = (char)(i % 17 ? 'a' + i % 26 : '\n');
    REQUIRE(mpl_reader_open(&r, fuzz_dir, SERVICE, true, 1u << 20) == 0);
    REQUIRE(mpl_reader_scan(&r, NULL) == 1);
}

static size_t take(void *to, size_t room, const uint8_t **bytes, size_t *size)
{
    const size_t n = fuzz_min(room, *size);
    memcpy(to, *bytes, n);
    *bytes += n, *size -= n;
    return n;
}

static void spoil(struct mpl_journal *j, size_t head, const uint8_t *bytes, size_t size)
{
    struct mpl_journal_page *g = j->page;
    uint8_t boot[16];
    memcpy(boot, g->boot_id, sizeof boot);
    take(g, fuzz_min(head, HEAD), &bytes, &size);
    take(&g->positions[0][0], sizeof g->positions[0][0], &bytes, &size);
    take(&g->ovf_positions[0][0], sizeof g->ovf_positions[0][0], &bytes, &size);
    take(g->touches, sizeof g->touches, &bytes, &size);
    memcpy(g->boot_id, boot, sizeof boot);
    for (uint32_t i = 0; i < g->nwrites && i < MPL_MAX_SINKS; i++) {
        struct mpl_write *w = &g->writes[i];
        if (w->place <= STAGING && w->length <= STAGING - w->place)
            w->crc = mpl_crc32c(0, j->staging + w->place, w->length);
    }
}

/* What the entry has left owed. */
static void pay(struct mpl_journal *j)
{
    const int64_t length = mpl_spool_load(j, 0, j->staging, STAGING);
    REQUIRE(length <= (int64_t)STAGING);
    if (length <= 0)
        return;
    const struct mpl_part part = {.fd = file, .length = (size_t)length};
    mpl_unspool(j, &r, 0, &part);
}

static void redo(struct mpl_journal *j, bool apart)
{
    REQUIRE(mpl_journal_open(j, fuzz_dir, SERVICE, STAGING) == 0);
    if (apart)
        REQUIRE(mpl_journal_set_apart(j, 0, "") == 0);
    int found = mpl_redo(j, &r, file);
    REQUIRE(found < 0 || mpl_load(&j->page->state) != MPL_COMMIT);
    if (mpl_load(&j->page->state) == MPL_IDLE)
        pay(j);
    mpl_reader_close(&r);
    REQUIRE(mpl_reader_open(&r, fuzz_dir, SERVICE, true, 1u << 20) == 0);
    REQUIRE(mpl_reader_scan(&r, j) == 1);
    REQUIRE(mpl_drain(&r, 1u << 20) >= 0);
    mpl_journal_close(j);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct mpl_journal j = {0};
    char path[MPL_PATH];
    if (file == 0)
        start();
    if (size < 4)
        return 0;
    const unsigned first = (unsigned)bytes[0] | (unsigned)bytes[1] << 8, head = (unsigned)bytes[2] | (unsigned)bytes[3] << 8;
    const size_t content = fuzz_min(first & 4095u, size - 4);
    REQUIRE(ftruncate(file, 0) == 0 && pwrite(file, bytes + 4, content, 0) == (ssize_t)content);
    REQUIRE(mpl_journal_open(&j, fuzz_dir, SERVICE, STAGING) == 0);
    memcpy(j.staging, lines, STAGING);
    spoil(&j, head, bytes + 4 + content, size - 4 - content);
    mpl_journal_close(&j);
    redo(&j, first & APART);
    REQUIRE(mpl_path(path, fuzz_dir, SERVICE, "journal") == 0 && unlink(path) == 0);
    for (uint32_t s = 0; s < MPL_MAX_SINKS; s++)
        mpl_spool_remove(&j, s);
    for (uint32_t i = 0; i < r.segments[0].head.lanes; i++)
        memset(mpl_segment_lane(&r.segments[0], i), 0, sizeof(struct mpl_lane));
    return 0;
}
