/* SPDX-License-Identifier: Apache-2.0
 *
 * What is told as synced is on the disk: a batch, its sync, the sync's failure, and a writer that is killed at any step. ring/durable.c, ring/commit.c,
 * leave_unsynced in deliver.py, _sync_anew in recover.py.
 *
 * A batch is one cell in the current file. The page cache writes cells to the disk when it likes, and may fail to: then the cell is clean all the same, and the next
 * sync tells an error, once, whoever asks first; so does a sync that fails itself. A clean cell may be forgotten, and is then read from the disk. A file counts
 * only if its name is on the disk too. The power may go at any time: nothing below depends on what is not on the disk by then.
 *
 * Shown: whenever synced reaches a number, that number's cell is on the disk, in a file whose name is; and every batch is synced in the end.
 *
 * MUTANT_failed_sync_believed   after a failed sync it syncs again, by the same descriptor
 * MUTANT_synced_before_sync     synced is stored before the sync
 * MUTANT_no_mark                nothing says that a sync has been begun
 * MUTANT_mark_after             the mark is set only when the sync has failed
 * MUTANT_mark_ends_early        the mark goes before the sync has succeeded
 * MUTANT_written_is_enough      a later writer that finds the mark writes only what is missing
 * MUTANT_rewriting_forgotten    that the batch is to be written again is not kept in the journal
 * MUTANT_batch_left_behind      the new file is begun with the next batch
 * MUTANT_name_forgotten         the name of a new file is not synced
 */
#define EVENTS 2
#define FILES 4
#define KILLS 2
#define FAILURES 2

#define CELL(f, id) ((f) * (EVENTS + 1) + (id))
#define CELLS (FILES * (EVENTS + 1))

bool cached[CELLS], dirty[CELLS], disk[CELLS]; /* the page cache, and the disk */
bool unseen[FILES];                            /* a write has failed, and no sync has told of it */
bool named[FILES];                             /* the file's name is on the disk */
byte failures;

bool commit, syncing, anew; /* the journal */
byte batch = 1, current;
byte synced;
bool kill;

#define ON_DISK(id) (                                    \
    (disk[CELL(0, id)] && named[0]) || (disk[CELL(1, id)] && named[1]) || \
    (disk[CELL(2, id)] && named[2]) || (disk[CELL(3, id)] && named[3]))

active proctype killer()
{
    byte kills;
    do
    :: kills < KILLS -> kill = true;
end:    (!kill);
        kills++
    :: break
    od
}

/* Writeback and reclaim of one cell of the current batch, at any time. */
active proctype cache()
{
    byte c;
end:
    do
    :: d_step { dirty[CELL(current, batch)] -> c = CELL(current, batch); dirty[c] = false; disk[c] = true; c = 0 }
    :: d_step { dirty[CELL(current, batch)] && failures < FAILURES -> c = CELL(current, batch); dirty[c] = false; unseen[current] = true; failures++; c = 0 }
    :: d_step { cached[CELL(current, batch)] && !dirty[CELL(current, batch)] && !disk[CELL(current, batch)] && !unseen[current] ->
           c = CELL(current, batch); cached[c] = false; c = 0 }
    od
}

inline write_batch(again)
{
    d_step {
        if
        :: again || !cached[CELL(current, batch)] -> cached[CELL(current, batch)] = true; dirty[CELL(current, batch)] = true
        :: else
        fi
    }
}

/* fdatasync. What it returns is known to whoever lives on; a kill may come before he has done anything with it. */
inline sync_file(failed)
{
    if
    :: d_step { !unseen[current] -> disk[CELL(current, batch)] = (disk[CELL(current, batch)] || dirty[CELL(current, batch)]); dirty[CELL(current, batch)] = false; failed = false }
    :: d_step { unseen[current] -> unseen[current] = false; disk[CELL(current, batch)] = (disk[CELL(current, batch)] || dirty[CELL(current, batch)]); dirty[CELL(current, batch)] = false; failed = true }
    :: d_step { dirty[CELL(current, batch)] && failures < FAILURES -> dirty[CELL(current, batch)] = false; unseen[current] = false; failures++; failed = true }
    fi
}

inline lose_anew()
{
#ifdef MUTANT_rewriting_forgotten
    anew = false
#else
    skip
#endif
}

inline tell()
{
    synced = batch;
    assert(ON_DISK(synced))
}

active proctype writer()
{
    bool failed;
life:
    {
#ifndef MUTANT_written_is_enough
        anew = (syncing || anew);
#endif
        syncing = false;
        do
        :: batch <= EVENTS ->
            commit = true;
            write_batch(anew);
#ifdef MUTANT_synced_before_sync
            tell();
#endif
#ifndef MUTANT_name_forgotten
            named[current] = true;
#else
            named[0] = true;
#endif
            do
            ::
#ifndef MUTANT_no_mark
#ifndef MUTANT_mark_after
                syncing = true;
#endif
#endif
#ifdef MUTANT_mark_ends_early
                syncing = false;
#endif
                sync_file(failed);
                if
                :: !failed -> break
                :: failed ->
#ifdef MUTANT_mark_after
                    syncing = true;
#endif
#ifdef MUTANT_failed_sync_believed
                    skip
#else
                    /* set aside; the batch goes into the next file */
                    current++;
#ifdef MUTANT_batch_left_behind
                    break
#else
                    syncing = false;
                    write_batch(false);
#ifndef MUTANT_name_forgotten
                    named[current] = true
#endif
#endif
#endif
                fi
            od;
            syncing = false;
            tell();
            commit = false;
            d_step { batch++; anew = false; failed = false }
        :: else -> break
        od
    } unless { atomic { kill -> kill = false; failed = false; lose_anew() } -> goto life };
    assert(synced == EVENTS)
}
