/* SPDX-License-Identifier: Apache-2.0
 *
 * A session's words: shared by the claimer, who ends its predecessor's, and the writer, who ends a dead owner's. */
#ifndef MPL_SESSION_H
#define MPL_SESSION_H

#include "mpl.h"

static inline uint64_t mpl_session_word(uint32_t epoch, enum mpl_session_state state) { return (uint64_t)epoch << 32 | state; }
static inline uint32_t mpl_word_epoch(uint64_t word) { return (uint32_t)(word >> 32); }
static inline uint32_t mpl_word_state(uint64_t word) { return (uint32_t)word; }
static inline bool mpl_capacity_ok(uint32_t c) { return c == MPL_LANE_LARGE || c == MPL_LANE_MEDIUM || c == MPL_LANE_SMALL; }

#define MPL_OVERFLOW_MOST (2 * MPL_OVERFLOW_MAX) /* of one lane unread: more than any bound allows */

/* True when a lane's positions can be believed at all (I1); one without data has none (bare.c). */
bool mpl_lane_sane(const struct mpl_lane *lane);
/* Saves the last number of the session that the lane's epoch names and stores ENDED. Role: whoever holds the lane's lock. Can be killed
 * anywhere and done again: nothing it reads changes before the state does. */
void mpl_session_end(struct mpl_lane *lane);
/* Whether the next session's slot is free: its last one's end line is committed; and its number was not given before. */
bool mpl_session_room(const struct mpl_lane *lane);
/* Pads over [tail, rsv): a record that the predecessor never finished. Two pads where it crosses the data's end. Role: the claimer. */
void mpl_pad_unfinished(struct mpl_lane *lane, char *data, uint32_t capacity);
/* Words that make no sense, as only broken memory or a hostile owner can leave them: a slot's, or a lane's epoch that went back, so that the next claimer
 * would give a session's number again; `known` is the last one that the writer has seen, or 0. Are there any; put them right (holding the lane's lock). */
bool mpl_sessions_broken(const struct mpl_lane *lane, uint32_t known);
void mpl_sessions_mend(struct mpl_lane *lane, uint32_t known);

#endif
