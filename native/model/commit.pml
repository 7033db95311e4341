/* SPDX-License-Identifier: Apache-2.0
 *
 * Commit and redo: a batch reaches the file once, whichever step its writer is killed at, and the next one in doing it again. ring/commit.c, ring/sink.c, view_init in
 * ring/reader.c.
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
#define ENDS_LINE(c) ((c) > FOREIGN || ((c) < FOREIGN && (c) % 2 == 1))

#define CLOSED 0
#define LIVE 1
#define ENDED 2

byte lane[CAPACITY], head, tail;
byte slot_epoch = 1, slot_state = LIVE, slot_settled;

bool commit; /* the journal: its state, */
byte staging[2 * BATCH], length, new_head, new_settled, entry_epoch; /* its entry, */
bool close;
byte target_offset[2], target_from[2]; /* of which `flip` is in force, */
bit flip;
byte position, offset[2]; /* and what outlives a batch */
bit file_flip;

byte file[CELLS], size;
bool window, touched;
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
    :: from + common < length && off + common < size && file[off + common] == staging[from + common] -> common++
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
            :: from + common < length -> write_cell(staging[from + common], off + common); common++
            :: else -> break
            od;
            window = false;
            break
        :: else ->
            assert(touched);
#ifndef MUTANT_go_on_in_the_line
            d_step {
                do
                :: common > 0 && !ENDS_LINE(staging[from + common - 1]) -> common--
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

/* mpl_redo */
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
    write_bytes();
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
            staging[2 * batch] = FIRST(lane[(pos + batch) % CAPACITY]);
            staging[2 * batch + 1] = LAST(lane[(pos + batch) % CAPACITY]);
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
    stage();
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
    batch = 0;
    redo()
}

active proctype writer()
{
    byte pos, batch, off, from, common, found, lines, i;
life:
    {
        pos = (position > head -> position : head);
        if
        :: commit ->
#ifdef MUTANT_stage_before_redo
            stage();
            batch = 0;
#endif
            redo()
        :: else
        fi;
        do
        :: tail > pos || (slot_epoch == 1 && slot_state == ENDED) -> make_batch()
        :: timeout -> break
        od
    } unless { atomic { kill -> kill = false; window = false; pos = 0; batch = 0; off = 0; from = 0; common = 0; found = 0 } -> goto life };
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
