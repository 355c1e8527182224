// SPDX-License-Identifier: MIT
// The guest of the path measurements: the toy's bring-up, then one measurement per run,
// which the budget selects.

import { CHECKPOINT_PHASE_MEASURE } from '../../../assembly/layout/checkpoint-registers';
import { PTE_S1_PAGE_RW } from '../../../assembly/layout/descriptors';
import {
  ABI_KIND_CMDQV,
  ABI_VERSION,
  RUN_OFF,
  RUN_YIELD,
} from '../../../assembly/layout/guest-abi';
import { beginBatch, submitBatch } from '../../../guest-driver/driver/batch';
import { cmdqv } from '../../../guest-driver/driver/cmdqv';
import { cmdq } from '../../../guest-driver/driver/driver-queues';
import { addPage } from '../../../guest-driver/driver/invalidate-pages';
import { RESULT_OK } from '../../../guest-driver/driver/result';
import { IOVA_PAGE_SIZE, leafOf, mapPages } from '../../../guest-driver/driver/stage1-table';
import { exitCount, gpaOf } from '../../../guest-driver/runtime/abi';
import { findDevice } from '../../../guest-driver/runtime/device-table';
import { doorbellCalls } from '../../../guest-driver/runtime/mmio';
import { allocate } from '../../../guest-driver/runtime/pages';
import { clock_ns } from '../../../guest-driver/runtime/vsmmu';
import { WorkBlock } from '../../../guest-driver/secondary/work-block';
import { ASID } from '../../../guest-driver/toy/address-space';
import {
  cmdqvResetStep,
  ecmdqResetStep,
  environmentStep,
  probeStep,
  smmuResetStep,
  tablesStep,
} from '../../../guest-driver/toy/bring-up-steps';
import { beginPhase, endPhase, need, setData } from '../../../guest-driver/toy/checkpoint-report';
import { dmaCopyStep } from '../../../guest-driver/toy/dma-steps';
import { blockOf, prepareBlock, runBlocks } from '../../../guest-driver/toy/parallel';
import { toy } from '../../../guest-driver/toy/toy-state';

export const vsmmu_abi: i32 = ABI_VERSION;

/** Maximum number of samples of all vCPUs. */
const MAX_SAMPLES: u32 = 4096;
/**
 * Two buffers between which the host copies by DMA: their pages, their iovas in order,
 * and scattered iovas in which no two consecutive pages are adjacent in memory: page i is
 * page i * DMA_STEP % DMA_PAGES of the buffer.
 */
const DMA_PAGES: u32 = 256;
const DMA_STEP: u32 = 37;
const DMA_SOURCE: u64 = 0x200000000;
const DMA_TARGET: u64 = 0x240000000;
const DMA_SCATTERED_SOURCE: u64 = 0x280000000;
const DMA_SCATTERED_TARGET: u64 = 0x2c0000000;

/** Memory offset of the samples: f64 each, nanoseconds for one batch. */
const SAMPLES: usize = memory.data(8, 8);

/**
 * Allocates a buffer and maps it at both iovas. Returns its memory offset, 0 on failure.
 */
function mapBuffer(iova: u64, scattered: u64): usize {
  const bytes: usize = DMA_PAGES * IOVA_PAGE_SIZE;
  const buffer = allocate(bytes, IOVA_PAGE_SIZE);
  if (buffer == 0) return 0;
  const gpa = gpaOf(buffer);
  if (mapPages(toy().table, iova, gpa, DMA_PAGES, true) != RESULT_OK) return 0;
  for (let page: u32 = 0; page < DMA_PAGES; page++) {
    const at = gpa + ((page * DMA_STEP) % DMA_PAGES) * IOVA_PAGE_SIZE;
    if (mapPages(toy().table, scattered + page * IOVA_PAGE_SIZE, at, 1, true) != RESULT_OK)
      return 0;
  }
  return buffer;
}

function bringUp(): void {
  environmentStep();
  toy().enhanced = findDevice(ABI_KIND_CMDQV) == 0 ? 1 : 0;
  probeStep();
  tablesStep();
  smmuResetStep();
  if (toy().enhanced != 0) ecmdqResetStep();
  else cmdqvResetStep();
  dmaCopyStep();
  const samples = allocate(MAX_SAMPLES * 8, 8);
  store<usize>(SAMPLES, samples);
  const source = mapBuffer(DMA_SOURCE, DMA_SCATTERED_SOURCE);
  const target = mapBuffer(DMA_TARGET, DMA_SCATTERED_TARGET);
  need('buffers', samples != 0 && source != 0 && target != 0);
  setData(0, gpaOf(samples));
  setData(1, gpaOf(source));
  setData(2, gpaOf(target));
  endPhase(CHECKPOINT_PHASE_MEASURE);
}

/** Does the work of vCPU 0 through the whole driver: batch, choice of the queue, ring. */
function runDriver(block: WorkBlock): void {
  for (let sample: u32 = 0; sample < block.samples; sample++) {
    let iova = block.iova;
    const start = clock_ns();
    const exits = exitCount();
    const doorbells = doorbellCalls();
    for (let batch: u32 = 0; batch < block.batches; batch++) {
      beginBatch();
      for (let command: u32 = 0; command < block.commands; command++, iova += IOVA_PAGE_SIZE)
        addPage(ASID, iova);
      if (submitBatch() != RESULT_OK) block.failures++;
    }
    block.exits += exitCount() - exits;
    block.doorbells += doorbellCalls() - doorbells;
    store<f64>(block.results + (sample << 3), (clock_ns() - start) / <f64>block.batches);
  }
}

/**
 * Measures and reports to the host: failed batches, exits, doorbell calls.
 * @param plan commands of a batch (bits 0 to 7), log2 of the batches of a sample (8 to
 *   11), samples of each vCPU (12 to 19), vCPUs (20 to 22), queues that they share (23 to
 *   25), trapped (26), with page tables (27). One vCPU uses the driver; several, and one
 *   with page tables, run the program of the secondary ones.
 */
function measure(plan: u32): void {
  const vcpus = (plan >> 20) & 7;
  const queues = (plan >> 23) & 7;
  const trapped = (plan >> 26) & 1;
  const tables = (plan >> 27) & 1;
  for (let vcpu: u32 = 0; vcpu < vcpus; vcpu++) {
    const block = prepareBlock(vcpu, vcpus, vcpu % queues);
    if (trapped != 0) block.queue = changetype<usize>(cmdq());
    if (tables != 0) {
      block.leaves = leafOf(toy().table, block.iova, true);
      block.descriptor = <u64>gpaOf(load<usize>(SAMPLES) & ~(IOVA_PAGE_SIZE - 1)) | PTE_S1_PAGE_RW;
    }
    block.commands = plan & 0xff;
    block.batches = 1 << ((plan >> 8) & 15);
    block.samples = (plan >> 12) & 0xff;
    block.results = load<usize>(SAMPLES) + vcpu * block.samples * 8;
  }
  cmdqv().bypassVcmdq = trapped;
  beginPhase(CHECKPOINT_PHASE_MEASURE);
  let failures: u32 = 0;
  if (vcpus == 1 && tables == 0) runDriver(blockOf(0));
  else if (!runBlocks(vcpus)) failures = 1;
  let exits: u32 = 0;
  let doorbells: u32 = 0;
  for (let vcpu: u32 = 0; vcpu < vcpus; vcpu++) {
    const block = blockOf(vcpu);
    failures += block.failures;
    exits += block.exits;
    doorbells += block.doorbells;
  }
  setData(0, failures);
  setData(1, exits);
  setData(2, doorbells);
  endPhase(CHECKPOINT_PHASE_MEASURE);
}

/**
 * Brings the devices up in the first call, then makes the measurement that the budget
 * selects; powers off when it is 0.
 */
export function vsmmu_run(budget: i32): i32 {
  if (load<usize>(SAMPLES) == 0) bringUp();
  else if (budget == 0) return RUN_OFF;
  else measure(budget);
  return RUN_YIELD;
}
