/* SPDX-License-Identifier: Apache-2.0
 *
 * Secrets in the middle of a text, by how they look: `password=…` and `token: …`, `Bearer …`, the password in a URL, card numbers with their check digit. Any
 * role, after a fork too; reads nothing but its arguments; the time is linear in the text. */
#ifndef MPL_PATTERNS_H
#define MPL_PATTERNS_H

#include "codec/redact.h"

struct mpl_secret { /* where it stands in the text */
    size_t from, to;
};

struct mpl_search { /* of one text; zero at its beginning */
    size_t at, no_at; /* what begins before `no_at` is in no URL with a password */
};

/* The next secret that begins at search->at or later, which is behind it then. `names`: of the keys whose values are secrets. */
bool mpl_secret_next(const struct mpl_redaction *names, const uint8_t *text, size_t n, struct mpl_search *search, struct mpl_secret *out);

#define MPL_CARD_DIGITS 13u /* a card number has at least so many */

/* Whether any secret that is no card number may be there, for a few instructions a block; its digits are added to *digits. */
bool mpl_may_hold_secret(const uint8_t *text, size_t n, unsigned *digits);

#endif
