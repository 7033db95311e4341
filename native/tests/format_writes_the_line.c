/* SPDX-License-Identifier: Apache-2.0
 *
 * A plain event becomes its line, in each format; in less room than that it becomes nothing, and more is no better, beyond what an int can count too. */
#include "payload.h"

static void in_all_the_room_of_the_world(const struct sample *s)
{
    const size_t room = (size_t)INT32_MAX + 2;
    struct mpl_second second = {0};
    char *out = mmap(NULL, room, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    CHECK(out != MAP_FAILED);
    CHECK_EQ(mpl_formatter_of(s->format)(&second, &STAMP, (const uint8_t *)s->payload, s->payload_bytes, out, room), (int)s->line_bytes);
    CHECK(memcmp(out, s->line, s->line_bytes) == 0);
    munmap(out, room);
}

static int test(const char *dir)
{
    char out[LONGEST_LINE];
    EACH_SAMPLE (s) {
        CHECK_EQ(format_exactly(s->format, s->payload, s->payload_bytes, s->line_bytes, out), (int)s->line_bytes);
        CHECK(memcmp(out, s->line, s->line_bytes) == 0);
        for (size_t room = 0; room < s->line_bytes; room++)
            CHECK_EQ(format_exactly(s->format, s->payload, s->payload_bytes, room, out), MPL_FORMAT_NO_ROOM);
        in_all_the_room_of_the_world(s);
    }
    (void)dir;
    return 0;
}
