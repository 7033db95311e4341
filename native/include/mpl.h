/* SPDX-License-Identifier: Apache-2.0
 *
 * The API of the core. Plain C11, no Python. Every function returns a negative MPL_E_* code (errors.def) or -errno on failure.
 * Roles: P = a producer process, W = the one writer, T = tools that only look. "Blocks" means anything beyond a bounded copy. */
#ifndef MPL_H
#define MPL_H

#include <setjmp.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/types.h>

#include "layout.h"

enum {
#define ERROR(name, number, code, text) name = number,
#include "errors.def"
};
const char *mpl_strerror(int code);

#define MPL_PATH 512

/* Counting for people, which no promise rests on; a build without it (MPL_BARE) shows what it costs (benchmarks/accounting.py). */
#ifdef MPL_BARE
#define MPL_ACCOUNT(statement) ((void)0)
#else
#define MPL_ACCOUNT(statement) (statement)
#endif

/* ---- locks and places (any role) -------------------------------------------------------------------------------------- */
int mpl_lock(int fd, off_t byte, off_t count);   /* F_OFD_SETLK, never waits: 0, or -EAGAIN */
int mpl_unlock(int fd, off_t byte, off_t count);
int mpl_locked(int fd, off_t byte, off_t count); /* F_OFD_GETLK: 1 when somebody else holds one of them */
int mpl_path(char *out, const char *dir, const char *service, const char *suffix);
bool mpl_attended(const char *dir, const char *service); /* false where the service is there and nobody holds its supervisor's lock */
struct mpl_producer;
bool mpl_all_well(struct mpl_producer *p); /* attended, and nothing has changed of what the binding has seen */
int mpl_boot_id(uint8_t out[16]);
uint64_t mpl_now(int clock); /* ns */
uint64_t mpl_random(void);
uint32_t mpl_crc32c(uint32_t crc, const void *bytes, size_t len);
uint32_t mpl_crc32c_portable(uint32_t crc, const void *bytes, size_t len); /* the same, on any machine */

/* ---- the bell (any role) ---------------------------------------------------------------------------------------------- */
/* Creates or opens `<service>.<abi>.bell`; *created says which. The configuration rides in the same file, so that both are born by one link(). */
int mpl_bell_open(const char *dir, const char *service, const void *conf, size_t conf_len, struct mpl_bell **out, bool *created);
void mpl_bell_close(struct mpl_bell *bell);
int mpl_bell_conf(const char *dir, const char *service, void *out, size_t *len); /* MPL_E_CORRUPT when its checksum is wrong */
void mpl_bell_ring(struct mpl_bell *bell);                                       /* P: wakes the writer if it sleeps or dozes */
void mpl_bell_wake(struct mpl_bell *bell);                                       /* P, having seen that it does */

/* ---- segments --------------------------------------------------------------------------------------------------------- */
struct mpl_segment {
    int fd;       /* W, T: kept open for lock probes; P: -1 */
    char *base;   /* the mapping: everything, or header and control pages; NULL where it is only open */
    size_t mapped;
    struct mpl_header head; /* a validated copy */
    dev_t dev;
    ino_t ino;
};
int mpl_segment_path(char *out, const char *dir, const char *service, uint32_t number);
int mpl_segment_create(const char *dir, const char *service, uint32_t number); /* 0, or -EEXIST when somebody was first */
int mpl_segment_open(struct mpl_segment *seg, const char *path, uint32_t number, bool writable); /* checked, not mapped */
int mpl_segment_map(struct mpl_segment *seg, const char *dir, const char *service, uint32_t number, int prot, bool whole);
void mpl_segment_unmap(struct mpl_segment *seg);
int mpl_header_check(const struct mpl_header *head, uint64_t file_bytes);
static inline struct mpl_lane *mpl_segment_lane(const struct mpl_segment *seg, uint32_t lane)
{
    return (struct mpl_lane *)(void *)(seg->base + seg->head.control_off + (size_t)lane * seg->head.control_stride);
}

/* ---- a producer (P) ---------------------------------------------------------------------------------------------------- */
enum mpl_when_full { MPL_BLOCK = 0, MPL_DROP_NEWEST = 1, MPL_OVERFLOW = 2, MPL_DROP_OLDEST = 3 };
#define MPL_KEEPS_HEADROOM(when_full) ((when_full) & 1u) /* the policies that drop */
#define MPL_OVERFLOW_MAX (UINT64_C(4) << 30) /* the largest bound that can be set for the overflow of a service, in bytes */
enum mpl_outcome { MPL_DROPPED = 0, MPL_ACCEPTED = 1, MPL_WAIT = 2, MPL_TOO_BIG = 3, MPL_HOMELESS = 4 };

struct mpl_producer {
    char dir[MPL_PATH], service[128], name[MPL_NAME];
    char overflow_dir[MPL_PATH];
    struct mpl_bell *bell;
    struct mpl_lane *lane; /* NULL: no lane in this process */
    char *data;
    void *pin; /* the mapping that holds the lock; not inherited by forks */
    size_t data_bytes, pin_bytes;
    struct mpl_slot *slot;
    uint64_t generation; /* of the process, at the claim */
    uint64_t tail, head, seq, last_mono;
    uint64_t mapped, lap_end; /* the lane's pages are mapped for positions below; after a lap all are */
    uint64_t ovf_end, overflow_bytes; /* of this lane's overflow; the bound for all of the service's */
    uint64_t memory_bytes; /* the bound for the service's lanes, and for its overflow where that lies beside them; 0: none */
    uint64_t published; /* number of the last event that went into the lane: later numbers are drops */
    uint64_t segment_id, block_ns, retry_ns, probe_ns;
    uint64_t doubt; /* of the slot's, told already */
    uint64_t accepted, dropped, taken_back; /* the last as the owner counts it: some of these the writer may have had already */
    uint32_t segment, lane_number, capacity, epoch, mark, when_full, max_event_bytes;
    uint32_t taken; /* which of the lane's two is in force */
    char *scratch;  /* a payload with its gap behind it */
    size_t scratch_bytes;
    int waiting;    /* threads in mpl_wait: mappings must stay */
    int trouble;    /* why there is no lane: a negative code, or 0 */
    int overflow_error; /* why the last event that should have gone into the overflow did not: -errno, or 0: it was full */
    union {
        uint16_t detour; /* either of these */
        struct {
            bool overflowing; /* what is in the overflow has not all been drained: events go there (I5) */
            bool gap_open;    /* events were dropped since the last one was accepted: the next one tells it */
        };
    };
    bool takes_bare; /* a claim under way takes a lane without data too (bare.c) */
    bool gave_up;   /* a block deadline ran out; do not wait again until there is room */
    bool final;     /* the process has said goodbye; whatever it still logs goes into sessions that are clean between events */
    bool detached;  /* this session is one of those */
    bool claimed;   /* a claim happened that the binding has not told yet */
    bool doubtful;   /* a session was left before all of it was known to be on the disk; asked once, it is false again */
    bool wants_look; /* a second has passed: look whether all is well still */
    struct {
        uint64_t dev, ino; /* of the bell at its path */
        uint64_t done;     /* batches, at the last look */
        uint32_t problem;  /* the writer's last */
        uint32_t trusted;  /* looks since the last close one */
    } seen;                /* what the binding has acted on: it is called where one of these has changed, or nobody looks after the service */
    struct mpl_producer *next;
};
int mpl_producer_init(struct mpl_producer *p, const char *dir, const char *service, const char *name);
int mpl_attach(struct mpl_producer *p);                       /* claims a lane if this process holds none; after fork: forgets the parent's */
void mpl_detach(struct mpl_producer *p, bool final);          /* CLEAN, and the lane is given back; final: at the process's exit */
void mpl_rename(struct mpl_producer *p, const char *name); /* what people know the process by, in its session too */
void mpl_producer_free(struct mpl_producer *p);
/* One event. Never blocks, makes no system call but to ring a sleeping writer; after a fork it claims first. MPL_WAIT: the lane is full and
 * the policy is block: call mpl_wait without the GIL and publish again, or mpl_drop. */
enum mpl_outcome mpl_publish(struct mpl_producer *p, unsigned level, unsigned kind, unsigned flags, const void *payload, size_t len);
void mpl_drop(struct mpl_producer *p, enum mpl_reason reason, unsigned level); /* counts one event as dropped, in the lane or, without one, in the bell */
struct mpl_watch {
    struct mpl_lane *lane;
    struct mpl_slot *slot;
    struct mpl_bell *bell;
    const mpl_a64 *word; /* that is to reach the target: settled, unless the caller sets another */
    uint64_t head, target;
};
struct mpl_watch mpl_watch(const struct mpl_producer *p, uint64_t target);
int mpl_wait(const struct mpl_watch *w, uint64_t timeout_ns); /* blocks: one futex wait, for *word >= target, or for space (0) */
uint64_t mpl_settled(const struct mpl_producer *p);
uint64_t mpl_synced(const struct mpl_producer *p);
void mpl_ask_sync(struct mpl_producer *p); /* what has been accepted by now is to be on the disk, whatever the policy */
bool mpl_take_doubt(struct mpl_producer *p); /* whether some of what this process has logged may never have reached the disk; told once */
bool mpl_lane_is_mine(const struct mpl_producer *p); /* false in a child of the claimer */
static inline uint32_t mpl_max_payload(const struct mpl_producer *p) { return (p->capacity ? p->capacity : p->lane ? MPL_LANE_LARGE : 160) / 4 - (uint32_t)sizeof(struct mpl_record); }

struct mpl_journal;
struct mpl_hand;

/* ---- the reader (W) ----------------------------------------------------------------------------------------------------- */
struct mpl_told { /* of one session, for one file: layout.h */
    uint64_t delivered, filtered, untold, lost_first, lost_last;
};
struct mpl_tally {
    uint32_t epoch, closed;
    uint64_t settled;
    struct mpl_told told[MPL_MAX_SINKS];
};
struct mpl_overflow { /* what the writer knows of a lane's overflow */
    uint64_t pos, cur, limit;
    uint64_t swept; /* chunks below it are gone */
    uint64_t chunk; /* that fd is of */
    int fd;         /* -1: none is open */
    uint32_t crc;   /* of the record that comes next */
    bool next;      /* the record that comes next stands here */
};
struct mpl_took { /* what a session's owner has taken back, in all */
    uint32_t epoch;
    uint64_t count[MPL_LEVELS];
};
struct mpl_view { /* what the writer knows of one lane, kept privately */
    struct mpl_lane *lane;
    const char *data;
    uint64_t pos, cur, limit, last_mono;
    struct mpl_overflow ovf;
    uint64_t inflight, inflight_ns;
    struct mpl_record next; /* the record at cur, checked; len 0: none */
    uint32_t capacity, segment, number;
    bool quarantined, told;
    uint8_t named; /* slots that the drain numbered named_in has taken events of */
    uint64_t named_in;
    int16_t touch[MPL_SLOTS]; /* index in the batch's touches, or -1 */
    uint64_t cursor_seq[MPL_SLOTS], cursor_untold[MPL_MAX_SINKS][MPL_SLOTS];
    uint8_t cursor_lost[MPL_SLOTS]; /* files (bits) that are still to be told of a gap of their own */
    struct mpl_tally tally[MPL_SLOTS];
    struct mpl_took took, cursor_took; /* as of the last commit, and in this drain up to item cursor_item */
    uint32_t cursor_item;
    struct mpl_gap lost; /* taken back by the owner, before what comes next */
    bool has_lost;
};
struct mpl_item {
    uint32_t view;
    uint16_t slot;
    uint8_t filtered; /* files (bits) that do not get it */
    uint8_t lost;     /* files in which what they were not given is told before it */
    uint64_t end_pos, end_ovf, seq, expected, mono_ns;
    uint64_t wall_ns;    /* as it is shown */
    uint64_t untold[MPL_MAX_SINKS]; /* numbers directly before `expected` that were filtered: what this item's first line tells */
    uint32_t place, len; /* of the payload in the arena */
    uint8_t level, kind;
    uint16_t flags;
};
struct mpl_gap_told { /* behind the payload of an item with seq != expected, in the arena, unaligned */
    struct mpl_gap gap;
    uint64_t taken[MPL_LEVELS]; /* in all, before this item */
    uint32_t taken_epoch;       /* 0: taken says nothing */
    uint32_t exact;             /* the counts are of these very numbers; else they only hint at the reasons */
};
#define MPL_ITEM_POISON 0x4000u /* a flag of an item: its payload has ended writers, and is not looked at */
#define MPL_ITEM_FILTERED 0x8000u /* a flag of an item: it leaves no line in any file, and its payload is not in the arena */
struct mpl_touch {
    uint64_t segment_id;
    uint32_t lane, epoch;
    uint32_t segment, close;
    uint64_t head, ovf_head, settled;
    struct mpl_told told[MPL_MAX_SINKS];
};
#define MPL_MAX_TOUCHES 512u
#define MPL_TOUCHES_FOR_ENDS 64u /* of them kept free by a drain, for sessions that end */
#define MPL_MAX_ITEMS 32768u
struct mpl_end {
    uint32_t view, slot, epoch, pid, clean;
    uint64_t segment_id, start_ns, process_ino, last, settled;
    struct mpl_told told[MPL_MAX_SINKS];
    struct mpl_gap gap; /* of the numbers behind settled */
    bool exact;         /* as in mpl_gap_told */
    char name[MPL_NAME];
};
struct mpl_account { /* of the items accepted into the batch */
    uint64_t durable; /* whose calls wait for the disk */
    uint64_t late, dropped, filtered;
};
struct mpl_next { /* of a lane: the merge key of its next record */
    uint64_t key;
    uint32_t view;
};
struct mpl_filter;
struct mpl_condition;
struct mpl_known;
#define MPL_MAX_POISON 16u
struct mpl_poison { /* a record at which writers have died, by where it ends */
    uint64_t segment_id, end_pos, end_ovf;
    uint32_t lane, tries;
};
struct mpl_reader {
    char dir[MPL_PATH], service[128], overflow_dir[MPL_PATH];
    struct mpl_bell *bell;
    struct mpl_segment segments[MPL_MAX_SEGMENTS];
    struct mpl_view *views[MPL_MAX_SEGMENTS];
    struct mpl_known *known[MPL_MAX_SEGMENTS]; /* origin.h */
    struct mpl_filter *filters[MPL_MAX_SINKS]; /* NULL: everything is written */
    struct mpl_condition *conditions[MPL_MAX_SINKS]; /* the same */
    uint32_t nsinks;                           /* files that items are for; the first ones of all arrays over files */
    uint8_t losing;                            /* files (bits) that get nothing now, and are told of it when they do again */
    uint32_t nsegments, seen_segments;
    bool foreign_boot[MPL_MAX_SEGMENTS]; /* survived a reboot: drained, marked as recovered */
    uint64_t emitted_mono, accepted_mono, committed_mono;
    int64_t wall_offset_ns; /* between the two clocks */
    uint64_t shown_ns;      /* the youngest time shown */
    struct mpl_view *current; /* whose bytes are being read: the one to blame for a SIGBUS */
    char *arena;
    size_t arena_bytes, arena_used, arena_limit;
    struct mpl_item *items;
    uint32_t nitems, named; /* items of the last drain, and sessions that they are of */
    uint32_t naccepted;     /* of them */
    struct mpl_poison poison[MPL_MAX_POISON]; /* records that have ended writers: not to be touched */
    uint32_t npoison;
    bool tells_homeless;    /* the next commit tells homeless[] in all */
    uint64_t homeless[MPL_LEVELS];
    uint64_t was_head[MPL_MAX_TOUCHES]; /* where a touch's head stood when the commit raised it */
    uint64_t drains;
    struct mpl_touch touches[MPL_MAX_TOUCHES];
    uint32_t ntouches;
    struct mpl_account account;
    struct mpl_next heap[MPL_MAX_SEGMENTS * MPL_MAX_LANES];
    uint32_t nheap;
    bool writable;
};
static inline struct mpl_view *mpl_view_at(struct mpl_reader *r, uint32_t view) { return &r->views[view / MPL_MAX_LANES][view % MPL_MAX_LANES]; }

/* writable: as the writer, who holds its lock on the bell already */
int mpl_reader_open(struct mpl_reader *r, const char *dir, const char *service, bool writable, size_t arena_bytes);
void mpl_reader_close(struct mpl_reader *r);
int mpl_reader_scan(struct mpl_reader *r, struct mpl_journal *j); /* maps segments that are new; 1 when there were any */
int mpl_drain(struct mpl_reader *r, size_t max_bytes);            /* number of items; nothing is consumed yet */
uint32_t mpl_accept(struct mpl_reader *r, uint32_t items);        /* the first `items` go into the batch; how many did */
struct mpl_range {
    uint64_t first, last, count;
};
/* What is known of the numbers in front of an item with seq != expected. */
struct mpl_gap_told mpl_gap_of(const struct mpl_reader *r, const struct mpl_item *item);
/* What the accepted items' lines in a file tell of the session of touch i: numbers, and how many of them are events. False: they tell none. */
bool mpl_touch_range(struct mpl_reader *r, uint32_t i, uint32_t sink, struct mpl_range *out);
void mpl_rewind(struct mpl_reader *r);                            /* forget the batch that was not committed */
int mpl_ends(struct mpl_reader *r, bool look_at_owners, struct mpl_end *out, int max);
int mpl_close_session(struct mpl_reader *r, const struct mpl_end *end);
struct mpl_owner { /* of a session whose end line is not written yet, as the slot says */
    uint64_t segment_id, process_ino;
    uint32_t lane, epoch, pid;
    bool ended;
};
int mpl_owners(struct mpl_reader *r, struct mpl_owner *out, int max); /* how many there are; no lock is looked at */
int mpl_owned(struct mpl_reader *r);       /* lanes that somebody holds */
uint64_t mpl_pending(struct mpl_reader *r); /* bytes that nobody has drained */
void mpl_sleep(struct mpl_reader *r, uint64_t timeout_ns, uint32_t departures); /* blocks: the eventcount of the bell */
bool mpl_doze(struct mpl_reader *r, uint64_t timeout_ns);                      /* blocks: as mpl_sleep, but only what is urgent ends it early: true */
/* Of every session that is open, all that is settled: it is on the disk; it may never get there, which is told before any later number is on the disk. */
int mpl_tell_synced(struct mpl_reader *r);
int mpl_tell_doubt(struct mpl_reader *r);
int mpl_set_aside(struct mpl_reader *r);                  /* 1 when nobody is in the middle of a publish */
int mpl_retire(struct mpl_reader *r, struct mpl_journal *j); /* 1: all segments and the bell are gone; 0: somebody is here */

/* Which events a file gets: those from `level` on, but for the loggers at and below a rule's prefix. Others are counted as filtered. */
#define MPL_MAX_RULES 256u
#define MPL_MAX_PREFIX 255u
struct mpl_rule {
    const char *prefix;
    size_t length;
    uint8_t level;
};
int mpl_filter_set(struct mpl_reader *r, uint32_t sink, uint8_t level, const struct mpl_rule *rules, uint32_t count);
/* One that no file has; free() it. NULL with rc set. */
struct mpl_filter *mpl_filter_new(uint8_t level, const struct mpl_rule *rules, uint32_t count, int *rc);
bool mpl_filter_takes(struct mpl_filter *f, unsigned level, const void *payload, size_t len);

/* What a file's `filter` expression has been made into (mplog/config/condition.py): tests that go on strictly forwards. Role: W. */
#define MPL_MAX_TESTS 64u
#define MPL_MAX_CONDITION 4096u /* bytes of a program */
struct mpl_origin;
struct mpl_condition *mpl_condition_new(const void *program, size_t len, int *rc); /* a copy, checked; NULL: *rc says why; to be given back by free() */
/* Whether an event passes; one that cannot be read does. Everything in the payload may be hostile. */
bool mpl_condition_holds(const struct mpl_condition *c, const struct mpl_origin *from, unsigned level, const void *payload, size_t len);
int mpl_condition_set(struct mpl_reader *r, uint32_t sink, const void *program, size_t len); /* len 0: none */
/* Takes from a file those items of the last drain whose byte is not 0: as its filter would have. */
void mpl_filter_refuse(struct mpl_reader *r, uint32_t sink, const uint8_t *refused);

/* ---- the journal (W) ----------------------------------------------------------------------------------------------------- */
enum mpl_journal_state { MPL_IDLE = 0, MPL_COMMIT = 1, MPL_ROTATE = 2 };
struct mpl_file {
    uint64_t dev, ino, offset, generation;
    uint64_t synced; /* bytes from its start that are on the disk for certain */
    uint64_t spool_head, spool_end; /* spool.h */
    uint64_t spool_from;            /* of the first frame owed: its bytes before that are in the file */
};
struct mpl_target {
    uint64_t offset, from;
};
struct mpl_sink_entry {
    mpl_a32 flip; /* files[flip & 1] is in force */
    uint32_t reserved;
    struct mpl_file files[2];
};
struct mpl_write {
    uint32_t sink, crc;
    uint64_t place, length;
    mpl_a32 flip; /* targets[flip & 1] is in force */
    uint32_t lead; /* bytes of the file's lead, which go before these */
    struct mpl_target targets[2];
    mpl_a32 owed; /* 1: the file refuses, the bytes go into its spool */
    uint32_t anew; /* what is there already is written again, since a writer died while it brought it onto the disk */
    uint64_t spool_at;   /* where they would go */
    uint64_t spool_next; /* not 0: they come from the spool, whose head is here when the file has them */
};
static inline uint64_t mpl_write_bytes(const struct mpl_write *w) { return w->length + w->lead; }
#define MPL_LEAD 1000u
struct mpl_lead { /* what the next bytes of a file begin with: kept here, so that no death of a writer loses it */
    mpl_a32 length;
    char text[MPL_LEAD];
};
struct mpl_rotation {
    uint32_t sink, resume; /* resume: in the middle of a batch, which goes into the new file, whole */
    uint64_t generation, old_dev, old_ino, new_dev, new_ino;
    char archive[256];
    struct mpl_lead lead; /* of the new file */
};
struct mpl_journal_page {
    uint64_t magic;
    uint32_t abi, byte_order;
    uint64_t bytes, staging_off, staging_bytes;
    uint8_t boot_id[16];
    mpl_a32 state;
    uint32_t nsinks;
    uint64_t batch;
    struct mpl_sink_entry sinks[MPL_MAX_SINKS];
    uint32_t nwrites, ntouches;
    struct mpl_write writes[MPL_MAX_SINKS];
    struct mpl_rotation rotate;
    uint32_t sync;   /* of the entry: its bytes are brought onto the disk before anybody is told */
    mpl_a32 syncing; /* files (bits) of which a sync was begun and has not succeeded: what it was to bring onto the disk may not be there, whatever a later one says */
    struct mpl_lead leads[MPL_MAX_SINKS];
    uint64_t homeless[MPL_LEVELS]; /* told in all, when this entry is over */
    struct mpl_poison poison[MPL_MAX_POISON];
    uint64_t segment_ids[MPL_MAX_SEGMENTS];
    mpl_a64 positions[MPL_MAX_SEGMENTS][MPL_MAX_LANES], ovf_positions[MPL_MAX_SEGMENTS][MPL_MAX_LANES];
    struct mpl_touch touches[MPL_MAX_TOUCHES];
};
struct mpl_journal {
    struct mpl_journal_page *page;
    char *staging;
    size_t mapped;
    bool fresh;
    bool sync; /* the next commit is to bring its bytes onto the disk */
    char dir[MPL_PATH], service[128];
    struct mpl_hand *hands[MPL_MAX_SINKS]; /* NULL: the writer writes itself, and what is refused is refused to it */
    int refused[MPL_MAX_SINKS];            /* why a file's bytes are owed: -errno of the last try, 0 when it went well */
    struct mpl_hand *second; /* ahead.h */
    bool lent, alone;
};
#define MPL_FOUND_TRUNCATED 1
#define MPL_FOUND_FOREIGN 2
#define MPL_FOUND_BITS 4
int mpl_journal_open(struct mpl_journal *j, const char *dir, const char *service, size_t staging_bytes);
int mpl_journal_check(const struct mpl_journal_page *page, uint64_t file_bytes);
void mpl_journal_close(struct mpl_journal *j);
struct mpl_positions {
    uint64_t pos, ovf;
    bool known;
};
struct mpl_positions mpl_journal_position(const struct mpl_journal *j, uint32_t segment, uint64_t segment_id, uint32_t lane);
void mpl_journal_adopt(struct mpl_journal *j, uint32_t segment, uint64_t segment_id); /* its positions are kept from now on */
const struct mpl_file *mpl_journal_file(const struct mpl_journal *j, uint32_t sink);
void mpl_journal_set_file(struct mpl_journal *j, uint32_t sink, const struct mpl_file *file);
void mpl_journal_move(struct mpl_journal *j, uint32_t sink, const struct mpl_file *file); /* the same in COMMIT */
struct mpl_part { /* what one file gets of a batch; length 0: nothing */
    int fd;
    size_t place, length; /* in staging */
};
/* Both block on the files. They return flags of what was found at them, those of file s shifted by MPL_FOUND_BITS * s; or -errno with the state still
 * COMMIT: call mpl_redo again. What could be written is written, also where another file refuses. parts[s], fds[s]: of file s. */
int mpl_commit_parts(struct mpl_journal *j, struct mpl_reader *r, const struct mpl_part *parts, uint32_t sinks);
int mpl_redo_parts(struct mpl_journal *j, struct mpl_reader *r, const int *fds, uint32_t sinks);
int mpl_commit(struct mpl_journal *j, struct mpl_reader *r, uint32_t sink, int fd, size_t length); /* of one file, from the start of staging on */
int mpl_redo(struct mpl_journal *j, struct mpl_reader *r, int fd);                                /* where there is one file */

/* What stands in the files is on the disk when it returns 0, and producers know it. -errno: see `syncing`; no file is synced again until mpl_rotate_end or
 * mpl_sync_anew has dealt with it. Role: W, IDLE; blocks on the disk. fds[s] < 0: that file is left out. */
int mpl_sync(struct mpl_journal *j, struct mpl_reader *r, const int *fds, uint32_t sinks);
int mpl_sync_files(struct mpl_journal *j, struct mpl_reader *r, const int *fds, uint32_t sinks); /* the same, without telling producers */
struct mpl_unsure { /* of a file whose sync has failed: [synced, from) may be lost; [from, end) is the batch in COMMIT, which staging has still */
    uint64_t synced, from, end;
};
struct mpl_unsure mpl_sync_unsure(const struct mpl_journal *j, uint32_t sink);
/* A later writer's way, with a descriptor of its own: the batch in COMMIT is written again where it stands; what stood before it is not waited for any more. */
void mpl_sync_anew(struct mpl_journal *j, uint32_t sink);
void mpl_disbelieve(struct mpl_journal *j, uint32_t sink); /* as after a failed sync: the file takes nothing more, and mpl_rotate_begin is next */
int mpl_set_lead(struct mpl_journal *j, uint32_t sink, const char *text, size_t length);
/* With a hand of its own (hand.h) a file that refuses, or hangs for MPL_HANG_NS, is owed its bytes, and holds up nobody. */
#define MPL_HANG_NS UINT64_C(5000000000)
int mpl_journal_set_apart(struct mpl_journal *j, uint32_t sink, const char *path);
static inline bool mpl_journal_owes(const struct mpl_journal *j, uint32_t sink)
{
    const struct mpl_file *f = mpl_journal_file(j, sink);
    return f->spool_head != f->spool_end;
}
bool mpl_journal_hangs(struct mpl_journal *j, uint32_t sink); /* its hand does, so it must be left alone */
int64_t mpl_spool_load(const struct mpl_journal *j, uint32_t sink, char *out, size_t room); /* the first frame owed: its length, 0: none, MPL_E_CORRUPT */
int mpl_spool_reserve(const struct mpl_journal *j, uint32_t sink, uint64_t bytes);          /* room for more, or -errno */
void mpl_spool_trim(struct mpl_journal *j, uint32_t sink);                                  /* IDLE only: memory of what is no longer owed */
void mpl_spool_forget(struct mpl_journal *j, uint32_t sink);                                /* IDLE only: what cannot be read is owed no more */
/* The first frame owed, loaded at `part`, goes into the file: as mpl_commit_parts. -errno: it is still owed. */
int mpl_unspool(struct mpl_journal *j, struct mpl_reader *r, uint32_t sink, const struct mpl_part *part);

int mpl_rotate_begin(struct mpl_journal *j, const struct mpl_rotation *rotation);
int mpl_rotate_end(struct mpl_journal *j, const struct mpl_file *file);

/* ---- who lives, and how one dies (P) ---------------------------------------------------------------------------------------- */
uint64_t mpl_pidfd_ino(int fd);   /* of that process; 0 where the kernel has no such numbers */
uint64_t mpl_process_ino(void);   /* of this one */
int mpl_crash_prepare(int fd);    /* notes what signals do now; fd: the number that faulthandler is about to be told */
int mpl_crash_arm(void);          /* faulthandler is on: puts its handlers behind ours */
void mpl_crash_tell(const struct mpl_producer *p); /* whose session a crash of this process is of; NULL: nobody's */

/* ---- starting a program (P) ------------------------------------------------------------------------------------------------- */
/* Starts argv[0] detached: own session, default signals, no descriptor but 0 (/dev/null, or stdin_fd), 1 (/dev/null), 2 (a file, emptied) and 3 (keep_fd, if >= 0);
 * where it is lent something to show lines on, 4 and 5 too. No foreign waitpid(-1) ever sees it, no at-fork handler runs, and the address space is not copied. Blocks until the exec has happened. 0 or -errno. */
struct mpl_spawn {
    char *const *argv, *const *envp;
    const char *stderr_path;
    int keep_fd, stdin_fd, lent_fds[2]; /* -1: none */
};
int mpl_spawn(const struct mpl_spawn *spawn);

/* ---- records that end the writer: poison.h ---------------------------------------------------------------------------------------------- */
int mpl_poison_watch(struct mpl_journal *j); /* from now on a fault is noted there; 0 or -errno. Not again after it was unwatched */
void mpl_poison_unwatch(const struct mpl_journal *j);
void mpl_poison_load(struct mpl_reader *r, const struct mpl_journal *j);

/* ---- guards ---------------------------------------------------------------------------------------------------------------- */
/* Runs body(arg) so that a SIGBUS in it (somebody truncated a segment) comes back as MPL_E_CORRUPT. One thread of the writer only. */
int mpl_guarded(int (*body)(void *), void *arg);
const void *mpl_fault_at(void); /* where the last guarded body met it; NULL where it met none */
/* The same among the writer's segments: one that was truncated is lost, and the body runs again. It must be one that can be done again anywhere. */
int mpl_survive(struct mpl_reader *r, int (*body)(void *), void *arg);
uint64_t mpl_generation(void); /* of this process: 0 never; another value in every child, however it was made */

#endif
