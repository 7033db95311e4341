/* SPDX-License-Identifier: Apache-2.0
 *
 * A spool of any bytes: {u8 sums, u64 head, u64 end, u64 from, the file from head on}. What is loaded fits and has its checksum, goes into the file, and the
 * next one follows; what cannot be read is owed no more. With `sums` odd each frame gets the checksum that it ought to have, which no fuzzer would guess. */
#include "fuzz.h"
#include "ring/spool.h"

#define HEAD (1 + 3 * sizeof(uint64_t))

static struct fuzz_writer w;
static char path[MPL_PATH];

static void start(void)
{
    fuzz_writer(&w, MPL_PAGE);
    REQUIRE(mpl_path(path, fuzz_dir, SERVICE, "0.spool") == 0);
    REQUIRE(mpl_reader_open(&w.r, fuzz_dir, SERVICE, true, 1u << 20) == 0);
    REQUIRE(mpl_reader_scan(&w.r, &w.j) == 1);
}

static void sum_up(uint8_t *bytes, size_t size)
{
    uint32_t head[2];
    for (size_t at = 0; at + sizeof head <= size; at += mpl_spool_bytes(head[1])) {
        memcpy(head, bytes + at, sizeof head);
        if (head[1] > size - at - sizeof head)
            return;
        head[0] = mpl_crc32c(0, bytes + at + sizeof head, head[1]);
        memcpy(bytes + at, head, sizeof head);
    }
}

/* The first frame owed goes into the file: false when there is none. */
static bool pay(void)
{
    const struct mpl_file before = *mpl_journal_file(&w.j, 0);
    const int64_t length = mpl_spool_load(&w.j, 0, w.j.staging, STAGING);
    REQUIRE(length <= (int64_t)STAGING);
    if (length <= 0)
        return false;
    const struct mpl_part part = {.fd = w.file, .length = (size_t)length};
    REQUIRE(before.spool_from <= (uint64_t)length && mpl_unspool(&w.j, &w.r, 0, &part) >= 0);
    const struct mpl_file *after = mpl_journal_file(&w.j, 0);
    REQUIRE(after->spool_head == before.spool_head + mpl_spool_bytes((uint64_t)length) && after->spool_head <= after->spool_end);
    REQUIRE(after->spool_from == 0 && after->offset == before.offset + (uint64_t)length - before.spool_from);
    mpl_spool_trim(&w.j, 0);
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    uint64_t words[3];
    if (!w.file)
        start();
    if (size < HEAD)
        return 0;
    memcpy(words, bytes + 1, sizeof words);
    struct mpl_file file = {.spool_head = words[0], .spool_end = words[1] < words[0] ? words[0] : words[1], .spool_from = words[2]};
    const size_t rest = size - HEAD;
    uint8_t *frames = malloc(rest + 1);
    REQUIRE(frames != NULL);
    memcpy(frames, bytes + HEAD, rest);
    if (bytes[0] & 1)
        sum_up(frames, rest);
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    REQUIRE(fd >= 0 && ftruncate(w.file, 0) == 0);
    if (pwrite(fd, frames, rest, (off_t)words[0]) < 0)
        REQUIRE(words[0] > INT64_MAX - rest);
    close(fd);
    free(frames);
    mpl_journal_set_file(&w.j, 0, &file);
    while (pay()) {
    }
    mpl_spool_forget(&w.j, 0);
    REQUIRE(!mpl_journal_owes(&w.j, 0) && access(path, F_OK) != 0);
    return 0;
}
