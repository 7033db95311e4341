/* SPDX-License-Identifier: Apache-2.0 */
#include "format.h"

int mpl_format_text(struct mpl_second *last, const struct mpl_stamp *stamp, const uint8_t *payload, size_t len, char *out, size_t room)
{
    (void)last, (void)stamp, (void)payload, (void)len, (void)out, (void)room;
    return MPL_FORMAT_DECLINED;
}
