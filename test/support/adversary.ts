// SPDX-License-Identifier: MIT
// A VM that sends commands against its neighbours: their VMIDs, their ASIDs, their
// StreamIDs, opcodes that a guest may not use, and rings and page-0 registers in any
// state. It uses the interfaces that a guest can reach: page 0 and its doorbell, the
// trapped ring, hwptInvalidate.

import {
  VCMDQ_CONFIG,
  VCMDQ_CONS,
  VCMDQ_GERROR,
  VCMDQ_GERRORN,
  VCMDQ_PROD,
  VCMDQ_STATUS,
  VCMDQ_STRIDE,
} from '../../assembly/layout/cmdqv-registers.ts';
import * as commands from '../../assembly/layout/commands.ts';
import {
  QUEUE_ERROR_HELD,
  QUEUE_ERROR_PUBLISHED,
  QUEUE_NEEDS_HOST,
} from '../../assembly/layout/queue-memory.ts';
import type { Random } from '../../devices/testing/index.ts';
import type { QueueBlock } from '../../devices/unit/index.ts';
import { INVALIDATE_DATA_ARM_SMMUV3, IommufdError } from '../../host/iommufd/index.ts';
import type { VmHost } from '../../vmm/nested/index.ts';
import { ASID, IOVA, type LentVm, RAM_GPA_BASE, RING_GPA, STREAM } from './lent-vm.ts';

/** Memory offset at which page 0 of the VM's VINTF is mapped. */
const PAGE0 = 0x10000;
const LOG2SIZE = 10;
const SIZE = 2 ** LOG2SIZE;
const BYTES = 16 * SIZE;
/** The VCMDQs' rings and the trapped one, as memory offsets. */
const RINGS = [0, 1].map((lvcmdq) => RING_GPA - RAM_GPA_BASE + lvcmdq * BYTES);
const TRAPPED_RING = RING_GPA - RAM_GPA_BASE + 2 * BYTES;
const OPCODES = Object.entries(commands)
  .filter(([name]) => name.startsWith('OP_'))
  .map(([, opcode]) => opcode);
const WORDS = [0, 1, 0x7fffffff, 0x80000000, 0xffffffff, 0x000fffff, 0x00100000];

/** Existing StreamIDs and VMIDs of the host, as targets. */
export interface Targets {
  readonly streams: readonly number[];
  readonly vmids: readonly number[];
}

export class Adversary {
  readonly lent: LentVm;
  readonly #host: VmHost;
  #random: Random;
  readonly #targets: Targets;
  readonly #words: Int32Array;

  /**
   * Gives the VM two VCMDQs and a trapped CMDQ with rings of their own, and page 0 of its
   * VINTF.
   */
  constructor(host: VmHost, lent: LentVm, random: Random, targets: Targets) {
    this.#host = host;
    this.lent = lent;
    this.#random = random;
    this.#targets = targets;
    this.#words = new Int32Array(lent.vm.memory.buffer);
    lent.vintf.setEnabled();
    for (const [lvcmdq, ring] of RINGS.entries()) {
      if (!lent.vintf.allocateQueue(lvcmdq, RAM_GPA_BASE + ring, LOG2SIZE))
        throw new Error(`no LVCMDQ ${lvcmdq}`);
    }
    lent.vintf.mapPage0(PAGE0);
    lent.viommu.setCommandRing(RAM_GPA_BASE + TRAPPED_RING, LOG2SIZE);
    lent.viommu.commandQueue.allocated = true;
  }

  /** Commands that its queues have consumed, including refused ones. */
  get served(): number {
    const { vintf, viommu } = this.lent;
    return [...vintf.queues, viommu.commandQueue].reduce(
      (sum, { counts }) => sum + counts.commands + counts.errors,
      0,
    );
  }

  #chance(percent: number): boolean {
    return this.#random.below(100) < percent;
  }

  /**
   * One command: most are well formed and aim at a neighbour, the rest are random bits.
   */
  #command(words: Int32Array, at: number): void {
    const random = this.#random;
    if (this.#chance(10)) {
      for (let i = 0; i < 4; i++) words[at + i] = random.word();
      return;
    }
    const opcode = this.#chance(75)
      ? random.pick([0x11, 0x12, 0x12, 0x28, 0x2a, 0x40, 0x46])
      : random.pick(OPCODES);
    let first = opcode;
    if (this.#chance(15)) first |= (random.below(32) << 12) | (random.below(32) << 20);
    if (this.#chance(2)) first |= 1 << random.below(32);
    const aimed =
      opcode === commands.OP_ATC_INV || opcode < 0x10 || opcode > 0x40
        ? this.#targets.streams
        : this.#targets.vmids;
    let second = this.#chance(90) ? random.pick(aimed) : random.below(0x1000);
    if (aimed === this.#targets.vmids)
      second |= (this.#chance(80) ? ASID : random.below(0x10000)) << 16;
    words[at] = first;
    words[at + 1] = second;
    // The page that all VMs map, with TG and LEAF or TTL bits; the upper word is that of
    // IOVA.
    words[at + 2] = (random.below(32) << 12) | (this.#chance(30) ? random.below(0x1000) : 1);
    words[at + 3] = this.#chance(90) ? Math.floor(IOVA / 2 ** 32) : random.pick(WORDS);
  }

  #fill(ring: number): void {
    for (let slot = 0; slot < SIZE; slot++) this.#command(this.#words, (ring >> 2) + 4 * slot);
  }

  #register(lvcmdq: number, register: number): number {
    return (PAGE0 + lvcmdq * VCMDQ_STRIDE + register) >> 2;
  }

  #store(lvcmdq: number, register: number, value: number): void {
    const { vm, vintf } = this.lent;
    Atomics.store(this.#words, this.#register(lvcmdq, register), value);
    vm.unit.drain.doorbell(vintf.doorbellId, lvcmdq * VCMDQ_STRIDE + register);
  }

  #load(lvcmdq: number, register: number): number {
    return Atomics.load(this.#words, this.#register(lvcmdq, register));
  }

  /**
   * Like a driver that restarts a stopped queue: a CMD_SYNC replaces the bad command (IHI
   * 0070 section 7.1).
   */
  #skip(ring: number, queue: QueueBlock): void {
    this.#words[(ring >> 2) + 4 * (queue.cons % SIZE)] = commands.OP_CMD_SYNC;
  }

  #vcmdq(lvcmdq: number): void {
    const ring = RINGS[lvcmdq] ?? 0;
    const queue = this.lent.vintf.queue(lvcmdq);
    this.#fill(ring);
    this.#store(lvcmdq, VCMDQ_CONFIG, 0);
    Atomics.store(
      this.#words,
      this.#register(lvcmdq, VCMDQ_CONS),
      this.#chance(95) ? 0 : this.#random.word(),
    );
    Atomics.store(this.#words, this.#register(lvcmdq, VCMDQ_PROD), this.#load(lvcmdq, VCMDQ_CONS));
    Atomics.store(
      this.#words,
      this.#register(lvcmdq, VCMDQ_GERRORN),
      this.#load(lvcmdq, VCMDQ_GERROR),
    );
    this.#store(lvcmdq, VCMDQ_CONFIG, 1);
    // Registers that a guest may not write, and any PROD.
    if (this.#chance(10))
      this.#store(
        lvcmdq,
        this.#random.pick([VCMDQ_CONS, VCMDQ_STATUS, VCMDQ_GERROR]),
        this.#random.word(),
      );
    this.#store(
      lvcmdq,
      VCMDQ_PROD,
      this.#chance(90) ? (queue.cons + SIZE) % (2 * SIZE) : this.#random.word(),
    );
    for (let errors = 0; errors < SIZE; errors++) {
      if (queue.state === QUEUE_ERROR_HELD) this.#host.service(false);
      if (queue.state !== QUEUE_ERROR_PUBLISHED) continue;
      this.#skip(ring, queue);
      this.#store(lvcmdq, VCMDQ_GERRORN, this.#load(lvcmdq, VCMDQ_GERROR));
    }
  }

  #trappedQueue(): void {
    const { viommu } = this.lent;
    const { commandQueue: queue } = viommu;
    this.#fill(TRAPPED_RING);
    queue.prod = this.#chance(90) ? (queue.cons + SIZE) % (2 * SIZE) : this.#random.word();
    for (let stops = 0; stops < 2 * SIZE; stops++) {
      const state = viommu.serveCommandQueue();
      if (state === QUEUE_NEEDS_HOST) {
        // The effect of a CFGI_CD in the guest's SMMU, for one of its streams or for
        // another one.
        viommu.invalidateContextDescriptors(
          this.#random.pick([STREAM, ...this.#targets.streams]),
          this.#random.below(4),
        );
        viommu.finishCommand();
      } else if (state === QUEUE_ERROR_HELD) {
        this.#skip(TRAPPED_RING, queue);
        viommu.resumeCommandQueue();
      } else if (queue.cons === queue.prod % (2 * SIZE)) {
        return;
      }
    }
  }

  /** An array of commands through the object model. */
  #array(): number {
    const count = 1 + this.#random.below(16);
    const words = new Int32Array(4 * count);
    for (let i = 0; i < count; i++) this.#command(words, 4 * i);
    const entries = new Uint8Array(words.buffer);
    try {
      const { fd, id } = this.lent.viommu;
      return fd.hwptInvalidate(id, {
        dataType: INVALIDATE_DATA_ARM_SMMUV3,
        entryLength: 16,
        entries,
        count,
      });
    } catch (error) {
      if (error instanceof IommufdError) return 0;
      throw error;
    }
  }

  /**
   * One attack through every interface.
   * @param random used from now on.
   * @returns the number of consumed commands.
   */
  attack(random = this.#random): number {
    this.#random = random;
    const before = this.served;
    for (const lvcmdq of RINGS.keys()) this.#vcmdq(lvcmdq);
    this.#trappedQueue();
    let taken = 0;
    for (let i = 0; i < 8; i++) taken += this.#array();
    this.#host.service(true);
    return taken + this.served - before;
  }
}
