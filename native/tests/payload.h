/* SPDX-License-Identifier: Apache-2.0
 *
 * Payloads as the producer encodes them, for the tests of the formatters. */
#ifndef PAYLOAD_H
#define PAYLOAD_H

#include "check.h"
#include "format/format.h"

/* ["shop", "user {user} has {n}", {"user": "ann\x7f", "n": 3, "x": [null, true, -5, 0.5, {"k": "\u2028", "l": null}], "count": 1}, {"r": 7, "n": 0},
 *  "/srv/app.py", 300, "login", 5000000000, "Main", "Task-1", nil, nil] */
static const char PAYLOAD[] = "\x9c\xa4shop\xb3user {user} has {n}"
                              "\x84\xa4user\xa4" "ann\x7f\xa1n\x03"
                              "\xa1x\x95\xc0\xc3\xfb\xcb\x3f\xe0\x00\x00\x00\x00\x00\x00\x82\xa1k\xa3\xe2\x80\xa8\xa1l\xc0\xa5" "count\x01"
                              "\x82\xa1r\x07\xa1n\x00"
                              "\xab/srv/app.py\xcd\x01\x2c\xa5login\xcf\x00\x00\x00\x01\x2a\x05\xf2\x00\xa4Main\xa6Task-1\xc0\xc0";
/* The same without `x`, which a text line has no plain form for; `count` is "a \"b\"". */
static const char PLAIN[] = "\x9c\xa4shop\xb3user {user} has {n}"
                            "\x83\xa4user\xa4" "ann\x7f\xa1n\x03\xa5" "count\xa5" "a \"b\""
                            "\x82\xa1r\x07\xa1n\x00"
                            "\xab/srv/app.py\xcd\x01\x2c\xa5login\xcf\x00\x00\x00\x01\x2a\x05\xf2\x00\xa4Main\xa6Task-1\xc0\xc0";

static const struct mpl_origin ORIGIN = {.session = "0123456789ab-1-7", .session_len = 16, .name = "web", .name_len = 3, .pid = 1234};
static const struct mpl_stamp STAMP = {.origin = &ORIGIN, .wall_ns = 1795334400123456789u, .seq = 42, .level = 20, .flags = MPL_FLAG_CUT | MPL_FLAG_LATE};

static const char JSON_LINE[] =
    "{\"timestamp\":\"2026-11-22T08:00:00.123456789Z\",\"level\":\"INFO\",\"logger\":\"shop\",\"message\":\"user ann\\u007f has 3\","
    "\"template\":\"user {user} has {n}\",\"r\":7,\"n\":3,\"user\":\"ann\\u007f\",\"x\":[null,true,-5,0.5,{\"k\":\"\\u2028\",\"l\":null}],\"field.count\":1,"
    "\"code.file.path\":\"/srv/app.py\",\"code.line.number\":300,\"code.function.name\":\"login\",\"process.pid\":1234,\"process.name\":\"web\","
    "\"thread.id\":5000000000,\"thread.name\":\"Main\",\"task_name\":\"Task-1\",\"cut\":true,\"late\":true,"
    "\"session\":\"0123456789ab-1-7\",\"seq\":42}\n";
static const char TEXT_LINE[] = "2026-11-22T08:00:00.123456Z INFO     shop[1234] user ann\\x7f has 3  r=7 count=\"a \\\"b\\\"\" (cut) (late)\n";
static const char LOGFMT_LINE[] =
    "timestamp=2026-11-22T08:00:00.123456789Z level=INFO logger=shop message=\"user ann\\u007f has 3\" "
    "template=\"user {user} has {n}\" r=7 n=3 user=\"ann\\u007f\" x=\"[null,true,-5,0.5,{\\\"k\\\":\\\"\\\\u2028\\\",\\\"l\\\":null}]\" field.count=1 "
    "code.file.path=/srv/app.py code.line.number=300 code.function.name=login process.pid=1234 process.name=web "
    "thread.id=5000000000 thread.name=Main task_name=Task-1 cut=true late=true session=0123456789ab-1-7 seq=42\n";
#define LONGEST_LINE 1024

static const struct sample {
    enum mpl_format format;
    const char *payload, *line;
    size_t payload_bytes, line_bytes;
} SAMPLES[] = {
    {MPL_FORMAT_JSON, PAYLOAD, JSON_LINE, sizeof PAYLOAD - 1, sizeof JSON_LINE - 1},
    {MPL_FORMAT_TEXT, PLAIN, TEXT_LINE, sizeof PLAIN - 1, sizeof TEXT_LINE - 1},
    {MPL_FORMAT_LOGFMT, PAYLOAD, LOGFMT_LINE, sizeof PAYLOAD - 1, sizeof LOGFMT_LINE - 1},
};
#define EACH_SAMPLE(s) for (const struct sample *s = SAMPLES; s < SAMPLES + sizeof SAMPLES / sizeof *SAMPLES; s++)

/* Formats out of and into blocks of exactly these sizes, so that a sanitiser sees a byte too far; `out` takes the line. */
static inline int format_exactly(enum mpl_format format, const void *payload, size_t len, size_t room, char *out)
{
    struct mpl_second second = {0};
    uint8_t *in = malloc(len ? len : 1);
    char *place = malloc(room ? room : 1);
    CHECK(in && place);
    memcpy(in, payload, len);
    int n = mpl_formatter_of(format)(&second, &STAMP, in, len, place, room);
    CHECK(n <= (int)room);
    if (n > 0)
        memcpy(out, place, (size_t)n);
    free(in);
    free(place);
    return n;
}

#endif
