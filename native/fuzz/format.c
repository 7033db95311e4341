/* SPDX-License-Identifier: Apache-2.0
 *
 * The formatter against any payload: level, kind, flags, two bytes of room, then the payload. A line must be one object of strict JSON, in UTF-8, on one
 * line; in less room there is none. */
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

static void string(struct text *t)
{
    EXPECT(eat(t, "\""));
    for (;;) {
        EXPECT(t->at < t->end);
        uint8_t c = *t->at++;
        EXPECT(c >= 0x20 && c != 0x7f);
        if (c == '"')
            return;
        if (c == '\\') {
            EXPECT(t->at < t->end && strchr("\"\\bfnrtu", *t->at));
            t->at++;
        } else if (c >= 0x80) {
            unsigned tail = c >= 0xf0 ? 3 : c >= 0xe0 ? 2 : 1, code = c & (0x3fu >> tail);
            EXPECT(c >= 0xc2 && c <= 0xf4 && (size_t)(t->end - t->at) >= tail);
            for (; tail; tail--, t->at++) {
                EXPECT((*t->at & 0xc0) == 0x80);
                code = code << 6 | (*t->at & 0x3fu);
            }
            EXPECT(code > 0x9f && code != 0x2028 && code != 0x2029 && !(code >= 0xd800 && code < 0xe000) && code < 0x110000);
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
    size_t len = size - 5;
    int n = mpl_format_json(&second, &stamp, payload, len, whole, sizeof whole);
    EXPECT(n == MPL_FORMAT_DECLINED || n == MPL_FORMAT_NO_ROOM || n > 100);
    if (n > 0) {
        struct text t = {(const uint8_t *)whole, (const uint8_t *)whole + n};
        value(&t);
        EXPECT(eat(&t, "\n") && t.at == t.end);
    }
    size_t room = (size_t)data[3] << 4 | data[4];
    char *small = malloc(room + 1);
    EXPECT(small != NULL);
    int m = mpl_format_json(&second, &stamp, payload, len, small, room);
    EXPECT(n > 0 && (size_t)n <= room ? m == n && memcmp(small, whole, (size_t)n) == 0 : m < 0);
    free(small);
    return 0;
}
