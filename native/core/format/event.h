/* SPDX-License-Identifier: Apache-2.0
 *
 * A payload taken apart (docs/design/wire.md): every text and container points into it. Private to format/. */
#ifndef MPL_EVENT_H
#define MPL_EVENT_H

#include "codec/msgpack.h"
#include "format/out.h"

#define MPL_MAX_PAIRS 48u /* keys are compared one by one: what has more of them is declined */
#define MPL_MAX_DEPTH 8u
#define MPL_MAX_PLACES 8u /* placeholders of a template: beyond it the Python formatter bounds the whole message */
#define MPL_MAX_PERCENT_BYTES 131072u /* of a payload: above it a `%` message could reach the length at which it is cut */

struct mpl_pair {
    struct mpl_msg key, value;
    const uint8_t *body; /* of a container: what follows its head */
    bool in_message;     /* the template names it; set by mpl_put_message */
};

struct mpl_event {
    uint32_t items; /* of the payload */
    struct mpl_msg logger, template, file, line, function, thread_id, thread_name, task;
    struct mpl_pair pairs[2 * MPL_MAX_PAIRS]; /* the context's under the fields', in the order in which they are shown */
    uint32_t npairs;
    struct mpl_msg args;
    const uint8_t *args_body;
    const uint8_t *begin, *end, *pairs_end;
};

/* Two items at least, thirteen at most: what is missing at the end is its default (event.py). False: it is none, or declined. Of the texts only those of
 * values that the context holds below a field are known to be UTF-8. */
bool mpl_read_event(struct mpl_event *e, unsigned kind, const uint8_t *payload, size_t len);

/* The same in steps: logger and template; fields and context; file, line, function; from the thread to the stack; the arguments, and that nothing follows. */
bool mpl_read_head(struct mpl_event *e, struct mpl_cursor *c);
bool mpl_read_pairs(struct mpl_event *e, struct mpl_cursor *c);
bool mpl_read_place(struct mpl_event *e, struct mpl_cursor *c);
bool mpl_read_thread(struct mpl_event *e, struct mpl_cursor *c);
bool mpl_read_rest(struct mpl_event *e, struct mpl_cursor *c, unsigned kind);

static inline bool mpl_same_text(const struct mpl_msg *a, const uint8_t *text, uint32_t length)
{
    return a->length == length && memcmp(a->text, text, length) == 0;
}

/* A key's place among the event's pairs, or NULL. */
static inline struct mpl_pair *mpl_find_pair(struct mpl_event *e, const uint8_t *name, uint32_t length)
{
    for (uint32_t i = 0; i < e->npairs; i++)
        if (mpl_same_text(&e->pairs[i].key, name, length))
            return &e->pairs[i];
    return NULL;
}

/* Escapes text and puts it. False: no room (o->full), or it is not UTF-8. */
typedef bool (*mpl_escape)(struct mpl_out *o, const uint8_t *text, size_t n);

/* The message: the template rendered, escaped. *same: it is the template itself. False: no room (o->full), or declined. */
bool mpl_put_message(struct mpl_out *o, struct mpl_event *e, unsigned kind, mpl_escape escape, bool *same);

/* A number, a bool or None as Python's str() shows it; returns its length. 0: it is none of these, or declined. */
size_t mpl_scalar_text(char out[MPL_NUMBER_CHARS], const struct mpl_msg *v);

/* A value as compact JSON; c stands behind its head, depth is 0 outside of containers. False: no room (o->full), or declined. */
bool mpl_put_value(struct mpl_out *o, const struct mpl_msg *m, struct mpl_cursor *c, unsigned depth);

/* A user's key that is one of ours, in lines that have both. */
bool mpl_is_reserved(const struct mpl_msg *key);

#endif
