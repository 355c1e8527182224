// SPDX-License-Identifier: MIT
// The register accesses of Linux's driver, in its order (arm_smmu_device_reset and its
// interrupt handlers), on a guest's SMMU.

import { beforeEach, expect, it } from 'vitest';
import {
  abortSte,
  cfgiAll,
  cfgiSte,
  prefetchConfig,
  stage1Ste,
  sync,
  tlbiNhVa,
  tlbiNsnhAll,
  writeSte,
} from '../../../devices/tables/index.ts';
import {
  BUFFER,
  backend,
  bus,
  CDS,
  EVENT_LINE,
  GERROR_LINE,
  host,
  issue,
  memory,
  PA,
  record,
  STREAMS,
  setUp,
  stage1,
} from './guest-board.ts';

beforeEach(setUp);

/**
 * Writes a register and polls its acknowledgement, as the driver does with CR0 and
 * IRQ_CTRL.
 */
function writeSynchronised(value: number, register: number, ack: number): void {
  bus.write32(register, value);
  expect(bus.read32(ack)).toBe(value);
}

/** Polls for a CMD_SYNC like the driver: until CONS has passed it. */
function waitForSync(...commands: Uint32Array[]): void {
  issue(...commands, sync(2));
  expect(bus.read32(0x9c) & 0xfffff).toBe(bus.read32(0x98));
}

it('probe, reset, attach, DMA, unmap, fault, illegal command, shutdown', () => {
  // Probe: the driver refuses an SMMU without these.
  expect(bus.read32(0x00) & 0x0060000e).toBe(0x0040000a);
  expect((bus.read32(0x04) >>> 21) & 0x1f).toBeGreaterThanOrEqual(7);

  // Every STE is abort at first.
  for (let sid = 0; sid < 16; sid++) writeSte(memory, STREAMS, sid, abortSte());
  const table = stage1();
  writeSte(memory, STREAMS, 8, abortSte());

  // Reset: off, attributes, stream table, command queue.
  expect(bus.read32(0x20)).toBe(0);
  writeSynchronised(0, 0x20, 0x24);
  bus.write32(0x28, 0xd75);
  bus.write32(0x2c, 0x6);
  bus.write64(0x80, 0x4000_0000_0000_0000n | BigInt(STREAMS));
  bus.write32(0x88, 4);
  bus.write64(0x90, 0x4000_0000_8000_2003n);
  bus.write32(0x98, 0);
  bus.write32(0x9c, 0);
  writeSynchronised(0x8, 0x20, 0x24);
  waitForSync(cfgiAll());
  waitForSync(tlbiNsnhAll());

  // Event queue, at its page-1 indexes; ATS; interrupts; enable.
  bus.write64(0xa0, 0x4000_0000_8000_3002n);
  bus.write32(0x100a8, 0);
  bus.write32(0x100ac, 0);
  writeSynchronised(0xc, 0x20, 0x24);
  writeSynchronised(0x1c, 0x20, 0x24);
  writeSynchronised(0, 0x50, 0x54);
  bus.write64(0x68, 0n);
  bus.write64(0xb0, 0n);
  writeSynchronised(0x5, 0x50, 0x54);
  writeSynchronised(0x1d, 0x20, 0x24);
  expect(backend.dma(8, 0x10000)).toBeUndefined();
  backend.forwardEvents();
  expect(bus.read32(0x100a8)).toBe(0);

  // Attach: STE, CFGI_STE with sync, then a prefetch without.
  writeSte(memory, STREAMS, 8, stage1Ste({ contextPtr: CDS }));
  waitForSync(cfgiSte(8));
  issue(prefetchConfig(8));
  expect(backend.dma(8, 0x10040)).toBe(PA + BUFFER + 0x40);

  // Unmap: the stale translation exists until its TLBI.
  table.unmap(0x10000, 0x1000);
  expect(backend.dma(8, 0x10040)).toBe(PA + BUFFER + 0x40);
  waitForSync(
    tlbiNhVa(0, 1, { address: 0x10000, ttl: 3, range: { granule: 0x1000, num: 0, scale: 0 } }),
  );
  expect(backend.dma(8, 0x10040)).toBeUndefined();

  // Event thread: PROD, the record, CONS after each.
  backend.forwardEvents();
  expect([host.pulses(EVENT_LINE), bus.read32(0x100a8)]).toEqual([1, 1]);
  expect(record(0)).toEqual([0x0000_0008_0000_0010n, 0x0000_0200_0000_0000n, 0x10040n, 0n]);
  bus.write32(0x100ac, 1);

  // GERROR handler: overwrites the bad command with a CMD_SYNC, then acknowledges.
  const at = bus.read32(0x98);
  issue(new Uint32Array([0xff, 0, 0, 0]), sync(2));
  expect(host.pulses(GERROR_LINE)).toBe(1);
  const active = bus.read32(0x60) ^ bus.read32(0x64);
  expect(active & 0x1fd).toBe(1);
  expect(bus.read32(0x9c)).toBe(0x01000000 | at);
  memory.store64(0x80002000 + (at % 8) * 16, 0x0fc0_2046n);
  bus.write32(0x64, bus.read32(0x60));
  expect(bus.read32(0x9c) & 0xfffff).toBe(bus.read32(0x98));
  expect(bus.read32(0x60)).toBe(bus.read32(0x64));

  // Shutdown.
  writeSynchronised(0, 0x20, 0x24);
  expect(backend.dma(8, BUFFER)).toBe(PA + BUFFER);
});
