/* SPDX-License-Identifier: Apache-2.0
 *
 * The formatters against any payload: level, kind, flags, two bytes of room, then the payload. A line must be one object of strict JSON, or pairs of
 * logfmt and nothing else, or text without anything that steers; in UTF-8, on one line; in less room there is none; kept fragments make the same. */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "format/format.h"

#define ROOM (1u << 17)
#define EXPECT(condition) ((condition) ? (void)0 : abort())

struct text {
    const uint8_t *at, *end;
};

static bool eat(struct text *t, const char *word)
{
    size_t n = strlen(word);
    if ((size_t)(t->end - t->at) < n || memcmp(t->at, word, n))
        return false;
    t->at += n;
    return true;
}

/* Steps over a character, which is one that people may see. */
static unsigned character(struct text *t)
{
    EXPECT(t->at < t->end);
    unsigned c = *t->at++;
    EXPECT(c >= 0x20 && c != 0x7f);
    if (c < 0x80)
        return c;
    unsigned tail = c >= 0xf0 ? 3 : c >= 0xe0 ? 2 : 1, code = c & (0x3fu >> tail);
    EXPECT(c >= 0xc2 && c <= 0xf4 && (size_t)(t->end - t->at) >= tail);
    for (; tail; tail--, t->at++) {
        EXPECT((*t->at & 0xc0) == 0x80);
        code = code << 6 | (*t->at & 0x3fu);
    }
    EXPECT(code > 0x9f && !(code >= 0x2028 && code <= 0x202e) && !(code >= 0x2066 && code <= 0x2069));
    EXPECT(!(code >= 0xd800 && code < 0xe000) && code < 0x110000);
    return code;
}

static void string(struct text *t)
{
    EXPECT(eat(t, "\""));
    for (;;) {
        unsigned c = character(t);
        if (c == '"')
            return;
        if (c == '\\') {
            EXPECT(t->at < t->end && strchr("\"\\bfnrtu", *t->at));
            t->at++;
        }
    }
}

static void number(struct text *t)
{
    const uint8_t *start = t->at;
    while (t->at < t->end && strchr("-.0123456789", *t->at))
        t->at++;
    EXPECT(t->at > start);
}

static void value(struct text *t)
{
    EXPECT(t->at < t->end);
    uint8_t c = *t->at;
    if (c == '"') {
        string(t);
    } else if (c == '{' || c == '[') {
        const char *close = c == '{' ? "}" : "]";
        t->at++;
        if (eat(t, close))
            return;
        do {
            if (c == '{') {
                string(t);
                EXPECT(eat(t, ":"));
            }
            value(t);
        } while (eat(t, ","));
        EXPECT(eat(t, close));
    } else if (!eat(t, "null") && !eat(t, "true") && !eat(t, "false")) {
        number(t);
    }
}

static void check_json(struct text *t)
{
    value(t);
    EXPECT(eat(t, "\n"));
}

static bool is_bare(uint8_t c) { return c > ' ' && c < 0x7f && c != '"' && c != '='; }

/* `key=value`, one blank between two of them, and the end that no value can give a line. */
static void check_logfmt(struct text *t)
{
    const uint8_t *start = t->at;
    unsigned numbers = 0;
    EXPECT(eat(t, "timestamp=") && (t->at = start));
    do {
        const uint8_t *key = t->at;
        while (t->at < t->end && is_bare(*t->at))
            t->at++;
        size_t n = (size_t)(t->at - key);
        numbers += n == 3 && memcmp(key, "seq", 3) == 0;
        EXPECT(n && eat(t, "="));
        key = t->at;
        if (t->at < t->end && *t->at == '"')
            string(t);
        for (; t->at < t->end && is_bare(*t->at) && *key != '"'; t->at++)
            EXPECT(*t->at != '\\');
        EXPECT(t->at > key);
    } while (eat(t, " "));
    EXPECT(eat(t, "\n") && numbers == 1);
    static const char last[] = " session=0123456789ab-1-7 seq=1\n";
    EXPECT(memcmp(t->at - (sizeof last - 1), last, sizeof last - 1) == 0);
}

static void check_text(struct text *t)
{
    EXPECT(t->end - t->at > 40 && t->at[26] == 'Z' && t->at[27] == ' ');
    while (!eat(t, "\n")) {
        unsigned code = character(t);
        EXPECT(code != 0x61c && code != 0x200e && code != 0x200f && code != 0xfeff);
    }
}

static const struct {
    enum mpl_format format;
    void (*check)(struct text *t);
} formats[] = {{MPL_FORMAT_JSON, check_json}, {MPL_FORMAT_TEXT, check_text}, {MPL_FORMAT_LOGFMT, check_logfmt}};

/* With what is kept from one input to the next, and learned when the same comes again, the line is the same. */
static void check_kept(mpl_formatter formatter, const struct mpl_stamp *stamp, const uint8_t *payload, size_t len, const char *line, int length)
{
    static struct mpl_second second;
    static char again[ROOM], ready[256];
    struct mpl_origin origin = *stamp->origin;
    struct mpl_stamp same = *stamp;
    same.origin = &origin;
    if (!second.memo)
        second.memo = mpl_memo_new();
    mpl_json_origin(&origin, ready, sizeof ready);
    EXPECT(second.memo && origin.json);
    for (int i = 0; i < 12; i++) {
        EXPECT(formatter(&second, &same, payload, len, again, sizeof again) == length);
        EXPECT(length < 0 || memcmp(again, line, (size_t)length) == 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char whole[ROOM];
    struct mpl_second second = {0};
    const struct mpl_origin origin = {.session = "0123456789ab-1-7", .session_len = 16, .name = "web\n", .name_len = 4, .pid = 1};
    if (size < 6)
        return 0;
    const struct mpl_stamp stamp = {.origin = &origin, .wall_ns = (uint64_t)data[0] << 56 | data[1], .seq = 1, .level = data[0], .kind = data[1] & 3u,
        .flags = data[2]};
    const uint8_t *payload = data + 5;
    size_t len = size - 5, room = (size_t)data[3] << 4 | data[4];
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
        mpl_formatter formatter = mpl_formatter_of(formats[i].format);
        int n = formatter(&second, &stamp, payload, len, whole, sizeof whole);
        EXPECT(n == MPL_FORMAT_DECLINED || n == MPL_FORMAT_NO_ROOM || n > 40);
        if (n > 0) {
            struct text t = {(const uint8_t *)whole, (const uint8_t *)whole + n};
            formats[i].check(&t);
            EXPECT(t.at == t.end);
        }
        check_kept(formatter, &stamp, payload, len, whole, n);
        char *small = malloc(room + 1);
        EXPECT(small != NULL);
        int m = formatter(&second, &stamp, payload, len, small, room);
        EXPECT(n > 0 && (size_t)n <= room ? m == n && memcmp(small, whole, (size_t)n) == 0 : m < 0);
        free(small);
    }
    return 0;
}
