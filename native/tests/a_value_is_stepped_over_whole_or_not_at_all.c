/* SPDX-License-Identifier: Apache-2.0
 *
 * Whatever kind a msgpack value is of, the reader that takes any steps over it exactly, and over no part of it: nothing behind its end is looked at. */
#include "check.h"
#include "codec/msgpack.h"

#define VALUE(text, kind) {text, sizeof(text) - 1, MPL_MSG_##kind}

static const struct {
    const char *bytes;
    size_t count;
    enum mpl_msg_kind kind;
} values[] = {
    VALUE("\x07", INT), VALUE("\xff", INT), VALUE("\xcd\x01\x02", INT), VALUE("\xd3\x01\x02\x03\x04\x05\x06\x07\x08", INT), VALUE("\xc0", NIL),
    VALUE("\xc3", BOOL), VALUE("\xa3" "abc", STR), VALUE("\xd9\x03" "abc", STR), VALUE("\xda\x00\x03" "abc", STR), VALUE("\xdb\x00\x00\x00\x03" "abc", STR),
    VALUE("\xca\x3f\x80\x00\x00", FLOAT), VALUE("\xcb\x3f\xf0\x00\x00\x00\x00\x00\x00", FLOAT),
    VALUE("\xc4\x03" "abc", OTHER), VALUE("\xc5\x00\x03" "abc", OTHER), VALUE("\xc6\x00\x00\x00\x03" "abc", OTHER),
    VALUE("\xc7\x03\x01" "abc", OTHER), VALUE("\xc8\x00\x03\x01" "abc", OTHER), VALUE("\xc9\x00\x00\x00\x03\x01" "abc", OTHER), VALUE("\xc7\x00\x01", OTHER),
    VALUE("\xd4\x01" "a", OTHER), VALUE("\xd5\x01" "ab", OTHER), VALUE("\xd6\x01" "abcd", OTHER), VALUE("\xd7\x01" "abcdefgh", OTHER),
    VALUE("\xd8\x01" "abcdefghijklmnop", OTHER),
};

/* The first `count` bytes in a block of their own, so that a sanitiser sees a byte too far. */
static bool step(const char *bytes, size_t count, struct mpl_msg *m, size_t *taken)
{
    uint8_t *block = malloc(count ? count : 1);
    CHECK(block != NULL);
    memcpy(block, bytes, count);
    struct mpl_cursor c = {.at = block, .end = block + count};
    const bool whole = mpl_msg_any(&c, m);
    *taken = (size_t)(c.at - block);
    free(block);
    return whole;
}

static int test(const char *dir)
{
    struct mpl_msg m;
    size_t taken;
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        for (size_t count = 0; count < values[i].count; count++)
            CHECK(!step(values[i].bytes, count, &m, &taken));
        CHECK(step(values[i].bytes, values[i].count, &m, &taken));
        CHECK_EQ(taken, values[i].count);
        CHECK_EQ(m.kind, values[i].kind);
    }
    CHECK(!step("\xc1", 1, &m, &taken)); /* never used */
    (void)dir;
    return 0;
}
