/* SPDX-License-Identifier: Apache-2.0
 *
 * The bell: a writer that goes to sleep, producers that publish and look whether it sleeps. ring/bell.c, mpl_sleep in ring/reader.c.
 *
 * Each store goes to a buffer first and becomes visible later, at the latest at a fence of its process. A producer may be killed between any two steps;
 * then, and only then, the writer may need the second after which its wait ends by itself.
 *
 * Shown: the writer never sleeps on something unread that a living producer has published.
 *
 * MUTANT_producer_without_fence   the look at `sleeping` before the position is visible (bell:A)
 * MUTANT_writer_without_fence     the last look at the positions before `sleeping` is visible (sleep:A)
 * MUTANT_look_then_sleeping       the last look at the positions before the store of `sleeping`
 * MUTANT_tails_only               the last look leaves out ovf_end
 * MUTANT_wait_without_compare     the wait does not look at `sleeping` again, under the kernel's lock
 * MUTANT_wake_then_clear          the producer wakes first and clears `sleeping` afterwards
 * MUTANT_ring_then_publish        the look at `sleeping` before the store of the position
 * MUTANT_no_timeout               the wait has no end of its own, although producers can be killed before they ring
 */
#define PRODUCERS 2
#define EVENTS 2
#define WORDS 4 /* of producer i: 2i is its tail, 2i + 1 its ovf_end */
#define NOBODY 9

byte word[WORDS], buffered[WORDS], position[WORDS];
bool dirty[WORDS];
bool sleeping, buffered_sleeping, dirty_sleeping;
bool waiting; /* the writer is in FUTEX_WAIT */
byte kill = NOBODY;
bool killed;

/* Stores become visible, those to different words in any order. */
active proctype memory()
{
end:
    do
    :: d_step { dirty[0] -> word[0] = buffered[0]; dirty[0] = false }
    :: d_step { dirty[1] -> word[1] = buffered[1]; dirty[1] = false }
    :: d_step { dirty[2] -> word[2] = buffered[2]; dirty[2] = false }
    :: d_step { dirty[3] -> word[3] = buffered[3]; dirty[3] = false }
    :: d_step { dirty_sleeping -> sleeping = buffered_sleeping; dirty_sleeping = false }
    od
}

active proctype killer()
{
    if
    :: kill = 0
    :: kill = 1
    :: skip
    fi
}

inline wake()
{
    waiting = false
}

inline publish()
{
    d_step { !dirty[at] -> buffered[at] = word[at] + 1; dirty[at] = true };
}

/* mpl_bell_ring */
inline ring()
{
#ifndef MUTANT_producer_without_fence
    (!dirty[2 * me] && !dirty[2 * me + 1]); /* ORD(bell:A) */
#endif
    if
    :: sleeping ->
#ifdef MUTANT_wake_then_clear
        wake();
        sleeping = false
#else
        d_step { rang = sleeping; sleeping = false };
        if
        :: rang -> wake()
        :: else
        fi
#endif
    :: else
    fi
}

proctype producer(byte me)
{
    byte n, at;
    bool rang;
    {
        do
        :: n < EVENTS ->
            /* The first event goes to the lane of one producer and to the overflow of the other. */
            at = 2 * me + (me + n) % 2;
#ifdef MUTANT_ring_then_publish
            ring();
            publish()
#else
            publish();
            ring()
#endif
            ;
            d_step { rang = false; at = 0; n++ }
        :: else -> break
        od
    } unless { d_step { kill == me -> killed = true } }
}

#define UNREAD (word[0] != position[0] || word[1] != position[1] || word[2] != position[2] || word[3] != position[3])

inline store_sleeping(value)
{
    d_step { !dirty_sleeping -> buffered_sleeping = value; dirty_sleeping = true }
}

/* mpl_pending: one load after the other */
inline look()
{
    found = false;
    found = found || word[0] != position[0];
    found = found || word[2] != position[2];
#ifndef MUTANT_tails_only
    found = found || word[1] != position[1];
    found = found || word[3] != position[3];
#endif
}

active proctype writer()
{
    bool found;
    run producer(0);
    run producer(1);
    do
    ::
        position[0] = word[0];
        position[1] = word[1];
        position[2] = word[2];
        position[3] = word[3];
#ifdef MUTANT_look_then_sleeping
        look();
#endif
        store_sleeping(true);
#ifndef MUTANT_writer_without_fence
        (!dirty_sleeping); /* ORD(sleep:A) */
#endif
#ifndef MUTANT_look_then_sleeping
        look();
#endif
        if
        :: !found ->
#ifdef MUTANT_wait_without_compare
            waiting = true;
#else
            d_step { waiting = (dirty_sleeping -> buffered_sleeping : sleeping) };
#endif
            if
            :: !waiting
            :: timeout -> /* nobody will ring any more */
                if
                :: !UNREAD -> break
                :: else ->
#ifdef MUTANT_no_timeout
                    assert(false);
#endif
                    assert(killed); /* the second is over */
                    waiting = false
                fi
            fi
        :: else
        fi;
        store_sleeping(false)
    od
}
