// SPDX-License-Identifier: MIT
// How long a queue waits for its turn, counted in commands of the queues before it
// (docs/iommufd.md, "Fairness"). Each busy queue has more work than a service at every
// poll, like one that a vCPU on its own thread keeps full. The side core on its thread:
// test/vmm/threads/side-core.test.ts.

import { beforeAll, describe, expect, it } from 'vitest';
import { VCMDQ_CONFIG, VCMDQ_PROD } from '../../../assembly/layout/cmdqv-registers.ts';
import { type HotModules, loadHotModules } from '../../../assembly/load.ts';
import { cfgiAll, sync, tlbiNsnhAll, writeCommand } from '../../../devices/tables/index.ts';
import { type QueueErrorDecision, VmHost, type VmHostOptions } from '../../../vmm/nested/index.ts';
import { type LentVm, lendVm, RING_GPA } from '../../support/lent-vm.ts';

const LOG2SIZE = 10;
const SIZE = 2 ** LOG2SIZE;
const RING_BYTES = 16 * SIZE;
/** Maximum number of commands of one service of a queue. */
const SERVICE = 1024;
/** Maximum number of bad commands to which one service applies the policy. */
const ERRORS = 4;
const QUEUES = 4;

let modules: HotModules;
beforeAll(async () => {
  modules = await loadHotModules();
});

const createHost = (options: VmHostOptions = {}) =>
  VmHost.create({ modules, vintfs: 8, vcmdqs: 8 * QUEUES, ...options });

/** A VM with four VCMDQs whose rings are full of CMD_SYNC. */
class Flooder {
  readonly lent: LentVm;

  constructor(host: VmHost) {
    this.lent = lendVm(host);
    const { vintf, memory } = this.lent;
    for (let lvcmdq = 0; lvcmdq < QUEUES; lvcmdq++) {
      const ring = RING_GPA + lvcmdq * RING_BYTES;
      for (let slot = 0; slot < SIZE; slot++) writeCommand(memory, ring, slot, sync());
      if (!vintf.allocateQueue(lvcmdq, ring, LOG2SIZE)) throw new Error('no queue');
      vintf.writePage0(lvcmdq, VCMDQ_CONFIG, 1);
    }
    vintf.mapPage0(0x10000);
  }

  /** Moves PROD as far ahead of CONS as the registers allow, without a doorbell. */
  fill(lvcmdq: number): void {
    this.#setProd(lvcmdq, this.lent.vintf.queue(lvcmdq).cons + 2 * SIZE - 1);
  }

  send(lvcmdq: number, commands: number): void {
    this.#setProd(lvcmdq, this.lent.vintf.queue(lvcmdq).cons + commands);
  }

  #setProd(lvcmdq: number, prod: number): void {
    Atomics.store(
      new Int32Array(this.lent.vm.memory.buffer),
      (0x10000 + 0x80 * lvcmdq + VCMDQ_PROD) >> 2,
      prod % (2 * SIZE),
    );
  }

  served(lvcmdq: number): number {
    return this.lent.vintf.queue(lvcmdq).counts.commands;
  }

  /** A side core's work for the VM in one turn. */
  watch(): void {
    const { vm, vintf, viommu } = this.lent;
    vm.unit.drain.watch(viommu.smmuBlock, vintf.context.index, 50);
  }
}

describe('the side core', () => {
  it('serves every queue of a VM with four queues within two turns, regardless of the others', async () => {
    const vm = new Flooder(await createHost());
    const quiet = QUEUES - 1;
    for (let turn = 1; turn <= 100; turn++) {
      for (let busy = 0; busy < quiet; busy++) vm.fill(busy);
      vm.send(quiet, 1);
      const before = [0, 1, 2].map((busy) => vm.served(busy));
      let looks = 0;
      for (; vm.served(quiet) < turn; looks++) vm.watch();
      expect(looks).toBeLessThanOrEqual(2);
      const served = before.map((count, busy) => vm.served(busy) - count);
      expect(Math.max(...served)).toBeLessThanOrEqual(2 * SERVICE);
      expect(served.reduce((sum, count) => sum + count)).toBeLessThanOrEqual(4 * SERVICE);
    }
  });
});

describe('the host', () => {
  it('serves two queues of each VM at a safe point, with at most 1,024 commands, and then the others', async () => {
    const host = await createHost();
    const vms = Array.from({ length: 4 }, () => new Flooder(host));
    for (let turn = 1; turn <= 50; turn++) {
      for (const vm of vms.slice(0, 3))
        for (let lvcmdq = 0; lvcmdq < QUEUES; lvcmdq++) vm.fill(lvcmdq);
      vms[3]?.send(QUEUES - 1, 1);
      host.service(true);
      expect(vms[3]?.served(QUEUES - 1)).toBe(turn);
      for (const vm of vms.slice(0, 3)) {
        const served = Array.from({ length: QUEUES }, (_, lvcmdq) => vm.served(lvcmdq));
        expect(served.reduce((sum, count) => sum + count)).toBe(2 * turn * SERVICE);
        expect(Math.max(...served) - Math.min(...served)).toBeLessThanOrEqual(SERVICE);
      }
    }
  });

  it('skips no more bad commands of a queue when it has executed 1,024 commands after the first', async () => {
    let asked = 0;
    const onQueueError = () => {
      asked++;
      return 'skip' as const;
    };
    const host = await createHost({ onQueueError });
    const vm = new Flooder(host);
    const { memory } = vm.lent;
    for (const slot of [0, SIZE / 2]) writeCommand(memory, RING_GPA, slot, cfgiAll());
    vm.fill(0);
    host.service(true);
    // Both; back at the first one, 1,022 commands and 2 errors later, the service ends.
    expect([vm.served(0), asked]).toEqual([SERVICE - 2, 2]);
  });

  it.each<QueueErrorDecision>(['skip', 'emulate'])(
    'goes on with others between bad commands that it is to "%s", and comes back to them',
    async (decision) => {
      let asked = 0;
      const host = await createHost({
        onQueueError: () => {
          asked++;
          return decision;
        },
      });
      const vm = new Flooder(host);
      const { memory, vintf } = vm.lent;
      // Of the commands that a VCMDQ does not support, the host executes TLBI_NSNH_ALL
      // for a guest, but no CFGI_STE_RANGE.
      const bad = decision === 'skip' ? cfgiAll() : tlbiNsnhAll();
      for (let slot = 0; slot < SIZE; slot++) writeCommand(memory, RING_GPA, slot, bad);
      vm.fill(0);
      for (let services = 1; asked < 2 * SIZE - 1; services++) {
        host.service(services === 1);
        expect(asked).toBe(Math.min(services * ERRORS, 2 * SIZE - 1));
        expect(host.attentionWanted).toBe(true);
      }
      expect(vintf.queue(0).cons).toBe(2 * SIZE - 1);
    },
  );
});
