// SPDX-License-Identifier: MIT
// Wasm guests that invalidate through their own command buffers
// (test/support/guests/amd-guest.ts).

import { beforeAll, describe, expect, it } from 'vitest';
import {
  DMA_STATUS_DONE,
  DMA_STATUS_WRITE_FAULT,
} from '../../../../assembly/layout/dma-engine-registers.ts';
import { ABI_AT_IRQ_LEVEL } from '../../../../assembly/layout/guest-abi.ts';
import {
  type AmdModules,
  loadAmdModules,
  loadSeparateAmdModules,
} from '../../../../assembly/load.ts';
import { AmdHost } from '../../../../vmm/nested/amd/index.ts';
import { type GuestImage, loadGuestImage } from '../../../../vmm/vcpu/wasm/index.ts';
import { type AmdMachine, amdMachine, DEVICE_ID } from '../../../support/amd-board.ts';
import { compileGuest } from '../../../support/compile-assembly.ts';
import { mutatedAmdIommu } from '../../../support/mutated-modules.ts';

let modules: AmdModules;
let image: GuestImage;
beforeAll(async () => {
  const [hot, guest] = await Promise.all([
    loadAmdModules(),
    compileGuest('test/support/guests/amd-guest.ts', 32),
  ]);
  modules = hot;
  image = await loadGuestImage(guest);
}, 60_000);

const STEPS = { bringUp: 1, fill: 2, unmap: 3, invalidate: 4 } as const;
const RESULTS = 0x180010;
const DATA = 0x199000;
const IOVA = 0x123456000;

/** Makes the guest execute one step. */
function step({ machine, words }: AmdMachine, name: keyof typeof STEPS): void {
  words[0x180000 / 4] = STEPS[name];
  expect(machine.step(), machine.error?.message).toBe('running');
}

/**
 * One word by DMA through the IOMMU. Returns the engine's status, the word in memory, and
 * the guest's event log.
 */
function fill(guest: AmdMachine, pattern: number) {
  const { words } = guest;
  words[0x180008 / 4] = pattern;
  step(guest, 'fill');
  const at = (offset: number) => words[(RESULTS + offset) / 4] ?? 0;
  return {
    status: at(0),
    data: words[DATA / 4] ?? 0,
    events: at(0xc),
    record: [at(0x10), at(0x14), at(0x18), at(0x1c)],
  };
}

async function boot(host: AmdHost, name: string, domain: number): Promise<AmdMachine> {
  const guest = amdMachine(host, image, name);
  await guest.machine.boot();
  guest.words[0x180004 / 4] = domain;
  step(guest, 'bringUp');
  return guest;
}

/** The word of an unmapped page: still written through a stale entry, or refused. */
const STALE = { status: DMA_STATUS_DONE, events: 0 };
const REFUSED = { status: DMA_STATUS_WRITE_FAULT, events: 1 };

describe('a Wasm guest with an AMD IOMMU', () => {
  it('removes a stale translation by its own command buffer, without an exit, and reads the fault from its own event log', async () => {
    const host = await AmdHost.create({ modules });
    const guest = await boot(host, 'vm0', 5);
    expect(fill(guest, 0x11111111)).toMatchObject({ ...STALE, data: 0x11111111 });
    step(guest, 'unmap');
    expect(fill(guest, 0x22222222)).toMatchObject({ ...STALE, data: 0x22222222 });
    step(guest, 'invalidate');
    const [exits, doorbells] = [guest.words[(RESULTS + 4) / 4], guest.words[(RESULTS + 8) / 4]];
    expect({ exits, doorbells }).toEqual({ exits: 0, doorbells: 1 });
    expect(guest.machine.exitStatistics.duringInvalidation).toBe(0);
    // IO_PAGE_FAULT of a write (RW) by the guest's DeviceID, in the guest's tables (GN)
    // of PASID 0, at the iova.
    const record = [DEVICE_ID, 0x20210000, IOVA % 2 ** 32, Math.floor(IOVA / 2 ** 32)];
    expect(fill(guest, 0x33333333)).toEqual({ ...REFUSED, data: 0x22222222, record });
    // EventLogInt: the IOMMU's line is asserted.
    expect((guest.words[ABI_AT_IRQ_LEVEL / 4] ?? 0) & 1).toBe(1);
    expect(guest.iommu.block.doorbellCalls).toBeGreaterThan(0);
    expect(host.strayEvents).toBe(0);
  });

  it('removes no entry of a VM with the same DeviceID, DomainID and iova', async () => {
    const host = await AmdHost.create({ modules });
    expect(await neighbourKeeps(host)).toBe(true);
  });

  it('would without the translation of DomainIDs', { timeout: 60_000 }, async () => {
    const amdIommu = await mutatedAmdIommu([
      {
        file: 'amd-iommu/amd-commands.ts',
        original: 'return bits(entry, AMD_MAP_HOST_ID);',
        mutant: 'return id;',
      },
    ]);
    const host = await AmdHost.create({
      modules: { ...(await loadSeparateAmdModules()), amdIommu },
    });
    expect(await neighbourKeeps(host)).toBe(false);
  });
});

/**
 * Two VMs with the same IDs; one invalidates. The DomainID of both is the one that the
 * host assigns to the first of them: using the guest's DomainID for the host's would
 * affect the neighbour.
 */
async function neighbourKeeps(host: AmdHost): Promise<boolean> {
  const domain = host.iommu.domains.used + 2;
  const neighbour = await boot(host, 'vm0', domain);
  const guest = await boot(host, 'vm1', domain);
  fill(neighbour, 1);
  fill(guest, 1);
  step(neighbour, 'unmap');
  step(guest, 'invalidate');
  return fill(neighbour, 2).data === 2;
}
