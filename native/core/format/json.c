/* SPDX-License-Identifier: Apache-2.0
 *
 * A line is made of fragments. Those that come again with each event of a place in the code (its head: level, logger, template; then file, line,
 * function), of a thread and of a process are kept (memo.h, struct mpl_origin); the long way makes the same bytes. */
#include "care.h"
#include "layout.h"
#include "memo.h"
#include "stamp.h"

#define PERCENT_KIND 1u

static bool put_value(struct mpl_out *o, const struct mpl_event *e, const struct mpl_pair *p)
{
    struct mpl_cursor c = {.at = p->body, .end = e->end};
    if (p->value.kind == MPL_MSG_STR)
        return mpl_put_quoted(o, p->value.text, p->value.length, ',');
    return mpl_put_value(o, &p->value, &c, 0) && MPL_PUT(o, ",");
}

/* A user's key that is ours gets `field.` before it. Should the user have such a key as well, that is for the Python formatter to disentangle. */
static bool put_key(struct mpl_out *o, const struct mpl_event *e, const struct mpl_msg *key)
{
    if (!mpl_is_reserved(key))
        return mpl_put_quoted(o, key->text, key->length, ':');
    for (uint32_t i = 0; i < e->npairs; i++)
        if (e->pairs[i].key.length > 6 && memcmp(e->pairs[i].key.text, "field.", 6) == 0)
            return false;
    return MPL_PUT(o, "\"field.") && mpl_put(o, (const char *)key->text, key->length) && MPL_PUT(o, "\":");
}

static bool put_pairs(struct mpl_out *o, const struct mpl_event *e)
{
    for (uint32_t i = 0; i < e->npairs; i++)
        if (!put_key(o, e, &e->pairs[i].key) || !put_value(o, e, &e->pairs[i]))
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
    return !length || (mpl_put(o, key, n) && mpl_put_quoted(o, text, length, ','));
}
#define NAMED(o, key, m) put_named((o), "\"" key "\":", sizeof(key) + 2, (m).text, (m).length)

/* `"key":number,`; a zero is left out. */
static bool put_numbered(struct mpl_out *o, const char *key, size_t n, const struct mpl_msg *m)
{
    char text[MPL_NUMBER_CHARS];
    return !m->number || (mpl_put(o, key, n) && mpl_put_short(o, text, mpl_int_text(text, m->number, m->negative)) && MPL_PUT(o, ","));
}
#define NUMBERED(o, key, m) put_numbered((o), "\"" key "\":", sizeof(key) + 2, &(m))

/* ---- the fragments ------------------------------------------------------------------------------------------------------ */
static bool put_head(struct mpl_out *o, const struct mpl_event *e, uint8_t level)
{
    return put_level(o, level) && NAMED(o, "logger", e->logger) && MPL_PUT(o, "\"message\":\"");
}

static bool put_place(struct mpl_out *o, const struct mpl_event *e)
{
    return NAMED(o, "code.file.path", e->file) && NUMBERED(o, "code.line.number", e->line) && NAMED(o, "code.function.name", e->function);
}

static bool put_thread(struct mpl_out *o, const struct mpl_event *e)
{
    return NUMBERED(o, "thread.id", e->thread_id) && NAMED(o, "thread.name", e->thread_name) &&
           (e->task.kind == MPL_MSG_NIL || NAMED(o, "task_name", e->task));
}

static bool put_process(struct mpl_out *o, const struct mpl_origin *from)
{
    return MPL_PUT(o, "\"process.pid\":") && mpl_put_uint(o, from->pid) && MPL_PUT(o, ",") &&
           put_named(o, "\"process.name\":", 15, (const uint8_t *)from->name, from->name_len);
}

static bool put_session(struct mpl_out *o, const struct mpl_origin *from)
{
    return MPL_PUT(o, "\"session\":\"") && mpl_put_text(o, (const uint8_t *)from->session, from->session_len) && MPL_PUT(o, "\",\"seq\":");
}

void mpl_json_origin(struct mpl_origin *origin, char *out, size_t room)
{
    struct mpl_out o = {.at = out, .end = out + room};
    origin->json = NULL;
    if (!put_process(&o, origin))
        return;
    origin->json_process = (uint32_t)(o.at - out);
    if (!put_session(&o, origin))
        return;
    origin->json_session = (uint32_t)(o.at - out) - origin->json_process;
    origin->json = out;
}

static const uint8_t *next_brace(const uint8_t *s, const uint8_t *end)
{
    while (s < end && *s != '{' && *s != '}')
        s++;
    return s;
}

/* The template, escaped, and where its placeholders are, if it has nothing but plain ones; what is left is text. */
static bool put_pieces(struct mpl_out *o, const struct mpl_event *e, struct mpl_kept *k)
{
    const uint8_t *s = e->template.text, *end = s + e->template.length;
    const char *begin = o->at;
    k->by_pieces = true;
    for (k->nplaces = 0; s < end;) {
        const uint8_t *brace = next_brace(s, end), *stop = brace < end ? next_brace(brace + 1, end) : end;
        if (!mpl_put_text(o, s, (size_t)(brace - s)))
            return false;
        s = brace;
        if (brace == end)
            break;
        k->by_pieces = *brace == '{' && stop < end && *stop == '}' && stop > brace + 1 && k->nplaces < MPL_MAX_PLACES;
        if (!k->by_pieces)
            return mpl_put_text(o, s, (size_t)(end - s));
        struct mpl_placed *p = &k->places[k->nplaces++];
        *p = (struct mpl_placed){.from = (uint16_t)(o->at - begin), .name = (uint16_t)(brace + 1 - e->begin), .name_len = (uint16_t)(stop - brace - 1)};
        if (!mpl_put_text(o, s, (size_t)(stop + 1 - s)))
            return false;
        p->to = (uint16_t)(o->at - begin);
        s = stop + 1;
    }
    return true;
}

static void keep_head(const struct mpl_spot *spot, const struct mpl_event *e, bool may, unsigned digits)
{
    if (!mpl_memo_wants(spot))
        return;
    struct mpl_kept *k = spot->kept;
    struct mpl_out o = {.at = k->text, .end = k->text + sizeof k->text};
    if (!put_head(&o, e, spot->tag))
        return;
    const size_t first = (size_t)(o.at - k->text);
    k->care = may;
    k->digits = (uint8_t)digits; /* of a key, which has fewer bytes */
    if (put_pieces(&o, e, k))
        mpl_memo_keep(spot, first, (size_t)(o.at - k->text) - first);
}

static void keep(const struct mpl_spot *spot, const struct mpl_event *e, bool (*put)(struct mpl_out *, const struct mpl_event *))
{
    if (!mpl_memo_wants(spot))
        return;
    struct mpl_kept *k = spot->kept;
    struct mpl_out o = {.at = k->text, .end = k->text + sizeof k->text};
    if (put(&o, e))
        mpl_memo_keep(spot, (size_t)(o.at - k->text), 0);
}

/* ---- the line ----------------------------------------------------------------------------------------------------------- */
/* A value in the message; false where that is for mpl_put_message to say. */
static bool put_piece(struct mpl_out *o, const struct mpl_pair *p)
{
    char text[MPL_NUMBER_CHARS];
    if (p->value.kind == MPL_MSG_STR)
        return mpl_put_text(o, p->value.text, p->value.length);
    size_t n = mpl_scalar_text(text, &p->value);
    o->digits += (unsigned)n;
    return n && mpl_put_short(o, text, n);
}

/* The message out of the template's pieces. It is another text than the template, for its first value does not begin as a placeholder does. */
static bool put_filled(struct mpl_out *o, struct mpl_event *e, const struct mpl_kept *k)
{
    const char *text = k->text + k->first;
    uint32_t at = 0;
    for (uint32_t i = 0; i < k->nplaces; i++) {
        const struct mpl_placed *place = &k->places[i];
        const struct mpl_pair *p = mpl_find_pair(e, k->key + place->name, place->name_len);
        if (!p || (i == 0 && p->value.kind == MPL_MSG_STR && (!p->value.length || p->value.text[0] == '{')))
            return false;
        if (!mpl_put(o, text + at, place->from - at) || !put_piece(o, p))
            return false;
        at = place->to;
    }
    return mpl_put(o, text + at, k->second - at);
}

static bool put_message(struct mpl_out *o, struct mpl_event *e, unsigned kind, const struct mpl_spot *head, bool *same)
{
    char *before = o->at;
    if (head->hit && kind != PERCENT_KIND) {
        *same = !e->npairs || (head->kept->by_pieces && !head->kept->nplaces);
        if (*same)
            return mpl_put(o, head->kept->text + head->kept->first, head->kept->second);
        if (head->kept->by_pieces && put_filled(o, e, head->kept))
            return true;
        o->at = before;
    }
    return mpl_put_message(o, e, kind, mpl_put_text, same);
}

/* What is kept of the head was found to be clean. */
static bool care_for_head(struct mpl_care *care, const struct mpl_event *e, const struct mpl_spot *head)
{
    if (head->hit) {
        care->may = head->kept->care;
        care->digits = head->kept->digits;
        return true;
    }
    return mpl_care_texts(care, e->begin + 1, e->template.text + e->template.length);
}

static bool put_told(struct mpl_out *o, struct mpl_event *e, const struct mpl_stamp *s, const struct mpl_spot *head, const struct mpl_care *care)
{
    const struct mpl_kept *k = head->kept;
    bool same;
    if (!(head->hit ? mpl_put(o, k->text, k->first) : put_head(o, e, s->level)) || !put_message(o, e, s->kind, head, &same) || !MPL_PUT(o, "\","))
        return false;
    if (!same && !mpl_care_message(care, e, s->kind, o->digits))
        return false;
    if (!same && !(MPL_PUT(o, "\"template\":\"") &&
                     (head->hit ? mpl_put(o, k->text + k->first, k->second) : mpl_put_text(o, e->template.text, e->template.length)) && MPL_PUT(o, "\",")))
        return false;
    return put_pairs(o, e);
}

static bool put_end(struct mpl_out *o, const struct mpl_stamp *s)
{
    const struct mpl_origin *from = s->origin;
    return (!(s->flags & MPL_FLAG_CUT) || MPL_PUT(o, "\"cut\":true,")) && (!(s->flags & MPL_FLAG_LATE) || MPL_PUT(o, "\"late\":true,")) &&
           (!(s->flags & MPL_FLAG_RECOVERED) || MPL_PUT(o, "\"recovered\":true,")) &&
           (!s->filtered || (MPL_PUT(o, "\"filtered\":") && mpl_put_uint(o, s->filtered) && MPL_PUT(o, ","))) &&
           (from->json ? mpl_put(o, from->json + from->json_process, from->json_session) : put_session(o, from)) && mpl_put_uint(o, s->seq) &&
           MPL_PUT(o, "}\n");
}

/* One of the parts behind the pairs, which c stands at: kept, and then stepped over, or read. */
static bool read_part(struct mpl_event *e, struct mpl_cursor *c, struct mpl_spot *spot, bool (*read)(struct mpl_event *, struct mpl_cursor *))
{
    if (spot->hit) {
        c->at += spot->kept->key_len;
        return true;
    }
    if (!read(e, c))
        return false;
    spot->n = (size_t)(c->at - spot->key);
    return true;
}

static bool put_line(struct mpl_out *o, struct mpl_second *last, const struct mpl_stamp *s, const uint8_t *payload, size_t len)
{
    struct mpl_cursor c = {.at = payload, .end = payload + len};
    struct mpl_event e;
    if (!mpl_read_head(&e, &c))
        return false;
    const struct mpl_spot head = mpl_memo_head(last->memo, &e, s->level);
    struct mpl_care care = {.names = last->secrets};
    if (care.names && !care_for_head(&care, &e, &head))
        return false;
    const struct mpl_care of_head = care;
    const uint8_t *pairs = c.at;
    if (!mpl_read_pairs(&e, &c) || (care.names && e.npairs && !mpl_care_pairs(&care, pairs, e.pairs_end)))
        return false;
    struct mpl_spot place = mpl_memo_place(last->memo, &e, &c);
    if (!read_part(&e, &c, &place, mpl_read_place))
        return false;
    struct mpl_spot thread = mpl_memo_thread(last->memo, &e, &c);
    if (!read_part(&e, &c, &thread, mpl_read_thread) || !mpl_read_rest(&e, &c, s->kind))
        return false;
    if (care.names && e.args.length && !mpl_care_texts(&care, e.args_body, c.at))
        return false;
    if (!put_time(o, last, s->wall_ns) || !put_told(o, &e, s, &head, &care) || !(place.hit ? mpl_put(o, place.kept->text, place.kept->first) : put_place(o, &e)) ||
        !(s->origin->json ? mpl_put(o, s->origin->json, s->origin->json_process) : put_process(o, s->origin)) ||
        !(thread.hit ? mpl_put(o, thread.kept->text, thread.kept->first) : put_thread(o, &e)) || !put_end(o, s))
        return false;
    keep_head(&head, &e, of_head.may, of_head.digits);
    keep(&place, &e, put_place);
    keep(&thread, &e, put_thread);
    return true;
}

int mpl_format_json(struct mpl_second *last, const struct mpl_stamp *stamp, const uint8_t *payload, size_t len, char *out, size_t room)
{
    struct mpl_out o = {.at = out, .end = out + (room < INT32_MAX ? room : INT32_MAX)};
    if (put_line(&o, last, stamp, payload, len))
        return (int)(o.at - out);
    return o.full ? MPL_FORMAT_NO_ROOM : MPL_FORMAT_DECLINED;
}
