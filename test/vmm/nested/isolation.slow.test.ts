// Eight VMs of one host, each of which in turn sends what it can against the others. Whatever one sends, the others' IOTLB entries, queues,
// endpoints, events and memory stay what they were.

import { beforeAll, describe, expect, it } from 'vitest';
import {
  ATC_PORT_REQUESTS,
  ATC_PORT_SID,
  ATC_PORT_STRIDE,
  SMMU_AT_ATC,
  SMMU_AT_ATC_PORTS,
} from '../../../assembly/layout/ats-memory.ts';
import { type HotModules, loadHotModules } from '../../../assembly/load.ts';
import { S1_READ_WRITE, sync, tlbiNhAsid } from '../../../devices/tables/index.ts';
import { Random } from '../../../devices/testing/index.ts';
import { smmuBase } from '../../../devices/unit/index.ts';
import { type QueueErrorDecision, VmHost } from '../../../vmm/nested/index.ts';
import { Adversary } from '../../support/adversary.ts';
import { footprintOf } from '../../support/footprint-of.ts';
import {
  ASID,
  attachStage1,
  DATA_GPA,
  IOVA,
  type LentVm,
  lendVm,
  STREAM,
  sendOnCmdq,
} from '../../support/lent-vm.ts';
import { mutatedModules } from '../../support/mutated-modules.ts';
import { steps } from '../../support/thorough.ts';

const VMS = 8;
const COMMANDS = steps(100_000, 1_000_000);
/** Within so many a mutant loses something. */
const MUTANT_COMMANDS = 100_000;
/** Pages that each VM's device has read, and whose translations lie in the IOTLB. */
const PAGES = 16;
const POLICIES: readonly QueueErrorDecision[] = ['skip', 'emulate', 'report'];
const SEED = 0x150a7ed;

let modules: HotModules;
beforeAll(async () => {
  modules = await loadHotModules();
});

class Siege {
  readonly host: VmHost;
  readonly vms: readonly LentVm[];
  readonly #adversaries: readonly Adversary[];
  readonly #words: Int32Array;

  constructor(host: VmHost) {
    this.host = host;
    this.#words = new Int32Array(host.memory.buffer);
    this.vms = Array.from({ length: VMS }, (_, i) =>
      lendVm(host, `vm${i}`, { onQueueError: () => POLICIES[i % POLICIES.length] ?? 'report' }),
    );
    for (const lent of this.vms) {
      const table = attachStage1(lent);
      for (let page = 1; page < PAGES; page++)
        table.map(IOVA + 0x1000 * page, DATA_GPA + 0x1000 * page, 0x1000, S1_READ_WRITE);
      // An event that its guest has been given.
      expect(this.#read(lent, IOVA - 0x1000)).toBe(false);
    }
    this.vms.forEach((lent, i) => {
      this.#set(this.#port(i) + ATC_PORT_SID, (lent.viommu.streams.get(STREAM) ?? 0) + 1);
    });
    this.#set(smmuBase(0) + SMMU_AT_ATC_PORTS, VMS);
    host.service(true);
    const targets = {
      streams: [STREAM, ...this.vms.map(({ viommu }) => viommu.streams.get(STREAM) ?? 0)],
      vmids: [0, ...this.vms.map(({ viommu }) => viommu.vmid)],
    };
    this.#adversaries = this.vms.map(
      (lent, i) => new Adversary(host, lent, new Random(SEED + i), targets),
    );
    for (const lent of this.vms) this.#touch(lent);
  }

  #set(address: number, value: number): void {
    this.#words[address >> 2] = value;
  }

  #port(i: number): number {
    return smmuBase(0) + SMMU_AT_ATC + i * ATC_PORT_STRIDE;
  }

  #read(lent: LentVm, iova: number): boolean {
    return this.host.dmaPort(lent.viommu, STREAM).read(iova, new Uint8Array(1)).ok;
  }

  #touch(lent: LentVm): void {
    for (let page = 0; page < PAGES; page++)
      expect(this.#read(lent, IOVA + 0x1000 * page)).toBe(true);
  }

  /** Everything that the VM has and that its neighbours must not change. */
  state(i: number): string {
    const lent = this.vms[i];
    if (!lent) throw new RangeError(`there is no VM ${i}`);
    return JSON.stringify({
      ...footprintOf(lent.viommu, lent.vintf),
      events: lent.events.map((record) => [...record]),
      errors: lent.errors.length,
      statistics: lent.viommu.statistics,
      requests: this.#words[(this.#port(i) + ATC_PORT_REQUESTS) >> 2],
    });
  }

  /** Attacks, one VM after the other, until so many commands were taken or a VM has lost something. Returns what was taken, and the losers. */
  run(commands: number): { readonly taken: number; readonly lost: readonly string[] } {
    let taken = 0;
    const states = this.vms.map((_, i) => this.state(i));
    for (let turn = 0; taken < commands; turn++) {
      const attacker = turn % VMS;
      taken += this.#adversaries[attacker]?.attack() ?? 0;
      const lost = states.flatMap((before, i) =>
        i === attacker || this.state(i) === before ? [] : `vm${i}`,
      );
      if (lost.length > 0) return { taken, lost };
      const own = this.vms[attacker];
      if (own) this.#touch(own);
      states[attacker] = this.state(attacker);
    }
    return { taken, lost: [] };
  }
}

describe('eight VMs of one host', () => {
  it(`lose nothing by ${COMMANDS} commands of their neighbours`, { timeout: 120_000 }, async () => {
    const siege = new Siege(await VmHost.create({ modules }));
    const entries = () =>
      siege.vms.map(({ viommu, vintf }) => footprintOf(viommu, vintf)['IOTLB entries'].count);
    expect(entries()).toEqual(siege.vms.map(() => PAGES));
    const { taken, lost } = siege.run(COMMANDS);
    expect(lost).toEqual([]);
    expect(taken).toBeGreaterThanOrEqual(COMMANDS);
    expect(entries()).toEqual(siege.vms.map(() => PAGES));
    // Each door was used, and every kind of refusal met.
    const { smmu, strayEvents } = siege.host.statistics;
    for (const counter of [
      'illegalOpcode',
      'illegalSecure',
      'illegalCompletion',
      'illegalStream',
      'illegalRange',
      'repairs',
      'prodOutOfRange',
      'errorsPublished',
      'errorsSkipped',
      'atcInvalidations',
      'configInvalidations',
    ] as const) {
      expect(smmu[counter], counter).toBeGreaterThan(0);
    }
    expect([strayEvents, siege.vms.map(({ events }) => events.length)]).toEqual([
      0,
      siege.vms.map(() => 1),
    ]);
    // Everybody's queue still does its own work.
    for (const [i, lent] of siege.vms.entries()) {
      sendOnCmdq(lent, tlbiNhAsid(0, ASID), sync());
      expect(entries()).toEqual(siege.vms.map((_, other) => (other <= i ? 0 : PAGES)));
    }
  });

  it.each([
    [
      'VMIDs as they are written',
      'vcmdq-drain/run-commands.ts',
      ': atomic.load<u32>(context, CTX_VMID);',
      ': named;',
    ],
    [
      'StreamIDs as they are written',
      'vcmdq-drain/endpoint-commands.ts',
      'return NO_SID;',
      'return u64(virtSid);',
    ],
  ])(
    'would lose something if a guest’s queue took %s',
    { timeout: 60_000 },
    async (_, file, original, mutant) => {
      const mutated = await mutatedModules(modules, 'vcmdqDrain', [{ file, original, mutant }]);
      const siege = new Siege(await VmHost.create({ modules: mutated }));
      expect(siege.run(MUTANT_COMMANDS).lost).not.toEqual([]);
    },
  );
});
