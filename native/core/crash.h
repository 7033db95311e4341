/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MPL_CRASH_H
#define MPL_CRASH_H

#include "mpl.h"

void mpl_crash_forget(const struct mpl_producer *p); /* it is about to be freed */

#endif
