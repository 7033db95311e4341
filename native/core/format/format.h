/* SPDX-License-Identifier: Apache-2.0
 *
 * An event's payload and its stamp as one line of a file, byte for byte as the formatter of that name in mplog/format writes it. What is unusual is
 * declined: then the Python formatter makes the line. Reads nothing but its arguments; everything in the payload may be hostile. Role: W. Never blocks. */
#ifndef MPL_FORMAT_H
#define MPL_FORMAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MPL_FORMAT_DECLINED (-1) /* an exception, a stack, bytes, a date, keys that are no text or stand twice, NaN, invalid UTF-8, … */
#define MPL_FORMAT_NO_ROOM (-2)

enum mpl_format { MPL_FORMAT_JSON, MPL_FORMAT_TEXT, MPL_FORMAT_LOGFMT };

/* Where an event comes from; texts are UTF-8. */
struct mpl_origin {
    const char *session, *name;
    size_t session_len, name_len;
    uint32_t pid;
    const char *json; /* NULL, or what mpl_json_origin has made: what stands in a line of it, then what stands before its number */
    uint32_t json_process, json_session;
};
/* Sets `json`, if `room` bytes are enough for it. */
void mpl_json_origin(struct mpl_origin *origin, char *out, size_t room);

struct mpl_stamp {
    const struct mpl_origin *origin;
    uint64_t wall_ns, seq;
    uint64_t filtered; /* numbers of the session directly before this one that a filter took */
    uint8_t level, kind;
    uint16_t flags;
};

/* The caller's, all zeros before the first use: what is kept from line to line. */
struct mpl_redaction;
struct mpl_second {
    uint64_t second;
    char text[24];
    const struct mpl_redaction *secrets; /* names of keys: what holds anything that looks like a secret is declined; NULL: nothing is looked for */
    struct mpl_memo *memo; /* NULL, or what repeats with each event of a place in the code (memo.h): the lines are the same */
};
struct mpl_memo *mpl_memo_new(void); /* NULL: no memory */
void mpl_memo_free(struct mpl_memo *memo);

/* The line's length, its newline included, or a code above; then what stands in `out` is of no use. */
typedef int (*mpl_formatter)(struct mpl_second *last, const struct mpl_stamp *stamp, const uint8_t *payload, size_t len, char *out, size_t room);

int mpl_format_json(struct mpl_second *last, const struct mpl_stamp *stamp, const uint8_t *payload, size_t len, char *out, size_t room);
int mpl_format_text(struct mpl_second *last, const struct mpl_stamp *stamp, const uint8_t *payload, size_t len, char *out, size_t room);
int mpl_format_logfmt(struct mpl_second *last, const struct mpl_stamp *stamp, const uint8_t *payload, size_t len, char *out, size_t room);

/* Whether no text of an event is, or holds, anything that looks like a secret, nor its message. False: one may, or the event is not a plain one. */
bool mpl_shows_no_secret(const struct mpl_redaction *names, unsigned kind, const uint8_t *payload, size_t len);

/* NULL: there is no such format. */
static inline mpl_formatter mpl_formatter_of(enum mpl_format format)
{
    switch (format) {
    case MPL_FORMAT_JSON: return mpl_format_json;
    case MPL_FORMAT_TEXT: return mpl_format_text;
    case MPL_FORMAT_LOGFMT: return mpl_format_logfmt;
    default: return NULL;
    }
}

#endif
