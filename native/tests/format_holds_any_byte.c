/* SPDX-License-Identifier: Apache-2.0
 *
 * Whatever value any byte of a payload has: the event is declined, or is one line without anything in it that is not text. */
#include "payload.h"

static unsigned lines;

static void one(const struct sample *s, const char *changed)
{
    char out[LONGEST_LINE];
    int n = format_exactly(s->format, changed, s->payload_bytes, sizeof out, out);
    if (n == MPL_FORMAT_DECLINED)
        return;
    CHECK(n > 0);
    CHECK_EQ(out[n - 1], '\n');
    for (int i = 0; i < n - 1; i++)
        CHECK((unsigned char)out[i] >= 0x20 && out[i] != 0x7f);
    lines++;
}

static int test(const char *dir)
{
    char changed[LONGEST_LINE];
    EACH_SAMPLE (s) {
        lines = 0;
        for (size_t at = 0; at < s->payload_bytes; at++)
            for (unsigned value = 0; value < 256; value++) {
                memcpy(changed, s->payload, s->payload_bytes);
                changed[at] = (char)value;
                one(s, changed);
            }
        CHECK(lines > 1000);
    }
    (void)dir;
    return 0;
}
