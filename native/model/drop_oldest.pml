/* SPDX-License-Identifier: Apache-2.0
 *
 * drop_oldest: an owner that takes its oldest records back while the writer is copying them (`oldest.c`, `view.c`).
 *
 * Positions count cells; a record takes one cell (its header) or two (header and payload), a pad takes one. Headers carry the session and the number. The move
 * of head may become visible late, as a processor may let later stores overtake a CAS; a fence ends that. The owner may be killed between any two steps, an
 * heir pads what is unfinished and goes on under a session of its own; the writer may be killed too, and the next one goes on where the journal says.
 *
 * Shown: no copy that is torn or void is delivered; each number is delivered once, in order, or told as dropped, never both; no healthy lane is set aside; no
 * session's last number is higher than what it has published.
 *
 * MUTANT_no_fence                  the record is written before the move of head is visible
 * MUTANT_rsv_before_head           rsv is stored before there is room
 * MUTANT_part_of_a_record          head moves by what is needed, not past whole records
 * MUTANT_drop_last_after_head      drop_last is raised after head has moved
 * MUTANT_owner_stores_head         the owner stores head, without a CAS
 * MUTANT_writer_stores_head        the writer stores head, never mind whether it is lower
 * MUTANT_no_second_look            the writer does not look at head after its copy
 * MUTANT_look_before_copy          it looks before its copy (no fence between)
 * MUTANT_header_believed           it judges a header that may be void
 * MUTANT_not_equal                 it goes on as long as pos differs from tail
 * MUTANT_state_before_drop_last    a gap is judged by a state that was loaded before drop_last (drain:F)
 * MUTANT_heir_counts_for_itself    an heir raises its drop_last by numbers of its predecessor
 * MUTANT_owners_count_told         what is told as dropped is what the owner has counted, not what the numbers say
 */
#define CAPACITY 4
#define FIRST_EVENTS 3 /* by the first session */
#define HEIR_EVENTS 2
#define SESSIONS 2
#define MOST 5

/* A cell: what it is, of whom, which number. */
#define PAYLOAD 1
#define PAD 2
#define SHORT 3 /* a header, and all of its record */
#define LONG 4  /* a header, a payload follows */
#define CELL(kind, session, seq) ((kind) * 16 + (session) * 8 + (seq))
#define KIND(c) ((c) / 16)
#define SESSION(c) (((c) / 8) % 2)
#define SEQ(c) ((c) % 8)
#define LENGTH(seq) (1 + (seq) % 2)

byte cell[CAPACITY];
byte tail, rsv, head, drop_last;
byte pending_head; /* 0: none. A CAS that has succeeded, and is not visible yet */
bool owned = true;

byte session;                  /* the lane's epoch */
bool session_ended;            /* the first one's state, and what it ended with */
byte session_last, session_end;
byte published[SESSIONS];      /* ghosts: numbers that were accepted, */
byte counted[SESSIONS];        /* and what the owners counted as dropped */

byte journal_pos, journal_seq[SESSIONS];
bool delivered[SESSIONS * MOST], told[SESSIONS * MOST];
bool closed;
bool kill_owner, kill_writer;

active proctype memory()
{
end:
    do
    :: d_step { pending_head -> assert(pending_head >= head); head = pending_head; pending_head = 0 } /* it only grows */
    od
}

active proctype killer()
{
    if
    :: kill_owner = true
    :: skip
    fi;
    if
    :: kill_writer = true
    :: skip
    fi
}

/* From the oldest record on, whole ones, until there is room up to `end`. */
inline find_room()
{
    d_step {
        to = from;
        last = 0;
        many = 0;
#ifdef MUTANT_part_of_a_record
        to = end - CAPACITY;
#endif
        do
        :: end - to > CAPACITY ->
            found = cell[to % CAPACITY];
            assert(KIND(found) != PAYLOAD); /* head stands at the beginning of a record */
            if
            :: KIND(found) != PAD ->
#ifdef MUTANT_heir_counts_for_itself
                last = SEQ(found);
#else
                last = (SESSION(found) == me -> SEQ(found) : last);
#endif
                many++
            :: else
            fi;
            to = to + (KIND(found) == LONG -> 2 : 1)
        :: else -> break
        od;
        found = 0
    }
}

inline raise_drop_last()
{
    drop_last = (last > drop_last -> last : drop_last)
}

inline move_head()
{
    swapped = false;
#ifdef MUTANT_owner_stores_head
    d_step { !pending_head -> pending_head = to; swapped = true };
#else
    d_step {
        !pending_head ->
        if
        :: head == from -> pending_head = to; swapped = true; counted[me] = counted[me] + many
        :: else
        fi
    };
#endif
}

inline make_room()
{
    do
    ::
        from = (pending_head -> pending_head : head);
        if
        :: end - from <= CAPACITY -> break
        :: else
        fi;
        find_room();
#ifndef MUTANT_drop_last_after_head
        raise_drop_last();
#endif
        move_head();
#ifdef MUTANT_drop_last_after_head
        raise_drop_last();
#endif
        d_step { from = 0; to = 0; last = 0; many = 0; swapped = false }
    od;
    from = 0
}

inline write_record()
{
    if
    :: end - at > LENGTH(seq) -> cell[at % CAPACITY] = CELL(PAD, 0, 0); at++
    :: else
    fi;
    if
    :: LENGTH(seq) == 1 -> cell[at % CAPACITY] = CELL(SHORT, me, seq)
    :: else ->
        cell[at % CAPACITY] = CELL(LONG, me, seq);
        cell[(at + 1) % CAPACITY] = CELL(PAYLOAD, me, seq)
    fi
}

inline store_rsv()
{
    rsv = end
}

inline publish()
{
    d_step {
        at = tail;
        end = at + LENGTH(seq);
        end = (at % CAPACITY + LENGTH(seq) > CAPACITY -> end + 1 : end) /* a pad up to the end of the data */
    };
#ifdef MUTANT_rsv_before_head
    store_rsv();
    make_room();
#else
    make_room();
    store_rsv();
#endif
#ifndef MUTANT_no_fence
    (!pending_head); /* after the CAS and rsv, before the record */
#endif
    write_record();
    d_step { !pending_head -> tail = end; published[me] = seq; at = 0; end = 0; seq++ }
}

/* mpl_session_end, pad_unfinished, open_session */
inline adopt()
{
    d_step { session_last = (drop_last > published[0] -> drop_last : published[0]); session_end = tail };
    assert(session_last == published[0]); /* the marks know published (overflow.pml) */
    session_ended = true;
    at = tail;
    do
    :: at < rsv -> cell[at % CAPACITY] = CELL(PAD, 0, 0); at++
    :: else -> break
    od;
    tail = at;
    d_step { at = 0; drop_last = 0 };
    session = 1
}

proctype owner(byte me; byte events)
{
    byte seq = 1, at, end, from, to, last, many, found;
    bool swapped;
    {
        if
        :: me == 1 ->
            atomic { !owned -> owned = true };
            adopt()
        :: else
        fi;
        do
        :: seq <= events -> publish(); assert(drop_last <= published[me])
        :: else -> break
        od
    } unless { (kill_owner && me == 0) };
    atomic { !pending_head -> owned = false } /* the kernel gives the lock back */
}

/* All that the numbers say was dropped before `next` of session s. */
inline tell_gap(s, next)
{
    do
    :: journal_seq[s] + 1 < next ->
        journal_seq[s] = journal_seq[s] + 1;
        assert(!delivered[s * MOST + journal_seq[s]] && !told[s * MOST + journal_seq[s]]);
        told[s * MOST + journal_seq[s]] = true;
        gaps[s] = gaps[s] + 1
    :: else -> break
    od
}

/* gap_explained in ring/view.c */
inline judge_gap()
{
#ifdef MUTANT_state_before_drop_last
    is_ended = session_ended;
    dropped = drop_last;
#else
    dropped = drop_last;
    is_ended = session_ended;
#endif
    d_step {
        if
        :: SESSION(header) == 0 && is_ended -> dropped = session_last
        :: else
        fi;
        assert(SEQ(header) - 1 <= dropped); /* else a healthy lane is set aside */
        dropped = 0;
        is_ended = false
    }
}

inline judge_header()
{
    assert(KIND(header) == PAD || KIND(header) == SHORT || KIND(header) == LONG);
    if
    :: KIND(header) != PAD ->
        assert(SEQ(header) > journal_seq[SESSION(header)]);
        if
        :: SEQ(header) != journal_seq[SESSION(header)] + 1 -> judge_gap()
        :: else
        fi
    :: else
    fi
}

inline commit()
{
    d_step {
        if
        :: KIND(header) != PAD ->
            tell_gap(SESSION(header), SEQ(header));
            assert(!delivered[SESSION(header) * MOST + SEQ(header)]);
            assert(SEQ(header) == journal_seq[SESSION(header)] + 1);
            assert(SESSION(header) == 1 || !closed);
            delivered[SESSION(header) * MOST + SEQ(header)] = true;
            journal_seq[SESSION(header)] = SEQ(header)
        :: else
        fi;
        pos = pos + (KIND(header) == LONG -> 2 : 1);
        journal_pos = pos
    };
    raise_head()
}

/* mpl_raise; later steps of the writer do not depend on when others see it */
inline raise_head()
{
#ifdef MUTANT_writer_stores_head
    d_step { assert(journal_pos >= head); head = journal_pos }
#else
    d_step {
        !pending_head ->
        head = (head < journal_pos -> journal_pos : head)
    }
#endif
}

/* The copy is void once head has passed it. */
inline look_again()
{
    is_void = (head > pos)
}

inline copy_record()
{
    header = cell[pos % CAPACITY];
#ifdef MUTANT_header_believed
    judge_header();
#endif
    look_again();
#ifndef MUTANT_header_believed
    if
    :: !is_void -> judge_header()
    :: else
    fi;
#endif
    if
    :: !is_void && KIND(header) == LONG ->
#ifdef MUTANT_look_before_copy
        look_again();
#endif
        payload = cell[(pos + 1) % CAPACITY];
#if !defined(MUTANT_no_second_look) && !defined(MUTANT_look_before_copy)
        look_again();
#endif
        if
        :: !is_void -> assert(payload == CELL(PAYLOAD, SESSION(header), SEQ(header))) /* else it is torn */
        :: else
        fi
    :: else
    fi
}

#ifdef MUTANT_not_equal
#define SOMETHING (seen_tail != pos)
#else
#define SOMETHING (seen_tail > pos)
#endif

/* A void copy ends it too: on from head, with tail loaded anew. */
inline pass()
{
    seen_tail = tail;
    pos = (head > pos -> head : pos);
    do
    :: SOMETHING && !is_void ->
        copy_record();
        if
        :: !is_void -> commit()
        :: else
        fi;
        d_step { header = 0; payload = 0 }
    :: else -> break
    od;
    is_void = false;
    seen_tail = 0
}

/* The first session's end line: once all of it is drained. */
inline end_session()
{
    d_step {
        if
        :: session_ended && !closed && pos >= session_end -> tell_gap(0, session_last + 1); closed = true
        :: else
        fi
    }
}

active proctype writer()
{
    byte pos, seen_tail, header, payload, dropped;
    bool is_void, is_ended;
    byte gaps[SESSIONS];
    run owner(0, FIRST_EVENTS);
    run owner(1, HEIR_EVENTS);
life:
    {
        pos = (journal_pos > head -> journal_pos : head);
        do
        :: head > pos || tail != pos -> pass()
        :: session_ended && !closed && pos >= session_end -> end_session()
        :: timeout -> break
        od
    } unless {
        atomic { kill_writer -> kill_writer = false; header = 0; payload = 0; is_void = false; seen_tail = 0; dropped = 0; is_ended = false } -> goto life
    };
    atomic {
        assert(closed);
        assert(journal_seq[0] == published[0] && journal_seq[1] == published[1])
#ifdef MUTANT_owners_count_told
        ;
        assert(gaps[0] + gaps[1] == counted[0] + counted[1])
#endif
    }
}
