// SPDX-License-Identifier: MIT
// Detects CDs and translation tables of a guest that use more than the SMMU presented to
// the guest has. The physical SMMU, which reads them, has the feature; an SMMU like the
// one presented would refuse or ignore it. A field of the ID registers is reported if the
// physical registers, with this one field as the guest sees it, lead to another result.

import { THREAD } from '../imports/unit';
import { CHECK_THREAD_IDS } from '../layout/check-memory';
import { CMDQV_MAX_VINTFS } from '../layout/cmdqv-registers';
import {
  CFG_CONFIG,
  CFG_DS,
  CFG_DS_STAGE1,
  CFG_HAD,
  CFG_VMID,
} from '../layout/config-cache-memory';
import {
  CTX_BEYOND_CDS,
  CTX_BEYOND_TABLES,
  CTX_ENABLED,
  CTX_SHOWN,
  CTX_STRIDE,
  CTX_VMID,
  MAX_VIOMMUS,
  SHOWN_SIZE,
  SMMU_AT_CONTEXTS,
} from '../layout/context-memory';
import {
  SHOWN_ASID16,
  SHOWN_DS,
  SHOWN_FIELDS,
  SHOWN_GRAN4K,
  SHOWN_GRAN16K,
  SHOWN_GRAN64K,
  SHOWN_HAD,
  SHOWN_HTTU,
  SHOWN_OAS,
  SHOWN_STALL_MODEL,
  SHOWN_TERM_MODEL,
  SHOWN_TTENDIAN,
} from '../layout/shown-fields';
import { SMMU_AT_IDR0, SMMU_AT_IDR3, SMMU_AT_IDR5 } from '../layout/smmu-memory';
import {
  IDR0_ASID16,
  IDR0_HTTU,
  IDR0_STALL_MODEL,
  IDR0_TERM_MODEL,
  IDR0_TTENDIAN,
  IDR3_HAD,
  IDR5_DS,
  IDR5_GRAN4K,
  IDR5_GRAN16K,
  IDR5_GRAN64K,
  IDR5_OAS,
  IDR5_VAX,
} from '../layout/smmu-registers';
import { STE_CONFIG_NESTED } from '../layout/ste';
import { THREAD_CFG, THREAD_IOVA } from '../layout/thread-memory';
import { bits, maskOf } from '../lib/fields';
import { dsImplemented } from '../smmu-core/geometry';
import { cdValid } from '../smmu-core/legality';
import { S1_OUT, S1_PERM, walkStage1 } from '../smmu-core/walk-stage1';

/** Register and field of a SHOWN_*: an SMMU_AT_* offset, and a field of that word. */
function registerOf(shown: u32): usize {
  if (shown >= <u32>SHOWN_OAS) return SMMU_AT_IDR5;
  return shown == SHOWN_HAD ? SMMU_AT_IDR3 : SMMU_AT_IDR0;
}

function fieldOf(shown: u32): i32 {
  switch (shown) {
    case SHOWN_HTTU:
      return IDR0_HTTU;
    case SHOWN_ASID16:
      return IDR0_ASID16;
    case SHOWN_TTENDIAN:
      return IDR0_TTENDIAN;
    case SHOWN_STALL_MODEL:
      return IDR0_STALL_MODEL;
    case SHOWN_TERM_MODEL:
      return IDR0_TERM_MODEL;
    case SHOWN_HAD:
      return IDR3_HAD;
    case SHOWN_OAS:
      return IDR5_OAS;
    case SHOWN_GRAN4K:
      return IDR5_GRAN4K;
    case SHOWN_GRAN16K:
      return IDR5_GRAN16K;
    case SHOWN_GRAN64K:
      return IDR5_GRAN64K;
    case SHOWN_DS:
      return IDR5_DS;
    default:
      return IDR5_VAX;
  }
}

/**
 * Command context of the vIOMMU whose guest's configuration is in THREAD_CFG. 0 for
 * streams of the host, and where the registers presented to the guest are unknown.
 */
function contextInUse(smmu: usize): usize {
  if (load<u32>(THREAD + THREAD_CFG, CFG_CONFIG) != STE_CONFIG_NESTED) return 0;
  const vmid = load<u32>(THREAD + THREAD_CFG, CFG_VMID);
  for (let index: usize = 0; index < <usize>MAX_VIOMMUS; index++) {
    const context = smmu + SMMU_AT_CONTEXTS + (<usize>CMDQV_MAX_VINTFS + index) * CTX_STRIDE;
    if (
      atomic.load<u32>(context, CTX_ENABLED) != 0 &&
      atomic.load<u32>(context, CTX_VMID) == vmid &&
      atomic.load<u32>(context, CTX_SHOWN) != 0
    )
      return context;
  }
  return 0;
}

/**
 * Builds the physical ID registers with one field as the guest sees it. Returns the
 * address that stands for an SMMU block's base; 0 when the field has the same value in
 * both.
 */
function withShown(smmu: usize, context: usize, shown: u32, saved: usize): usize {
  const field = fieldOf(shown);
  const at = registerOf(shown);
  const physical = atomic.load<u32>(smmu + at);
  const guest = atomic.load<u32>(context + CTX_SHOWN - SMMU_AT_IDR0 + at);
  if (bits(physical, field) == bits(guest, field)) return 0;
  const ids = saved + CHECK_THREAD_IDS;
  memory.copy(ids, smmu + SMMU_AT_IDR0, SHOWN_SIZE);
  const base = ids - SMMU_AT_IDR0;
  store<u32>(base + at, (physical & ~maskOf(field)) | (guest & maskOf(field)));
  return base;
}

/**
 * Judges the CD in THREAD_CD, after a miss of the configuration cache that led to an
 * entry. Only reads the thread block.
 * @param saved this thread's saved block (CHECK_AT_THREADS).
 */
export function judgeCd(smmu: usize, saved: usize): void {
  const context = contextInUse(smmu);
  if (context == 0) return;
  let beyond: u32 = 0;
  for (let shown: u32 = 0; shown < <u32>SHOWN_FIELDS; shown++) {
    const ids = withShown(smmu, context, shown, saved);
    if (ids != 0 && !cdValid(ids)) beyond |= (<u32>1) << shown;
  }
  if (beyond != 0) atomic.or<u32>(context, beyond, CTX_BEYOND_CDS);
}

// Whether stage 1 of the access leads to another result with other ID registers.
function leadsElsewhere(smmu: usize, ids: usize, cfg: usize, output: u64, rights: u32): bool {
  const had = load<u32>(cfg, CFG_HAD);
  const ds = load<u32>(cfg, CFG_DS);
  if (!bits(atomic.load<u32>(ids, SMMU_AT_IDR3), IDR3_HAD)) store<u32>(cfg, 0, CFG_HAD);
  if (!dsImplemented(ids)) store<u32>(cfg, ds & ~u32(CFG_DS_STAGE1), CFG_DS);
  const walked = walkStage1(smmu, ids, load<u64>(THREAD, THREAD_IOVA), false);
  store<u32>(cfg, had, CFG_HAD);
  store<u32>(cfg, ds, CFG_DS);
  return !walked || load<u64>(THREAD, S1_OUT) != output || load<u32>(THREAD, S1_PERM) != rights;
}

/**
 * Judges the stage-1 tables that the access used, after an insert into the IOTLB.
 * Destroys THREAD_CFG, THREAD_EVENT and the scratch words of the walk.
 * @param saved this thread's saved block, with the state after the access.
 */
export function judgeTables(smmu: usize, saved: usize): void {
  const context = contextInUse(smmu);
  if (context == 0) return;
  const cfg: usize = THREAD + THREAD_CFG;
  const output = load<u64>(THREAD, S1_OUT);
  const rights = load<u32>(THREAD, S1_PERM);
  let beyond: u32 = 0;
  for (let shown: u32 = 0; shown < <u32>SHOWN_FIELDS; shown++) {
    if (shown != SHOWN_HAD && shown != SHOWN_OAS && shown != SHOWN_DS) continue;
    const ids = withShown(smmu, context, shown, saved);
    if (ids != 0 && leadsElsewhere(smmu, ids, cfg, output, rights)) beyond |= (<u32>1) << shown;
  }
  if (beyond != 0) atomic.or<u32>(context, beyond, CTX_BEYOND_TABLES);
}
