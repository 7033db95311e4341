/* SPDX-License-Identifier: Apache-2.0
 *
 * A journal of any bytes: {u16 bytes of the file's content, content, then the page from its start}. It is refused or redone against a file; the redo ends, and
 * neither reads nor writes out of bounds. The checksum over staging is made right, or no entry would ever be believed. */
#include "fuzz.h"

static int file;
static struct mpl_reader r;

static void start(void)
{
    fuzz_service();
    file = open(fuzz_dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    REQUIRE(file >= 0);
    REQUIRE(mpl_reader_open(&r, fuzz_dir, SERVICE, true, 1u << 20) == 0);
    REQUIRE(mpl_reader_scan(&r, NULL) == 1);
}

static void spoil(struct mpl_journal *j, const uint8_t *bytes, size_t size)
{
    struct mpl_journal_page *g = j->page;
    uint8_t boot[16];
    memcpy(boot, g->boot_id, sizeof boot);
    memcpy(g, bytes, fuzz_min(size, sizeof *g));
    memcpy(g->boot_id, boot, sizeof boot);
    for (uint32_t i = 0; i < g->nwrites && i < MPL_MAX_SINKS; i++) {
        struct mpl_write *w = &g->writes[i];
        if (w->place <= STAGING && w->length <= STAGING - w->place)
            w->crc = mpl_crc32c(0, j->staging + w->place, w->length);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct mpl_journal j = {0};
    char path[MPL_PATH];
    if (file == 0)
        start();
    if (size < 2)
        return 0;
    size_t content = fuzz_min((size_t)(bytes[0] | bytes[1] << 8) & 4095, size - 2);
    REQUIRE(ftruncate(file, 0) == 0 && pwrite(file, bytes + 2, content, 0) == (ssize_t)content);
    REQUIRE(mpl_journal_open(&j, fuzz_dir, SERVICE, STAGING) == 0);
    for (size_t i = 0; i < STAGING; i++)
        j.staging[i] = (char)(i % 17 ? 'a' + i % 26 : '\n');
    spoil(&j, bytes + 2 + content, size - 2 - content);
    mpl_journal_close(&j);
    REQUIRE(mpl_journal_open(&j, fuzz_dir, SERVICE, STAGING) == 0);
    int found = mpl_redo(&j, &r, file);
    REQUIRE(found < 0 || mpl_load(&j.page->state) != MPL_COMMIT);
    mpl_journal_close(&j);
    REQUIRE(mpl_path(path, fuzz_dir, SERVICE, "journal") == 0 && unlink(path) == 0);
    for (uint32_t i = 0; i < r.segments[0].head.lanes; i++)
        memset(mpl_segment_lane(&r.segments[0], i), 0, sizeof(struct mpl_lane));
    return 0;
}
