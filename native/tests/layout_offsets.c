/* SPDX-License-Identifier: Apache-2.0
 *
 * The shared bytes stand where ABI 3 says. A number that has to be changed here needs another MPL_ABI. */
#include "check.h"

#define AT(type, field, offset) CHECK_EQ(offsetof(struct type, field), offset)

static void record(void)
{
    CHECK_EQ(sizeof(struct mpl_record), 40);
    AT(mpl_record, len, 0), AT(mpl_record, epoch, 4), AT(mpl_record, seq, 8), AT(mpl_record, mono_ns, 16);
    AT(mpl_record, wall_ns, 24), AT(mpl_record, payload_len, 32), AT(mpl_record, level, 36), AT(mpl_record, kind, 37);
    AT(mpl_record, flags, 38);
}

static void header(void)
{
    CHECK_EQ(sizeof(struct mpl_header), 88);
    AT(mpl_header, magic, 0), AT(mpl_header, abi, 8), AT(mpl_header, byte_order, 12), AT(mpl_header, header_bytes, 16);
    AT(mpl_header, lanes, 20), AT(mpl_header, control_off, 24), AT(mpl_header, control_stride, 28);
    AT(mpl_header, data_off, 32), AT(mpl_header, data_stride, 40), AT(mpl_header, segment_id, 48);
    AT(mpl_header, boot_id, 56), AT(mpl_header, created_ns, 72), AT(mpl_header, number, 80), AT(mpl_header, state, 84);
}

static void lane(void)
{
    AT(mpl_lane, rsv, 0), AT(mpl_lane, tail, 8), AT(mpl_lane, ovf_end, 16), AT(mpl_lane, last_mono, 24);
    AT(mpl_lane, marks, 32), AT(mpl_lane, drop_last, 80), AT(mpl_lane, ovf_rsv, 88), AT(mpl_lane, drops, 128), AT(mpl_lane, taken, 640), AT(mpl_lane, head, 768);
    AT(mpl_lane, gap, 128 + MPL_REASONS * MPL_LEVELS * 8), AT(mpl_lane, ovf_head, 896), AT(mpl_lane, quarantined, 904), AT(mpl_lane, told_epoch, 908), AT(mpl_lane, told, 912);
    AT(mpl_lane, space_seq, 1024), AT(mpl_lane, waiters, 1028), AT(mpl_lane, epoch, 1152), AT(mpl_lane, capacity, 1156), AT(mpl_lane, slots, 1160);
    CHECK_EQ(sizeof(struct mpl_slot), 288);
    AT(mpl_slot, epoch_state, 0), AT(mpl_slot, last, 8), AT(mpl_slot, end_pos, 16), AT(mpl_slot, settled, 24);
    AT(mpl_slot, synced, 32), AT(mpl_slot, start_ns, 40), AT(mpl_slot, pid, 48), AT(mpl_slot, clean, 52), AT(mpl_slot, name, 56);
    AT(mpl_slot, end_ovf, 104), AT(mpl_slot, process_ino, 112), AT(mpl_slot, doubt, 120), AT(mpl_slot, told, 128);
    CHECK_EQ(sizeof(struct mpl_slot_told), 40);
    AT(mpl_slot_told, delivered, 0), AT(mpl_slot_told, filtered, 8), AT(mpl_slot_told, untold, 16), AT(mpl_slot_told, lost_first, 24), AT(mpl_slot_told, lost_last, 32);
}

static void bell(void)
{
    AT(mpl_bell, magic, 0), AT(mpl_bell, abi, 8), AT(mpl_bell, byte_order, 12), AT(mpl_bell, conf_off, 16);
    AT(mpl_bell, conf_len, 20), AT(mpl_bell, conf_crc, 24), AT(mpl_bell, service_id, 32), AT(mpl_bell, created_ns, 40);
    AT(mpl_bell, boot_id, 48), AT(mpl_bell, sleeping, 128), AT(mpl_bell, state, 256), AT(mpl_bell, segments, 260);
    AT(mpl_bell, departures, 264), AT(mpl_bell, arrivals, 268), AT(mpl_bell, threshold, 276), AT(mpl_bell, writer_pid, 384), AT(mpl_bell, supervisor_pid, 388);
    AT(mpl_bell, begun, 392), AT(mpl_bell, done, 400), AT(mpl_bell, lane_bytes, offsetof(struct mpl_bell, overflow_bytes) + 8);
}

static int test(const char *dir)
{
    (void)dir;
    CHECK_EQ(MPL_ABI, 3);
    record();
    header();
    lane();
    bell();
    CHECK_EQ(mpl_crc32c(0, "123456789", 9), 0xe3069283u);
    return 0;
}
