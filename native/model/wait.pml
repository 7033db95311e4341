/* SPDX-License-Identifier: Apache-2.0
 *
 * Waiting for the writer: one thread of a producer waits for space (block), another one for its events to be settled (flush); both use the words waiters and
 * space_seq of the lane. mpl_wait in ring/publish.c, wake_waiters and mpl_redo in ring/commit.c.
 *
 * Each store goes to a buffer first and becomes visible later, at the latest at a fence of its process; head is raised by CAS, and may yet be seen late by
 * others than a fence orders it for. The writer may be killed between any two steps; the next one does its commit again. Then, and only then, a waiting
 * thread may need the end of its slice.
 *
 * Shown: no thread sleeps on for what has already come.
 *
 * MUTANT_waiter_without_fence   the look at head and settled before `waiters` is visible (wait:A)
 * MUTANT_writer_without_fence   the look at `waiters` before head and settled are visible (free:A)
 * MUTANT_look_then_waiters      the look at head and settled before the store of `waiters`
 * MUTANT_seen_after_look        space_seq is read after the look at head and settled
 * MUTANT_seq_then_waiters       the writer clears `waiters` after it has raised space_seq
 * MUTANT_wake_then_seq          the writer wakes before it raises space_seq
 * MUTANT_wake_one               the writer wakes one thread, though two may wait
 * MUTANT_no_second_wake         the writer wakes after the heads only, not after settled
 * MUTANT_no_slices              the wait has no end of its own, although the writer can be killed before it wakes
 */
#define THREADS 2 /* 0 waits for head, 1 for settled */
#define BATCHES 2

byte head, settled, space_seq;
byte buffered_head, buffered_settled;
bool dirty_head, dirty_settled;
bool waiters, buffered_waiters, dirty_waiters; /* the writer's store of 0 */
bool dirty_mine[THREADS];                      /* a thread's store of 1 */
bool waiting[THREADS];                         /* in FUTEX_WAIT */
byte journal;                                  /* number of the batch in COMMIT; 0 is IDLE */
byte batches;
bool kill, killed;

active proctype memory()
{
end:
    do
    :: d_step { dirty_head -> head = buffered_head; dirty_head = false }
    :: d_step { dirty_settled -> settled = buffered_settled; dirty_settled = false }
    :: d_step { dirty_waiters -> waiters = buffered_waiters; dirty_waiters = false }
    :: d_step { dirty_mine[0] -> waiters = true; dirty_mine[0] = false }
    :: d_step { dirty_mine[1] -> waiters = true; dirty_mine[1] = false }
    od
}

active proctype killer()
{
    if
    :: kill = true
    :: skip
    fi
}

#define CAME(me, goal) (me == 0 -> head >= goal : settled >= goal)

inline read_seen()
{
    seen = space_seq
}

inline store_waiters()
{
    d_step { !dirty_mine[me] -> dirty_mine[me] = true };
#ifndef MUTANT_waiter_without_fence
    (!dirty_mine[me]) /* ORD(wait:A) */
#else
    skip
#endif
}

inline look()
{
    came = CAME(me, goal)
}

/* mpl_wait, again and again */
proctype thread(byte me)
{
    byte goal = 1, seen;
    bool came;
    do
    :: goal > BATCHES -> break
    :: else ->
        came = false;
#if defined(MUTANT_look_then_waiters)
        read_seen();
        look();
        store_waiters();
#elif defined(MUTANT_seen_after_look)
        store_waiters();
        look();
        read_seen();
#else
        read_seen();
        store_waiters();
        look();
#endif
        if
        :: came -> d_step { goal++; seen = 0 }
        :: else ->
            d_step { waiting[me] = (space_seq == seen) };
            if
            :: !waiting[me]
            :: timeout -> /* nobody will wake it any more */
#ifdef MUTANT_no_slices
                assert(false);
#endif
                assert(killed); /* its slice is over */
                waiting[me] = false
            fi
        fi
    od
}

inline wake()
{
#ifdef MUTANT_wake_one
    d_step {
        if
        :: waiting[0] -> waiting[0] = false
        :: else -> waiting[1] = false
        fi
    }
#else
    d_step { waiting[0] = false; waiting[1] = false }
#endif
}

inline clear_waiters()
{
    d_step { !dirty_waiters -> buffered_waiters = false; dirty_waiters = true }
}

/* An addition, acq_rel: what was stored before is visible before it. */
inline raise_seq()
{
    d_step { !dirty_waiters && !dirty_head && !dirty_settled -> space_seq++ }
}

inline wake_waiters()
{
#ifndef MUTANT_writer_without_fence
    (!dirty_head && !dirty_settled); /* ORD(free:A) */
#endif
    if
    :: (dirty_waiters -> buffered_waiters : waiters) ->
#if defined(MUTANT_seq_then_waiters)
        raise_seq();
        clear_waiters();
        wake()
#elif defined(MUTANT_wake_then_seq)
        clear_waiters();
        wake();
        raise_seq()
#else
        clear_waiters();
        raise_seq();
        wake()
#endif
    :: else
    fi
}

/* mpl_redo */
inline redo()
{
    d_step { !dirty_head -> buffered_head = journal; dirty_head = true };
    wake_waiters();
    d_step { !dirty_settled -> buffered_settled = journal; dirty_settled = true };
    d_step { journal = 0; batches++ }; /* no other process reads it as long as this one lives */
#ifndef MUTANT_no_second_wake
    wake_waiters()
#else
    skip
#endif
}

active proctype writer()
{
    run thread(0);
    run thread(1);
life:
    {
        do
        :: journal -> redo()
        :: !journal && batches < BATCHES -> journal = batches + 1
        :: else -> break
        od
    } unless { d_step { kill -> kill = false; killed = true } -> goto life }
}
