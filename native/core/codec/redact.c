/* SPDX-License-Identifier: Apache-2.0 */
#include "redact.h"

#include <string.h>

#include "mpl.h"

static bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }
static bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
static bool is_digit(char c) { return c >= '0' && c <= '9'; }
static char folded(char c) { return is_upper(c) ? (char)(c + ('a' - 'A')) : c; }

/* Neither letter nor digit; what is beyond ASCII counts as letters. */
static bool separates(char c) { return !((uint8_t)c & 0x80) && !is_upper(c) && !is_lower(c) && !is_digit(c); }

void mpl_redaction_clear(struct mpl_redaction *r)
{
    r->count = 0;
    memset(r->last, 0, sizeof r->last);
    r->version++;
}

int mpl_redaction_add(struct mpl_redaction *r, const char *name, size_t length)
{
    if (!length || length > MPL_REDACT_NAME_BYTES || r->count == MPL_REDACT_NAMES)
        return MPL_E_ARG;
    char *text = r->names[r->count].text;
    uint8_t n = 0;
    for (size_t i = 0; i < length; i++)
        if (!separates(name[i]))
            text[n++] = folded(name[i]);
    if (!n)
        return MPL_E_ARG;
    r->names[r->count++].length = n;
    const uint8_t last = (uint8_t)text[n - 1];
    r->last[last / 32] |= UINT32_C(1) << last % 32;
    r->version++;
    return 0;
}

/* Whether a word of the key begins there: after a separator, or as in `accessToken`, `OAUTH2TOKEN` and `SMTPPassword`. */
static bool begins_word(const char *key, size_t at, size_t length)
{
    if (!at || separates(key[at - 1]))
        return true;
    return is_upper(key[at]) && (is_lower(key[at - 1]) || is_digit(key[at - 1]) || (at + 1 < length && is_lower(key[at + 1])));
}

static bool ends_in(const char *key, size_t length, const char *name, size_t n)
{
    size_t at = length;
    while (n && at) {
        const char c = key[--at];
        if (separates(c))
            continue; /* `pass-word`, `privateKey` and `private_key` are one name */
        if (folded(c) != name[--n])
            return false;
    }
    return !n && begins_word(key, at, length);
}

bool mpl_redacts(const struct mpl_redaction *r, const char *key, size_t length)
{
    while (length && separates(key[length - 1]))
        length--;
    if (!length)
        return false;
    const uint8_t last = (uint8_t)folded(key[length - 1]);
    if (!(r->last[last / 32] >> last % 32 & 1u))
        return false;
    for (uint32_t i = 0; i < r->count; i++)
        if (ends_in(key, length, r->names[i].text, r->names[i].length))
            return true;
    return false;
}

/* ---- an encoded event --------------------------------------------------------------------------------------------------- */
struct head { /* of one msgpack value */
    size_t bytes; /* of the value itself; of a container: of its head */
    uint64_t inside; /* values that follow it */
    const char *text;
    size_t length;
    bool is_map, is_text;
};

static uint64_t number(const uint8_t *at, unsigned width)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < width; i++)
        value = value << 8 | at[i];
    return value;
}

/* Bytes of the length after the head byte, and what else follows it, for c4..d9 and so on; widths from the msgpack specification. */
static bool read_wide(const uint8_t *at, size_t left, struct head *h)
{
    static const uint8_t fixed[0x20] = {/* c0 */ 1, 0, 1, 1, 0, 0, 0, 0, 0, 0, 5, 9, 2, 3, 5, 9, /* d0 */ 2, 3, 5, 9, 3, 4, 6, 10, 18};
    static const uint8_t widths[0x20] = {[0x04] = 1, [0x05] = 2, [0x06] = 4, [0x07] = 1, [0x08] = 2, [0x09] = 4, [0x19] = 1, [0x1a] = 2, [0x1b] = 4,
        [0x1c] = 2, [0x1d] = 4, [0x1e] = 2, [0x1f] = 4};
    const unsigned kind = at[0] & 0x1f, width = widths[kind];
    if (fixed[kind]) {
        h->bytes = fixed[kind];
        return h->bytes <= left;
    }
    if (!width || left < 1 + width)
        return false;
    const uint64_t n = number(at + 1, width);
    h->bytes = 1 + width;
    if (kind >= 0x1c) {
        h->is_map = kind >= 0x1e;
        h->inside = h->is_map ? 2 * n : n;
        return h->inside <= left;
    }
    h->is_text = kind >= 0x19 || kind <= 0x06; /* bytes too: a key may be either */
    h->text = (const char *)at + h->bytes;
    h->length = (size_t)n;
    h->bytes += (size_t)n + (kind >= 0x07 && kind <= 0x09 ? 1 : 0); /* an extension has its type between */
    return h->bytes <= left;
}

static bool read_head(const uint8_t *at, size_t left, struct head *h)
{
    *h = (struct head){.bytes = 1};
    if (!left)
        return false;
    if (at[0] < 0x80 || at[0] >= 0xe0)
        return true;
    if (at[0] < 0xa0) {
        h->is_map = at[0] < 0x90;
        h->inside = (at[0] & 15u) * (h->is_map ? 2u : 1u);
        return h->inside <= left;
    }
    if (at[0] < 0xc0) {
        h->is_text = true;
        h->text = (const char *)at + 1;
        h->length = at[0] & 31u;
        h->bytes += h->length;
        return h->bytes <= left;
    }
    return read_wide(at, left, h);
}

/* Every value has a byte at least, so the number still to come is never above the bytes left: no depth, no overflow. 0: no whole value. */
static size_t whole(const uint8_t *at, size_t left)
{
    struct head h;
    size_t done = 0;
    for (uint64_t to_come = 1; to_come; to_come = to_come - 1 + h.inside) {
        if (to_come > left - done || !read_head(at + done, left - done, &h))
            return 0;
        done += h.bytes;
    }
    return done;
}

struct rewrite {
    const struct mpl_redaction *r;
    const uint8_t *at, *end, *copied; /* up to `copied` the input is in the output */
    uint8_t *out, *out_end;
    size_t replaced;
    bool asks, full;
};

static bool copy_up_to(struct rewrite *w, const uint8_t *to)
{
    const size_t n = (size_t)(to - w->copied);
    if (w->asks)
        return true;
    if ((size_t)(w->out_end - w->out) < n) {
        w->full = true;
        return false;
    }
    memcpy(w->out, w->copied, n);
    w->out += n;
    w->copied = to;
    return true;
}

/* The value there gives way to a text, which is msgpack as it stands. */
static bool replace_value(struct rewrite *w, const char *text)
{
    const size_t length = strlen(text);
    const size_t n = whole(w->at, (size_t)(w->end - w->at));
    if (!n)
        return false;
    w->replaced++;
    if (!copy_up_to(w, w->at))
        return false;
    w->at += n;
    w->copied = w->at;
    if (w->asks)
        return true;
    if ((size_t)(w->out_end - w->out) < length) {
        w->full = true;
        return false;
    }
    memcpy(w->out, text, length);
    w->out += length;
    return true;
}

#define MAX_OPEN 64 /* containers within one another; deeper ones are not looked into, and so not shown */

struct open { /* a container that is being walked */
    uint64_t left;
    bool is_map;
};

/* One value, and what is in it. */
static bool walk(struct rewrite *w)
{
    struct open stack[MAX_OPEN] = {{.left = 1}};
    size_t depth = 1;
    while (depth) {
        struct open *top = &stack[depth - 1];
        struct head h;
        if (!top->left--) {
            depth--;
            continue;
        }
        const bool is_key = top->is_map && top->left % 2;
        if (!read_head(w->at, (size_t)(w->end - w->at), &h))
            return false;
        if (h.inside && depth == MAX_OPEN) {
            if (!replace_value(w, "\xa3…"))
                return false;
            continue;
        }
        w->at += h.bytes;
        if (is_key && h.is_text && w->at < w->end && *w->at != 0xc0 && mpl_redacts(w->r, h.text, h.length)) {
            top->left--;
            if (!replace_value(w, "\xaa" MPL_REDACTED))
                return false;
        } else if (h.inside) {
            stack[depth++] = (struct open){.left = h.inside, .is_map = h.is_map};
        }
    }
    return copy_up_to(w, w->at);
}

size_t mpl_redact(const struct mpl_redaction *r, const uint8_t *payload, size_t len, uint8_t *out, size_t room, bool *full)
{
    struct rewrite w = {.r = r, .at = payload, .end = payload + len, .copied = payload, .out = out, .out_end = out + room, .asks = !out};
    const bool ok = r->count && walk(&w);
    *full = w.full;
    if (!w.replaced || (!ok && !w.asks))
        return 0;
    return w.asks ? len : (size_t)(w.out - out);
}
