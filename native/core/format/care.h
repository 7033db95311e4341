/* SPDX-License-Identifier: Apache-2.0
 *
 * A line that would show a secret is declined. Private to format/. */
#ifndef MPL_CARE_H
#define MPL_CARE_H

#include "codec/patterns.h"
#include "event.h"

/* What has been found out so far about secrets in a line. */
struct mpl_care {
    const struct mpl_redaction *names; /* NULL: nobody cares */
    bool may;        /* something in the message could be one, together with what stands beside it */
    unsigned digits; /* in the texts that the message is made of */
};

bool mpl_each_is_clean(const struct mpl_redaction *names, const uint8_t *from, const uint8_t *to);
bool mpl_message_is_clean(const struct mpl_redaction *names, struct mpl_event *e, unsigned kind);

/* Whether texts of the payload hold none: those in [from, to), which are whole values. */
static inline bool mpl_care_texts(struct mpl_care *care, const uint8_t *from, const uint8_t *to)
{
    unsigned digits = 0;
    const bool may = mpl_may_hold_secret(from, (size_t)(to - from), &digits);
    care->may |= may;
    care->digits += digits;
    return __builtin_expect(!may && digits < MPL_CARD_DIGITS, 1) || mpl_each_is_clean(care->names, from, to);
}

/* The same of fields and context, as they stand in a payload with a field or more: a short map's head and a context that is not there are none of them. */
static inline bool mpl_care_pairs(struct mpl_care *care, const uint8_t *from, const uint8_t *to)
{
    return mpl_care_texts(care, from + ((*from & 0xf0) == 0x80), to - (to[-1] == 0xc0));
}

/* The same of all that an event shows. */
bool mpl_care_event(struct mpl_care *care, const struct mpl_event *e);

/* Whether the message holds none, which has been put already: `numbers` digits of it come from numbers. */
static inline bool mpl_care_message(const struct mpl_care *care, struct mpl_event *e, unsigned kind, unsigned numbers)
{
    return !care->names || (!care->may && care->digits + numbers < MPL_CARD_DIGITS) || mpl_message_is_clean(care->names, e, kind);
}

#endif
