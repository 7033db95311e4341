/* SPDX-License-Identifier: Apache-2.0 */
#include "event.h"
#include "layout.h"
#include "stamp.h"

static bool put_string(struct mpl_out *o, const struct mpl_msg *m)
{
    return MPL_PUT(o, "\"") && mpl_put_text(o, m->text, m->length) && MPL_PUT(o, "\"");
}

static bool put_value(struct mpl_out *o, const struct mpl_event *e, const struct mpl_pair *p)
{
    struct mpl_cursor c = {.at = p->body, .end = e->end};
    return mpl_put_value(o, &p->value, &c, 0);
}

/* A user's key that is ours gets `field.` before it. Should the user have such a key as well, that is for the Python formatter to disentangle. */
static bool put_key(struct mpl_out *o, const struct mpl_event *e, const struct mpl_msg *key)
{
    if (!mpl_is_reserved(key))
        return MPL_PUT(o, "\"") && mpl_put_text(o, key->text, key->length) && MPL_PUT(o, "\":");
    for (uint32_t i = 0; i < e->npairs; i++)
        if (e->pairs[i].key.length > 6 && memcmp(e->pairs[i].key.text, "field.", 6) == 0)
            return false;
    return MPL_PUT(o, "\"field.") && mpl_put(o, (const char *)key->text, key->length) && MPL_PUT(o, "\":");
}

static bool put_pairs(struct mpl_out *o, const struct mpl_event *e)
{
    for (uint32_t i = 0; i < e->npairs; i++)
        if (!put_key(o, e, &e->pairs[i].key) || !put_value(o, e, &e->pairs[i]) || !MPL_PUT(o, ","))
            return false;
    return true;
}

static bool put_time(struct mpl_out *o, struct mpl_second *last, uint64_t wall_ns)
{
    char text[MPL_TIME_CHARS];
    mpl_time_text(text, last, wall_ns);
    return MPL_PUT(o, "{\"timestamp\":\"") && mpl_put(o, text, sizeof text) && MPL_PUT(o, "\",");
}

static bool put_level(struct mpl_out *o, uint8_t level)
{
    char name[MPL_LEVEL_CHARS];
    return MPL_PUT(o, "\"level\":\"") && mpl_put(o, name, mpl_level_text(name, level)) && MPL_PUT(o, "\",");
}

/* `"key":"text",`; an empty text is left out. */
static bool put_named(struct mpl_out *o, const char *key, size_t n, const uint8_t *text, size_t length)
{
    return !length || (mpl_put(o, key, n) && MPL_PUT(o, "\"") && mpl_put_text(o, text, length) && MPL_PUT(o, "\","));
}
#define NAMED(o, key, m) put_named((o), "\"" key "\":", sizeof(key) + 2, (m).text, (m).length)

/* `"key":number,`; a zero is left out. */
static bool put_numbered(struct mpl_out *o, const char *key, size_t n, const struct mpl_msg *m)
{
    char text[MPL_NUMBER_CHARS];
    return !m->number || (mpl_put(o, key, n) && mpl_put(o, text, mpl_int_text(text, m->number, m->negative)) && MPL_PUT(o, ","));
}
#define NUMBERED(o, key, m) put_numbered((o), "\"" key "\":", sizeof(key) + 2, &(m))

static bool put_told(struct mpl_out *o, struct mpl_event *e, unsigned kind)
{
    bool same;
    if (!NAMED(o, "logger", e->logger) || !MPL_PUT(o, "\"message\":\"") || !mpl_put_message(o, e, kind, mpl_put_text, &same) || !MPL_PUT(o, "\","))
        return false;
    if (!same && !(MPL_PUT(o, "\"template\":") && put_string(o, &e->template) && MPL_PUT(o, ",")))
        return false;
    return put_pairs(o, e);
}

static bool put_place(struct mpl_out *o, const struct mpl_event *e, const struct mpl_stamp *s)
{
    const struct mpl_origin *from = s->origin;
    const struct mpl_msg task = e->task;
    return NAMED(o, "code.file.path", e->file) && NUMBERED(o, "code.line.number", e->line) && NAMED(o, "code.function.name", e->function) &&
           MPL_PUT(o, "\"process.pid\":") && mpl_put_uint(o, from->pid) && MPL_PUT(o, ",") &&
           put_named(o, "\"process.name\":", 15, (const uint8_t *)from->name, from->name_len) && NUMBERED(o, "thread.id", e->thread_id) &&
           NAMED(o, "thread.name", e->thread_name) && (task.kind == MPL_MSG_NIL || NAMED(o, "task_name", task));
}

static bool put_end(struct mpl_out *o, const struct mpl_stamp *s)
{
    return (!(s->flags & MPL_FLAG_CUT) || MPL_PUT(o, "\"cut\":true,")) && (!(s->flags & MPL_FLAG_LATE) || MPL_PUT(o, "\"late\":true,")) &&
           (!(s->flags & MPL_FLAG_RECOVERED) || MPL_PUT(o, "\"recovered\":true,")) &&
           (!s->filtered || (MPL_PUT(o, "\"filtered\":") && mpl_put_uint(o, s->filtered) && MPL_PUT(o, ","))) && MPL_PUT(o, "\"session\":\"") &&
           mpl_put_text(o, (const uint8_t *)s->origin->session, s->origin->session_len) && MPL_PUT(o, "\",\"seq\":") && mpl_put_uint(o, s->seq) &&
           MPL_PUT(o, "}\n");
}

int mpl_format_json(struct mpl_second *last, const struct mpl_stamp *stamp, const uint8_t *payload, size_t len, char *out, size_t room)
{
    struct mpl_out o = {.at = out, .end = out + (room < INT32_MAX ? room : INT32_MAX)};
    struct mpl_event e;
    if (mpl_read_event(&e, stamp->kind, payload, len) && put_time(&o, last, stamp->wall_ns) && put_level(&o, stamp->level) &&
        put_told(&o, &e, stamp->kind) && put_place(&o, &e, stamp) && put_end(&o, stamp))
        return (int)(o.at - out);
    return o.full ? MPL_FORMAT_NO_ROOM : MPL_FORMAT_DECLINED;
}
