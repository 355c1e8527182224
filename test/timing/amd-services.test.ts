// SPDX-License-Identifier: MIT
// Like service-times.test.ts, for an AMD IOMMU: command buffers, logs, and the host's
// work caused by a guest's stores.

import { beforeAll, expect, it } from 'vitest';
import {
  AMD_COMMAND_BASE,
  AMD_COMMAND_TAIL,
  AMD_CONTROL,
  AMD_DEVICE_TABLE_BASE,
  AMD_DTE_SIZE,
  AMD_ENTRY_SIZE,
  AMD_EVENT_BASE,
  AMD_EVENT_TAIL,
  AMD_PPR_BASE,
  AMD_STATUS,
} from '../../assembly/layout/amd-formats.ts';
import { type AmdModules, loadAmdModules } from '../../assembly/load.ts';
import {
  completePageRequest,
  completionWait,
  invalidateDevtabEntry,
  invalidatePages,
  VirtualAmdIommu,
} from '../../devices/amd-iommu/index.ts';
import { storeStructure } from '../../devices/tables/index.ts';
import { DeviceBus, FakeHost } from '../../devices/testing/index.ts';
import { AmdHost } from '../../vmm/nested/amd/index.ts';
import { AmdVm, DATA, DEVICE, DOMAIN, PTE, RAM } from '../support/amd-vm.ts';
import { tableMemory } from '../support/table-memory.ts';
import { best, LIMIT_US, TRIES } from './service-guest.ts';

let modules: AmdModules;
beforeAll(async () => {
  modules = await loadAmdModules();
});

const IOVA = 0x1000;
const LOG2SIZE = 11;
const ENTRIES = 2 ** LOG2SIZE;
const RING = RAM + 0x1ff000;
/** A page without a mapping in the guest's table, for an access that requests pages. */
const UNMAPPED = 0x5000;

/**
 * A guest whose command buffer is full of one command, and a service that starts it
 * again.
 */
async function fullOf(command: Uint32Array) {
  const vm = new AmdVm(await AmdHost.create({ modules })).bringUp();
  vm.map(BigInt(IOVA), BigInt(DATA) | PTE);
  expect(vm.write(IOVA, 1)).toBe(true);
  vm.iommu.setBuffers({ address: RING, log2size: LOG2SIZE }, undefined, undefined);
  const memory = { load64: () => 0n, store64: vm.store.bind(vm), allocate: () => 0 };
  for (let i = 0; i < ENTRIES; i++) storeStructure(memory, RING + AMD_ENTRY_SIZE * i, command);
  const { queue } = vm.iommu.block;
  return {
    vm,
    commands: () => queue.counts.commands,
    fill: () => {
      const tail = (queue.cons + ENTRIES - 1) % ENTRIES;
      vm.iommu.write(AMD_COMMAND_TAIL, tail * AMD_ENTRY_SIZE);
    },
  };
}

/** All of a number of pages from 0, as encoded in S. */
function sized(bits: number): Uint32Array {
  const command = invalidatePages(DOMAIN, 0, 0);
  command[2] = (((2 ** bits - 1) << 12) | (command[2] ?? 0) | 1) >>> 0;
  return command;
}

it.each([
  ['COMPLETION_WAIT', completionWait({ address: DATA + 0x2000, data: 1 }, true)],
  ['INVALIDATE_IOMMU_PAGES of a page', invalidatePages(DOMAIN, 0, IOVA)],
  ['INVALIDATE_IOMMU_PAGES of 32 pages', sized(4)],
  ['INVALIDATE_IOMMU_PAGES of 8,192 pages', sized(12)],
  ['INVALIDATE_IOMMU_PAGES of 4 GiB', sized(19)],
  ['INVALIDATE_IOMMU_PAGES of a domain', invalidatePages(DOMAIN)],
  ['COMPLETE_PPR_REQUEST', completePageRequest(DEVICE, 1, 0, 0)],
])('a store of the tail in front of a buffer full of %s', async (_name, command) => {
  const guest = await fullOf(command);
  const before = guest.commands();
  const time = best(guest.fill);
  const each = (guest.commands() - before) / TRIES;
  // On a doorbell, four rounds; each has at least one command.
  expect(each).toBeGreaterThanOrEqual(4);
  expect(each).toBeLessThanOrEqual(1024);
  expect(time).toBeLessThan(LIMIT_US);
});

it('a poll with a buffer full of INVALIDATE_DEVTAB_ENTRY: four of them', async () => {
  const { vm, commands, fill } = await fullOf(invalidateDevtabEntry(DEVICE));
  fill();
  let read = 0;
  const before = commands();
  const time = best(
    () => {
      read += vm.iommu.service();
    },
    () => {
      if (vm.iommu.block.queue.cons > ENTRIES - 8) fill();
    },
  );
  expect([read, commands() - before]).toEqual([4 * TRIES, 4 * TRIES]);
  expect(time).toBeLessThan(LIMIT_US);
});

it('a poll with INVALIDATE_DEVTAB_ENTRY between commands: one, and those of a store to the tail', async () => {
  const guest = await fullOf(completionWait({ address: DATA + 0x2000, data: 1 }, true));
  const { vm, commands, fill } = guest;
  const memory = { load64: () => 0n, store64: vm.store.bind(vm), allocate: () => 0 };
  for (let i = 0; i < ENTRIES; i += 256)
    storeStructure(memory, RING + AMD_ENTRY_SIZE * i, invalidateDevtabEntry(DEVICE));
  let most = 0;
  const time = best(
    () => {
      const before = commands();
      vm.iommu.service();
      most = Math.max(most, commands() - before);
    },
    () => fill(),
  );
  expect(most).toBeGreaterThan(255);
  expect(most).toBeLessThan(256 + 1024);
  expect(time).toBeLessThan(LIMIT_US);
});

it('an access that becomes a record of the event log', async () => {
  const vm = new AmdVm(await AmdHost.create({ modules })).bringUp();
  const time = best(
    () => vm.write(UNMAPPED, 1),
    () => vm.events(),
  );
  expect([vm.iommu.read(AMD_EVENT_TAIL), vm.events().length]).not.toContain(0);
  expect(time).toBeLessThan(LIMIT_US);
});

it('an access that becomes an entry of the PPR log, and its answer', async () => {
  const vm = new AmdVm(await AmdHost.create({ modules })).bringUp();
  vm.writeDte(vm.dteWord | (1n << 52n));
  expect(vm.complete(invalidateDevtabEntry(DEVICE))).toBe(true);
  vm.port.ats?.configure({ enabled: true, pageRequests: true, silent: false });
  let requests = 0;
  let group = 0;
  const time = best(
    () => {
      vm.write(UNMAPPED, 1);
      // For the previous request: a waiting access requests again.
      vm.send(completePageRequest(DEVICE, group, 0));
    },
    () => {
      for (const [, word1 = 0] of vm.pageRequests()) {
        requests++;
        group = word1 & 0x1ff;
      }
    },
  );
  expect(requests).toBeGreaterThan(200);
  expect(time).toBeLessThan(LIMIT_US);
});

/** The maximum number of one machine's devices with its IOMMU. */
const DEVICES = Array.from({ length: 8 }, (_, i) => DEVICE + i);

/**
 * The registers of a guest's IOMMU with entries for all of them, and tables in pages of
 * its memory.
 */
async function registers() {
  const fake = new FakeHost();
  const { ramGpa: gpa, ramOffset: offset, ramSize: size } = fake;
  const host = await AmdHost.create({ modules });
  const vm = host.createVm('vm', fake.guestMemory, [{ gpa, offset, size }]);
  const iommu = host.createGuestIommu(vm, DEVICES);
  const device = new VirtualAmdIommu(iommu);
  device.attach(fake);
  device.reset();
  const memory = tableMemory(fake.memory);
  const gcr3 = gpa + 0x8000;
  DEVICES.forEach((id) => {
    const at = gpa + 0x1000 + id * AMD_DTE_SIZE;
    memory.store64(at, 0x60c0000000000003n | (BigInt((gcr3 >>> 12) & 7) << 58n));
    memory.store64(at + 8, BigInt(id) | (BigInt((gcr3 >>> 15) & 0xffff) << 16n));
  });
  const bus = new DeviceBus(device);
  bus.write32(AMD_DEVICE_TABLE_BASE, gpa + 0x1000);
  [AMD_COMMAND_BASE, AMD_EVENT_BASE, AMD_PPR_BASE].forEach((register, i) => {
    bus.write32(register, gpa + 0x2000 + 0x1000 * i);
    bus.write32(register + 4, 8 << 24);
  });
  return { bus, iommu };
}

it('a store that enables or disables the IOMMU of a guest with 8 devices', async () => {
  const { bus, iommu } = await registers();
  const on = () => bus.write32(AMD_CONTROL, 0xf01d);
  const off = () => bus.write32(AMD_CONTROL, 0);
  on();
  expect(iommu.domainIds.size).toBe(DEVICES.length);
  const [enable, disable] = [best(on, off), best(off, on)];
  on();
  const buffers = best(
    () => bus.write32(AMD_COMMAND_BASE + 4, 9 << 24),
    () => bus.write32(AMD_COMMAND_BASE + 4, 8 << 24),
  );
  const status = best(() => bus.write32(AMD_STATUS, 0xffffffff));
  expect(Math.max(enable, disable, buffers, status)).toBeLessThan(LIMIT_US);
});
