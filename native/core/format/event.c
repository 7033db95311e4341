/* SPDX-License-Identifier: Apache-2.0 */
#include "event.h"

#include "utf8.h"

static inline bool expect(struct mpl_cursor *c, struct mpl_msg *m, enum mpl_msg_kind kind) { return mpl_msg_next(c, m) && m->kind == kind; }

static inline bool next_pair(struct mpl_cursor *c, struct mpl_pair *p)
{
    if (!mpl_msg_next(c, &p->key) || p->key.kind != MPL_MSG_STR || !mpl_msg_next(c, &p->value))
        return false;
    p->body = c->at;
    p->in_message = false;
    return (p->value.kind != MPL_MSG_ARRAY && p->value.kind != MPL_MSG_MAP) || mpl_msg_skip(c, &p->value);
}

static bool read_context(struct mpl_cursor *c, struct mpl_event *e, uint32_t count)
{
    if (count > MPL_MAX_PAIRS)
        return false;
    for (uint32_t i = 0; i < count; i++) {
        struct mpl_pair *p = &e->pairs[e->npairs];
        if (!next_pair(c, p) || mpl_find_pair(e, p->key.text, p->key.length))
            return false;
        e->npairs++;
    }
    return true;
}

/* Whether a value is sure to decode, whatever a line would make of it; c stands behind its head. */
static bool decodes(struct mpl_cursor *c, const struct mpl_msg *m, unsigned depth)
{
    if (m->kind == MPL_MSG_STR)
        return mpl_is_utf8(m->text, m->length);
    if (m->kind != MPL_MSG_ARRAY && m->kind != MPL_MSG_MAP)
        return true;
    if (depth >= MPL_MAX_DEPTH)
        return false;
    for (uint32_t i = 0; i < m->length; i++) {
        struct mpl_msg each;
        if (m->kind == MPL_MSG_MAP && !(expect(c, &each, MPL_MSG_STR) && mpl_is_utf8(each.text, each.length)))
            return false;
        if (!mpl_msg_next(c, &each) || !decodes(c, &each, depth + 1))
            return false;
    }
    return true;
}

static bool pair_decodes(const struct mpl_event *e, const struct mpl_pair *p)
{
    struct mpl_cursor c = {.at = p->body, .end = e->end};
    return decodes(&c, &p->value, 0);
}

/* Fields win over the context, in the context's place. The value that is not shown must still be one that decodes: nothing else looks at it. A field that
 * stands twice is found where there is no context yet. */
static bool read_fields(struct mpl_cursor *c, struct mpl_event *e, uint32_t count)
{
    const uint32_t contexts = e->npairs;
    if (count > MPL_MAX_PAIRS)
        return false;
    for (uint32_t i = 0; i < count; i++) {
        struct mpl_pair *p = &e->pairs[e->npairs];
        if (!next_pair(c, p))
            return false;
        const struct mpl_pair *found = mpl_find_pair(e, p->key.text, p->key.length);
        if (!found) {
            e->npairs++;
            continue;
        }
        size_t index = (size_t)(found - e->pairs);
        if (index >= contexts || !pair_decodes(e, found))
            return false;
        e->pairs[index] = *p;
    }
    return true;
}

/* The payload's order has the fields before the context, which stands under them: where there is one, they are read again. */
static bool read_maps(struct mpl_cursor *c, struct mpl_event *e, bool context_there)
{
    struct mpl_msg fields, context;
    if (!mpl_msg_next(c, &fields) || fields.kind != MPL_MSG_MAP)
        return false;
    struct mpl_cursor inside = *c;
    if (!read_fields(c, e, fields.length))
        return false;
    if (!context_there)
        return true;
    if (!mpl_msg_next(c, &context))
        return false;
    if (context.kind != MPL_MSG_MAP)
        return context.kind == MPL_MSG_NIL;
    e->npairs = 0;
    return read_context(c, e, context.length) && read_fields(&inside, e, fields.length);
}

static bool expect_nil(struct mpl_cursor *c)
{
    struct mpl_msg nothing;
    return expect(c, &nothing, MPL_MSG_NIL);
}

/* Of the arguments only those of a `%` template are taken, as an array. */
static bool read_args(struct mpl_cursor *c, struct mpl_event *e, unsigned kind)
{
    if (!mpl_msg_next(c, &e->args))
        return false;
    e->args_body = c->at;
    if (e->args.kind == MPL_MSG_NIL) {
        e->args.length = 0;
        return true;
    }
    return kind == 1 && e->args.kind == MPL_MSG_ARRAY && mpl_msg_skip(c, &e->args);
}

bool mpl_read_head(struct mpl_event *e, struct mpl_cursor *c)
{
    struct mpl_msg head;
    e->npairs = 0;
    e->begin = c->at;
    e->end = c->end;
    if (!expect(c, &head, MPL_MSG_ARRAY) || head.length < 2 || head.length > 13)
        return false;
    e->items = head.length;
    return expect(c, &e->logger, MPL_MSG_STR) && expect(c, &e->template, MPL_MSG_STR);
}

bool mpl_read_pairs(struct mpl_event *e, struct mpl_cursor *c)
{
    const bool ok = e->items < 3 || read_maps(c, e, e->items > 3);
    e->pairs_end = c->at;
    return ok;
}

bool mpl_read_place(struct mpl_event *e, struct mpl_cursor *c)
{
    const struct mpl_msg no_text = {.kind = MPL_MSG_STR, .text = c->end}, zero = {.kind = MPL_MSG_INT};
    const uint32_t n = e->items;
    e->file = e->function = no_text;
    e->line = zero;
    return (n < 5 || expect(c, &e->file, MPL_MSG_STR)) && (n < 6 || expect(c, &e->line, MPL_MSG_INT)) && (n < 7 || expect(c, &e->function, MPL_MSG_STR));
}

bool mpl_read_thread(struct mpl_event *e, struct mpl_cursor *c)
{
    const struct mpl_msg no_text = {.kind = MPL_MSG_STR, .text = c->end}, zero = {.kind = MPL_MSG_INT}, nil = {.kind = MPL_MSG_NIL};
    const uint32_t n = e->items;
    e->thread_name = no_text;
    e->thread_id = zero;
    e->task = nil;
    return (n < 8 || expect(c, &e->thread_id, MPL_MSG_INT)) && (n < 9 || expect(c, &e->thread_name, MPL_MSG_STR)) &&
           (n < 10 || (mpl_msg_next(c, &e->task) && (e->task.kind == MPL_MSG_STR || e->task.kind == MPL_MSG_NIL))) && (n < 11 || expect_nil(c)) &&
           (n < 12 || expect_nil(c));
}

bool mpl_read_rest(struct mpl_event *e, struct mpl_cursor *c, unsigned kind)
{
    const struct mpl_msg nil = {.kind = MPL_MSG_NIL};
    e->args = nil;
    if (e->items == 13 && !read_args(c, e, kind))
        return false;
    return c->at == c->end && (!e->args.length || (size_t)(e->end - e->begin) <= MPL_MAX_PERCENT_BYTES);
}

bool mpl_read_event(struct mpl_event *e, unsigned kind, const uint8_t *payload, size_t len)
{
    struct mpl_cursor c = {.at = payload, .end = payload + len};
    return mpl_read_head(e, &c) && mpl_read_pairs(e, &c) && mpl_read_place(e, &c) && mpl_read_thread(e, &c) &&
           mpl_read_rest(e, &c, kind);
}
