/* SPDX-License-Identifier: Apache-2.0
 *
 * The thread that writes a file, and a writer that gives it up while a write hangs: from then on the entry is the writer's alone, so the bytes go where the
 * targets said before that, and the hand can be given work again when the write is over. Deadlines fall before, into and after the writes: each is either
 * whole or given up. For ThreadSanitizer above all. The C library's pwrite is replaced here by one that hangs as long as it is told to. */
#include <pthread.h>
#include <sys/syscall.h>

#include "hand.h"
#include "service.h"
#include "sink.h"

#define ROUNDS 400u
#define LINE 64u

static mpl_a32 hold, inside; /* while set, writes to the file hang; those that do */
static mpl_a64 slow_ns;
static int file;

/* Instead of the C library's: the core calls this one. */
ssize_t pwrite(int fd, const void *bytes, size_t len, off_t at)
{
    if (fd == file) {
        mpl_add(&inside, 1);
        while (mpl_load_acquire(&hold))
            pause_ns(100000);
        if (mpl_load(&slow_ns))
            pause_ns(mpl_load(&slow_ns));
        mpl_add(&inside, (uint32_t)-1);
    }
    return syscall(SYS_pwrite64, fd, bytes, len, at);
}

static struct mpl_write entry_at(uint64_t offset)
{
    return (struct mpl_write){.length = LINE, .targets = {{offset, 0}, {offset, 0}}};
}

static void line_at(char *out, uint64_t n)
{
    memset(out, 'a' + (int)(n % 26), LINE - 1);
    out[LINE - 1] = '\n';
}

static void until_idle(struct mpl_hand *h)
{
    while (mpl_hand_busy(h))
        pause_ns(100000);
}

static uint64_t size_now(void)
{
    struct stat st;
    CHECK_EQ(fstat(file, &st), 0);
    return (uint64_t)st.st_size;
}

/* It hangs in its write; meanwhile the entry and the bytes given are used for something else. */
static void hangs(struct mpl_hand *h)
{
    char bytes[LINE], there[LINE];
    struct mpl_write w = entry_at(0);
    line_at(bytes, 1);
    mpl_store_release(&hold, 1);
    CHECK_EQ(mpl_hand_give(h, &w, bytes, file), 0);
    while (!mpl_load_acquire(&inside))
        pause_ns(100000);
    CHECK_EQ(mpl_hand_wait(h, mpl_now(CLOCK_MONOTONIC) + 1000000u), -ETIMEDOUT);
    CHECK(mpl_hand_busy(h) && mpl_hand_given_up(h));
    memset(&w, 0x55, sizeof w);
    memset(bytes, '?', sizeof bytes);
    mpl_store_release(&hold, 0);
    until_idle(h);
    for (size_t i = 0; i < sizeof w; i++)
        CHECK_EQ(((unsigned char *)&w)[i], 0x55);
    CHECK_EQ(pread(file, there, LINE, 0), LINE);
    line_at(bytes, 1);
    CHECK_EQ(memcmp(bytes, there, LINE), 0);
}

/* Given up before it has come to where it would have moved its target: it leaves that alone, and writes nothing. */
static void gives_way(struct mpl_hand *h)
{
    char bytes[LINE];
    struct mpl_write w = entry_at(2 * LINE); /* the file has been cut: a line end first, then another target */
    line_at(bytes, 2);
    CHECK_EQ(ftruncate(file, LINE / 2), 0);
    mpl_store_release(&hold, 1);
    CHECK_EQ(mpl_hand_give(h, &w, bytes, file), 0);
    while (!mpl_load_acquire(&inside))
        pause_ns(100000);
    CHECK_EQ(mpl_hand_wait(h, mpl_now(CLOCK_MONOTONIC)), -ETIMEDOUT);
    mpl_store_release(&hold, 0);
    until_idle(h);
    CHECK_EQ(w.targets[0].offset, 2 * LINE);
    CHECK_EQ(w.targets[1].offset, 2 * LINE);
    CHECK_EQ(mpl_load(&w.flip), 0);
    CHECK_EQ(size_now(), LINE / 2 + 1); /* the line end that hung */
}

/* Deadlines of all lengths beside writes of all lengths. */
static void races(struct mpl_hand *h)
{
    uint64_t dice = 88172645463325252u, done = 0, given_up = 0, offset = 0;
    char bytes[LINE], there[LINE];
    CHECK_EQ(ftruncate(file, 0), 0);
    for (uint64_t n = 0; n < ROUNDS; n++) {
        struct mpl_write w = entry_at(offset);
        line_at(bytes, n);
        mpl_store(&slow_ns, next_random(&dice) % 300000u);
        CHECK_EQ(mpl_hand_give(h, &w, bytes, file), 0);
        int rc = mpl_hand_wait(h, mpl_now(CLOCK_MONOTONIC) + next_random(&dice) % 400000u);
        CHECK(rc == 0 || rc == -ETIMEDOUT);
        rc ? given_up++ : done++;
        CHECK_EQ(mpl_target_of(&w).offset, offset);
        if (rc)
            memset(&w, 0x55, sizeof w);
        until_idle(h);
        CHECK(rc != 0 || size_now() == offset + LINE);
        CHECK(size_now() == offset || size_now() == offset + LINE); /* a write is not cut by being given up */
        if (size_now() > offset) {
            CHECK_EQ(pread(file, there, LINE, (off_t)offset), LINE);
            CHECK_EQ(memcmp(bytes, there, LINE), 0);
            offset += LINE;
        }
    }
    printf("%" PRIu64 " writes waited for, %" PRIu64 " given up\n", done, given_up);
    CHECK(done > 0 && given_up > 0);
}

static int test(const char *dir)
{
    char path[MPL_PATH], bytes[LINE];
    snprintf(path, sizeof path, "%s/file", dir);
    file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    CHECK(file >= 0);
    struct mpl_hand *h = mpl_hand_new(path);
    CHECK(h != NULL);
    hangs(h);
    gives_way(h);
    races(h);
    struct mpl_write w = entry_at(size_now());
    line_at(bytes, 7);
    CHECK_EQ(unlink(path), 0);
    CHECK_EQ(mpl_hand_give(h, &w, bytes, file), 0);
    CHECK_EQ(mpl_hand_wait(h, mpl_now(CLOCK_MONOTONIC) + 5000000000u), -ESTALE); /* another file, or none, stands at the path */
    mpl_hand_free(h);
    return 0;
}
