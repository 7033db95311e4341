/* SPDX-License-Identifier: Apache-2.0
 *
 * `key=value` pairs: mplog/format/logfmt.py. A quoted value is a JSON string. */
#include "care.h"
#include "layout.h"
#include "stamp.h"
#include "word.h"

/* ---- values ------------------------------------------------------------------------------------------------------------- */
static bool is_bare(const uint8_t *text, size_t n)
{
    size_t i = 0;
    for (uint64_t word; n - i >= 8; i += 8) {
        memcpy(&word, text + i, 8);
        if (mpl_has_odd(word) | mpl_has(word, ' ') | mpl_has(word, '"') | mpl_has(word, '=') | mpl_has(word, '\\'))
            return false;
    }
    for (; i < n; i++)
        if (text[i] <= ' ' || text[i] >= 0x7f || text[i] == '"' || text[i] == '=' || text[i] == '\\')
            return false;
    return n;
}

static bool put_string(struct mpl_out *o, const uint8_t *text, size_t n)
{
    if (is_bare(text, n))
        return mpl_put(o, (const char *)text, n);
    return MPL_PUT(o, "\"") && mpl_put_text(o, text, n) && MPL_PUT(o, "\"");
}

/* What has been put behind the quote at `quote` is closed by another one, or needs none. */
static bool put_end_quote(struct mpl_out *o, char *quote)
{
    size_t n = (size_t)(o->at - quote) - 1;
    if (!is_bare((const uint8_t *)quote + 1, n))
        return MPL_PUT(o, "\"");
    memmove(quote, quote + 1, n);
    o->at--;
    return true;
}

/* JSON that stands at `start` gets a backslash before what needs one inside of quotes; it holds no control character. */
static bool escape_json(struct mpl_out *o, char *start)
{
    size_t more = 0;
    for (const char *s = start; s < o->at; s++)
        more += *s == '"' || *s == '\\';
    if ((size_t)(o->end - o->at) < more) {
        o->full = true;
        return false;
    }
    const char *from = o->at;
    char *to = o->at += more;
    while (from < to) {
        const char c = *--from;
        *--to = c;
        if (c == '"' || c == '\\')
            *--to = '\\';
    }
    return true;
}

static bool put_value(struct mpl_out *o, const struct mpl_event *e, const struct mpl_pair *p)
{
    struct mpl_cursor c = {.at = p->body, .end = e->end};
    if (p->value.kind == MPL_MSG_STR)
        return put_string(o, p->value.text, p->value.length);
    if (p->value.kind != MPL_MSG_ARRAY && p->value.kind != MPL_MSG_MAP)
        return mpl_put_value(o, &p->value, &c, 0);
    char *quote = o->at;
    return MPL_PUT(o, "\"") && mpl_put_value(o, &p->value, &c, 0) && escape_json(o, quote + 1) && put_end_quote(o, quote);
}

/* ---- keys --------------------------------------------------------------------------------------------------------------- */
/* What must be made into a key first is for the Python formatter, for it may then be another one. */
static bool is_key(const struct mpl_msg *key)
{
    for (uint32_t i = 0; i < key->length; i++)
        if (key->text[i] <= ' ' || key->text[i] >= 0x7f || key->text[i] == '"' || key->text[i] == '=')
            return false;
    return key->length;
}

/* As in JSON lines, `field.` stands before a user's key that is ours. */
static bool put_key(struct mpl_out *o, const struct mpl_event *e, const struct mpl_msg *key)
{
    if (!is_key(key))
        return false;
    if (mpl_is_reserved(key)) {
        for (uint32_t i = 0; i < e->npairs; i++)
            if (e->pairs[i].key.length > 6 && memcmp(e->pairs[i].key.text, "field.", 6) == 0)
                return false;
        if (!MPL_PUT(o, "field."))
            return false;
    }
    return mpl_put(o, (const char *)key->text, key->length) && MPL_PUT(o, "=");
}

static bool put_pairs(struct mpl_out *o, const struct mpl_event *e)
{
    for (uint32_t i = 0; i < e->npairs; i++)
        if (!MPL_PUT(o, " ") || !put_key(o, e, &e->pairs[i].key) || !put_value(o, e, &e->pairs[i]))
            return false;
    return true;
}

/* ---- the line ----------------------------------------------------------------------------------------------------------- */
/* ` key=text`; an empty text is left out. */
static bool put_named(struct mpl_out *o, const char *key, size_t n, const uint8_t *text, size_t length)
{
    return !length || (mpl_put(o, key, n) && put_string(o, text, length));
}
#define NAMED(o, key, m) put_named((o), " " key "=", sizeof(key) + 1, (m).text, (m).length)

/* ` key=number`; a zero is left out. */
static bool put_numbered(struct mpl_out *o, const char *key, size_t n, const struct mpl_msg *m)
{
    char text[MPL_NUMBER_CHARS];
    return !m->number || (mpl_put(o, key, n) && mpl_put(o, text, mpl_int_text(text, m->number, m->negative)));
}
#define NUMBERED(o, key, m) put_numbered((o), " " key "=", sizeof(key) + 1, &(m))

static bool put_head(struct mpl_out *o, struct mpl_second *last, const struct mpl_stamp *s)
{
    char time[MPL_TIME_CHARS], level[MPL_LEVEL_CHARS];
    mpl_time_text(time, last, s->wall_ns);
    size_t n = mpl_level_text(level, s->level);
    return MPL_PUT(o, "timestamp=") && mpl_put(o, time, sizeof time) && MPL_PUT(o, " level=") && put_string(o, (const uint8_t *)level, n);
}

static bool put_told(struct mpl_out *o, struct mpl_event *e, unsigned kind, const struct mpl_care *care)
{
    bool same;
    if (!NAMED(o, "logger", e->logger) || !MPL_PUT(o, " message="))
        return false;
    char *quote = o->at;
    if (!MPL_PUT(o, "\"") || !mpl_put_message(o, e, kind, mpl_put_text, &same) || !put_end_quote(o, quote))
        return false;
    if (!same && !mpl_care_message(care, e, kind, o->digits))
        return false;
    if (!same && !(MPL_PUT(o, " template=") && put_string(o, e->template.text, e->template.length)))
        return false;
    return put_pairs(o, e);
}

static bool put_place(struct mpl_out *o, const struct mpl_event *e, const struct mpl_origin *from)
{
    const struct mpl_msg task = e->task;
    return NAMED(o, "code.file.path", e->file) && NUMBERED(o, "code.line.number", e->line) && NAMED(o, "code.function.name", e->function) &&
           MPL_PUT(o, " process.pid=") && mpl_put_uint(o, from->pid) &&
           put_named(o, " process.name=", 14, (const uint8_t *)from->name, from->name_len) && NUMBERED(o, "thread.id", e->thread_id) &&
           NAMED(o, "thread.name", e->thread_name) && (task.kind == MPL_MSG_NIL || NAMED(o, "task_name", task));
}

static bool put_end(struct mpl_out *o, const struct mpl_stamp *s)
{
    return (!(s->flags & MPL_FLAG_CUT) || MPL_PUT(o, " cut=true")) && (!(s->flags & MPL_FLAG_LATE) || MPL_PUT(o, " late=true")) &&
           (!(s->flags & MPL_FLAG_RECOVERED) || MPL_PUT(o, " recovered=true")) &&
           (!s->filtered || (MPL_PUT(o, " filtered=") && mpl_put_uint(o, s->filtered))) && MPL_PUT(o, " session=") &&
           put_string(o, (const uint8_t *)s->origin->session, s->origin->session_len) && MPL_PUT(o, " seq=") && mpl_put_uint(o, s->seq) && MPL_PUT(o, "\n");
}

int mpl_format_logfmt(struct mpl_second *last, const struct mpl_stamp *stamp, const uint8_t *payload, size_t len, char *out, size_t room)
{
    struct mpl_out o = {.at = out, .end = out + (room < INT32_MAX ? room : INT32_MAX)};
    struct mpl_care care = {.names = last->secrets};
    struct mpl_event e;
    if (mpl_read_event(&e, stamp->kind, payload, len) && mpl_care_event(&care, &e) && put_head(&o, last, stamp) && put_told(&o, &e, stamp->kind, &care) &&
        put_place(&o, &e, stamp->origin) && put_end(&o, stamp))
        return (int)(o.at - out);
    return o.full ? MPL_FORMAT_NO_ROOM : MPL_FORMAT_DECLINED;
}
