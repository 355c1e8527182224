// SPDX-License-Identifier: MIT
// VMs of one host, each of which in turn attacks the others.

import {
  ATC_PORT_REQUESTS,
  ATC_PORT_SID,
  ATC_PORT_STRIDE,
  SMMU_AT_ATC,
  SMMU_AT_ATC_PORTS,
} from '../../assembly/layout/ats-memory.ts';
import { S1_READ_WRITE } from '../../devices/tables/index.ts';
import { Random } from '../../devices/testing/index.ts';
import { smmuBase } from '../../devices/unit/index.ts';
import type { QueueErrorDecision, VmHost } from '../../vmm/nested/index.ts';
import { Adversary } from './adversary.ts';
import { footprintOf } from './footprint-of.ts';
import { attachStage1, DATA_GPA, IOVA, type LentVm, lendVm, STREAM } from './lent-vm.ts';

export const VMS = 8;
/** Pages that each VM's device has read, and whose translations are in the IOTLB. */
export const PAGES = 16;
const POLICIES: readonly QueueErrorDecision[] = ['skip', 'emulate', 'report'];
const SEED = 0x150a7ed;
/**
 * A queue of 256 commands, each of which is an error that the policy resolves, is
 * complete within this many services.
 */
const MOST_SERVICES = 1000;

/** Commands that were consumed, and the VMs that they have affected. */
export interface Attack {
  readonly taken: number;
  readonly lost: readonly string[];
}

export class Siege {
  readonly host: VmHost;
  readonly vms: readonly LentVm[];
  readonly #adversaries: readonly Adversary[];
  readonly #words: Int32Array;
  /** The state of each VM after the last attack. */
  #states: string[] | undefined;

  /** @param seed of the VMs' commands. */
  constructor(host: VmHost, seed = SEED) {
    this.host = host;
    this.#words = new Int32Array(host.memory.buffer);
    this.vms = Array.from({ length: VMS }, (_, i) =>
      lendVm(host, `vm${i}`, { onQueueError: () => POLICIES[i % POLICIES.length] ?? 'report' }),
    );
    for (const lent of this.vms) {
      const table = attachStage1(lent);
      for (let page = 1; page < PAGES; page++)
        table.map(IOVA + 0x1000 * page, DATA_GPA + 0x1000 * page, 0x1000, S1_READ_WRITE);
      // An event that its guest has received.
      if (this.#read(lent, IOVA - 0x1000)) throw new Error('a page that is not mapped was read');
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
      (lent, i) => new Adversary(host, lent, new Random(seed + i), targets),
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
      if (!this.#read(lent, IOVA + 0x1000 * page)) throw new Error(`page ${page} cannot be read`);
  }

  /** Everything of the VM that its neighbours must not change. */
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

  /**
   * Attacks of a VM through every interface, then a check of its neighbours.
   * @param random source of the attacks; default the VM's own.
   * @param times how many.
   * @returns the number of consumed commands, and the affected neighbours.
   */
  attack(attacker: number, random?: Random, times = 1): Attack {
    this.#states ??= this.vms.map((_, i) => this.state(i));
    let taken = 0;
    for (let i = 0; i < times; i++) taken += this.#adversaries[attacker]?.attack(random) ?? 0;
    this.#finish(attacker);
    const lost = this.#states.flatMap((before, i) =>
      i === attacker || this.state(i) === before ? [] : `vm${i}`,
    );
    const own = this.vms[attacker];
    if (own && lost.length === 0) this.#touch(own);
    this.#states[attacker] = this.state(attacker);
    return { taken, lost };
  }

  // A service is bounded in work: the rest of the attacker's queues would otherwise be
  // served in a neighbour's turn.
  #finish(attacker: number): void {
    let before = this.state(attacker);
    for (let services = 0; services < MOST_SERVICES; services++) {
      this.host.service(true);
      const after = this.state(attacker);
      if (after === before) return;
      before = after;
    }
    throw new Error(`vm${attacker} still has work after ${MOST_SERVICES} services`);
  }

  /**
   * Attacks, one VM after the other, until a number of commands were consumed or a VM was
   * affected.
   */
  run(commands: number): Attack {
    let taken = 0;
    for (let turn = 0; taken < commands; turn++) {
      const attack = this.attack(turn % VMS);
      taken += attack.taken;
      if (attack.lost.length > 0) return { taken, lost: attack.lost };
    }
    return { taken, lost: [] };
  }
}
