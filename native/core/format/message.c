/* SPDX-License-Identifier: Apache-2.0
 *
 * The message of an event, as mplog/format/template.py renders it. What is rendered is compared with the template as it goes out, so that nothing has
 * to be kept to know whether the two are the same. */
#include "event.h"

#define PERCENT_KIND 1u

struct message {
    struct mpl_out *o;
    mpl_escape escape;
    const uint8_t *rest, *end; /* of the template, as far as the message is the same as it */
    bool same;
};

static bool say(struct message *m, const uint8_t *text, size_t n)
{
    if (m->same) {
        m->same = (size_t)(m->end - m->rest) >= n && memcmp(m->rest, text, n) == 0;
        m->rest += m->same ? n : 0;
    }
    return m->escape(m->o, text, n);
}

static size_t named(char *out, const char *name, size_t n)
{
    memcpy(out, name, n);
    return n;
}

size_t mpl_scalar_text(char out[MPL_NUMBER_CHARS], const struct mpl_msg *v)
{
    switch (v->kind) {
    case MPL_MSG_INT: return mpl_int_text(out, v->number, v->negative);
    case MPL_MSG_FLOAT: return mpl_real_text(out, v->real);
    case MPL_MSG_BOOL: return v->number ? named(out, "True", 4) : named(out, "False", 5);
    case MPL_MSG_NIL: return named(out, "None", 4);
    default: return 0;
    }
}

/* A value as Python's str() shows it. */
static bool say_value(struct message *m, const struct mpl_msg *v)
{
    char text[MPL_NUMBER_CHARS];
    if (v->kind == MPL_MSG_STR)
        return say(m, v->text, v->length);
    size_t n = mpl_scalar_text(text, v);
    m->o->digits += (unsigned)n;
    return n && say(m, (const uint8_t *)text, n);
}

static const uint8_t *next_brace(const uint8_t *s, const uint8_t *end)
{
    while (s < end && *s != '{' && *s != '}')
        s++;
    return s;
}

/* At a brace: what it begins. Returns the end of that, or NULL: no room, or declined. */
static const uint8_t *say_brace(struct message *m, struct mpl_event *e, const uint8_t *s, const uint8_t *end, unsigned *places)
{
    if (s + 1 < end && s[1] == s[0])
        return say(m, s, 1) ? s + 2 : NULL;
    const uint8_t *name = s + 1, *stop = next_brace(name, end);
    if (*s == '}' || stop == end || *stop == '{' || stop == name)
        return say(m, s, 1) ? s + 1 : NULL;
    if (++*places > MPL_MAX_PLACES)
        return NULL;
    struct mpl_pair *pair = mpl_find_pair(e, name, (uint32_t)(stop - name));
    if (pair)
        pair->in_message = true;
    if (!(pair ? say_value(m, &pair->value) : say(m, s, (size_t)(stop + 1 - s))))
        return NULL;
    return stop + 1;
}

static bool say_braces(struct message *m, struct mpl_event *e)
{
    const uint8_t *s = e->template.text, *end = s + e->template.length;
    unsigned places = 0;
    while (s < end) {
        const uint8_t *brace = next_brace(s, end);
        if (!say(m, s, (size_t)(brace - s)))
            return false;
        s = brace;
        if (s < end && !(s = say_brace(m, e, s, end, &places)))
            return false;
    }
    return true;
}

/* `%s`, `%d`, `%i` of one plain argument. */
static bool say_conversion(struct message *m, uint8_t conversion, struct mpl_cursor *args)
{
    struct mpl_msg value;
    if (!mpl_msg_next(args, &value))
        return false;
    if (conversion == 's')
        return say_value(m, &value);
    if (value.kind == MPL_MSG_BOOL)
        value.kind = MPL_MSG_INT;
    return (conversion == 'd' || conversion == 'i') && value.kind == MPL_MSG_INT && say_value(m, &value);
}

/* Flags, widths, names, other conversions, and what does not match its arguments: declined. */
static bool say_percent(struct message *m, const struct mpl_event *e)
{
    struct mpl_cursor args = {.at = e->args_body, .end = e->end};
    const uint8_t *s = e->template.text, *end = s + e->template.length;
    uint32_t taken = 0;
    while (s < end) {
        const uint8_t *sign = memchr(s, '%', (size_t)(end - s));
        size_t plain = (size_t)((sign ? sign : end) - s);
        if (!say(m, s, plain))
            return false;
        s += plain;
        if (!sign)
            break;
        if (end - s < 2)
            return false;
        if (s[1] != '%' && taken++ >= e->args.length)
            return false;
        if (!(s[1] == '%' ? say(m, s, 1) : say_conversion(m, s[1], &args)))
            return false;
        s += 2;
    }
    return taken == e->args.length;
}

bool mpl_put_message(struct mpl_out *o, struct mpl_event *e, unsigned kind, mpl_escape escape, bool *same)
{
    struct message m = {.o = o, .escape = escape, .rest = e->template.text, .end = e->template.text + e->template.length, .same = true};
    bool percent = kind == PERCENT_KIND, ok;
    if (percent ? !e->args.length : !e->npairs)
        ok = say(&m, e->template.text, e->template.length);
    else
        ok = percent ? say_percent(&m, e) : say_braces(&m, e);
    *same = m.same && m.rest == m.end;
    return ok;
}
