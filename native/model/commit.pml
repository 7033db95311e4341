/* SPDX-License-Identifier: Apache-2.0
 *
 * Commit and redo: a batch reaches the file once, whichever step its writer is killed at, and the next one in doing it again. ring/commit.c, ring/sink.c, view_init in
 * ring/reader.c.
 *
 * A batch may be lent to a thread, which writes it while the writer makes the next one in the other staging area, from its private position; what the thread
 * has not begun is taken back. It dies with its writer.
 *
 * A record becomes a line of two cells in the file; the second one ends the line. Bytes are written cell by cell. Somebody else may once append to the file, with
 * or without a line end, or cut it anywhere, but not between a look at the file and the write that follows from it: that window is open in reality too
 * (design, section 9). What a killed process has stored stays, in order; so there are no buffers here.
 *
 * Shown: every record that nobody has cut off stands in the file once, whole, in order and on a line of its own; settled is never ahead of the file; nothing is
 * said to have befallen the file that did not; a session that takes over a slot finds its words its own.
 *
 * MUTANT_commit_before_entry        COMMIT is stored before the entry is complete
 * MUTANT_heads_before_commit        head is moved before COMMIT
 * MUTANT_settled_before_bytes       settled is stored before the bytes are written
 * MUTANT_idle_before_bytes          IDLE is stored before the bytes are written
 * MUTANT_idle_before_offset         IDLE is stored before the file's new offset
 * MUTANT_offset_added               the new offset is the one in force plus what was written
 * MUTANT_redo_appends               a redo writes all of it at the file's end
 * MUTANT_redo_counts                a redo takes all that stands behind the offset for its own
 * MUTANT_stage_before_redo          a new writer stages its first batch before it does the old one again
 * MUTANT_retarget_in_place          a new target is written over the one in force
 * MUTANT_go_on_in_the_line          behind foreign bytes it goes on in the middle of a line
 * MUTANT_no_newline                 behind foreign bytes it adds no line end
 * MUTANT_cut_line_continued         behind what a truncation has left it adds no line end
 * MUTANT_closed_slot_written        the words of a session are stored also when a first try has closed it
 * MUTANT_next_in_the_same_area      the next batch is made where the bytes lie that the thread is writing
 * MUTANT_entry_before_join          the next batch's entry is filled in before the thread is done
 * MUTANT_idle_before_join           IDLE is stored while the thread still writes
 * MUTANT_not_joined                 the next steps are taken while the thread still writes
 */
#define EVENTS 3
#define CAPACITY 2
#define BATCH 2
#define CELLS 14
#define KILLS 2

#define FIRST(id) (2 * (id))
#define LAST(id) (2 * (id) + 1)
#define FOREIGN 100 /* without a line end */
#define FOREIGN_LINE 101
#define NEWLINE 102
#define STAGED(i) staging[place * 2 * BATCH + (i)]
#define ENDS_LINE(c) ((c) > FOREIGN || ((c) < FOREIGN && (c) % 2 == 1))

#define CLOSED 0
#define LIVE 1
#define ENDED 2

byte lane[CAPACITY], head, tail;
byte slot_epoch = 1, slot_state = LIVE, slot_settled;

bool commit; /* the journal: its state, */
byte staging[4 * BATCH], length, new_head, new_settled, entry_epoch; /* two areas; its entry, */
bit place; /* which says where its bytes lie, */
bool close;
byte target_offset[2], target_from[2]; /* of which `flip` is in force, */
bit flip;
byte position, offset[2]; /* and what outlives a batch */
bit file_flip;

byte file[CELLS], size;
bool window, touched;
byte lent; /* 1: a thread may begin, 2: it writes */
bool alive; /* the thread is at it: the next writer begins when all of the last one is gone */
bool cut[EVENTS + 1];
bool kill;

active proctype killer()
{
    byte kills;
    do
    :: kills < KILLS -> kill = true; (!kill); kills++
    :: break
    od
}

active proctype producer()
{
    byte id = 1;
    do
    :: id <= EVENTS && id - 1 - head < CAPACITY ->
        lane[(id - 1) % CAPACITY] = id;
        d_step { tail = id; id++ }
    :: id > EVENTS -> break
    od;
    slot_state = ENDED;
    (slot_state == CLOSED);
    /* its heir, in the same slot */
    slot_settled = 0;
    d_step { slot_epoch = 2; slot_state = LIVE };
    (timeout);
    assert(slot_settled == 0)
}

#define WHOLE(i) (file[i] < FOREIGN && file[i] % 2 == 0 && i + 1 < size && file[i + 1] == file[i] + 1 && (i == 0 || ENDS_LINE(file[i - 1])))

/* All bytes from `to` on are gone. */
inline truncate(to)
{
    i = 0;
    do
    :: i < size ->
        if
        :: WHOLE(i) && i + 1 >= to -> cut[file[i] / 2] = true
        :: else
        fi;
        i++
    :: else -> break
    od;
    do
    :: size > to -> size--; file[size] = 0
    :: else -> break
    od
}

active proctype somebody()
{
    byte i, less;
    if
    :: true
    :: d_step { !window -> file[size] = FOREIGN; size++; touched = true }
    :: d_step { !window -> file[size] = FOREIGN_LINE; size++; touched = true }
    :: d_step { !window && size > 0 -> truncate(0); touched = true }
    :: d_step { !window && size > 1 -> truncate(1); touched = true }
    :: d_step { !window && size > 3 -> truncate(3); touched = true }
    :: d_step { !window && size > 2 -> less = size - 1; truncate(less); touched = true; less = 0 }
    fi
}

/* How often the whole line of `id` stands in the file. */
inline count_lines(id)
{
    lines = 0;
    i = 0;
    do
    :: i < size ->
        if
        :: file[i] == FIRST(id) && WHOLE(i) -> lines++
        :: else
        fi;
        i++
    :: else -> break
    od
}

inline write_cell(value, at)
{
    d_step {
        file[at] = value;
        size = (size > at -> size : at + 1)
    }
}

inline retarget(new_offset, new_from)
{
#ifdef MUTANT_retarget_in_place
    target_offset[flip] = new_offset;
    target_from[flip] = new_from;
#else
    d_step { target_offset[1 - flip] = new_offset; target_from[1 - flip] = new_from };
    flip = 1 - flip;
#endif
    window = false
}

/* The longest common prefix of what is to be written and the file from the offset. */
inline find_common()
{
    common = 0;
    do
    :: from + common < length && off + common < size && file[off + common] == STAGED(from + common) -> common++
    :: else -> break
    od
}

inline end_line()
{
    if
    :: size > 0 && !ENDS_LINE(file[size - 1]) -> write_cell(NEWLINE, size)
    :: else
    fi
}

/* write_entry */
inline write_bytes()
{
    do
    ::
        d_step {
            window = true;
            off = target_offset[flip];
            from = target_from[flip];
            find_common();
#ifdef MUTANT_redo_appends
            common = 0;
            off = size;
#endif
#ifdef MUTANT_redo_counts
            common = (size > off && size - off < length - from -> size - off : common);
#endif
        };
        if
        :: size < off ->
            assert(touched); /* it will be told */
#ifndef MUTANT_cut_line_continued
            end_line();
#endif
            retarget(size, from)
        :: size >= off && (from + common == length || size == off + common) ->
            do
            :: from + common < length -> write_cell(STAGED(from + common), off + common); common++
            :: else -> break
            od;
            window = false;
            break
        :: else ->
            assert(touched);
#ifndef MUTANT_go_on_in_the_line
            d_step {
                do
                :: common > 0 && !ENDS_LINE(STAGED(from + common - 1)) -> common--
                :: else -> break
                od;
                skip
            };
#endif
#ifndef MUTANT_no_newline
            end_line();
#endif
            retarget(size, from + common)
        fi
    od
}

inline move_heads()
{
    position = (position > new_head -> position : new_head);
    head = (head > new_head -> head : new_head)
}

inline store_offset()
{
#ifdef MUTANT_offset_added
    offset[1 - file_flip] = offset[file_flip] + length - target_from[flip];
#else
    offset[1 - file_flip] = target_offset[flip] + length - target_from[flip];
#endif
    file_flip = 1 - file_flip
}

inline settle()
{
#ifdef MUTANT_closed_slot_written
    if
    :: slot_epoch == entry_epoch ->
#else
    if
    :: slot_epoch == entry_epoch && slot_state != CLOSED ->
#endif
        slot_settled = new_settled;
        d_step {
            found = 1;
            do
            :: found <= new_settled -> count_lines(found); assert(lines || cut[found]); found++
            :: else -> break
            od;
            found = 0;
            lines = 0;
            i = 0
        };
        d_step {
            if
            :: close && slot_epoch == entry_epoch && slot_state == ENDED -> slot_state = CLOSED
            :: else
            fi
        }
    :: else
    fi
}

/* mpl_hand_lend, mpl_hand_join: what comes next is made meanwhile */
inline lend()
{
    lent = 1;
#ifndef MUTANT_next_in_the_same_area
    area = 1 - area;
#endif
    stage();
#ifdef MUTANT_entry_before_join
    fill_entry();
#endif
#ifdef MUTANT_idle_before_join
    commit = false;
#endif
#ifndef MUTANT_not_joined
    if
    :: d_step { lent == 1 -> lent = 0 }; write_bytes()
    :: lent == 0
    fi
#endif
}

/* mpl_redo_parts, mpl_commit_begin */
inline redo()
{
    pos = (pos > new_head -> pos : new_head);
    move_heads();
#ifdef MUTANT_settled_before_bytes
    settle();
#endif
#ifdef MUTANT_idle_before_bytes
    commit = false;
#endif
    if
    :: write_bytes()
    :: lends -> lend()
    fi;
#ifdef MUTANT_idle_before_offset
    commit = false;
#endif
    store_offset();
    settle();
    commit = false;
    d_step { off = 0; from = 0; common = 0 }
}

/* Records [pos, tail), as far as they go into a batch, and the end of the session once all are in. */
inline stage()
{
    d_step {
        batch = 0;
        do
        :: batch < BATCH && pos + batch < tail ->
            staging[area * 2 * BATCH + 2 * batch] = FIRST(lane[(pos + batch) % CAPACITY]);
            staging[area * 2 * BATCH + 2 * batch + 1] = LAST(lane[(pos + batch) % CAPACITY]);
            batch++
        :: else -> break
        od;
        skip
    }
}

inline fill_entry()
{
    d_step {
        length = 2 * batch;
        place = area;
        new_head = pos + batch;
        new_settled = pos + batch;
        entry_epoch = 1;
        close = (slot_state == ENDED && slot_epoch == 1 && pos + batch == EVENTS);
        flip = 0
    };
    d_step { target_offset[0] = offset[file_flip]; target_from[0] = 0; target_offset[1] = offset[file_flip]; target_from[1] = 0 }
}

inline make_batch()
{
    if
    :: batch == 0 -> stage()
    :: else /* made while the last one was written */
    fi;
#ifdef MUTANT_heads_before_commit
    head = pos + batch;
#endif
#ifdef MUTANT_commit_before_entry
    commit = true;
    fill_entry();
#else
    fill_entry();
    commit = true;
#endif
    batch = 0
}

active proctype thread()
{
    byte off, from, common;
end:
    do
    :: d_step { lent == 1 -> lent = 2; alive = true };
        {
            write_bytes();
            lent = 0
        } unless { lent == 0 };
        d_step { off = 0; from = 0; common = 0; alive = false }
    od
}

active proctype writer()
{
    byte pos, batch, off, from, common, found, lines, i;
    bit area, lends;
life:
    {
        (!alive);
        pos = (position > head -> position : head);
        do
        :: commit || tail > pos || (slot_epoch == 1 && slot_state == ENDED) ->
            lends = !commit;
            if
            :: commit ->
                skip;
#ifdef MUTANT_stage_before_redo
                stage();
                batch = 0
#endif
            :: else -> make_batch()
            fi;
            redo();
            lends = false
        :: timeout -> break
        od
    } unless { atomic { kill -> kill = false; window = false; lent = 0; area = 0; lends = false; pos = 0; batch = 0; off = 0; from = 0; common = 0; found = 0 } -> goto life };
    atomic {
        found = 1;
        do
        :: found <= EVENTS ->
            count_lines(found);
            assert(lines == 1 || (lines == 0 && cut[found])); /* once, whole, on a line of its own */
            found++
        :: else -> break
        od;
        i = 0;
        lines = 0;
        do
        :: i < size ->
            if
            :: WHOLE(i) -> assert(file[i] > lines); lines = file[i] /* in order */
            :: else
            fi;
            i++
        :: else -> break
        od
    }
}
