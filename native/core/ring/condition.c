/* SPDX-License-Identifier: Apache-2.0
 *
 * What a `filter` expression has been made into (mplog/config/condition.py, which says what each test means), and an encoded event beside it. The program and
 * the payload may both be hostile: all of the one is checked when it is taken, each length in the other before anything is read by it. Role: W. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "codec/msgpack.h"
#include "format/format.h"
#include "mpl.h"

#define TAKE 254u
#define DROP 255u
#define ITEMS 13u /* of an event (docs/design/wire.md) */
#define MAX_PARTS 16u /* of a field's name */

enum operation { HAS, IN, LESS, LESS_EQUAL, GREATER, GREATER_EQUAL, LIKE, OPERATIONS };
enum what { FIELD, LEVEL, LOGGER, TEMPLATE, FILE_PATH, LINE, FUNCTION, THREAD_ID, THREAD_NAME, TASK, EXCEPTION, PROCESS, PID, WHATS };
static const uint8_t item_of[WHATS] = {[LOGGER] = 0, [TEMPLATE] = 1, [FILE_PATH] = 4, [LINE] = 5, [FUNCTION] = 6, [THREAD_ID] = 7, [THREAD_NAME] = 8,
    [TASK] = 9, [EXCEPTION] = 10};
enum { FIELDS_ITEM = 2, CONTEXT_ITEM = 3 };

struct test {
    uint8_t what, operation, then, other;
    uint32_t name_len, operands;
    const uint8_t *name, *first; /* operand; in the program's own copy */
};

struct mpl_condition {
    uint32_t count;
    const uint8_t *end; /* of the copy */
    struct test tests[MPL_MAX_TESTS];
    uint8_t program[];
};

/* ---- the program -------------------------------------------------------------------------------------------------------- */
static bool small(struct mpl_cursor *c, unsigned below, uint8_t *out)
{
    struct mpl_msg m;
    if (!mpl_msg_next(c, &m) || m.kind != MPL_MSG_INT || m.negative || m.number >= below)
        return false;
    *out = (uint8_t)m.number;
    return true;
}

static bool is_number(const struct mpl_msg *m) { return m->kind == MPL_MSG_INT || m->kind == MPL_MSG_FLOAT; }

/* As many operands as the operation has, of the kinds that it has. */
static bool read_operands(struct mpl_cursor *c, struct test *t)
{
    struct mpl_msg m;
    if (!mpl_msg_next(c, &m) || m.kind != MPL_MSG_ARRAY)
        return false;
    t->operands = m.length;
    t->first = c->at;
    if (t->operation == HAS ? m.length : t->operation != IN && m.length != 1)
        return false;
    for (uint32_t i = 0; i < t->operands; i++) {
        if (!mpl_msg_next(c, &m) || m.kind == MPL_MSG_ARRAY || m.kind == MPL_MSG_MAP)
            return false;
        if (t->operation == LIKE ? m.kind != MPL_MSG_STR || !m.length : t->operation != IN && m.kind != MPL_MSG_STR && !is_number(&m))
            return false;
    }
    return true;
}

static bool read_test(struct mpl_cursor *c, struct test *t, uint32_t index, uint32_t count)
{
    struct mpl_msg m;
    if (!mpl_msg_next(c, &m) || m.kind != MPL_MSG_ARRAY || m.length != 6)
        return false;
    if (!small(c, WHATS, &t->what) || !small(c, OPERATIONS, &t->operation) || !mpl_msg_next(c, &m) || m.kind != MPL_MSG_STR)
        return false;
    t->name = m.text;
    t->name_len = m.length;
    if (!read_operands(c, t) || !small(c, 256, &t->then) || !small(c, 256, &t->other))
        return false;
    return (t->then >= TAKE || (t->then > index && t->then < count)) && (t->other >= TAKE || (t->other > index && t->other < count));
}

struct mpl_condition *mpl_condition_new(const void *program, size_t len, int *rc)
{
    struct mpl_condition *made = len <= MPL_MAX_CONDITION ? malloc(sizeof *made + len) : NULL;
    struct mpl_msg m;
    *rc = len <= MPL_MAX_CONDITION ? -ENOMEM : MPL_E_ARG;
    if (!made)
        return NULL;
    memcpy(made->program, program, len);
    struct mpl_cursor c = {.at = made->program, .end = made->program + len};
    made->end = c.end;
    bool ok = mpl_msg_next(&c, &m) && m.kind == MPL_MSG_ARRAY && m.length && m.length <= MPL_MAX_TESTS;
    made->count = ok ? m.length : 0;
    for (uint32_t i = 0; ok && i < made->count; i++)
        ok = read_test(&c, &made->tests[i], i, made->count);
    *rc = ok && c.at == c.end ? 0 : MPL_E_ARG;
    if (!*rc)
        return made;
    free(made);
    return NULL;
}

int mpl_condition_set(struct mpl_reader *r, uint32_t sink, const void *program, size_t len)
{
    int rc = sink < MPL_MAX_SINKS ? 0 : MPL_E_ARG;
    struct mpl_condition *made = !rc && len ? mpl_condition_new(program, len, &rc) : NULL;
    if (rc)
        return rc;
    if (made && !r->filters[sink] && (rc = mpl_filter_set(r, sink, 0, NULL, 0))) { /* the drain looks at a condition where there is a filter */
        free(made);
        return rc;
    }
    free(r->conditions[sink]);
    r->conditions[sink] = made;
    return 0;
}

/* ---- the event ---------------------------------------------------------------------------------------------------------- */
struct subject {
    struct mpl_cursor c; /* at item `at` */
    uint32_t at, items;
    const uint8_t *places[ITEMS]; /* of those before it */
    bool begun;
    const struct mpl_origin *from;
    unsigned level;
};
enum found { NONE, FOUND, BROKEN };

/* c steps over a value, head and body. */
static bool step_over(struct mpl_cursor *c)
{
    struct mpl_msg m;
    return mpl_msg_any(c, &m) && mpl_msg_skip_any(c, &m);
}

static bool begin(struct subject *s)
{
    struct mpl_msg head;
    s->begun = true;
    s->items = 0;
    if (!mpl_msg_next(&s->c, &head) || head.kind != MPL_MSG_ARRAY)
        return false;
    s->items = head.length < ITEMS ? head.length : ITEMS;
    return true;
}

/* Reads an item of the event: its head, and a cursor behind that. It is whole: nothing in it ends early. */
static enum found item_at(struct subject *s, uint32_t item, struct mpl_cursor *out, struct mpl_msg *head)
{
    if (!s->begun && !begin(s))
        return BROKEN;
    if (item >= s->items)
        return NONE;
    for (; s->at <= item; s->at++) {
        s->places[s->at] = s->c.at;
        if (!step_over(&s->c))
            return BROKEN;
    }
    *out = (struct mpl_cursor){.at = s->places[item], .end = s->c.end};
    return mpl_msg_any(out, head) ? FOUND : BROKEN;
}

struct inside { /* a map, behind its head */
    struct mpl_cursor c;
    uint32_t count;
};

/* A key, and the head of its value: the cursor stands behind that. */
static bool next_pair(struct mpl_cursor *c, struct mpl_msg *key, struct mpl_msg *value)
{
    return mpl_msg_any(c, key) && mpl_msg_skip_any(c, key) && mpl_msg_any(c, value);
}

/* One look through a map: the value of that key, and the map that the name's first part names. Of a key that stands twice the last one counts. */
static void look(struct inside map, const uint8_t *name, size_t n, size_t first, struct mpl_msg *value, bool *has, struct inside *inner, bool *leads)
{
    struct mpl_msg key, m;
    *has = *leads = false;
    for (uint32_t i = 0; i < map.count && next_pair(&map.c, &key, &m); i++) {
        const bool text = key.kind == MPL_MSG_STR;
        if (text && key.length == n && memcmp(key.text, name, n) == 0) {
            *value = m;
            *has = true;
        }
        if (text && key.length == first && first < n && memcmp(key.text, name, first) == 0) {
            *leads = m.kind == MPL_MSG_MAP;
            *inner = (struct inside){.c = map.c, .count = m.length};
        }
        mpl_msg_skip_any(&map.c, &m);
    }
}

static enum found field_in(struct subject *s, uint32_t item, const struct test *t, struct mpl_msg *out)
{
    struct mpl_cursor c;
    struct mpl_msg head;
    const enum found there = item_at(s, item, &c, &head);
    if (there != FOUND)
        return there;
    if (head.kind != MPL_MSG_MAP && (item != CONTEXT_ITEM || head.kind != MPL_MSG_NIL))
        return BROKEN;
    struct inside map = {.c = c, .count = head.kind == MPL_MSG_MAP ? head.length : 0}, inner = {0};
    const uint8_t *name = t->name;
    size_t n = t->name_len;
    for (unsigned part = 0; part < MAX_PARTS; part++) {
        const uint8_t *dot = memchr(name, '.', n);
        const size_t first = dot ? (size_t)(dot - name) : n;
        bool has, leads;
        look(map, name, n, first, out, &has, &inner, &leads);
        if (has || !leads)
            return has ? FOUND : NONE;
        map = inner;
        name += first + 1;
        n -= first + 1;
    }
    return NONE;
}

static enum found of_origin(const struct subject *s, unsigned what, struct mpl_msg *out)
{
    const struct mpl_origin *o = s->from;
    *out = (struct mpl_msg){.kind = what == PID ? MPL_MSG_INT : MPL_MSG_STR};
    if (what == PID) {
        out->number = o->pid;
        return o->pid ? FOUND : NONE;
    }
    out->text = (const uint8_t *)o->name;
    out->length = (uint32_t)o->name_len;
    return o->name_len ? FOUND : NONE;
}

/* What stands in an item by itself; what is empty is none. */
static enum found of_item(struct subject *s, unsigned what, struct mpl_msg *out)
{
    struct mpl_cursor c;
    const enum found there = item_at(s, item_of[what], &c, out);
    if (there != FOUND)
        return there;
    if (what == EXCEPTION && out->kind == MPL_MSG_ARRAY) {
        if (!out->length || !mpl_msg_any(&c, out) || out->kind != MPL_MSG_STR)
            return BROKEN;
        return FOUND;
    }
    if (out->kind == MPL_MSG_NIL && (what == TASK || what == EXCEPTION))
        return NONE;
    if (out->kind != (what == LINE || what == THREAD_ID ? MPL_MSG_INT : MPL_MSG_STR))
        return BROKEN;
    return (out->kind == MPL_MSG_INT ? out->number : out->length) ? FOUND : NONE;
}

static enum found find(struct subject *s, const struct test *t, struct mpl_msg *out)
{
    if (t->what == LEVEL) {
        *out = (struct mpl_msg){.kind = MPL_MSG_INT, .number = s->level};
        return FOUND;
    }
    if (t->what == PROCESS || t->what == PID)
        return of_origin(s, t->what, out);
    if (t->what != FIELD)
        return of_item(s, t->what, out);
    const enum found there = field_in(s, FIELDS_ITEM, t, out);
    return there == NONE ? field_in(s, CONTEXT_ITEM, t, out) : there;
}

/* ---- comparisons -------------------------------------------------------------------------------------------------------- */
enum order { BEFORE = -1, EQUAL, AFTER, NO_ORDER };
static enum order order_of(bool before, bool after) { return before ? BEFORE : after ? AFTER : EQUAL; }

static enum order compare_ints(const struct mpl_msg *a, const struct mpl_msg *b)
{
    if (a->negative != b->negative)
        return a->negative ? BEFORE : AFTER;
    return order_of(a->number < b->number, a->number > b->number); /* two's complement: the same order on both sides of zero */
}

/* Exactly: a double that is large enough to be inexact is a whole number. */
static enum order compare_int_real(const struct mpl_msg *a, double b)
{
    if (b != b)
        return NO_ORDER;
    if (b >= 0x1p64 || b < -0x1p63)
        return b > 0 ? BEFORE : AFTER;
    const struct mpl_msg whole = {.kind = MPL_MSG_INT, .negative = b <= -1.0, .number = b <= -1.0 ? (uint64_t)(int64_t)b : b < 0 ? 0 : (uint64_t)b};
    const enum order order = compare_ints(a, &whole);
    const double rest = b - (whole.negative ? (double)(int64_t)whole.number : (double)whole.number);
    return order == EQUAL ? order_of(rest > 0, rest < 0) : order;
}

static enum order compare(const struct mpl_msg *a, const struct mpl_msg *b)
{
    if (a->kind == MPL_MSG_STR && b->kind == MPL_MSG_STR) {
        const int c = memcmp(a->text, b->text, a->length < b->length ? a->length : b->length);
        return c ? order_of(c < 0, c > 0) : order_of(a->length < b->length, a->length > b->length);
    }
    if (!is_number(a) || !is_number(b))
        return NO_ORDER;
    if (a->kind == MPL_MSG_INT)
        return b->kind == MPL_MSG_INT ? compare_ints(a, b) : compare_int_real(a, b->real);
    if (b->kind == MPL_MSG_FLOAT)
        return a->real < b->real ? BEFORE : a->real > b->real ? AFTER : a->real == b->real ? EQUAL : NO_ORDER;
    const enum order turned = compare_int_real(b, a->real);
    return turned == BEFORE ? AFTER : turned == AFTER ? BEFORE : turned;
}

static bool same(const struct mpl_msg *a, const struct mpl_msg *b)
{
    if (a->kind == MPL_MSG_BOOL || a->kind == MPL_MSG_NIL)
        return a->kind == b->kind && a->number == b->number;
    return compare(a, b) == EQUAL;
}

static bool like(unsigned what, const struct mpl_msg *found, const struct mpl_msg *part)
{
    if (found->kind != MPL_MSG_STR)
        return false;
    if (what != LOGGER)
        return memmem(found->text, found->length, part->text, part->length) != NULL;
    return found->length >= part->length && memcmp(found->text, part->text, part->length) == 0 &&
           (found->length == part->length || found->text[part->length] == '.');
}

static bool passes(const struct mpl_condition *program, const struct test *t, const struct mpl_msg *found)
{
    struct mpl_cursor c = {.at = t->first, .end = program->end};
    struct mpl_msg operand;
    for (uint32_t i = 0; i < t->operands && mpl_msg_next(&c, &operand); i++) {
        const enum order order = t->operation > IN && t->operation < LIKE ? compare(found, &operand) : NO_ORDER;
        switch ((enum operation)t->operation) {
        case IN:
            if (same(found, &operand))
                return true;
            break;
        case LESS: return order == BEFORE;
        case LESS_EQUAL: return order == BEFORE || order == EQUAL;
        case GREATER: return order == AFTER;
        case GREATER_EQUAL: return order == AFTER || order == EQUAL;
        default: return like(t->what, found, &operand); /* LIKE; HAS has no operand */
        }
    }
    return t->operation == HAS;
}

bool mpl_condition_holds(const struct mpl_condition *program, const struct mpl_origin *from, unsigned level, const void *payload, size_t len)
{
    struct subject s = {.c = {.at = payload, .end = (const uint8_t *)payload + len}, .from = from, .level = level};
    uint8_t at = 0;
    while (at < TAKE) {
        const struct test *t = &program->tests[at];
        struct mpl_msg found;
        const enum found there = find(&s, t, &found);
        if (there == BROKEN)
            return true;
        at = there == FOUND && passes(program, t, &found) ? t->then : t->other;
    }
    return at == TAKE;
}
