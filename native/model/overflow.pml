/* SPDX-License-Identifier: Apache-2.0
 *
 * The overflow switch: a full lane goes on in chunk files, and comes back. ring/overflow.c, publish_in_overflow and back_in_lane in ring/publish.c, take in
 * ring/claim.c, mpl_view_load in ring/view.c, sweep in ring/commit.c. One append may be refused (no space); its number counts as dropped.
 *
 * Lane positions count events; overflow positions count cells, of which an event takes one or two; a chunk has three cells, and no event spans two chunks.
 * tail and ovf_end go to a buffer first and become visible later, in the order of the stores. Owner and writer may be killed between any two steps; the lane is
 * adopted, and the next writer goes on where the journal says. A commit is one step here (commit.pml takes it apart).
 *
 * Shown: what was accepted is delivered once, in order, and all of it; an heir knows the last number; the end of a session comes after all its events.
 *
 * MUTANT_tail_before_ovf_end      the writer loads tail first
 * MUTANT_ovf_end_not_released     ovf_end may become visible before an earlier tail
 * MUTANT_ovf_end_before_bytes     ovf_end is stored before the last byte is written
 * MUTANT_back_when_room           the owner returns to the lane as soon as there is room
 * MUTANT_adopter_in_lane          an adopter begins in the lane, whatever ovf_head says
 * MUTANT_adopted_by_any           a producer that does not know overflow adopts a lane with unread chunks
 * MUTANT_cut_then_overflow        a batch that was cut in the lane takes events of the overflow too
 * MUTANT_ovf_head_before_commit   ovf_head is moved when the chunks have been read, before the commit
 * MUTANT_unlink_before_commit     a chunk goes when it has been read, before the commit
 * MUTANT_unlink_open_chunk        the chunk that ovf_head stands in goes as well, once all of it is delivered
 * MUTANT_mark_without_ovf_end     a mark agrees when its tail does
 * MUTANT_refused_untold           drop_last is not raised for an event that the overflow has refused
 * MUTANT_end_by_lane              a session counts as drained when its lane is, whatever its chunks hold
 */
#define EVENTS 4 /* numbers in all, of the first owner and its heir */
#define CAPACITY 1
#define CHUNK 3
#define CELLS 9

byte lane[CAPACITY];
byte tail, head, ovf_end, ovf_head;
byte buffered_tail, buffered_ovf_end;
bool dirty_tail, dirty_ovf_end, tail_is_older;

byte cell[CELLS];
byte inode[CELLS / CHUNK]; /* 0: no such chunk */
byte inodes;

byte mark_seq[2], mark_tail[2], mark_ovf_end[2];

byte accepted, refused; /* the last number accepted, ever; the one refused, if any */
byte drop_last;
bool owned = true;
bool ended, closed; /* the first session */
byte end_pos, end_ovf, end_last, end_accepted;

bool commit; /* the journal's state; its positions, and what it stands for */
byte journal_pos, journal_ovf, delivered;

bool kill_owner, kill_writer;

active proctype memory()
{
end:
    do
#ifdef MUTANT_ovf_end_not_released
    :: d_step { dirty_tail -> tail = buffered_tail; dirty_tail = false }
    :: d_step { dirty_ovf_end -> ovf_end = buffered_ovf_end; dirty_ovf_end = false }
#else
    :: d_step { dirty_tail && (!dirty_ovf_end || tail_is_older) -> tail = buffered_tail; dirty_tail = false }
    :: d_step { dirty_ovf_end && (!dirty_tail || !tail_is_older) -> ovf_end = buffered_ovf_end; dirty_ovf_end = false }
#endif
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

#define LAST_NUMBER (accepted > refused -> accepted : refused)
#define AFTER(id) ((id) + 1 == refused -> (id) + 2 : (id) + 1)
#define LENGTH(id) (1 + (id) % 2)
#define ROOM(pos) (CHUNK - (pos) % CHUNK)

/* set_mark in ring/publish.c */
inline set_mark(t, o)
{
    mark_seq[mark] = 0;
    d_step { mark_tail[mark] = t; mark_ovf_end[mark] = o };
    d_step { mark_seq[mark] = id; mark = 1 - mark }
}

/* last_number in ring/session.c */
#ifdef MUTANT_mark_without_ovf_end
#define AGREES(i) (mark_tail[i] == tail)
#else
#define AGREES(i) (mark_tail[i] == tail && mark_ovf_end[i] == ovf_end)
#endif
inline find_last()
{
    last = drop_last;
    if
    :: AGREES(0) && mark_seq[0] > last -> last = mark_seq[0]
    :: else
    fi;
    if
    :: AGREES(1) && mark_seq[1] > last -> last = mark_seq[1]
    :: else
    fi
}

inline publish_in_lane()
{
    set_mark(my_tail + 1, my_ovf_end);
    lane[my_tail % CAPACITY] = id;
    d_step {
        !dirty_tail ->
        buffered_tail = my_tail + 1;
        dirty_tail = true;
        tail_is_older = false;
        my_tail++;
        accepted = id
    }
}

inline write_cell(p)
{
    d_step {
        if
        :: inode[(p) / CHUNK] == opened -> cell[p] = id
        :: else /* into a file that has no name any more */
        fi
    }
}

inline store_ovf_end()
{
    d_step {
        !dirty_ovf_end ->
        buffered_ovf_end = at + LENGTH(id);
        dirty_ovf_end = true;
        tail_is_older = true;
        my_ovf_end = at + LENGTH(id);
        accepted = id
    }
}

/* overflow_refused: the mark that agrees stays the older one */
inline refuse()
{
    mark = 1 - mark;
#ifdef MUTANT_refused_untold
    refused = id
#else
    d_step { refused = id; drop_last = id }
#endif
}

inline publish_in_overflow()
{
    at = my_ovf_end;
    if
    :: LENGTH(id) > ROOM(at) ->
        write_pad();
        at = at + ROOM(at)
    :: else
    fi;
    set_mark(my_tail, at + LENGTH(id));
    open_chunk(at / CHUNK);
#ifdef MUTANT_ovf_end_before_bytes
    store_ovf_end();
    write_cell(at);
    if
    :: LENGTH(id) == 2 -> write_cell(at + 1)
    :: else
    fi
#else
    write_cell(at);
    if
    :: LENGTH(id) == 2 -> write_cell(at + 1)
    :: else
    fi;
    if
    :: true -> store_ovf_end()
    :: !refused -> refuse()
    fi
#endif
}

inline open_chunk(c)
{
    d_step {
        if
        :: !inode[c] -> inodes++; inode[c] = inodes
        :: else
        fi;
        opened = inode[c]
    }
}

/* Its bytes say how long it is; here a reader can tell by itself. */
inline write_pad()
{
    open_chunk(at / CHUNK)
}

#define NOTHING_UNREAD (ovf_head == my_ovf_end)
#define LANE_HAS_ROOM (my_tail - head < CAPACITY)

proctype owner(bool heir; bool knows_overflow)
{
    byte my_tail, my_ovf_end, mark, id, at, opened, last;
    bool in_lane;
    {
        if
        :: heir ->
            atomic { !owned -> owned = true };
#ifndef MUTANT_adopted_by_any
            (knows_overflow || ovf_head == ovf_end); /* till then it takes another lane */
#endif
            d_step {
                find_last();
                assert(last == LAST_NUMBER);
                end_pos = tail;
                end_ovf = ovf_end;
                end_last = last;
                end_accepted = accepted;
                ended = true;
                last = 0;
                mark_seq[0] = 0;
                mark_seq[1] = 0;
                drop_last = 0
            }
#ifdef MUTANT_adopter_in_lane
            ;
            in_lane = true
#endif
        :: else
        fi;
        d_step { my_tail = tail; my_ovf_end = ovf_end };
        do
        :: LAST_NUMBER == EVENTS -> break
        :: else ->
            if
            :: !knows_overflow ->
                (LANE_HAS_ROOM);
                id = LAST_NUMBER + 1;
                publish_in_lane()
            :: else ->
#ifdef MUTANT_back_when_room
                d_step { id = LAST_NUMBER + 1; in_lane = LANE_HAS_ROOM };
#else
                d_step { id = LAST_NUMBER + 1; in_lane = (in_lane || NOTHING_UNREAD) };
                in_lane = (in_lane && LANE_HAS_ROOM);
#endif
                if
                :: in_lane -> publish_in_lane()
                :: else -> publish_in_overflow()
                fi;
                in_lane = false
            fi
        od
    } unless { (kill_owner && !heir) };
    atomic { !dirty_tail && !dirty_ovf_end -> owned = false } /* the kernel gives the lock back */
}

/* One event more into the batch: it must be the next one. */
inline take(event)
{
    assert(event == AFTER(batch)); /* else lost, doubled, or out of order */
    assert(event == batch + 1 || drop_last >= refused || (ended && end_last >= refused)); /* a gap is explained */
    batch = event
}

inline drain_lane()
{
    do
    :: pos < seen_tail -> d_step { take(lane[pos % CAPACITY]); pos++ }
    :: pos < seen_tail -> cut = true; break /* the batch is full */
    :: pos == seen_tail -> break
    od
}

inline drain_overflow()
{
    do
    :: ovf < seen_ovf_end ->
        d_step {
            if
            :: LENGTH(AFTER(batch)) > ROOM(ovf) -> ovf = ovf + ROOM(ovf) /* a pad */
            :: else
            fi;
            take(cell[ovf]);
            assert(cell[ovf + LENGTH(batch) - 1] == batch); /* whole */
            ovf = ovf + LENGTH(batch)
        }
    :: ovf < seen_ovf_end -> break
    :: ovf == seen_ovf_end -> break
    od
}

/* Step 4 of the commit, by whoever does it. */
inline redo()
{
    d_step { pos = journal_pos; ovf = journal_ovf };
    head = (journal_pos > head -> journal_pos : head);
    ovf_head = (journal_ovf > ovf_head -> journal_ovf : ovf_head);
    commit = false
}

inline unlink_chunk(c)
{
    inode[c] = 0;
    cell[c * CHUNK] = 0;
    cell[c * CHUNK + 1] = 0;
    cell[c * CHUNK + 2] = 0
}

#ifdef MUTANT_unlink_open_chunk
#define DONE_WITH(c) (inode[c] && (ovf >= (c + 1) * CHUNK || (ovf > c * CHUNK && ovf == seen_ovf_end)))
#else
#define DONE_WITH(c) (inode[c] && ovf >= (c + 1) * CHUNK)
#endif

inline unlink_chunks()
{
    d_step {
        c = 0;
        do
        :: c == CELLS / CHUNK -> break
        :: c < CELLS / CHUNK && DONE_WITH(c) -> unlink_chunk(c); c++
        :: else -> c++
        od;
        c = 0
    }
}

#ifdef MUTANT_end_by_lane
#define DRAINED (pos >= end_pos)
#else
#define DRAINED (pos >= end_pos && ovf >= end_ovf)
#endif

inline pass()
{
#ifdef MUTANT_tail_before_ovf_end
    seen_tail = tail;
    seen_ovf_end = ovf_end;
#else
    seen_ovf_end = ovf_end;
    seen_tail = tail;
#endif
    d_step { batch = delivered; cut = false };
    drain_lane();
    if
#ifndef MUTANT_cut_then_overflow
    :: cut
#endif
    :: else -> drain_overflow()
    fi;
#ifdef MUTANT_ovf_head_before_commit
    ovf_head = ovf;
#endif
#ifdef MUTANT_unlink_before_commit
    unlink_chunks();
#endif
    if
    :: pos != journal_pos || ovf != journal_ovf ->
        d_step { delivered = batch; journal_pos = pos; journal_ovf = ovf; commit = true };
        redo()
    :: else
    fi;
    unlink_chunks();
    d_step {
        if
        :: ended && !closed && DRAINED -> closed = true; assert(delivered >= end_accepted)
        :: else
        fi;
        batch = 0;
        seen_tail = 0;
        seen_ovf_end = 0;
        cut = false
    }
}

active proctype writer()
{
    byte pos, ovf, seen_tail, seen_ovf_end, batch, c;
    bool cut;
    run owner(false, true);
    if
    :: run owner(true, true)
    :: run owner(true, false)
    fi;
life:
    {
        if
        :: commit -> redo()
        :: else -> d_step { pos = (journal_pos > head -> journal_pos : head); ovf = (journal_ovf > ovf_head -> journal_ovf : ovf_head) }
        fi;
        do
        :: tail != pos || ovf_end != ovf || (ended && !closed) -> pass()
        :: timeout -> break
        od
    } unless { atomic { kill_writer -> kill_writer = false; c = 0 } -> goto life };
    assert(delivered == accepted);
    assert(closed == ended)
}
