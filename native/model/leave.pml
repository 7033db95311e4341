/* SPDX-License-Identifier: Apache-2.0
 *
 * Claiming and leaving: producers claim a lane and then see to it that there is a writer; a writer takes the service down when nobody is here. ring/claim.c,
 * mpl_retire in ring/reader.c, mplog/producer/connection.py, mplog/launch.py, mplog/writer/supervisor.py.
 *
 * A bell and a segment are files: they have an inode that outlives its name. A segment has one lane here, so who finds it locked makes the next one. S, W and the
 * spawn lock are bytes of a bell, given back by the kernel at death. The supervisor and its writer are one process; the writer alone may be killed at any step, or
 * both. A writer may also give up (its file cannot be had) after it has seen nobody attached.
 *
 * Shown, once nothing moves any more: no unread event in a lane whose owner is there or has left alive, unless both were killed after that; whoever is attached is in
 * a segment that has its name, under a bell that has its name and a living writer; everybody got a lane.
 *
 * MUTANT_no_look_after_grant       a claimer does not look whether the file that it has locked still has its name
 * MUTANT_no_look_at_bell           a claimer does not look at the bell's state once it holds the lock (claim:A)
 * MUTANT_probe_then_claim          a producer looks for a writer before its claim, and not after
 * MUTANT_retire_without_fence      RETIRED becomes visible after the second look (retire:A)
 * MUTANT_retired_after_scan        RETIRED is stored after the second look
 * MUTANT_no_second_scan            segments are not looked for again after RETIRED
 * MUTANT_locks_only                it retires as soon as it has all locks, whatever is unread
 * MUTANT_marked_before_unlinked    a segment says RETIRED before its name is gone
 * MUTANT_revived_without_lock      a claimer sets a retired bell up again although a writer is at work in it
 * MUTANT_rescan_before_release     who gives up looks around before S is released, not after
 * MUTANT_no_rescan                 who gives up does not look around
 */
#define PRODUCERS 2
#define NAMES 2     /* of segments: <service>.<n>.ring */
#define SEGMENTS 10 /* inodes from 1 on; 0 is none */
#define BELLS 5
#define WRITER 9    /* as the holder of a lane's lock */

byte bell_at_path, segment_at_path[NAMES];
byte bells, segments;
bool live[BELLS], locked_s[BELLS], locked_spawn[BELLS];
byte locked_w[BELLS]; /* by whom */
bool retired[SEGMENTS], unread[SEGMENTS];
byte owner[SEGMENTS];
bool retiring; /* a store of RETIRED that is not visible yet */
byte finished;
byte kill;      /* 1: the writer, 2: both */
bool killed_both, gave_up;

active proctype killer()
{
    if
    :: kill = 1
    :: kill = 2
    :: skip
    fi
}

/* mpl_bell_open, live_bell: the one at the path, made if there is none, set up again if its writer died in taking it down */
inline find_bell()
{
    do
    ::
        atomic {
            if
            :: !bell_at_path -> bells++; live[bells] = true; bell_at_path = bells
            :: else
            fi;
            bell = bell_at_path
        };
        if
        :: live[bell] -> break
        :: else -> revive()
        fi
    od
}

inline revive()
{
    if
#ifdef MUTANT_revived_without_lock
    :: true -> live[bell] = true
#else
    :: atomic { !locked_w[bell] -> locked_w[bell] = _pid };
        if
        :: bell_at_path == bell -> live[bell] = true
        :: else
        fi;
        locked_w[bell] = 0
#endif
    :: live[bell] || bell_at_path != bell
    fi
}

/* claim_anywhere: seg is the one claimed, 0 if one was found retired */
inline claim()
{
    n = 0;
    do
    :: seg == 0 ->
        d_step {
            if
            :: !segment_at_path[n] -> segments++; segment_at_path[n] = segments
            :: else
            fi;
            seg = segment_at_path[n]
        };
        if
        :: retired[seg] -> seg = 0; (!retired[segment_at_path[n]]); break
        :: else
        fi;
        d_step {
            mine = !owner[seg];
            owner[seg] = (mine -> me : owner[seg])
        };
        if
        :: !mine -> d_step { seg = 0; n = (n + 1) % NAMES } /* none at all: again, later */
        :: else ->
#ifndef MUTANT_no_look_after_grant
            if
            :: segment_at_path[n] != seg -> d_step { owner[seg] = 0; seg = 0 }
            :: else
            fi;
#endif
            break
        fi
    :: else -> break
    od;
    n = 0;
    mine = false
}

/* mpl_attach */
inline attach()
{
    find_bell();
    do
    ::
        claim();
        if
        :: !seg -> find_bell()
        :: else -> break
        fi
    od;
#ifndef MUTANT_no_look_at_bell
    if
    :: !live[bell] -> find_bell() /* ORD(claim:A). The lane stays ours */
    :: else
    fi;
#endif
    assert(!retired[seg])
}

/* Connection._look: ensure_writer, or set up anew what is not there */
inline look()
{
    do
    :: !bell_at_path -> find_bell()
    :: else ->
        bell = bell_at_path;
        if
        :: bell && locked_s[bell] -> break
        :: bell && !locked_s[bell] ->
            d_step { mine = !locked_spawn[bell]; locked_spawn[bell] = true };
            if
            :: mine && locked_s[bell] -> locked_spawn[bell] = false; break
            :: mine && !locked_s[bell] -> run service(bell); break
            :: else -> break /* somebody else is just doing so */
            fi
        :: else
        fi
    od;
    mine = false
}

proctype producer(byte me)
{
    byte bell, seg, n;
    bool mine;
#ifdef MUTANT_probe_then_claim
    find_bell();
    look();
#endif
    attach();
    unread[seg] = true;
#ifndef MUTANT_probe_then_claim
    look();
#endif
    if
    :: atomic { owner[seg] = 0; finished++ } -> seg = 0 /* it has left */
    :: finished++;
end:
        do
        :: killed_both && !(bell_at_path && (locked_s[bell_at_path] || locked_spawn[bell_at_path])) -> look() /* it logs on, and looks once a second */
        od
    fi
}

#define NEWS (view[0] != segment_at_path[0] || view[1] != segment_at_path[1])
#define PENDING (unread[view[0]] || unread[view[1]])
#define HELD(i) (owner[i] && owner[i] != WRITER)
#define OWNED (HELD(view[0]) || HELD(view[1]))

/* mpl_reader_scan */
inline scan()
{
    d_step {
        found = NEWS;
        view[0] = segment_at_path[0];
        view[1] = segment_at_path[1]
    }
}

inline drain()
{
    d_step { unread[view[0]] = false; unread[view[1]] = false }
}

inline lock_lane(k)
{
    d_step {
        if
        :: view[k] && !owner[view[k]] -> owner[view[k]] = WRITER
        :: view[k] && owner[view[k]] != WRITER -> mine = false
        :: else
        fi
    }
}

inline unlock_lanes()
{
    d_step {
        owner[view[0]] = (owner[view[0]] == WRITER -> 0 : owner[view[0]]);
        owner[view[1]] = (owner[view[1]] == WRITER -> 0 : owner[view[1]])
    }
}

/* All lanes locked, nothing unread. */
inline alone()
{
    mine = true;
    lock_lane(0);
    lock_lane(1);
#ifndef MUTANT_locks_only
    mine = mine && !PENDING
#endif
}

inline mark_retired()
{
#ifdef MUTANT_retire_without_fence
    retiring = true
#else
    live[w] = false
#endif
}

inline remove_segment(k)
{
    if
    :: view[k] ->
#ifdef MUTANT_marked_before_unlinked
        retired[view[k]] = true;
        segment_at_path[k] = 0
#else
        segment_at_path[k] = 0;
        retired[view[k]] = true
#endif
    :: else
    fi
}

/* mpl_retire: gone tells whether the service is */
inline retire()
{
    alone();
    if
    :: mine ->
#ifndef MUTANT_retired_after_scan
        mark_retired();
#endif
#ifndef MUTANT_no_second_scan
        scan(); /* ORD(retire:A) */
#else
        found = false;
#endif
        if
        :: !found -> alone()
        :: else
        fi;
#ifdef MUTANT_retired_after_scan
        mark_retired();
#endif
        if
        :: found || !mine -> retiring = false; live[w] = true
        :: else ->
            remove_segment(0);
            remove_segment(1);
            if
            :: retiring -> retiring = false; live[w] = false
            :: else
            fi;
            bell_at_path = 0;
            gone = true
        fi
    :: else
    fi;
    unlock_lanes();
    d_step { mine = false; found = false }
}

inline forget()
{
    atomic {
        unlock_lanes();
        retiring = false;
        locked_w[w] = (locked_w[w] == _pid -> 0 : locked_w[w]);
        w = 0;
        view[0] = 0;
        view[1] = 0;
        mine = false;
        found = false
    }
}

#define SOMEBODY (owner[segment_at_path[0]] || owner[segment_at_path[1]] || unread[segment_at_path[0]] || unread[segment_at_path[1]])

proctype service(byte s)
{
    byte w, view[NAMES];
    bool found, mine, gone, left;
    /* Supervisor.run, for the bell that it finds; the spawn lock goes when S is held. */
    d_step {
        locked_spawn[s] = false;
        s = bell_at_path;
        left = (!s || locked_s[s]);
        locked_s[s] = true
    };
    if
    :: left -> goto over
    :: else
    fi;
life:
    {
        w = bell_at_path;
        if
        :: !w -> goto leaving
        :: else
        fi;
end_waiting:
        atomic { !locked_w[w] -> locked_w[w] = _pid };
        if
        :: bell_at_path != w -> goto leaving
        :: else
        fi;
        live[w] = true;
end_serving:
        do
        :: gone -> goto leaving
        :: !gone && NEWS -> scan()
        :: !gone && PENDING -> drain()
        :: !gone && !OWNED && !PENDING -> retire()
        :: !gone && !OWNED && !gave_up -> gave_up = true; left = true; goto leaving
        od
    } unless {
        if
        :: kill == 1 && w -> atomic { kill = 0; forget() }; goto life
        :: kill == 2 -> atomic { kill = 0; killed_both = true; forget(); locked_s[s] = false }; goto over
        fi
    };
leaving:
    forget();
#ifdef MUTANT_rescan_before_release
    if
    :: left -> left = false; found = SOMEBODY
    :: else
    fi;
    locked_s[s] = false;
    if
    :: found -> skip
    :: else -> goto over
    fi;
#else
    locked_s[s] = false;
#ifdef MUTANT_no_rescan
    goto over;
#endif
    if
    :: left && bell_at_path == s && SOMEBODY -> left = false
    :: else -> goto over
    fi;
#endif
    /* Somebody came: take S again, or leave it to who has it now. */
    found = false;
    d_step { mine = !locked_s[s]; locked_s[s] = true };
    if
    :: mine -> mine = false; goto life
    :: else
    fi;
over:
    skip
}

inline check_segment(i)
{
    assert(!unread[i] || (killed_both && !owner[i]));
    if
    :: owner[i] ->
        assert(segment_at_path[0] == i || segment_at_path[1] == i);
        assert(bell_at_path && locked_w[bell_at_path])
    :: else
    fi
}

init {
    byte i = 1;
    atomic { run producer(1); run producer(2) };
    (timeout);
    atomic {
        assert(finished == PRODUCERS);
        do
        :: i < SEGMENTS -> check_segment(i); i++
        :: else -> break
        od
    }
}
