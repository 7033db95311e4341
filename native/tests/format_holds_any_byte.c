/* SPDX-License-Identifier: Apache-2.0
 *
 * Whatever value any byte of a payload has: the event is declined, or is one line without anything in it that is not text. */
#include "payload.h"

static int test(const char *dir)
{
    char out[4 * LINE_BYTES], changed[PAYLOAD_BYTES];
    unsigned lines = 0;
    for (size_t at = 0; at < PAYLOAD_BYTES; at++)
        for (unsigned value = 0; value < 256; value++) {
            memcpy(changed, PAYLOAD, PAYLOAD_BYTES);
            changed[at] = (char)value;
            int n = format_exactly(changed, PAYLOAD_BYTES, sizeof out, out);
            if (n == MPL_FORMAT_DECLINED)
                continue;
            CHECK(n > 0);
            CHECK_EQ(out[n - 1], '\n');
            for (int i = 0; i < n - 1; i++)
                CHECK((unsigned char)out[i] >= 0x20 && out[i] != 0x7f);
            lines++;
        }
    CHECK(lines > 1000);
    (void)dir;
    return 0;
}
