/* SPDX-License-Identifier: Apache-2.0
 *
 * The shared bytes: what producers, the writer and tools agree on. Only core/ includes this file, python/module.c for its
 * constants, and the tests. Changing anything here means a new MPL_ABI: segments of another ABI are left alone, never reinterpreted.
 *
 * A segment file (`<service>.<abi>.<n>.ring`):
 *
 *   0        header page                       written once, before the file gets its name
 *   4096     control page of lane 0            struct mpl_lane
 *   ...      one page a lane
 *   data     lane 0's data, data_stride bytes apart; really reserved only up to the lane's capacity
 *
 *   field                         | written by                        | read by
 *   ------------------------------+-----------------------------------+-------------------------------
 *   rsv, tail, last_mono, marks,  | owner of the lane                 | writer; an adopter after a death
 *   ovf_rsv, ovf_end              |                                   |
 *   drop_last, drops, gap         | owner                             | writer; an adopter
 *   taken                         | owner                             | writer
 *   head                          | writer (CAS-max); owner (CAS)     | each other
 *   ovf_head                      | writer (CAS-max)                  | owner
 *   quarantined                   | writer                            | owner
 *   told                          | writer                            | the next writer
 *   space_seq / waiters           | writer / owner                    | each other (futex)
 *   epoch, capacity, slots[].*    | owner at its claim; writer closes | writer, tools
 *
 * A record in a lane is readable if and only if (1) it lies in [head, tail), or in the overflow in [ovf_head, ovf_end), (2) its len is a multiple of 8 and ends before
 * tail and before the data's end, (3) its epoch is 0 (a pad) or that of an open slot, (4) len = align8(40 + payload_len),
 * (5) its seq is above the last one of its session, gaps only up to drop_last.
 *
 * Invariants:
 *   I1  head <= tail <= rsv <= head + capacity, always; each only grows.
 *   I2  bytes in [tail, rsv) belong to the owner alone; bytes in [head, tail) are immutable, whoever moves head.
 *   I3  the mark that agrees with (tail, ovf_end) carries the number of the last event published in this session.
 *   I4  a session's words in its slot are written only while the slot holds that epoch.
 *   I5  an owner publishes in the lane only while ovf_head == ovf_end; what stands in the overflow is younger than all of the lane.
 *   I6  positions start just below 2^32, so that every test crosses that line.
 */
#ifndef MPL_LAYOUT_H
#define MPL_LAYOUT_H

#include <stddef.h>
#include <stdint.h>

#include "atomic.h"

#define MPL_ABI 3u
#define MPL_MAGIC_SEGMENT 0x31474553474f4c50ull /* "PLOGSEG1" */
#define MPL_MAGIC_BELL 0x314c4542474f4c50ull    /* "PLOGBEL1" */
#define MPL_MAGIC_JOURNAL 0x31524e4a474f4c50ull /* "PLOGJNR1" */
#define MPL_BYTE_ORDER 0x01020304u
#define MPL_PAGE 4096u
#define MPL_LINE 128
#define MPL_MAX_LANES 64u
#define MPL_MAX_SEGMENTS 32u
#define MPL_SLOTS 8u
#define MPL_ORIGIN 0xffffe000ull /* I6 */
#define MPL_LANE_LARGE (1u << 20)
#define MPL_LANE_MEDIUM (256u << 10)
#define MPL_LANE_SMALL (64u << 10)
#define MPL_MAX_SINKS 4u /* files of one service */
#define MPL_NAME 48 /* bytes of a process name kept for people */

/* Reasons for which an event can be dropped, and classes of levels: one table, counters.def. */
enum mpl_reason {
#define REASON(name, text) MPL_REASON_##name,
#include "counters.def"
    MPL_REASONS
};
#define MPL_LEVELS 5u /* DEBUG and below, INFO, WARNING, ERROR, CRITICAL and above */

enum mpl_counter {
#define COUNTER(name, text) MPL_COUNT_##name,
#include "counters.def"
    MPL_COUNTERS
};

enum mpl_sleep {
    MPL_AWAKE = 0,
    MPL_ASLEEP = 1, /* any event wakes it */
    MPL_DOZES = 2,  /* for milliseconds, while events come: an urgent one wakes it */
};

enum mpl_state { MPL_LIVE = 1, MPL_RETIRED = 2 };

/* A session's life: FREE/CLOSED -> LIVE (claim) -> CLEAN (detach; back to LIVE by a later publish) -> ENDED (its last number is saved)
 * -> CLOSED (its end line is committed). */
enum mpl_session_state { MPL_S_CLOSED = 0, MPL_S_LIVE = 1, MPL_S_CLEAN = 2, MPL_S_ENDED = 3 };

struct mpl_record {
    uint32_t len;   /* of the whole record, a multiple of 8 */
    uint32_t epoch; /* 0: a pad, only len and epoch count */
    uint64_t seq;
    uint64_t mono_ns;
    uint64_t wall_ns;
    uint32_t payload_len;
    uint8_t level;
    uint8_t kind;
    uint16_t flags;
};
#define MPL_FLAG_CUT 1u
#define MPL_FLAG_LATE 2u
#define MPL_FLAG_RECOVERED 4u
#define MPL_FLAG_DURABLE 8u /* its call waits until it is on the disk */
#define MPL_FLAG_YIELDS 32u /* its process drops the oldest: the lane's next owner may take it back, too */
#define MPL_FLAG_GAP 16u /* behind the payload, and counted in payload_len, stands a struct mpl_gap: of the numbers directly before this one */

/* Events that were dropped, as their owner knows them. */
struct mpl_gap {
    uint64_t first_mono, last_mono; /* of the first and the last of them; 0: not known */
    uint64_t count[MPL_REASONS][MPL_LEVELS];
};

struct mpl_header {
    uint64_t magic;
    uint32_t abi, byte_order;
    uint32_t header_bytes, lanes;
    uint32_t control_off, control_stride;
    uint64_t data_off, data_stride;
    uint64_t segment_id;
    uint8_t boot_id[16];
    uint64_t created_ns;
    uint32_t number;
    mpl_a32 state; /* enum mpl_state */
};

struct mpl_mark {
    mpl_a64 seq, tail, ovf_end;
};

/* Of one session, for one file. What is neither delivered nor filtered there was dropped. */
struct mpl_slot_told {
    mpl_a64 delivered, filtered;
    mpl_a64 untold;                /* of filtered: since the session's last line in the file; the next one tells them */
    mpl_a64 lost_first, lost_last; /* numbers that the file was not given, and that no line has told yet; 0: none */
};

struct mpl_slot {
    mpl_a64 epoch_state; /* epoch << 32 | enum mpl_session_state: one word, so that it changes at once */
    mpl_a64 last;        /* valid from ENDED on */
    mpl_a64 end_pos;     /* valid from ENDED on: no record of this session stands at or after it */
    mpl_a64 settled, synced; /* all numbers up to it stand in the files; and are on the disk, but for those in doubt */
    uint64_t start_ns;
    uint32_t pid, clean; /* clean: valid from ENDED on */
    char name[MPL_NAME];
    mpl_a64 end_ovf; /* as end_pos, of the overflow */
    uint64_t process_ino; /* inode of the owner's pidfd: no other process ever has it; 0: this kernel has none */
    mpl_a64 doubt;   /* numbers up to it may be lost when the machine goes down: a sync has failed that they had to rely on */
    struct mpl_slot_told told[MPL_MAX_SINKS];
};

/* Of the drops since the last event that was accepted; first: the number of the first of them, 0 while this is written. */
struct mpl_gap_words {
    mpl_a64 first, first_mono, last_mono;
    mpl_a64 count[MPL_REASONS][MPL_LEVELS];
};

/* What the owner has taken back of its session, in all, once head stands at pos (0: nothing): first_mono is of the run that began when the writer last moved head. */
struct mpl_taken {
    mpl_a64 pos, first_mono, last_mono;
    mpl_a64 count[MPL_LEVELS];
};

struct mpl_lane {
    _Alignas(MPL_LINE) mpl_a64 rsv;
    mpl_a64 tail, ovf_end, last_mono;
    struct mpl_mark marks[2];
    mpl_a64 drop_last, ovf_rsv;
    _Alignas(MPL_LINE) mpl_a64 drops[MPL_REASONS][MPL_LEVELS];
    struct mpl_gap_words gap;
    _Alignas(MPL_LINE) struct mpl_taken taken[2];
    _Alignas(MPL_LINE) mpl_a64 head;
    _Alignas(MPL_LINE) mpl_a64 ovf_head;
    mpl_a32 quarantined;
    mpl_a32 told_epoch; /* 0 while told is written */
    mpl_a64 told[MPL_LEVELS]; /* of taken: up to the last number of that session that the writer has settled */
    _Alignas(MPL_LINE) mpl_a32 space_seq;
    mpl_a32 waiters;
    _Alignas(MPL_LINE) mpl_a32 epoch;
    mpl_a32 capacity; /* 0: no data reserved yet; with an owner, a lane of overflow alone */
    struct mpl_slot slots[MPL_SLOTS];
};

struct mpl_bell {
    uint64_t magic;
    uint32_t abi, byte_order;
    uint32_t conf_off, conf_len, conf_crc, reserved;
    uint64_t service_id, created_ns;
    uint8_t boot_id[16];
    _Alignas(MPL_LINE) mpl_a32 sleeping; /* the writer's futex: enum mpl_sleep */
    _Alignas(MPL_LINE) mpl_a32 state;    /* enum mpl_state */
    mpl_a32 segments;                    /* grows after each segment that got its name */
    mpl_a32 departures;                  /* grows whenever a producer detaches or asks for attention */
    mpl_a32 arrivals;                    /* grows with each session that is opened */
    mpl_a32 sync_asked;                  /* grows when somebody waits for the disk */
    mpl_a32 threshold;                   /* 0: each process has a level of its own; else one more than the level of all */
    _Alignas(MPL_LINE) mpl_a32 writer_pid;
    mpl_a32 supervisor_pid; /* 0 also where the writer has seen it die */
    mpl_a64 begun, done; /* batches: begun is stored before heads move, done when the file has the bytes */
    mpl_a32 problem_seq; /* grows with each new text below */
    char problem[244];
    _Alignas(MPL_LINE) mpl_a64 counters[MPL_COUNTERS];
    _Alignas(MPL_LINE) mpl_a64 overflow_bytes; /* of the chunks that there are, of all lanes */
    mpl_a64 lane_bytes;                        /* of the lanes whose data is reserved, in all segments; a killed claim may leave it too high, never too low */
    _Alignas(MPL_LINE) mpl_a64 homeless[MPL_LEVELS]; /* events of processes that could get no lane */
    mpl_a64 homeless_told[MPL_LEVELS], homeless_since; /* of them in the log; since 1970 in ns, of the first that is not, or 0 */
    _Alignas(MPL_LINE) mpl_a64 free_lanes[MPL_MAX_SEGMENTS]; /* bits of lanes whose last session the writer has closed; whoever tries one clears it. A hint */
};

#define MPL_LOCK_SUPERVISOR 0 /* bytes of the bell file */
#define MPL_LOCK_WRITER 1
#define MPL_LOCK_SPAWN 2
#define MPL_LOCK_ASK 3 /* of commands alone, so that one asks the writer after the other */

_Static_assert(sizeof(struct mpl_record) == 40, "the record header is 40 bytes on every machine");
_Static_assert(offsetof(struct mpl_record, payload_len) == 32, "record layout");
_Static_assert(sizeof(struct mpl_header) <= MPL_PAGE, "the header is one page");
_Static_assert(sizeof(struct mpl_lane) <= MPL_PAGE, "a control page is one page");
_Static_assert(sizeof(struct mpl_bell) <= MPL_PAGE, "the bell is one page");
_Static_assert(sizeof(struct mpl_slot) == 288, "slot layout");
_Static_assert(offsetof(struct mpl_lane, head) % MPL_LINE == 0, "head has a line of its own");

static inline uint64_t mpl_align8(uint64_t n) { return (n + 7u) & ~(uint64_t)7u; }
static inline unsigned mpl_level_class(unsigned level) { return level < 20 ? 0 : level < 30 ? 1 : level < 40 ? 2 : level < 50 ? 3 : 4; }

#endif
