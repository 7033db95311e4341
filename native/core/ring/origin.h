/* SPDX-License-Identifier: Apache-2.0
 *
 * Where the events of a session come from, as text of the writer's own. Role: W. */
#ifndef MPL_ORIGIN_H
#define MPL_ORIGIN_H

#include "format/format.h"
#include "mpl.h"

#define MPL_NAME_CHARS (3 * MPL_NAME)

struct mpl_known {
    uint32_t epoch; /* of what stands here; 0: nothing yet */
    struct mpl_origin origin;
    char session[48], name[MPL_NAME_CHARS], json[256];
};

static inline struct mpl_known *mpl_known_at(struct mpl_reader *r, uint32_t view, uint32_t slot)
{
    return &r->known[view / MPL_MAX_LANES][view % MPL_MAX_LANES * MPL_SLOTS + slot];
}
/* Reads the slot when the session is a new one; guarded, as everything that reads a lane. */
void mpl_know(struct mpl_reader *r, const struct mpl_view *v, uint32_t slot);

/* Text of a name in shared memory, at most n bytes up to a zero: whatever is not UTF-8 becomes U+FFFD. Returns its length; there must be room for 3 n. */
size_t mpl_name_text(char *out, const char *name, size_t n);

/* The time of an item as it is shown; mpl_wall_look first, once a drain. */
void mpl_wall_look(struct mpl_reader *r);
uint64_t mpl_wall_shown(struct mpl_reader *r, const struct mpl_item *item);

#endif
