/* SPDX-License-Identifier: Apache-2.0
 *
 * Which keys hold secrets, and an encoded event without them. A name covers a key that is equal to it or ends in it as a word of its own, whatever the case
 * and whatever separates its letters: `token` covers `TOKEN`, `db_token`, `x-auth.token`, `form[token]` and `accessToken`, not `tokens`; `api_key` covers
 * `apiKey`. Role: P. Never blocks; the table survives a fork as it is. */
#ifndef MPL_REDACT_H
#define MPL_REDACT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MPL_REDACTED "[redacted]" /* what stands in a secret's place, as text */
#define MPL_REDACT_NAMES 256u /* each setting's name in up to four cases */
#define MPL_REDACT_NAME_BYTES 144u /* three times what a setting's may have: a capital can be three characters */

struct mpl_redaction {
    uint32_t count;
    uint64_t version;   /* grows with every change: what was encoded under another one is encoded anew */
    uint32_t last[8];   /* bits of the last bytes that names have */
    struct {
        uint8_t length;
        char text[MPL_REDACT_NAME_BYTES]; /* lower case, without separators */
    } names[MPL_REDACT_NAMES];
};

void mpl_redaction_clear(struct mpl_redaction *r);
int mpl_redaction_add(struct mpl_redaction *r, const char *name, size_t length); /* 0; MPL_E_ARG: empty, too long, or too many */
bool mpl_redacts(const struct mpl_redaction *r, const char *key, size_t length);

/* The payload with every value under such a key replaced, and every list and map that lies within 64 others; nil stays nil. Returns the length in `out`; 0:
 * nothing is to be replaced, or it is no whole msgpack value, or there is no room: the payload as it stands is the answer in the first two cases, *full tells
 * the third. `out` may be NULL with room 0 to ask whether there is anything to replace. */
size_t mpl_redact(const struct mpl_redaction *r, const uint8_t *payload, size_t len, uint8_t *out, size_t room, bool *full);

#endif
