// SPDX-License-Identifier: MIT
// Steps of a CMDQV driver in random order, for random tests that have to get past the
// first check.

import {
  CMDQV_CMDQ_ALLOC,
  CMDQV_CONFIG,
  CMDQV_CONFIG_RESET,
  CMDQV_DIRECT_PAGE0,
  CMDQV_DIRECT_PAGE1,
  CMDQV_VINTF,
  CMDQV_VINTF_INT_MASK,
  CMDQV_VINTF_STRIDE,
  VCMDQ_BASE,
  VCMDQ_CONFIG,
  VCMDQ_GERROR,
  VCMDQ_GERRORN,
  VCMDQ_PROD,
  VCMDQ_STRIDE,
} from '../../assembly/layout/cmdqv-registers.ts';
import { OP_CMD_SYNC, OP_TLBI_NH_VA } from '../../assembly/layout/commands.ts';
import type { DeviceBus, Random, Stimulus } from '../../devices/testing/index.ts';
import { LVCMDQS } from './vintf-backend.ts';

const LOG2SIZE = 3;

interface CmdqvStepOptions {
  readonly vintfs: number;
  readonly vcmdqs: number;
  /** Bytes of the memory that contains the rings. */
  readonly memory: Uint8Array<ArrayBufferLike>;
  /** Address of `memory` for BASE. */
  readonly address: number;
}

/**
 * One step: enables something, gives a queue a ring, queues a command (one in four is
 * illegal), or acknowledges an error.
 */
function cmdqvStep(
  bus: DeviceBus,
  random: Random,
  { vintfs, vcmdqs, memory, address }: CmdqvStepOptions,
): void {
  const vcmdq = random.below(vcmdqs);
  const vintf = random.below(vintfs);
  const page0 = CMDQV_DIRECT_PAGE0 + vcmdq * VCMDQ_STRIDE;
  const ring = 0x1000 + vcmdq * (16 << LOG2SIZE);
  switch (random.below(8)) {
    case 0: {
      const lvcmdqs = vcmdqs / vintfs;
      const owner = Math.floor(vcmdq / lvcmdqs);
      bus.write32(CMDQV_CMDQ_ALLOC + 4 * vcmdq, (owner << 15) | ((vcmdq % lvcmdqs) << 1) | 1);
      break;
    }
    case 1:
      bus.write32(CMDQV_VINTF + vintf * CMDQV_VINTF_STRIDE, 0xf | (random.below(2) << 17));
      break;
    case 2:
      bus.write64(
        CMDQV_DIRECT_PAGE1 + vcmdq * VCMDQ_STRIDE + VCMDQ_BASE,
        BigInt(address + ring + LOG2SIZE),
      );
      break;
    case 3:
      bus.write32(page0 + VCMDQ_CONFIG, 1);
      break;
    case 4:
      bus.write32(CMDQV_CONFIG, CMDQV_CONFIG_RESET);
      bus.write32(CMDQV_VINTF_INT_MASK, 0);
      break;
    case 5:
      bus.write32(page0 + VCMDQ_GERRORN, bus.read32(page0 + VCMDQ_GERROR));
      break;
    default: {
      const prod = bus.read32(page0 + VCMDQ_PROD);
      const slot = memory.subarray(ring + 16 * (prod % (1 << LOG2SIZE))).subarray(0, 16);
      slot.fill(0);
      slot[0] = random.pick([OP_TLBI_NH_VA, OP_TLBI_NH_VA, OP_CMD_SYNC, 0xff]);
      bus.write32(page0 + VCMDQ_PROD, (prod + 1) % (2 << LOG2SIZE));
    }
  }
}

/** A step of a guest with one VINTF, whose rings are in its RAM. */
export const virtualCmdqvStep: Stimulus = (bus, random, host) =>
  cmdqvStep(bus, random, {
    vintfs: 1,
    vcmdqs: LVCMDQS,
    memory: host.ram,
    address: host.ramGpa,
  });

/**
 * A step of the owner of a physical CMDQV with two VINTFs; the rings are in the RAM of
 * window 1.
 */
export const physicalCmdqvStep: Stimulus = (bus, random, host) =>
  cmdqvStep(bus, random, {
    vintfs: 2,
    vcmdqs: 4,
    memory: host.ram,
    address: 2 ** 32 + host.ramGpa,
  });
