/* SPDX-License-Identifier: Apache-2.0
 *
 * A file that appears under its name whole or not at all, and of which a kill leaves nothing. */
#ifndef MPL_FRESH_H
#define MPL_FRESH_H

#include "mpl.h"

struct mpl_fresh {
    int fd;
    char temporary[MPL_PATH + 32]; /* empty where the file has no name yet */
};

int mpl_fresh_open(struct mpl_fresh *f, const char *dir);        /* an empty file in dir, mode 0600 */
int mpl_fresh_link(const struct mpl_fresh *f, const char *path); /* -EEXIST where something stands there already */
void mpl_fresh_close(struct mpl_fresh *f);                       /* the temporary name goes, a linked one stays */

#endif
