/* SPDX-License-Identifier: Apache-2.0
 *
 * Lines for people: mplog/format/text.py. A value that is a list or a map is declined, for Python shows it as its repr. */
#include "care.h"
#include "layout.h"
#include "stamp.h"
#include "utf8.h"
#include "word.h"

#define LEVEL_COLUMNS 8u

/* ---- what people see ------------------------------------------------------------------------------------------------------- */
static bool put_escape(struct mpl_out *o, unsigned code)
{
    static const char hex[] = "0123456789abcdef";
    switch (code) {
    case '\n': return MPL_PUT(o, "\\n");
    case '\r': return MPL_PUT(o, "\\r");
    case '\t': return MPL_PUT(o, "\\t");
    default: break;
    }
    const char digits[] = {hex[code >> 12 & 15], hex[code >> 8 & 15], hex[code >> 4 & 15], hex[code & 15]};
    return code < 0x100 ? MPL_PUT(o, "\\x") && mpl_put(o, digits + 2, 2) : MPL_PUT(o, "\\u") && mpl_put(o, digits, 4);
}

/* _UNSAFE of text.py beyond ASCII. */
static bool unsafe(unsigned code)
{
    return code <= 0x9f || code == 0x61c || code == 0x200e || code == 0x200f || (code >= 0x2028 && code <= 0x202e) ||
           (code >= 0x2066 && code <= 0x2069) || code == 0xfeff;
}

/* Puts one character and returns its length; 0: no room, or it is none. */
static size_t put_char(struct mpl_out *o, const uint8_t *s, size_t left, bool quoted)
{
    unsigned code = *s;
    size_t n = 1;
    if (code >= 0x80) {
        n = mpl_sequence(s, left, &code);
        return n && (unsafe(code) ? put_escape(o, code) : mpl_put(o, (const char *)s, n)) ? n : 0;
    }
    if (code < 0x20 || code == 0x7f)
        return put_escape(o, code) ? n : 0;
    if (quoted && code == '"' && !MPL_PUT(o, "\\"))
        return 0;
    return mpl_put(o, (const char *)s, 1) ? n : 0;
}

static bool put_chars(struct mpl_out *o, const uint8_t *s, size_t n, bool quoted)
{
    const uint8_t *end = s + n;
    while (s < end) {
        uint64_t word;
        if (end - s >= 8 && o->end - o->at >= 8 && (memcpy(&word, s, 8), !mpl_has_odd(word)) && !(quoted && mpl_has(word, '"'))) {
            memcpy(o->at, &word, 8);
            s += 8;
            o->at += 8;
            continue;
        }
        const uint8_t *stop = end - s > 8 ? s + 8 : end;
        while (s < stop) {
            size_t step = put_char(o, s, (size_t)(end - s), quoted);
            if (!step)
                return false;
            s += step;
        }
    }
    return true;
}

static bool put_visible(struct mpl_out *o, const uint8_t *text, size_t n) { return put_chars(o, text, n, false); }

/* Spaces beyond ASCII that `\s` matches and that are not escaped. */
static bool is_wide_space(const uint8_t *s, size_t left)
{
    unsigned code;
    if (!mpl_sequence(s, left, &code))
        return false;
    return code == 0xa0 || code == 0x1680 || (code >= 0x2000 && code <= 0x200a) || code == 0x202f || code == 0x205f || code == 0x3000;
}

/* _QUOTED of text.py. */
static bool needs_quotes(const uint8_t *text, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        uint8_t c = text[i];
        if (c == ' ' || c == '=' || c == '"' || c == '\'' || (c >= 0xc2 && c <= 0xe3 && is_wide_space(text + i, n - i)))
            return true;
    }
    return !n;
}

/* ---- the line ----------------------------------------------------------------------------------------------------------- */
static bool put_head(struct mpl_out *o, struct mpl_second *last, const struct mpl_stamp *s, const struct mpl_msg *logger)
{
    char time[MPL_TIME_CHARS], level[MPL_LEVEL_CHARS];
    mpl_time_text(time, last, s->wall_ns);
    size_t n = mpl_level_text(level, s->level);
    for (; n < LEVEL_COLUMNS; n++)
        level[n] = ' ';
    return mpl_put(o, time, 26) && MPL_PUT(o, "Z ") && mpl_put(o, level, n) && MPL_PUT(o, " ") && put_visible(o, logger->text, logger->length) &&
           MPL_PUT(o, "[") && mpl_put_uint(o, s->origin->pid) && MPL_PUT(o, "] ");
}

static bool put_value(struct mpl_out *o, const struct mpl_msg *v)
{
    char text[MPL_NUMBER_CHARS];
    size_t n;
    if (v->kind != MPL_MSG_STR)
        return (n = mpl_scalar_text(text, v)) && mpl_put(o, text, n);
    if (!needs_quotes(v->text, v->length))
        return put_visible(o, v->text, v->length);
    return MPL_PUT(o, "\"") && put_chars(o, v->text, v->length, true) && MPL_PUT(o, "\"");
}

/* What the message does not show. */
static bool put_pairs(struct mpl_out *o, const struct mpl_event *e)
{
    bool first = true;
    for (uint32_t i = 0; i < e->npairs; i++) {
        const struct mpl_pair *p = &e->pairs[i];
        if (p->in_message) {
            if (!mpl_is_utf8(p->key.text, p->key.length))
                return false;
            continue;
        }
        if (!(first ? MPL_PUT(o, "  ") : MPL_PUT(o, " ")) || !put_visible(o, p->key.text, p->key.length) || !MPL_PUT(o, "=") || !put_value(o, &p->value))
            return false;
        first = false;
    }
    return true;
}

static bool put_end(struct mpl_out *o, unsigned flags)
{
    return (!(flags & MPL_FLAG_CUT) || MPL_PUT(o, " (cut)")) && (!(flags & MPL_FLAG_LATE) || MPL_PUT(o, " (late)")) &&
           (!(flags & MPL_FLAG_RECOVERED) || MPL_PUT(o, " (recovered)")) && MPL_PUT(o, "\n");
}

/* The texts that the line does not show must decode all the same. */
static bool unseen_decode(const struct mpl_event *e)
{
    const struct mpl_msg *task = &e->task;
    return mpl_is_utf8(e->file.text, e->file.length) && mpl_is_utf8(e->function.text, e->function.length) &&
           mpl_is_utf8(e->thread_name.text, e->thread_name.length) && (task->kind == MPL_MSG_NIL || mpl_is_utf8(task->text, task->length));
}

int mpl_format_text(struct mpl_second *last, const struct mpl_stamp *stamp, const uint8_t *payload, size_t len, char *out, size_t room)
{
    struct mpl_out o = {.at = out, .end = out + (room < INT32_MAX ? room : INT32_MAX)};
    struct mpl_care care = {.names = last->secrets};
    struct mpl_event e;
    bool same;
    if (mpl_read_event(&e, stamp->kind, payload, len) && unseen_decode(&e) && mpl_care_event(&care, &e) && put_head(&o, last, stamp, &e.logger) &&
        mpl_put_message(&o, &e, stamp->kind, put_visible, &same) && (same || mpl_care_message(&care, &e, stamp->kind, o.digits)) && put_pairs(&o, &e) && put_end(&o, stamp->flags))
        return (int)(o.at - out);
    return o.full ? MPL_FORMAT_NO_ROOM : MPL_FORMAT_DECLINED;
}
