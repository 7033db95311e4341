/* SPDX-License-Identifier: Apache-2.0
 *
 * A plain event becomes its line, in each format; in less room than that it becomes nothing. */
#include "payload.h"

static int test(const char *dir)
{
    char out[LONGEST_LINE];
    EACH_SAMPLE (s) {
        CHECK_EQ(format_exactly(s->format, s->payload, s->payload_bytes, s->line_bytes, out), (int)s->line_bytes);
        CHECK(memcmp(out, s->line, s->line_bytes) == 0);
        for (size_t room = 0; room < s->line_bytes; room++)
            CHECK_EQ(format_exactly(s->format, s->payload, s->payload_bytes, room, out), MPL_FORMAT_NO_ROOM);
    }
    (void)dir;
    return 0;
}
