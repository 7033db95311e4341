/* SPDX-License-Identifier: Apache-2.0
 *
 * A plain event becomes its line; in less room than that it becomes nothing. */
#include "payload.h"

static int test(const char *dir)
{
    char out[LINE_BYTES];
    CHECK_EQ(format_exactly(PAYLOAD, PAYLOAD_BYTES, LINE_BYTES, out), LINE_BYTES);
    CHECK(memcmp(out, LINE, LINE_BYTES) == 0);
    for (size_t room = 0; room < LINE_BYTES; room++)
        CHECK_EQ(format_exactly(PAYLOAD, PAYLOAD_BYTES, room, out), MPL_FORMAT_NO_ROOM);
    (void)dir;
    return 0;
}
