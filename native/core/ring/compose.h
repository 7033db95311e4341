/* SPDX-License-Identifier: Apache-2.0
 *
 * Items of a drain as lines in the staging area. Role: W. Never blocks, but in the fallback. */
#ifndef MPL_COMPOSE_H
#define MPL_COMPOSE_H

#include "format/format.h"
#include "mpl.h"

struct mpl_compose {
    struct mpl_reader *r;
    uint32_t sink; /* whose lines */
    uint32_t most; /* items; 0: all there are */
    mpl_formatter format; /* what it declines goes to the fallback, and so does every item behind a gap */
    char *at, *end;       /* where the lines go */
    size_t room;          /* where the file is to end: the first line alone may go over it */
    /* Makes an item's lines in `out`: their length, 0 where `room` is too little, or below 0 to end it all. */
    int64_t (*fallback)(void *arg, const struct mpl_item *item, char *out, size_t room);
    void *arg;
    struct mpl_second *second;
    uint32_t count; /* items that are in, those that leave no line included */
    size_t size;    /* bytes of their lines */
};
/* Takes items until one does not fit. 0, or what the fallback has ended it with. */
int mpl_compose(struct mpl_compose *c);

#endif
