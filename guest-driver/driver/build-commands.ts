// SPDX-License-Identifier: MIT
// Command builders (IHI 0070 section 4). Each writes the 16 bytes of one command to a
// memory offset. A guest leaves the VMID field 0, regardless of its VMID: the host
// substitutes it.

import {
  ATC_INV_ADDR_HI,
  ATC_INV_ADDR_LO,
  ATC_INV_SIZE,
  CFGI_LEAF,
  CFGI_RANGE,
  CFGI_RANGE_ALL,
  CMD_OP,
  CMD_SID,
  CMD_SSID,
  OP_ATC_INV,
  OP_CFGI_CD,
  OP_CFGI_STE,
  OP_CFGI_STE_RANGE,
  OP_CMD_SYNC,
  OP_PREFETCH_CFG,
  OP_TLBI_NH_ALL,
  OP_TLBI_NH_ASID,
  OP_TLBI_NH_VA,
  OP_TLBI_NSNH_ALL,
  OP_TLBI_S2_IPA,
  OP_TLBI_S12_VMALL,
  SYNC_CS,
  SYNC_MSH,
  SYNC_MSIATTR,
  TLBI_ADDR_HI,
  TLBI_ADDR_LO,
  TLBI_ASID,
  TLBI_LEAF,
  TLBI_NUM,
  TLBI_SCALE,
  TLBI_TG,
  TLBI_TTL,
  TLBI_VMID,
} from '../../assembly/layout/commands';
import { place } from '../runtime/guest-fields';

/** log2 of the page size in which commands express addresses. */
const PAGE_SHIFT = 12;
/** Inner shareable, and write-back cacheable: the attributes of Linux's CMD_SYNC MSIs. */
const MSH_INNER = 3;
const MSIATTR_WRITE_BACK = 0xf;
/** TG: granules of 4 KiB. TTL: the leaf is at level 3. */
const TG_4K = 1;
const TTL_LEVEL_3 = 3;

// Stores a command with the access size of its later reads, by copies and fetches: a load
// right after narrower stores waits for all of them.
function words(command: usize, word0: u32, word1: u32, word2: u32, word3: u32): void {
  v128.store(
    command,
    i64x2.replace_lane(i64x2.splat(((<i64>word1) << 32) | word0), 1, ((<i64>word3) << 32) | word2),
  );
}

export function buildSync(command: usize, signal: u32): void {
  const word0 =
    place(CMD_OP, OP_CMD_SYNC) |
    place(SYNC_CS, signal) |
    place(SYNC_MSH, MSH_INNER) |
    place(SYNC_MSIATTR, MSIATTR_WRITE_BACK);
  words(command, word0, 0, 0, 0);
}

export function buildPrefetchConfig(command: usize, sid: u32): void {
  words(command, place(CMD_OP, OP_PREFETCH_CFG), place(CMD_SID, sid), 0, 0);
}

export function buildCfgiSte(command: usize, sid: u32): void {
  words(command, place(CMD_OP, OP_CFGI_STE), place(CMD_SID, sid), place(CFGI_LEAF, 1), 0);
}

export function buildCfgiAll(command: usize): void {
  words(command, place(CMD_OP, OP_CFGI_STE_RANGE), 0, place(CFGI_RANGE, CFGI_RANGE_ALL), 0);
}

export function buildCfgiCd(command: usize, sid: u32, ssid: u32): void {
  const word0 = place(CMD_OP, OP_CFGI_CD) | place(CMD_SSID, ssid);
  words(command, word0, place(CMD_SID, sid), place(CFGI_LEAF, 1), 0);
}

export function buildTlbiNsnhAll(command: usize): void {
  words(command, place(CMD_OP, OP_TLBI_NSNH_ALL), 0, 0, 0);
}

export function buildTlbiNhAll(command: usize, vmid: u32): void {
  words(command, place(CMD_OP, OP_TLBI_NH_ALL), place(TLBI_VMID, vmid), 0, 0);
}

export function buildTlbiNhAsid(command: usize, vmid: u32, asid: u32): void {
  words(
    command,
    place(CMD_OP, OP_TLBI_NH_ASID),
    place(TLBI_VMID, vmid) | place(TLBI_ASID, asid),
    0,
    0,
  );
}

/** TLBI_NH_VA of one address, for TLB entries of any size (TG 0). */
export function buildTlbiNhVa(command: usize, vmid: u32, asid: u32, iova: u64): void {
  const word2 = place(TLBI_LEAF, 1) | place(TLBI_ADDR_LO, <u32>(iova >> PAGE_SHIFT));
  words(
    command,
    place(CMD_OP, OP_TLBI_NH_VA),
    place(TLBI_VMID, vmid) | place(TLBI_ASID, asid),
    word2,
    place(TLBI_ADDR_HI, <u32>(iova >> 32)),
  );
}

/** TLBI_NH_VA of `number` << `scale` pages of 4 KiB (IDR3.RIL); `number` from 1 to 32. */
export function buildTlbiNhVaRange(
  command: usize,
  asid: u32,
  iova: u64,
  number: u32,
  scale: u32,
): void {
  const word0 =
    place(CMD_OP, OP_TLBI_NH_VA) | place(TLBI_NUM, number - 1) | place(TLBI_SCALE, scale);
  const word2 =
    place(TLBI_LEAF, 1) |
    place(TLBI_TTL, TTL_LEVEL_3) |
    place(TLBI_TG, TG_4K) |
    place(TLBI_ADDR_LO, <u32>(iova >> PAGE_SHIFT));
  words(command, word0, place(TLBI_ASID, asid), word2, place(TLBI_ADDR_HI, <u32>(iova >> 32)));
}

export function buildTlbiS12Vmall(command: usize, vmid: u32): void {
  words(command, place(CMD_OP, OP_TLBI_S12_VMALL), place(TLBI_VMID, vmid), 0, 0);
}

export function buildTlbiS2Ipa(command: usize, vmid: u32, ipa: u64): void {
  const word2 = place(TLBI_LEAF, 1) | place(TLBI_ADDR_LO, <u32>(ipa >> PAGE_SHIFT));
  words(
    command,
    place(CMD_OP, OP_TLBI_S2_IPA),
    place(TLBI_VMID, vmid),
    word2,
    place(TLBI_ADDR_HI, <u32>(ipa >> 32)),
  );
}

/** ATC_INV of 4 KiB << `size` at `iova`; a size of ATC_INV_SIZE_ALL means everything. */
export function buildAtcInv(command: usize, sid: u32, iova: u64, size: u32): void {
  const word2 = place(ATC_INV_SIZE, size) | place(ATC_INV_ADDR_LO, <u32>(iova >> PAGE_SHIFT));
  words(
    command,
    place(CMD_OP, OP_ATC_INV),
    place(CMD_SID, sid),
    word2,
    place(ATC_INV_ADDR_HI, <u32>(iova >> 32)),
  );
}
