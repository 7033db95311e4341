/* SPDX-License-Identifier: Apache-2.0
 *
 * An overflow of any bytes: {u8 sums, u8 passes, u16 control bytes, control page, chunks from the overflow's head on}. The lane itself holds nothing. The
 * writer drains, commits, ends and goes on; whatever it gives out lies in its arena, and it does not hang. With `sums` odd each frame gets the checksum
 * that it ought to have, which no fuzzer would guess. */
#include "fuzz.h"

#define CHUNKS 2

static char *base;
static struct fuzz_writer w;

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

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    if (!base)
        base = fuzz_writer(&w, MPL_PAGE + MPL_MAX_LANES * (size_t)MPL_PAGE);
    if (size < 4)
        return 0;
    struct mpl_lane *lane = (struct mpl_lane *)(void *)(base + MPL_PAGE);
    const size_t used = fuzz_control(lane, bytes, size), rest = size - used;
    mpl_store(&lane->head, mpl_load(&lane->tail));
    mpl_store(&lane->rsv, mpl_load(&lane->tail));
    const uint64_t pos = mpl_load(&lane->ovf_head);
    uint8_t *chunks = malloc(rest + 1);
    REQUIRE(chunks != NULL);
    memcpy(chunks, bytes + used, rest);
    if (bytes[0] & 1)
        sum_up(chunks, fuzz_min(rest, MPL_CHUNK_BYTES - pos % MPL_CHUNK_BYTES));
    lay(pos, chunks, rest);
    free(chunks);
    fuzz_passes(&w, 1 + (bytes[1] & 3));
    memset(lane, 0, sizeof *lane);
    return 0;
}
