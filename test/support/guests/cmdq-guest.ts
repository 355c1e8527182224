// SPDX-License-Identifier: MIT
// A guest that supports an SMMUv3 but no CMDQV: it enables the CMDQ and sends batches,
// some with commands that only the host executes. AssemblyScript; it stores its counts in
// memory.

import {
  ABI_AT_INVALIDATING,
  ABI_KIND_SMMUV3,
  ABI_VERSION,
  RUN_OFF,
  RUN_YIELD,
} from '../../../assembly/layout/guest-abi';
import {
  CMDQ_CONS_ERR,
  CMDQ_ENTRY_SIZE,
  CR0_CMDQEN,
  Q_INDEX,
  SMMU_CMDQ_BASE,
  SMMU_CMDQ_CONS,
  SMMU_CMDQ_PROD,
  SMMU_CR0,
} from '../../../assembly/layout/smmu-registers';
import { bits, maskOf } from '../../../assembly/lib/fields';
import { deviceGpa, findDevice } from '../../../guest-driver/runtime/device-table';
import { read32, write32, write64 } from '../../../guest-driver/runtime/mmio';
import { acknowledgeMaps, exitRequested } from '../../../guest-driver/runtime/safe-point';
import { wait } from '../../../guest-driver/runtime/vsmmu';

export const vsmmu_abi: i32 = ABI_VERSION;

const RAM_GPA: u32 = 0x80000000;
const RING: usize = 0x190000;
const LOG2SIZE: u32 = 6;
const ENTRIES: u32 = 1 << LOG2SIZE;
/** Address of the counts: batches, unsupported commands, CONS.ERR, PROD. */
const BATCHES: usize = 0x180000;
const UNSUPPORTED: usize = 0x180004;
const ERROR: usize = 0x180008;
const PROD: usize = 0x18000c;
const LAST_BATCH: u32 = 200;
/** Every n-th batch has a command that the host has to execute. */
const PERIOD: u32 = 4;

let smmu: u32 = 0;

function put(d0: u64, d1: u64): void {
  const prod = load<u32>(PROD);
  const slot = RING + (prod & (ENTRIES - 1)) * CMDQ_ENTRY_SIZE;
  store<u64>(slot, d0);
  store<u64>(slot, d1, 8);
  store<u32>(PROD, (prod + 1) & (2 * ENTRIES - 1));
}

function bringUp(): void {
  smmu = deviceGpa(findDevice(ABI_KIND_SMMUV3));
  write32(smmu + SMMU_CR0, 0);
  write64(smmu + SMMU_CMDQ_BASE, u64(RAM_GPA + u32(RING) + LOG2SIZE));
  write32(smmu + SMMU_CMDQ_PROD, 0);
  write32(smmu + SMMU_CMDQ_CONS, 0);
  write32(smmu + SMMU_CR0, maskOf(CR0_CMDQEN));
}

// CFGI_ALL, CFGI_STE, CFGI_CD, PREFETCH_CONFIG, TLBI_NH_ALL, TLBI_NH_VAA, TLBI_NSNH_ALL.
function unsupported(i: u32): void {
  switch (i % 7) {
    case 0:
      put(0x04, 31);
      break;
    case 1:
      put(0x0800000003, 1);
      break;
    case 2:
      put(0x0800000005, 1);
      break;
    case 3:
      put(0x0800000001, 0);
      break;
    case 4:
      put(0x10, 0);
      break;
    case 5:
      put(0x13, 0x1001);
      break;
    default:
      put(0x30, 0);
  }
}

// Stores PROD and waits until CONS has reached it. False at an error.
function complete(): bool {
  write32(smmu + SMMU_CMDQ_PROD, load<u32>(PROD));
  while (true) {
    const cons = read32(smmu + SMMU_CMDQ_CONS);
    store<u32>(ERROR, bits(cons, CMDQ_CONS_ERR));
    if (load<u32>(ERROR) != 0) return false;
    if ((cons & maskOf(Q_INDEX)) == load<u32>(PROD)) return true;
    acknowledgeMaps();
    if (exitRequested()) wait(0);
  }
}

export function vsmmu_run(_budget: i32): i32 {
  if (smmu == 0) bringUp();
  const batch = load<u32>(BATCHES);
  const special = batch % PERIOD == PERIOD - 1;
  // TLBI_NH_VA and TLBI_NH_ASID of ASID 5; TLBI_NH_VA again; CMD_SYNC.
  put(0x0005000000000012, u64(batch) << 12);
  put(0x0005000000000011, 0);
  if (special) {
    unsupported(batch / PERIOD);
    store<u32>(UNSUPPORTED, load<u32>(UNSUPPORTED) + 1);
  }
  put(0x0005000000000012, (u64(batch) << 12) | 1);
  put(0x46, 0);
  if (!special) store<u32>(0, 1, ABI_AT_INVALIDATING);
  const ok = complete();
  store<u32>(0, 0, ABI_AT_INVALIDATING);
  store<u32>(BATCHES, batch + 1);
  return ok && batch + 1 < LAST_BATCH ? RUN_YIELD : RUN_OFF;
}
