/* SPDX-License-Identifier: Apache-2.0
 *
 * What comes again with every event of one place in the code, by its bytes in the payload: equal bytes mean the same, and were found to be right once. Each
 * place of the table takes one of those that fall to it, and lets it go for another only where that comes again and again meanwhile: a program whose
 * templates are all different pays for a comparison. Private to format/. */
#ifndef MPL_MEMO_H
#define MPL_MEMO_H

#include "format/event.h"
#include "format/format.h"

#define MPL_MEMO_KEY 240u
#define MPL_MEMO_TEXT 640u
#define MPL_MEMO_PLACES 256u

struct mpl_placed {
    uint16_t from, to;       /* of the placeholder, in the template escaped */
    uint16_t name, name_len; /* in the key */
};

struct mpl_kept {
    uint32_t hash; /* of what was missed last, and how often in a row */
    uint16_t misses;
    uint16_t key_len; /* 0: nothing is kept here */
    uint8_t tag; /* what else it depends on */
    uint8_t nplaces;
    uint8_t digits; /* of the head */
    bool care;      /* it could hold a secret together with its values */
    bool by_pieces; /* the message can be put together from the template's pieces */
    uint16_t first, second; /* lengths of the text, which may have two parts */
    struct mpl_placed places[MPL_MAX_PLACES];
    uint8_t key[MPL_MEMO_KEY];
    char text[MPL_MEMO_TEXT];
};

struct mpl_memo {
    struct mpl_kept heads[MPL_MEMO_PLACES], places[MPL_MEMO_PLACES], threads[MPL_MEMO_PLACES];
};

/* A place in the table, and whether what is looked for is kept there. */
struct mpl_spot {
    struct mpl_kept *kept; /* NULL: it has no place */
    bool hit;
    uint8_t tag;
    uint32_t hash;
    const uint8_t *key;
    size_t n;
};

/* Heads: the level, the logger and the template. The text: all up to the message; the template, escaped. */
struct mpl_spot mpl_memo_head(struct mpl_memo *memo, const struct mpl_event *e, uint8_t level);
/* Places: file, line, function. Threads: from the thread's id to the stack, or as far as the payload has items. c stands at the first of them; n is what is left, a hit as long as its key. */
struct mpl_spot mpl_memo_place(struct mpl_memo *memo, const struct mpl_event *e, const struct mpl_cursor *c);
struct mpl_spot mpl_memo_thread(struct mpl_memo *memo, const struct mpl_event *e, const struct mpl_cursor *c);

/* After a line that was made the long way: whether what it came from is now to be kept. Then its place is empty. */
bool mpl_memo_wants(const struct mpl_spot *s);
void mpl_memo_keep(const struct mpl_spot *s, size_t first, size_t second);

#endif
