// SPDX-License-Identifier: MIT
// The frames of the ITS (IHI 0069 sections 12.18 and 12.19): registers, command queue,
// GITS_TRANSLATER. The write that makes commands visible executes them, up to a limit of
// work; `serveIts` executes the rest.

import {
  GIC_AT_ITS_BASER0,
  GIC_AT_ITS_BASER1,
  GIC_AT_ITS_CBASER,
  GIC_AT_ITS_CREADR,
  GIC_AT_ITS_CTLR,
  GIC_AT_ITS_CWRITER,
  GIC_AT_ITS_ERROR,
  GIC_AT_ITS_ERRORS,
  GIC_LPIS,
} from '../layout/gic-memory';
import { GIC_IIDR_VALUE } from '../layout/gic-registers';
import { ITS_COMMAND_SIZE } from '../layout/its-formats';
import {
  GITS_BASER,
  GITS_BASER_HI,
  GITS_BASER_LO,
  GITS_BASER_PAGE_64K,
  GITS_BASER_PAGE_SIZE,
  GITS_BASER0_FIXED_HI,
  GITS_BASER1_FIXED_HI,
  GITS_CBASER,
  GITS_CBASER_HI,
  GITS_CBASER_LO,
  GITS_COMMAND_OFFSET,
  GITS_CREADR,
  GITS_CTLR,
  GITS_CTLR_ENABLED,
  GITS_CTLR_QUIESCENT,
  GITS_CTLR_WRITABLE,
  GITS_CWRITER,
  GITS_IIDR,
  GITS_PAGES,
  GITS_TYPER,
  GITS_TYPER_VALUE,
  GITS_VALID_HI,
} from '../layout/its-registers';
import { readIdentification } from './distributor';
import { PAGE_ADDRESS, ramAt } from './gic-ram';
import { addWork } from './interrupt';
import { execute, raiseMessage } from './its-commands';

/**
 * Work of one `serveIts`, which ends after the command that reaches it: one command for
 * all LPIs, or 3,584 for one each (docs/internals/architecture.md, "Bounds of one
 * service").
 */
const LIMIT: i32 = GIC_LPIS;
const COMMAND_PAGE: u32 = 0x1000;

/** Resets the ITS. */
export function resetIts(gic: usize): void {
  store<u32>(gic, 0, GIC_AT_ITS_CTLR);
  store<u32>(gic, 0, GIC_AT_ITS_CREADR);
  store<u32>(gic, 0, GIC_AT_ITS_CWRITER);
  store<u32>(gic, 0, GIC_AT_ITS_ERRORS);
  store<u32>(gic, 0, GIC_AT_ITS_ERROR);
  store<u64>(gic, 0, GIC_AT_ITS_CBASER);
  store<u64>(gic, GITS_BASER_PAGE_64K, GIC_AT_ITS_BASER0);
  store<u64>(gic, GITS_BASER_PAGE_64K, GIC_AT_ITS_BASER1);
}

function isEnabled(gic: usize): bool {
  return (load<u32>(gic, GIC_AT_ITS_CTLR) & GITS_CTLR_ENABLED) != 0;
}

/** True while the queue has commands that have not been executed. */
function hasCommands(gic: usize): bool {
  if (!isEnabled(gic) || (load<u32>(gic, GIC_AT_ITS_CBASER + 4) & GITS_VALID_HI) == 0) return false;
  return load<u32>(gic, GIC_AT_ITS_CREADR) != load<u32>(gic, GIC_AT_ITS_CWRITER);
}

/** Size of the command queue in bytes. */
function queueSize(gic: usize): u32 {
  return ((load<u32>(gic, GIC_AT_ITS_CBASER) & GITS_PAGES) + 1) * COMMAND_PAGE;
}

/** Executes commands within the limit of work. True when more remain. */
export function serveIts(gic: usize): bool {
  const base = load<u64>(gic, GIC_AT_ITS_CBASER) & PAGE_ADDRESS;
  const size = queueSize(gic);
  let work: i32 = 0;
  while (work < LIMIT && hasCommands(gic)) {
    const at = load<u32>(gic, GIC_AT_ITS_CREADR);
    work += execute(gic, ramAt(gic, base + at, ITS_COMMAND_SIZE));
    const next = at + ITS_COMMAND_SIZE;
    store<u32>(gic, next < size ? next : 0, GIC_AT_ITS_CREADR);
  }
  addWork(gic, work);
  return hasCommands(gic);
}

/** A write to GITS_TRANSLATER. */
export function translate(gic: usize, device: u32, event: u32): void {
  if (isEnabled(gic)) raiseMessage(gic, device, event);
}

function fixedOf(offset: i32): u32 {
  return offset < GITS_BASER + 8 ? GITS_BASER0_FIXED_HI : GITS_BASER1_FIXED_HI;
}

/**
 * Offset in the block of one half of GITS_BASER0 or GITS_BASER1; 0 for any other
 * register.
 */
function baserAt(offset: i32): usize {
  if (offset < GITS_BASER || offset >= GITS_BASER + 16) return 0;
  return GIC_AT_ITS_BASER0 + (offset - GITS_BASER);
}

function readControl(gic: usize): u32 {
  return load<u32>(gic, GIC_AT_ITS_CTLR) | (hasCommands(gic) ? 0 : GITS_CTLR_QUIESCENT);
}

/**
 * Reads 32 bits of the control frame. A read of GITS_CREADR executes further commands:
 * software polls it.
 */
export function readIts(gic: usize, offset: i32): u32 {
  switch (offset) {
    case GITS_CTLR:
      return readControl(gic);
    case GITS_IIDR:
      return GIC_IIDR_VALUE;
    case GITS_TYPER:
      return GITS_TYPER_VALUE;
    case GITS_CBASER:
    case GITS_CBASER + 4:
      return load<u32>(gic + GIC_AT_ITS_CBASER + (offset - GITS_CBASER));
    case GITS_CWRITER:
      return load<u32>(gic, GIC_AT_ITS_CWRITER);
    case GITS_CREADR:
      serveIts(gic);
      return load<u32>(gic, GIC_AT_ITS_CREADR);
  }
  const baser = baserAt(offset);
  if (baser == 0) return readIdentification(offset);
  return load<u32>(gic + baser) | ((offset & 4) != 0 ? fixedOf(offset) : 0);
}

/** Writes GITS_CBASER, which empties the queue. */
function writeQueueBase(gic: usize, offset: i32, value: u32): void {
  const mask: u32 = (offset & 4) != 0 ? GITS_CBASER_HI : GITS_CBASER_LO;
  store<u32>(gic + GIC_AT_ITS_CBASER + (offset - GITS_CBASER), value & mask);
  store<u32>(gic, 0, GIC_AT_ITS_CREADR);
  store<u32>(gic, 0, GIC_AT_ITS_CWRITER);
}

/** Writes a GITS_BASER. A reserved page size acts as 64 KiB. */
function writeTableBase(gic: usize, offset: i32, value: u32): void {
  const baser = baserAt(offset);
  if (baser == 0) return;
  if ((offset & 4) != 0) store<u32>(gic + baser, value & GITS_BASER_HI);
  else if ((value & GITS_BASER_PAGE_SIZE) == GITS_BASER_PAGE_SIZE)
    store<u32>(gic + baser, (value & ~GITS_BASER_PAGE_SIZE) | GITS_BASER_PAGE_64K);
  else store<u32>(gic + baser, value & GITS_BASER_LO);
}

/**
 * Writes 32 bits of the control frame. While the ITS is enabled the base registers do not
 * change.
 */
export function writeIts(gic: usize, offset: i32, value: u32): void {
  if (offset == GITS_CTLR) {
    store<u32>(gic, value & GITS_CTLR_WRITABLE, GIC_AT_ITS_CTLR);
    serveIts(gic);
  } else if (offset == GITS_CWRITER) {
    const at = value & GITS_COMMAND_OFFSET;
    if (at < queueSize(gic)) store<u32>(gic, at, GIC_AT_ITS_CWRITER);
    serveIts(gic);
  } else if (!isEnabled(gic)) {
    if (offset == GITS_CBASER || offset == GITS_CBASER + 4) writeQueueBase(gic, offset, value);
    else writeTableBase(gic, offset, value);
  }
}
