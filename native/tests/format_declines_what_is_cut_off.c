/* SPDX-License-Identifier: Apache-2.0
 *
 * A payload that ends too early, or goes on after its end, is declined wherever that is, by every format. */
#include "payload.h"

static int test(const char *dir)
{
    char out[LONGEST_LINE], more[LONGEST_LINE] = {0};
    EACH_SAMPLE (s) {
        for (size_t len = 0; len < s->payload_bytes; len++)
            CHECK_EQ(format_exactly(s->format, s->payload, len, sizeof out, out), MPL_FORMAT_DECLINED);
        memcpy(more, s->payload, s->payload_bytes);
        more[s->payload_bytes] = 0;
        CHECK_EQ(format_exactly(s->format, more, s->payload_bytes + 1, sizeof out, out), MPL_FORMAT_DECLINED);
    }
    (void)dir;
    return 0;
}
