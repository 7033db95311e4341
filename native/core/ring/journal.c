/* SPDX-License-Identifier: Apache-2.0
 *
 * The commit journal's file: exactly once into files. A batch is formatted into staging, described in an entry, and committed by one store; every step
 * after that store can be done again by whoever comes next. No file is ever shortened.
 *
 *   IDLE --(commit: one store)--> COMMIT --(heads, bytes, offset, settled)--> IDLE
 *   IDLE --(rotate_begin)-------> ROTATE --(renames, new file in force)-----> IDLE
 *   COMMIT --(a sync has failed: rotate_begin)--> ROTATE --(the same)-------> COMMIT, into the new file
 *
 * No field of the entry is written while the state is not IDLE; offsets and retargets are written beside the value in force and flipped by one store.
 * What follows the commit is in commit.c, the bytes at a file in sink.c. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fault.h"
#include "fresh.h"
#include "hand.h"
#include "sink.h"
#include "spool.h"

#define STAGING_OFF ((sizeof(struct mpl_journal_page) + MPL_PAGE - 1) / MPL_PAGE * MPL_PAGE)

/* What a journal must satisfy before a word of it is believed; a later writer may find the leavings of any accident. */
int mpl_journal_check(const struct mpl_journal_page *g, uint64_t file_bytes)
{
    if (g->magic != MPL_MAGIC_JOURNAL || g->byte_order != MPL_BYTE_ORDER)
        return MPL_E_CORRUPT;
    if (g->abi != MPL_ABI)
        return MPL_E_ABI;
    if (g->staging_off != STAGING_OFF || g->bytes != file_bytes || g->staging_bytes > file_bytes || g->staging_off + g->staging_bytes != file_bytes)
        return MPL_E_CORRUPT;
    if (mpl_load(&((struct mpl_journal_page *)(uintptr_t)g)->state) > MPL_ROTATE || g->nwrites > MPL_MAX_SINKS || g->nsinks > MPL_MAX_SINKS || g->ntouches > MPL_MAX_TOUCHES)
        return MPL_E_CORRUPT;
    for (uint32_t i = 0; i < g->nwrites; i++) {
        const struct mpl_write *w = &g->writes[i];
        if (w->sink >= MPL_MAX_SINKS || w->place > g->staging_bytes || w->length > g->staging_bytes - w->place)
            return MPL_E_CORRUPT;
        if (w->lead > MPL_LEAD || w->targets[0].from > mpl_write_bytes(w) || w->targets[1].from > mpl_write_bytes(w))
            return MPL_E_CORRUPT;
    }
    for (uint32_t i = 0; i < MPL_MAX_SINKS; i++)
        for (int k = 0; k < 2; k++)
            if (g->sinks[i].files[k].spool_head > g->sinks[i].files[k].spool_end)
                return MPL_E_CORRUPT;
    for (uint32_t i = 0; i < g->ntouches; i++)
        if (g->touches[i].segment >= MPL_MAX_SEGMENTS || g->touches[i].lane >= MPL_MAX_LANES)
            return MPL_E_CORRUPT;
    for (uint32_t i = 0; i < MPL_MAX_SINKS; i++)
        if (mpl_load(&((struct mpl_journal_page *)(uintptr_t)g)->leads[i].length) > MPL_LEAD)
            return MPL_E_CORRUPT;
    if (mpl_load(&((struct mpl_journal_page *)(uintptr_t)g)->rotate.lead.length) > MPL_LEAD)
        return MPL_E_CORRUPT;
    return g->rotate.sink < MPL_MAX_SINKS ? 0 : MPL_E_CORRUPT;
}

static int journal_create(const char *path, const char *dir, size_t staging_bytes)
{
    struct mpl_fresh file;
    struct mpl_journal_page g = {.magic = MPL_MAGIC_JOURNAL, .abi = MPL_ABI, .byte_order = MPL_BYTE_ORDER, .staging_off = STAGING_OFF};
    g.staging_bytes = staging_bytes;
    g.bytes = STAGING_OFF + staging_bytes;
    mpl_boot_id(g.boot_id);
    int rc = mpl_fresh_open(&file, dir);
    if (rc)
        return rc;
    rc = fallocate(file.fd, 0, 0, (off_t)g.bytes) ? -errno : 0;
    if (!rc && pwrite(file.fd, &g, sizeof g, 0) != sizeof g)
        rc = -EIO;
    if (!rc && unlink(path) && errno != ENOENT) /* one that is not to be believed; only the one writer gets here */
        rc = -errno;
    if (!rc)
        rc = mpl_fresh_link(&file, path);
    mpl_fresh_close(&file);
    return rc;
}

static int journal_map(struct mpl_journal *j, const char *path)
{
    uint8_t boot[16];
    struct stat st;
    int fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW), rc = 0;
    if (fd < 0)
        return -errno;
    if (fstat(fd, &st) || (uint64_t)st.st_size < sizeof(struct mpl_journal_page))
        rc = MPL_E_CORRUPT;
    void *base = rc ? MAP_FAILED : mmap(NULL, (size_t)st.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    if (base == MAP_FAILED)
        return rc ? rc : -errno;
    struct mpl_journal_page *page = base;
    rc = mpl_journal_check(page, (uint64_t)st.st_size);
    if (!rc && (mpl_boot_id(boot) || memcmp(boot, page->boot_id, sizeof boot) != 0))
        rc = MPL_E_CORRUPT; /* of a former boot: what it says of files may not be true any more */
    for (uint32_t i = 0; !rc && mpl_load(&page->state) == MPL_COMMIT && i < page->nwrites; i++)
        if (mpl_crc32c(0, (char *)base + page->staging_off + page->writes[i].place, page->writes[i].length) != page->writes[i].crc && !SEEDED(staging_crc_unchecked))
            rc = MPL_E_CORRUPT;
    if (rc) {
        munmap(base, (size_t)st.st_size);
        return rc;
    }
    j->page = page, j->staging = (char *)base + page->staging_off, j->mapped = (size_t)st.st_size;
    return 0;
}

/* Role: W, holding the service's and the file's locks. Blocks: no. A journal that cannot be believed is replaced. */
int mpl_journal_open(struct mpl_journal *j, const char *dir, const char *service, size_t staging_bytes)
{
    char path[MPL_PATH];
    int rc = mpl_path(path, dir, service, "journal");
    if (rc)
        return rc;
    *j = (struct mpl_journal){0};
    strcpy(j->dir, dir); /* mpl_path has found both short enough */
    strcpy(j->service, service);
    rc = journal_map(j, path);
    if (rc != -ENOENT && rc != MPL_E_CORRUPT && rc != MPL_E_ABI) /* the ABI stands in the path: another one inside is damage */
        return rc;
    rc = journal_create(path, dir, staging_bytes);
    if (!rc)
        rc = journal_map(j, path);
    j->fresh = rc == 0;
    for (uint32_t i = 0; j->fresh && i < MPL_MAX_SINKS; i++)
        mpl_spool_remove(j, i); /* where in it something would stand, nobody knows any more */
    return rc;
}

void mpl_journal_close(struct mpl_journal *j)
{
    bool hangs = false;
    for (uint32_t i = 0; i < MPL_MAX_SINKS; i++) {
        hangs |= j->hands[i] && mpl_hand_busy(j->hands[i]);
        mpl_hand_free(j->hands[i]);
        j->hands[i] = NULL;
    }
    hangs |= j->second && mpl_hand_busy(j->second);
    mpl_hand_free(j->second);
    j->second = NULL;
    if (j->page)
        mpl_poison_unwatch(j);
    if (j->page && !hangs) /* else its hand may still look */
        munmap(j->page, j->mapped);
    j->page = NULL;
}

struct mpl_positions mpl_journal_position(const struct mpl_journal *j, uint32_t segment, uint64_t segment_id, uint32_t lane)
{
    if (j->page->segment_ids[segment] != segment_id)
        return (struct mpl_positions){0};
    return (struct mpl_positions){.pos = mpl_load(&j->page->positions[segment][lane]), .ovf = mpl_load(&j->page->ovf_positions[segment][lane]), .known = true};
}

void mpl_journal_adopt(struct mpl_journal *j, uint32_t segment, uint64_t segment_id)
{
    if (j->page->segment_ids[segment] == segment_id)
        return;
    for (uint32_t lane = 0; lane < MPL_MAX_LANES; lane++) {
        mpl_store(&j->page->positions[segment][lane], 0);
        mpl_store(&j->page->ovf_positions[segment][lane], 0);
    }
    mpl_fence_release();
    j->page->segment_ids[segment] = segment_id;
}

const struct mpl_file *mpl_journal_file(const struct mpl_journal *j, uint32_t sink)
{
    const struct mpl_sink_entry *s = &j->page->sinks[sink];
    return &s->files[mpl_load_acquire(&s->flip) & 1];
}

void mpl_journal_set_file(struct mpl_journal *j, uint32_t sink, const struct mpl_file *file)
{
    struct mpl_sink_entry *s = &j->page->sinks[sink];
    uint32_t flip = mpl_load(&s->flip);
    s->files[(flip + 1) & 1] = *file;
    mpl_store_release(&s->flip, flip + 1);
}

/* In COMMIT, between two tries: `sink` goes on at the end of another file; what it has of the batch already stays where it is. Killed between the two, the
 * next writer finds the old file, or adopts the new one. */
void mpl_journal_move(struct mpl_journal *j, uint32_t sink, const struct mpl_file *file)
{
    for (uint32_t i = 0; i < j->page->nwrites; i++) {
        struct mpl_write *w = &j->page->writes[i];
        const struct mpl_target t = mpl_target_of(w);
        if (w->sink != sink)
            continue;
        const uint64_t bytes = mpl_write_bytes(w), end = t.offset + bytes - t.from;
        mpl_retarget(w, file->offset, mpl_journal_file(j, sink)->offset == end ? bytes : t.from);
        KILL_POINT(commit_moved);
    }
    mpl_journal_set_file(j, sink, file);
}

/* ---- rotation: the steps are the caller's (mplog/files/rotation.py), the state is kept here ---------------------------------------------------- */
int mpl_rotate_begin(struct mpl_journal *j, const struct mpl_rotation *rotation)
{
    struct mpl_journal_page *g = j->page;
    const uint32_t state = mpl_load(&g->state);
    if (rotation->sink >= MPL_MAX_SINKS || (state != MPL_IDLE && !(state == MPL_COMMIT && mpl_load(&g->syncing) & 1u << rotation->sink)))
        return MPL_E_STATE;
    memcpy(&g->rotate, rotation, sizeof g->rotate);
    g->rotate.resume = state == MPL_COMMIT;
    g->rotate.archive[sizeof g->rotate.archive - 1] = 0;
    KILL_POINT(rotate_entry);
    mpl_store_release(&g->state, MPL_ROTATE);
    KILL_POINT(rotate_point);
    return 0;
}

/* The batch under way begins anew in the file that is in force now. */
static void resume_in(struct mpl_journal_page *g, const struct mpl_file *file)
{
    for (uint32_t i = 0; i < g->nwrites; i++) {
        struct mpl_write *w = &g->writes[i];
        if (w->sink != g->rotate.sink)
            continue;
        w->lead = mpl_load(&g->rotate.lead.length);
        w->anew = 0;
        w->targets[0] = w->targets[1] = (struct mpl_target){.offset = file->offset};
    }
}

int mpl_rotate_end(struct mpl_journal *j, const struct mpl_file *file)
{
    struct mpl_journal_page *g = j->page;
    const uint32_t sink = g->rotate.sink;
    if (mpl_load(&g->state) != MPL_ROTATE)
        return MPL_E_STATE;
    struct mpl_file next = *file;
    const struct mpl_file *now = mpl_journal_file(j, sink);
    next.spool_head = now->spool_head, next.spool_end = now->spool_end, next.spool_from = now->spool_from;
    mpl_journal_set_file(j, sink, &next);
    KILL_POINT(rotate_flipped);
    if (mpl_load(&g->rotate.lead.length))
        mpl_set_lead(j, sink, g->rotate.lead.text, mpl_load(&g->rotate.lead.length));
    if (g->rotate.resume)
        resume_in(g, file);
    mpl_store(&g->syncing, mpl_load(&g->syncing) & ~(1u << sink));
    mpl_store_release(&g->state, g->rotate.resume ? MPL_COMMIT : MPL_IDLE);
    return 0;
}
