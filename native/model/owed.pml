/* SPDX-License-Identifier: Apache-2.0
 *
 * One entry for two files, of which one refuses now and then: what it is owed waits in its spool and is paid frame by frame. ring/deliver.c, ring/commit.c,
 * writer/owing.py.
 *
 * A record is one cell; the second file's writes may be refused, or given up on while they hang: then the cell gets there at any later time, as long as the hand
 * has not come back. A writer may be killed at any step, the next one does the entry again. Offset, head and end of the spool change in one store, as the
 * journal's flip lets them.
 *
 * Shown: both files hold every record once and in order; the first one has it when the batch is over, whatever the second one does.
 *
 * MUTANT_spool_added            a redo puts the frame at the end in force, not where the entry says
 * MUTANT_new_before_owed        what is new goes into the file while something is owed
 * MUTANT_idle_before_spool      IDLE is stored before the frame is in the spool
 * MUTANT_marked_late            the write is marked as owed after its frame counts
 * MUTANT_head_before_bytes      the spool's head moves on before the file has the bytes
 * MUTANT_head_not_set_back      a redo that is refused sets the offset back, and not the head
 * MUTANT_paid_while_it_hangs    the file is written again elsewhere while a hand hangs
 */
#define RECORDS 3
#define KILLS 2
#define CELLS 5

byte one[CELLS], other[CELLS], size_one, size_other;
byte spool[CELLS];

bool commit, owed, paying; /* the entry */
byte id, target_one, target, spool_at;
byte taken, offset_one; /* the journal: positions, the first file, */
byte offset, head, end; /* the second, all by one store */

bool refuses, hangs;
byte hung_id, hung_at;
bool kill, over;
byte tries;

active proctype killer()
{
    byte kills;
    do
    :: kills < KILLS -> kill = true; end_of_all: (!kill); kills++
    :: break
    od
}

/* Once refusing, once hanging; it gets better in the end. */
active proctype disk()
{
    if
    :: true -> refuses = true; refuses = false
    :: true
    fi;
    do
    :: hangs -> d_step { other[hung_at] = hung_id; if :: hung_at + 1 > size_other -> size_other = hung_at + 1 :: else fi; hangs = false; hung_id = 0; hung_at = 0 }
    :: over && !hangs -> break
    od
}

#define STEP if :: kill -> kill = false; goto restart :: else fi

/* What one try at the second file comes to: written, or not. */
inline try_other()
{
    written = false;
    if
    :: hangs
    :: !hangs && refuses
    :: d_step { !hangs && !refuses -> assert(target <= size_other); other[target] = id; if :: target + 1 > size_other -> size_other = target + 1 :: else fi; written = true }
    :: d_step { !hangs && tries == 0 -> tries = 1; hangs = true; hung_id = id; hung_at = target }
    fi
}

active proctype writer()
{
    bool written;
restart:
    if
    :: commit -> goto redo
    :: else
    fi;
    do
#ifdef MUTANT_paid_while_it_hangs
    :: head != end -> d_step { if :: hangs -> offset = size_other :: else fi };
#else
    :: head != end && !hangs && !refuses ->
#endif
        STEP;
        d_step { paying = true; owed = false; id = spool[head]; target = offset; spool_at = head };
        STEP;
        goto enter
    :: taken < RECORDS ->
        STEP;
        d_step { paying = false; id = taken + 1; target_one = offset_one; target = offset; spool_at = end;
#ifdef MUTANT_new_before_owed
            owed = false
#else
            owed = head != end
#endif
        };
        STEP;
        goto enter
    :: taken == RECORDS && head == end -> break
    od;
    goto done;
enter:
    commit = true;
redo:
    STEP;
    if
    :: !paying ->
        taken = id;
        STEP;
        d_step { one[target_one] = id; if :: target_one + 1 > size_one -> size_one = target_one + 1 :: else fi };
        STEP;
        offset_one = target_one + 1
    :: else
    fi;
    STEP;
    written = false;
    if
    :: !owed ->
#ifdef MUTANT_head_before_bytes
        if
        :: paying -> head = spool_at + 1; STEP
        :: else
        fi;
#endif
        try_other()
    :: else
    fi;
    STEP;
    if
    :: written ->
        d_step { offset = target + 1; if :: paying -> head = spool_at + 1 :: else fi }
    :: !written && paying ->
#ifdef MUTANT_head_not_set_back
        offset = target
#else
#ifdef MUTANT_head_before_bytes
        offset = target
#else
        d_step { offset = target; head = spool_at }
#endif
#endif
    :: !written && !paying ->
#ifdef MUTANT_idle_before_spool
        commit = false;
        STEP;
#endif
#ifndef MUTANT_marked_late
        owed = true;
        STEP;
#endif
#ifdef MUTANT_spool_added
        d_step { spool[end] = id };
        STEP;
        d_step { offset = target; end = end + 1 };
#else
        spool[spool_at] = id;
        STEP;
        d_step { offset = target; end = spool_at + 1 };
#endif
#ifdef MUTANT_marked_late
        STEP;
        owed = true
#endif
    fi;
    STEP;
    assert(paying || one[id - 1] == id);
    commit = false;
    goto restart;
done:
    over = true;
    (!hangs);
    d_step {
        assert(size_one == RECORDS && size_other == RECORDS);
        for (id : 1 .. RECORDS) {
            assert(one[id - 1] == id);
            assert(other[id - 1] == id)
        }
    }
}
