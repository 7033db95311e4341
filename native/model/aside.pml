/* SPDX-License-Identifier: Apache-2.0
 *
 * A lane is set aside (somebody has removed the service's files): its owner is told by `quarantined` to publish elsewhere, the writer drains what was
 * published before and goes. mpl_publish in ring/publish.c, mpl_set_aside in ring/reader.c, Loop._move_away in mplog/writer/loop.py.
 *
 * Each store goes to a buffer first and becomes visible later, at the latest at a fence of its process. The owner may be killed between any two steps, and
 * somebody else may then want to claim the lane.
 *
 * Shown: a writer that has gone has left no event behind.
 *
 * MUTANT_owner_without_fence    the look at `quarantined` before rsv is visible (publish:D)
 * MUTANT_writer_without_fence   the look at rsv before `quarantined` is visible (aside:A)
 * MUTANT_look_then_reserve      the owner looks at `quarantined` before it stores rsv
 * MUTANT_rsv_not_looked_at      the writer drains and goes, whatever is under way
 * MUTANT_pending_then_look      what is pending is looked at before rsv is
 * MUTANT_claim_without_look     a claimer does not look at `quarantined` once it holds the lock
 */
#define EVENTS 3

byte rsv, tail, buffered_rsv, buffered_tail;
bool dirty_rsv, dirty_tail;
bool quarantined, dirty_quarantined; /* the writer's store of 1 */
byte locked; /* by whom; 0 is nobody */
bool kill;
byte drained;
bool gone;

active proctype memory()
{
end:
    do
    :: d_step { dirty_rsv -> rsv = buffered_rsv; dirty_rsv = false }
    /* a release store: what was stored before is visible before it */
    :: d_step { dirty_tail && !dirty_rsv -> tail = buffered_tail; dirty_tail = false }
    :: d_step { dirty_quarantined -> quarantined = true; dirty_quarantined = false }
    od
}

active proctype killer()
{
    if
    :: kill = true
    :: skip
    fi
}

inline reserve()
{
    d_step { !dirty_rsv -> buffered_rsv = at + 1; dirty_rsv = true };
#ifndef MUTANT_owner_without_fence
    (!dirty_rsv) /* ORD(publish:B) */
#else
    skip
#endif
}

inline look()
{
    away = quarantined /* ORD(publish:D) */
}

proctype owner(bool may_be_killed)
{
    byte at;
    bool away;
    {
        atomic { !locked -> locked = _pid };
#ifndef MUTANT_claim_without_look
        away = quarantined;
#endif
        at = rsv;
        if
        :: !away && at != tail -> d_step { buffered_tail = at; dirty_tail = true } /* a pad over what the dead one never finished */
        :: else
        fi;
        do
        :: away || at == EVENTS -> break /* there are other lanes */
        :: else ->
#ifdef MUTANT_look_then_reserve
            look();
            reserve();
#else
            reserve();
            look();
#endif
            if
            :: !away -> d_step { !dirty_tail -> buffered_tail = at + 1; dirty_tail = true; at++ } /* ORD(publish:C) */
            :: else
            fi
        od
    } unless { (kill && may_be_killed) };
    if
    :: atomic { locked == _pid && !dirty_rsv && !dirty_tail -> locked = 0 } /* the kernel gives the lock back */
    :: locked != _pid
    fi
}

inline drain()
{
    drained = tail
}

active proctype writer()
{
    byte seen_rsv, seen_tail;
    bool quiet, read;
    run owner(true);
    run owner(false);
    do
    :: drain()
    :: true -> break /* the files are gone */
    od;
    do
    :: gone -> break
    :: else ->
        dirty_quarantined = !quarantined;
#ifndef MUTANT_writer_without_fence
        (!dirty_quarantined); /* ORD(aside:A) */
#endif
        quiet = true;
#ifdef MUTANT_pending_then_look
        drain();
        read = (tail == drained);
#endif
#ifndef MUTANT_rsv_not_looked_at
        if
        :: locked ->
            seen_rsv = rsv;
            seen_tail = tail;
            quiet = (seen_rsv == seen_tail)
        :: else
        fi;
#endif
#ifndef MUTANT_pending_then_look
        drain();
        read = (tail == drained); /* mpl_pending */
#endif
        gone = (quiet && read)
    od;
    (timeout);
    assert(drained == tail)
}
