/* SPDX-License-Identifier: Apache-2.0 */
#include "json.h"

#include "event.h"
#include "layout.h"

#define BILLION UINT64_C(1000000000)

/* ---- the payload ------------------------------------------------------------------------------------------------------ */
static bool next_pair(struct mpl_cursor *c, struct mpl_pair *p)
{
    if (!mpl_msg_next(c, &p->key) || p->key.kind != MPL_MSG_STR || !mpl_msg_next(c, &p->value))
        return false;
    p->body = c->at;
    return mpl_msg_skip(c, &p->value);
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

static bool put_value(struct mpl_out *o, const struct mpl_pair *p, const uint8_t *end);

/* Fields win over the context, in the context's place. The value that is not shown must still be one that decodes: it is written, and taken back. */
static bool read_fields(struct mpl_cursor *c, struct mpl_event *e, uint32_t count, struct mpl_out *o)
{
    uint32_t contexts = e->npairs;
    bool taken[MPL_MAX_PAIRS] = {false};
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
        char *before = o->at;
        if (index >= contexts || taken[index] || !put_value(o, found, e->end))
            return false;
        o->at = before;
        taken[index] = true;
        e->pairs[index] = *p;
    }
    return true;
}

/* The payload's order has the fields before the context, which stands under them. */
static bool read_maps(struct mpl_cursor *c, struct mpl_event *e, bool context_there, struct mpl_out *o)
{
    struct mpl_msg fields, context = {.kind = MPL_MSG_NIL};
    if (!mpl_msg_next(c, &fields) || fields.kind != MPL_MSG_MAP)
        return false;
    struct mpl_cursor inside = *c;
    if (!context_there)
        return read_fields(c, e, fields.length, o);
    if (!mpl_msg_skip(c, &fields) || !mpl_msg_next(c, &context))
        return false;
    if (context.kind == MPL_MSG_MAP ? !read_context(c, e, context.length) : context.kind != MPL_MSG_NIL)
        return false;
    return read_fields(&inside, e, fields.length, o);
}

static bool expect(struct mpl_cursor *c, struct mpl_msg *m, enum mpl_msg_kind kind) { return mpl_msg_next(c, m) && m->kind == kind; }
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

/* Two items at least, thirteen at most: what is missing at the end is its default (event.py). */
static bool read_event(struct mpl_event *e, unsigned kind, const uint8_t *payload, size_t len, struct mpl_out *o)
{
    struct mpl_cursor c = {.at = payload, .end = payload + len};
    const struct mpl_msg no_text = {.kind = MPL_MSG_STR, .text = payload}, zero = {.kind = MPL_MSG_INT}, nil = {.kind = MPL_MSG_NIL};
    struct mpl_msg head;
    e->npairs = 0;
    e->end = c.end;
    e->file = e->function = e->thread_name = no_text;
    e->line = e->thread_id = zero;
    e->task = e->args = nil;
    if (!expect(&c, &head, MPL_MSG_ARRAY) || head.length < 2 || head.length > 13)
        return false;
    const uint32_t n = head.length;
    bool ok = expect(&c, &e->logger, MPL_MSG_STR) && expect(&c, &e->template, MPL_MSG_STR);
    ok = ok && (n < 3 || read_maps(&c, e, n > 3, o));
    ok = ok && (n < 5 || expect(&c, &e->file, MPL_MSG_STR));
    ok = ok && (n < 6 || expect(&c, &e->line, MPL_MSG_INT));
    ok = ok && (n < 7 || expect(&c, &e->function, MPL_MSG_STR));
    ok = ok && (n < 8 || expect(&c, &e->thread_id, MPL_MSG_INT));
    ok = ok && (n < 9 || expect(&c, &e->thread_name, MPL_MSG_STR));
    ok = ok && (n < 10 || (mpl_msg_next(&c, &e->task) && (e->task.kind == MPL_MSG_STR || e->task.kind == MPL_MSG_NIL)));
    ok = ok && (n < 11 || expect_nil(&c)) && (n < 12 || expect_nil(&c));
    ok = ok && (n < 13 || read_args(&c, e, kind));
    return ok && c.at == c.end && (!e->args.length || len <= MPL_MAX_PERCENT_BYTES);
}

/* ---- values ------------------------------------------------------------------------------------------------------------- */
static bool put_next(struct mpl_out *o, struct mpl_cursor *c, unsigned depth);

static bool put_string(struct mpl_out *o, const struct mpl_msg *m)
{
    return MPL_PUT(o, "\"") && mpl_put_text(o, m->text, m->length) && MPL_PUT(o, "\"");
}

static bool put_array(struct mpl_out *o, struct mpl_cursor *c, uint32_t count, unsigned depth)
{
    if (!MPL_PUT(o, "["))
        return false;
    for (uint32_t i = 0; i < count; i++)
        if ((i && !MPL_PUT(o, ",")) || !put_next(o, c, depth + 1))
            return false;
    return MPL_PUT(o, "]");
}

static bool put_map(struct mpl_out *o, struct mpl_cursor *c, uint32_t count, unsigned depth)
{
    struct mpl_msg keys[MPL_MAX_PAIRS];
    if (count > MPL_MAX_PAIRS || !MPL_PUT(o, "{"))
        return false;
    for (uint32_t i = 0; i < count; i++) {
        if (!expect(c, &keys[i], MPL_MSG_STR))
            return false;
        for (uint32_t k = 0; k < i; k++)
            if (mpl_same_text(&keys[k], keys[i].text, keys[i].length))
                return false;
        if ((i && !MPL_PUT(o, ",")) || !put_string(o, &keys[i]) || !MPL_PUT(o, ":") || !put_next(o, c, depth + 1))
            return false;
    }
    return MPL_PUT(o, "}");
}

/* A value whose head is read; c stands behind that. */
static bool put_msg(struct mpl_out *o, const struct mpl_msg *m, struct mpl_cursor *c, unsigned depth)
{
    char text[MPL_NUMBER_CHARS];
    size_t n;
    switch (m->kind) {
    case MPL_MSG_STR: return put_string(o, m);
    case MPL_MSG_INT: return mpl_put(o, text, mpl_int_text(text, m->number, m->negative));
    case MPL_MSG_FLOAT: return (n = mpl_real_text(text, m->real)) && mpl_put(o, text, n);
    case MPL_MSG_BOOL: return m->number ? MPL_PUT(o, "true") : MPL_PUT(o, "false");
    case MPL_MSG_NIL: return MPL_PUT(o, "null");
    default: break;
    }
    if (depth >= MPL_MAX_DEPTH)
        return false;
    return m->kind == MPL_MSG_ARRAY ? put_array(o, c, m->length, depth) : put_map(o, c, m->length, depth);
}

static bool put_next(struct mpl_out *o, struct mpl_cursor *c, unsigned depth)
{
    struct mpl_msg m;
    return mpl_msg_next(c, &m) && put_msg(o, &m, c, depth);
}

static bool put_value(struct mpl_out *o, const struct mpl_pair *p, const uint8_t *end)
{
    struct mpl_cursor c = {.at = p->body, .end = end};
    return put_msg(o, &p->value, &c, 0);
}

/* ---- keys --------------------------------------------------------------------------------------------------------------- */
/* RESERVED of mplog/format/json.py by their lengths; a test holds the two together. */
#define LONGEST_RESERVED 20u
static const char *const reserved[LONGEST_RESERVED + 1][7] = {
    [3] = {"cut", "seq"},
    [4] = {"late", "last", "what"},
    [5] = {"level", "stack", "clean", "first", "count", "bytes"},
    [6] = {"logger", "offset"},
    [7] = {"message", "session", "dropped", "reasons"},
    [8] = {"template", "filtered"},
    [9] = {"timestamp", "thread.id", "task_name", "recovered", "delivered"},
    [10] = {"event_name", "unreadable"},
    [11] = {"thread.name", "process.pid"},
    [12] = {"process.name"},
    [14] = {"exception.type", "code.file.path"},
    [15] = {"unreadable.head"},
    [16] = {"code.line.number", "unreadable.bytes"},
    [17] = {"exception.message"},
    [18] = {"code.function.name"},
    [20] = {"exception.stacktrace"},
};

static bool is_reserved(const struct mpl_msg *key)
{
    if (key->length > LONGEST_RESERVED)
        return false;
    for (const char *const *name = reserved[key->length]; *name; name++)
        if (memcmp(key->text, *name, key->length) == 0)
            return true;
    return false;
}

/* A user's key that is ours gets `field.` before it. Should the user have such a key as well, that is for the Python formatter to disentangle. */
static bool put_key(struct mpl_out *o, const struct mpl_event *e, const struct mpl_msg *key)
{
    if (!is_reserved(key))
        return MPL_PUT(o, "\"") && mpl_put_text(o, key->text, key->length) && MPL_PUT(o, "\":");
    for (uint32_t i = 0; i < e->npairs; i++)
        if (e->pairs[i].key.length > 6 && memcmp(e->pairs[i].key.text, "field.", 6) == 0)
            return false;
    return MPL_PUT(o, "\"field.") && mpl_put(o, (const char *)key->text, key->length) && MPL_PUT(o, "\":");
}

static bool put_pairs(struct mpl_out *o, const struct mpl_event *e)
{
    for (uint32_t i = 0; i < e->npairs; i++)
        if (!put_key(o, e, &e->pairs[i].key) || !put_value(o, &e->pairs[i], e->end) || !MPL_PUT(o, ","))
            return false;
    return true;
}

/* ---- the line ----------------------------------------------------------------------------------------------------------- */
static void two_digits(char *out, uint64_t number)
{
    out[0] = (char)('0' + number / 10 % 10);
    out[1] = (char)('0' + number % 10);
}

/* `2026-11-22T08:00:00`; 64 bits of nanoseconds end in 2554. Days are counted from 0000-03-01, so that a leap day is the last one of its year. */
static void second_text(char out[24], uint64_t second)
{
    uint64_t days = second / 86400 + 719468, rest = second % 86400;
    uint64_t era = days / 146097, of_era = days % 146097;
    uint64_t year_of_era = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    uint64_t of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    uint64_t from_march = (5 * of_year + 2) / 153;
    uint64_t month = from_march < 10 ? from_march + 3 : from_march - 9, year = year_of_era + era * 400 + (month <= 2);
    memcpy(out, "0000-00-00T00:00:00", 19);
    two_digits(out, year / 100);
    two_digits(out + 2, year);
    two_digits(out + 5, month);
    two_digits(out + 8, of_year - (153 * from_march + 2) / 5 + 1);
    two_digits(out + 11, rest / 3600);
    two_digits(out + 14, rest / 60 % 60);
    two_digits(out + 17, rest % 60);
}

static bool put_time(struct mpl_out *o, struct mpl_second *last, uint64_t wall_ns)
{
    uint64_t second = wall_ns / BILLION, rest = wall_ns % BILLION;
    char nanos[9];
    if (second != last->second || !last->text[0]) {
        second_text(last->text, second);
        last->second = second;
    }
    for (size_t i = sizeof nanos; i--; rest /= 10)
        nanos[i] = (char)('0' + rest % 10);
    return MPL_PUT(o, "{\"timestamp\":\"") && mpl_put(o, last->text, 19) && MPL_PUT(o, ".") && mpl_put(o, nanos, sizeof nanos) && MPL_PUT(o, "Z\",");
}

static bool put_level(struct mpl_out *o, uint8_t level)
{
    switch (level) {
    case 5: return MPL_PUT(o, "\"level\":\"TRACE\",");
    case 10: return MPL_PUT(o, "\"level\":\"DEBUG\",");
    case 20: return MPL_PUT(o, "\"level\":\"INFO\",");
    case 25: return MPL_PUT(o, "\"level\":\"SUCCESS\",");
    case 30: return MPL_PUT(o, "\"level\":\"WARNING\",");
    case 40: return MPL_PUT(o, "\"level\":\"ERROR\",");
    case 50: return MPL_PUT(o, "\"level\":\"CRITICAL\",");
    default: return MPL_PUT(o, "\"level\":\"LEVEL ") && mpl_put_uint(o, level) && MPL_PUT(o, "\",");
    }
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

static bool put_told(struct mpl_out *o, const struct mpl_event *e, unsigned kind)
{
    bool same;
    if (!NAMED(o, "logger", e->logger) || !MPL_PUT(o, "\"message\":\"") || !mpl_put_message(o, e, kind, &same) || !MPL_PUT(o, "\","))
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
           (!(s->flags & MPL_FLAG_RECOVERED) || MPL_PUT(o, "\"recovered\":true,")) && MPL_PUT(o, "\"session\":\"") &&
           mpl_put_text(o, (const uint8_t *)s->origin->session, s->origin->session_len) && MPL_PUT(o, "\",\"seq\":") && mpl_put_uint(o, s->seq) &&
           MPL_PUT(o, "}\n");
}

int mpl_format_json(struct mpl_second *last, const struct mpl_stamp *stamp, const uint8_t *payload, size_t len, char *out, size_t room)
{
    struct mpl_out o = {.at = out, .end = out + (room < INT32_MAX ? room : INT32_MAX)};
    struct mpl_event e;
    if (read_event(&e, stamp->kind, payload, len, &o) && put_time(&o, last, stamp->wall_ns) && put_level(&o, stamp->level) &&
        put_told(&o, &e, stamp->kind) && put_place(&o, &e, stamp) && put_end(&o, stamp))
        return (int)(o.at - out);
    return o.full ? MPL_FORMAT_NO_ROOM : MPL_FORMAT_DECLINED;
}
