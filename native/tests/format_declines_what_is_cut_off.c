/* SPDX-License-Identifier: Apache-2.0
 *
 * A payload that ends too early, or goes on after its end, is declined wherever that is. */
#include "payload.h"

static int test(const char *dir)
{
    char out[4 * LINE_BYTES], more[PAYLOAD_BYTES + 1];
    for (size_t len = 0; len < PAYLOAD_BYTES; len++)
        CHECK_EQ(format_exactly(PAYLOAD, len, sizeof out, out), MPL_FORMAT_DECLINED);
    memcpy(more, PAYLOAD, PAYLOAD_BYTES);
    more[PAYLOAD_BYTES] = 0;
    CHECK_EQ(format_exactly(more, sizeof more, sizeof out, out), MPL_FORMAT_DECLINED);
    (void)dir;
    return 0;
}
