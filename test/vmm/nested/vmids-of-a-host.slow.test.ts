// SPDX-License-Identifier: MIT
// The VMIDs of a host's VMs, in vCPUs and SMMU, against a simple model: for any sequence
// of VMs that are created, run, stop and are destroyed.

import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { HOST_AT_VCPU_VMIDS } from '../../../assembly/layout/host-memory.ts';
import { type HotModules, loadHotModules } from '../../../assembly/load.ts';
import { PHYSICAL_ID_REGISTERS } from '../../../devices/smmuv3/index.ts';
import { QueueBlock } from '../../../devices/unit/index.ts';
import { VmHost } from '../../../vmm/nested/index.ts';
import { ramRegions } from '../../../vmm/vcpu/wasm/index.ts';
import { footprintOf } from '../../support/footprint-of.ts';
import {
  attachStage1,
  IOVA,
  type LentVm,
  lendVm,
  RAM_GPA_BASE,
  STREAM,
} from '../../support/lent-vm.ts';

/** IDR0 without VMID16: VMIDs of 8 bits. */
const NARROW = { ...PHYSICAL_ID_REGISTERS, idr0: PHYSICAL_ID_REGISTERS.idr0 & ~(1 << 18) };
/** VMs that run once and are destroyed, in one step: a generation has 255 VMIDs. */
const BURST = 90;
const PLACES = 6;

let modules: HotModules;
beforeAll(async () => {
  modules = await loadHotModules();
});

class Model {
  readonly host: VmHost;
  readonly #words: Int32Array;
  readonly #commands: QueueBlock;
  readonly #vms: (LentVm | undefined)[] = Array.from({ length: PLACES }, () => undefined);
  /** VMIDs of the running VMs, by place. */
  readonly #running = new Map<number, number>();
  rollovers = 0;

  constructor(host: VmHost) {
    this.host = host;
    this.#words = new Int32Array(host.memory.buffer);
    // The VCMDQ of the host's own VINTF that its processor 0 uses.
    this.#commands = new QueueBlock(host.memory, 0, 0);
  }

  #vmidOf(window: number): number {
    return this.#words[(HOST_AT_VCPU_VMIDS >> 2) + window] ?? 0;
  }

  #entries(): number {
    return this.#vms.reduce(
      (sum, lent) => sum + (lent ? footprintOf(lent.viommu, lent.vintf)['IOTLB entries'].count : 0),
      0,
    );
  }

  /**
   * A step that can begin a generation. Only then, the SMMU is flushed once, by one
   * command and its CMD_SYNC.
   */
  #load(run: () => void): void {
    const { vmidGeneration } = this.host.statistics;
    const before = this.#commands.counts.commands;
    run();
    const begun = this.host.statistics.vmidGeneration - vmidGeneration;
    expect([begun <= 1, this.#commands.counts.commands - before]).toEqual([true, 2 * begun]);
    if (begun === 1) expect(this.#entries()).toBe(0);
    this.rollovers += begun;
  }

  lend(place: number): void {
    if (this.#vms[place]) return;
    const lent = lendVm(this.host, `vm${place}`);
    this.#vms[place] = lent;
    attachStage1(lent);
    expect(this.host.dmaPort(lent.viommu, STREAM).read(IOVA, new Uint8Array(1)).ok).toBe(true);
  }

  start(place: number): void {
    const lent = this.#vms[place];
    if (!lent || this.#running.has(place)) return;
    this.#load(() => this.host.vcpuRuns(lent.vm, 0, true));
    // Its first stage 2 has the same VMID.
    expect(this.#vmidOf(lent.vm.window)).toBe(lent.viommu.vmid);
    this.#running.set(place, lent.viommu.vmid);
  }

  stop(place: number): void {
    const lent = this.#vms[place];
    if (!lent) return;
    this.host.vcpuRuns(lent.vm, 0, false);
    this.#running.delete(place);
    expect(this.#vmidOf(lent.vm.window)).toBe(0);
  }

  destroy(place: number): void {
    const lent = this.#vms[place];
    if (!lent) return;
    this.host.destroyVm(lent.vm);
    expect(this.#vmidOf(lent.vm.window)).toBe(0);
    this.#running.delete(place);
    this.#vms[place] = undefined;
  }

  /** VMs without devices: their VMIDs are not pinned. */
  burst(): void {
    const memory = new WebAssembly.Memory({ initial: 17, maximum: 17, shared: true });
    for (let i = 0; i < BURST; i++) {
      const vm = this.host.createVm('passing', memory, ramRegions(memory, RAM_GPA_BASE));
      this.#load(() => this.host.vcpuRuns(vm, 0, true));
      const vmid = this.#vmidOf(vm.window);
      expect(vmid).toBeGreaterThan(0);
      expect(this.#vms.map((lent) => lent?.viommu.vmid)).not.toContain(vmid);
      this.host.vcpuRuns(vm, 0, false);
      this.host.destroyVm(vm);
    }
  }

  check(): void {
    const pinned = this.#vms.flatMap((lent) => lent?.viommu.vmid ?? []);
    expect(new Set(pinned).size).toBe(pinned.length);
    for (const [place, vmid] of this.#running) expect(this.#vms[place]?.viommu.vmid).toBe(vmid);
  }
}

describe('the VMIDs of a host', () => {
  it('are never shared or changed while they are in use, and a new generation flushes the SMMU once', {
    timeout: 120_000,
  }, async () => {
    let rollovers = 0;
    const place = fc.nat(PLACES - 1);
    const step = fc.oneof(
      { weight: 3, arbitrary: fc.record({ kind: fc.constant('lend' as const), place }) },
      { weight: 4, arbitrary: fc.record({ kind: fc.constant('start' as const), place }) },
      { weight: 2, arbitrary: fc.record({ kind: fc.constant('stop' as const), place }) },
      { weight: 1, arbitrary: fc.record({ kind: fc.constant('destroy' as const), place }) },
      { weight: 2, arbitrary: fc.record({ kind: fc.constant('burst' as const), place }) },
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 12, maxLength: 30 }), async (steps) => {
        const model = new Model(await VmHost.create({ modules, idRegisters: NARROW }));
        for (const { kind, place: at } of steps) {
          model[kind](at);
          model.check();
        }
        rollovers += model.rollovers;
      }),
      { numRuns: 12, seed: 20261121 },
    );
    expect(rollovers).toBeGreaterThan(5);
  });
});
