// SPDX-License-Identifier: MIT
// Commands of eight VMs of one host through every interface of a host: VCMDQs with page 0
// and doorbells, the trapped CMDQ, hwptInvalidate. Rings are full, PROD is anywhere.
// Neighbours do not lose IOTLB entries, queues, endpoints, events or memory. (The target
// `abi` covers the queues that a guest reaches through the registers of its devices,
// including ECMDQs and the overlaid CMDQ.)

import { loadHotModules } from '../../../assembly/load.ts';
import { Random } from '../../../devices/testing/index.ts';
import { VmHost } from '../../../vmm/nested/index.ts';
import { Siege, VMS } from '../../support/siege.ts';
import { ensure, type Fuzzer, type FuzzTarget } from '../target.ts';

/**
 * Attacks per run, all by one VM: a check of its neighbours takes as long as three of
 * them.
 */
const ATTACKS = 4;

class RingFuzzer implements Fuzzer {
  readonly #siege: Siege;

  constructor(siege: Siege) {
    this.#siege = siege;
  }

  run(seed: number): number {
    const random = new Random(seed);
    const attacker = random.below(VMS);
    const { taken, lost } = this.#siege.attack(attacker, random, ATTACKS);
    ensure(lost.length === 0, () => `vm${attacker} takes something from ${lost.join(', ')}`);
    const { strayEvents } = this.#siege.host.statistics;
    ensure(strayEvents === 0, () => `${strayEvents} events of streams that nobody has`);
    return taken;
  }
}

export const rings: FuzzTarget = {
  name: 'rings',
  async create() {
    return new RingFuzzer(new Siege(await VmHost.create({ modules: await loadHotModules() })));
  },
};
