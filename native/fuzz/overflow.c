/* SPDX-License-Identifier: Apache-2.0
 *
 * An overflow of any bytes: {u8 sums, u8 passes, u16 control bytes, control page, chunks from the overflow's head on}. The lane itself holds nothing. The
 * writer drains, commits, ends and goes on; whatever it gives out lies in its arena, and it does not hang. With `sums` odd each frame gets the checksum
 * that it ought to have, which no fuzzer would guess. */
#include "fuzz.h"
#include "overflow.h"

#define CHUNKS 2

static char *base;
static struct mpl_reader r;
static struct mpl_journal j;
static int file;

static void start(void)
{
    fuzz_service();
    base = fuzz_map("0.ring", MPL_PAGE + MPL_MAX_LANES * (size_t)MPL_PAGE);
    file = open(fuzz_dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    REQUIRE(file >= 0);
    REQUIRE(mpl_journal_open(&j, fuzz_dir, SERVICE, STAGING) == 0);
}

static void chunk_path(char out[MPL_PATH], uint64_t chunk)
{
    const struct mpl_header *head = (const struct mpl_header *)(const void *)base;
    snprintf(out, MPL_PATH, "%s/%s.%u.%012llx.0.%llu.overflow", fuzz_dir, SERVICE, MPL_ABI, (unsigned long long)head->segment_id, (unsigned long long)chunk);
}

static void sum_up(uint8_t *bytes, size_t size)
{
    struct mpl_frame frame;
    for (size_t at = 0; at + sizeof frame <= size;) {
        memcpy(&frame, bytes + at, sizeof frame);
        if (frame.len == 0 || frame.len > size - at - sizeof frame)
            return;
        frame.crc = mpl_crc32c(0, bytes + at + sizeof frame, frame.len);
        memcpy(bytes + at, &frame, sizeof frame);
        at += sizeof frame + frame.len;
    }
}

/* The first chunk from the head on, what does not fit there at the beginning of the next. */
static void lay(uint64_t pos, const uint8_t *bytes, size_t size)
{
    for (int i = 0; i < CHUNKS; i++) {
        char path[MPL_PATH];
        const size_t part = fuzz_min(size, MPL_CHUNK_BYTES - pos % MPL_CHUNK_BYTES);
        chunk_path(path, mpl_chunk(pos));
        int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        REQUIRE(fd >= 0);
        REQUIRE(pwrite(fd, bytes, part, (off_t)(pos % MPL_CHUNK_BYTES)) == (ssize_t)part);
        close(fd);
        bytes += part;
        size -= part;
        pos += MPL_CHUNK_BYTES - pos % MPL_CHUNK_BYTES;
    }
}

static void work(void)
{
    struct mpl_end ends[8];
    int items = mpl_drain(&r, 1u << 20);
    REQUIRE(items >= 0);
    uint32_t taken = mpl_accept(&r, (uint32_t)items);
    REQUIRE(taken <= (uint32_t)items);
    for (uint32_t i = 0; i < taken; i++)
        REQUIRE((size_t)r.items[i].place + r.items[i].len <= r.arena_bytes && r.items[i].slot < MPL_SLOTS);
    REQUIRE(mpl_commit(&j, &r, 0, file, 0) >= 0);
    int count = mpl_ends(&r, true, ends, 8);
    for (int i = 0; i < count; i++)
        mpl_close_session(&r, &ends[i]);
    REQUIRE(mpl_commit(&j, &r, 0, file, 0) >= 0);
    mpl_pending(&r);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    if (!base)
        start();
    if (size < 4)
        return 0;
    const size_t words = fuzz_min((size_t)(bytes[2] | bytes[3] << 8), fuzz_min(size - 4, sizeof(struct mpl_lane)));
    struct mpl_lane *lane = (struct mpl_lane *)(void *)(base + MPL_PAGE);
    memset(lane, 0, sizeof *lane);
    memcpy(lane, bytes + 4, words);
    mpl_store(&lane->head, mpl_load(&lane->tail));
    mpl_store(&lane->rsv, mpl_load(&lane->tail));
    const uint64_t pos = mpl_load(&lane->ovf_head);
    const size_t rest = size - 4 - words;
    uint8_t *chunks = malloc(rest + 1);
    REQUIRE(chunks != NULL);
    memcpy(chunks, bytes + 4 + words, rest);
    if (bytes[0] & 1)
        sum_up(chunks, fuzz_min(rest, MPL_CHUNK_BYTES - pos % MPL_CHUNK_BYTES));
    lay(pos, chunks, rest);
    free(chunks);
    mpl_journal_adopt(&j, 0, 0);
    REQUIRE(mpl_reader_open(&r, fuzz_dir, SERVICE, true, 1u << 20) == 0);
    REQUIRE(mpl_reader_scan(&r, &j) == 1);
    for (int pass = 0; pass < 1 + (bytes[1] & 3); pass++)
        work();
    mpl_overflow_remove(&r);
    mpl_reader_close(&r);
    memset(lane, 0, sizeof *lane);
    return 0;
}
