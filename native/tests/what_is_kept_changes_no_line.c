/* SPDX-License-Identifier: Apache-2.0
 *
 * Fragments kept from line to line make the bytes that the long way makes, whatever stands in the payloads and in whatever order they come: places of the
 * table are taken, given up and taken again. */
#include "payload.h"

static struct mpl_second kept;
static struct mpl_origin origin;
static unsigned lines;

static void same(const struct sample *s, const struct mpl_stamp *stamp, const char *payload, size_t len)
{
    static char plain[4 * LONGEST_LINE], line[4 * LONGEST_LINE];
    struct mpl_stamp ready = *stamp;
    struct mpl_second none = {0};
    mpl_formatter formatter = mpl_formatter_of(s->format);
    uint8_t *exact = malloc(len ? len : 1);
    CHECK(exact != NULL);
    memcpy(exact, payload, len);
    ready.origin = &origin;
    int n = formatter(&none, stamp, exact, len, plain, sizeof plain), m = formatter(&kept, &ready, exact, len, line, sizeof line);
    CHECK_EQ(m, n);
    CHECK(n < 0 || memcmp(plain, line, (size_t)n) == 0);
    for (size_t room = 0; n > 0 && lines % 97 == 0 && room < (size_t)n; room++) {
        char *out = malloc(room ? room : 1);
        CHECK(out != NULL);
        CHECK_EQ(formatter(&kept, &ready, exact, len, out, room), MPL_FORMAT_NO_ROOM);
        free(out);
    }
    lines += n > 0;
    free(exact);
}

/* Every byte with every value, each payload often enough to be kept, beside the one that it was. */
static void changed(const struct sample *s, const struct mpl_stamp *stamp)
{
    char payload[LONGEST_LINE];
    memcpy(payload, s->payload, s->payload_bytes);
    for (size_t at = 0; at < s->payload_bytes; at++)
        for (size_t value = 0; value < 256; value += at % 3 + 1) {
            payload[at] = (char)value;
            for (int i = 0; i < 12; i++)
                same(s, stamp, payload, s->payload_bytes);
            payload[at] = s->payload[at];
            same(s, stamp, payload, s->payload_bytes);
        }
}

/* Payloads of different lengths that begin alike: what one leaves out another may have. */
static void shorter(const struct sample *s, const struct mpl_stamp *stamp)
{
    static const char whole[] = "\x9d\xa1l\xa1m\x80\xc0\xa6/srv/a\x05\xa1" "f\xcf\x00\x00\x00\x01\x00\x00\x00\x07\xa1m\xc0\xc0\xc0\xc0";
    static const size_t ends[] = {3, 5, 6, 7, 14, 15, 17, 26, 28, 29, 30, 31, 32};
    for (int turn = 0; turn < 200; turn++)
        for (size_t items = 2; items <= 13; items++) {
            char payload[sizeof whole];
            memcpy(payload, whole, sizeof whole);
            payload[0] = (char)(0x90 | items);
            same(s, stamp, payload, ends[items - 1]);
            same(s, stamp, payload, ends[(items * (size_t)turn) % 13]);
        }
}

/* The same on every level: more of them than the table has places. */
static void levels(const struct sample *s, struct mpl_stamp stamp)
{
    for (int turn = 0; turn < 4; turn++)
        for (unsigned level = 0; level < 256; level++)
            for (int i = 0; i < 10; i++) {
                stamp.level = (uint8_t)level;
                same(s, &stamp, s->payload, s->payload_bytes);
            }
}

/* Templates around one field: ["l", template, {"a": value, "": 1}, nil, …]. */
static void templates(const struct sample *s, const struct mpl_stamp *stamp)
{
    static const char *const texts[] = {"", "x", "{a}", "{a}{a}", "x{a}y", "{{a}}", "{a", "a}", "}{", "{}", "{b}", "{b}{a}", "{a}{b}", "{\"}{a}", "{a}\n{\x7f}",
        "{a}{a}{a}{a}{a}{a}{a}{a}", "{a}{a}{a}{a}{a}{a}{a}{a}{a}", "{a} {\xd0\xb6} \xd0\xb6", "{a}\xff"};
    static const char *const values[] = {"\x07", "\xa0", "\xa1x", "\xa3{a}", "\xa6{a}{a}", "\xc0", "\xc3", "\xa2\xd0\xb6", "\xa1\xff", "\x90", "\xcb\x40\x09\x21\xfb\x54\x44\x2d\x18"};
    static const char rest[] = "\xa0\x01\xc0\xa6/srv/a\x05\xa1" "f\x07\xa1m\xc0\xc0\xc0";
    for (int turn = 0; turn < 25; turn++)
        for (size_t t = 0; t < sizeof texts / sizeof *texts; t++)
            for (size_t v = 0; v < sizeof values / sizeof *values; v++) {
                char payload[256];
                size_t n = strlen(texts[t]), bytes = v == 10 ? 9 : strlen(values[v]);
                int len = sprintf(payload, "\x9c\xa1l%c%s\x82\xa1" "a", (char)(0xa0 | n), texts[t]);
                memcpy(payload + len, values[v], bytes);
                memcpy(payload + len + bytes, rest, sizeof rest - 1);
                same(s, stamp, payload, (size_t)len + bytes + sizeof rest - 1);
            }
}

/* A payload with one long text of what is six times as long when it is escaped, which is more than is kept of a place or a head. */
static void long_texts(const struct sample *s, const struct mpl_stamp *stamp)
{
    static const char ends[] = "\x82\xa1" "a\x01\xa1" "b\x02\xc0";
    for (unsigned where = 0; where < 5; where++)
        for (unsigned length = 100; length <= 250; length += 50) {
            char payload[1024], text[256];
            size_t n = 0;
            memset(text, where == 4 ? 'x' : '\x01', length);
            const char *const logger = where == 0 ? text : "l", *const file = where >= 3 ? text : "/srv/app";
            payload[n++] = '\x9c';
            n += (size_t)sprintf(payload + n, "\xd9%c%.*s", where == 0 ? (int)length : 1, where == 0 ? (int)length : 1, logger);
            const int head = sprintf(payload + n + 2, where == 1 ? "%.*s{a}" : where == 2 ? "{a}{%.*s}" : "%.*s {b}", where == 1 || where == 2 ? (int)length : 4, text);
            payload[n] = '\xd9', payload[n + 1] = (char)head;
            n += 2 + (size_t)head;
            memcpy(payload + n, ends, sizeof ends - 1);
            n += sizeof ends - 1;
            const int file_bytes = where >= 3 ? (int)length : 8;
            payload[n++] = '\xd9', payload[n++] = (char)file_bytes;
            memcpy(payload + n, file, (size_t)file_bytes);
            n += (size_t)file_bytes;
            memcpy(payload + n, "\x05\xa1" "f\x07\xa1m\xc0\xc0\xc0", 9);
            for (int i = 0; i < 12; i++)
                same(s, stamp, payload, n + 9);
        }
}

static int test(const char *dir)
{
    static char ready[256];
    kept.memo = mpl_memo_new();
    origin = ORIGIN;
    mpl_json_origin(&origin, ready, sizeof ready);
    CHECK(kept.memo && origin.json);
    EACH_SAMPLE (s) {
        struct mpl_stamp stamp = STAMP;
        lines = 0;
        changed(s, &stamp);
        shorter(s, &stamp);
        levels(s, stamp);
        templates(s, &stamp);
        long_texts(s, &stamp);
        stamp.level = 35;
        templates(s, &stamp);
        stamp.level = 20;
        stamp.kind = 1;
        templates(s, &stamp);
        CHECK(lines > 1000);
    }
    const size_t needed = origin.json_process + origin.json_session;
    for (size_t room = 0; room < needed; room++) {
        mpl_json_origin(&origin, ready, room);
        CHECK(!origin.json);
    }
    mpl_json_origin(&origin, ready, needed);
    CHECK(origin.json != NULL);
    mpl_memo_free(kept.memo);
    (void)dir;
    return 0;
}
