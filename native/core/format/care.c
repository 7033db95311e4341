/* SPDX-License-Identifier: Apache-2.0
 *
 * A line that would show a secret is declined: Python makes it, without the secret (mplog/format/redacted.py). So all that is asked here is whether there is
 * one: first of whole parts of the payload, a block at a time, then of each text, and of the message as people would read it. */
#include "care.h"
#include "format.h"

#define MAX_MESSAGE 4096u /* a longer one that could hold a secret is declined */

static bool is_clean(const struct mpl_redaction *names, const uint8_t *text, size_t n)
{
    struct mpl_secret found;
    struct mpl_search search = {0};
    return !mpl_secret_next(names, text, n, &search, &found);
}

bool mpl_each_is_clean(const struct mpl_redaction *names, const uint8_t *from, const uint8_t *to)
{
    struct mpl_cursor c = {.at = from, .end = to};
    struct mpl_msg m;
    while (c.at < c.end) {
        if (!mpl_msg_any(&c, &m))
            return false;
        if (m.kind == MPL_MSG_STR && !is_clean(names, m.text, m.length))
            return false;
    }
    return true;
}

bool mpl_care_event(struct mpl_care *care, const struct mpl_event *e)
{
    if (!care->names)
        return true;
    return mpl_care_texts(care, e->begin + 1, e->pairs_end) && (!e->args.length || mpl_care_texts(care, e->args_body, e->end));
}

static bool put_raw(struct mpl_out *o, const uint8_t *text, size_t n) { return mpl_put(o, (const char *)text, n); }

bool mpl_message_is_clean(const struct mpl_redaction *names, struct mpl_event *e, unsigned kind)
{
    uint8_t raw[MAX_MESSAGE];
    struct mpl_out o = {.at = (char *)raw, .end = (char *)raw + sizeof raw};
    unsigned digits = 0;
    bool same;
    if (!mpl_put_message(&o, e, kind, put_raw, &same))
        return false;
    const size_t n = (size_t)((uint8_t *)o.at - raw);
    return (!mpl_may_hold_secret(raw, n, &digits) && digits < MPL_CARD_DIGITS) || is_clean(names, raw, n);
}

bool mpl_shows_no_secret(const struct mpl_redaction *names, unsigned kind, const uint8_t *payload, size_t len)
{
    struct mpl_event e;
    struct mpl_care care = {.names = names};
    return mpl_read_event(&e, kind, payload, len) && mpl_care_event(&care, &e) && mpl_message_is_clean(names, &e, kind);
}
