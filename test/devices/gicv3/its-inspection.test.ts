// SPDX-License-Identifier: MIT
// Inspection of an ITS: the tables in RAM that its commands have built, even if software
// overwrites them.

import { describe, expect, it } from 'vitest';
import { Random } from '../../../devices/testing/index.ts';
import { itsText } from '../../../vmm/gdb/its-text.ts';
import { DEVICE_TABLE, ITTS, ItsHarness, QUEUE } from './its-harness.ts';

const RAM_GPA = DEVICE_TABLE - 0x100000;
const linesOf = (gic: ItsHarness) => itsText(gic.its.inspect()).trimEnd().split('\n');

describe('an ITS that is looked at', () => {
  it('has nothing out of reset', () => {
    expect(linesOf(new ItsHarness(2))).toEqual([
      'ITS: disabled',
      '  command queue: none',
      '  device table: none',
      '  collection table: none',
      '  vCPU 0: LPIs disabled',
      '  vCPU 1: LPIs disabled',
    ]);
  });

  it('has queue, tables, collections, devices and LPIs', () => {
    const gic = new ItsHarness(2).boot();
    gic.mapd(0x18, 2, ITTS);
    gic.mapti(0x18, 0, 8192, 0);
    gic.mapti(0x18, 3, 8200, 1);
    gic.mapd(0xffff, 5, ITTS + 0x1000);
    gic.mapti(0xffff, 1, 8195, 7);
    gic.send(0x18, 3);
    // The redistributor has not been notified yet.
    gic.configure(8192, 0x80);
    const lines = linesOf(gic);
    expect(lines.slice(0, 2)).toEqual([
      'ITS: enabled',
      `  command queue: 64 KiB at 0x${QUEUE.toString(16)}, CREADR 0xe0, CWRITER 0xe0`,
    ]);
    expect(lines[2]).toBe(
      `  device table: flat, 8 pages of 64 KiB at 0x${DEVICE_TABLE.toString(16)}`,
    );
    expect(lines[4]).toMatch(
      /^ {2}vCPU 0: LPIs enabled, INTIDs of 16 bits, configuration table 0x/,
    );
    const itt = (offset: number) => `0x${(ITTS + offset).toString(16)}`;
    expect(lines.slice(6)).toEqual([
      '  collection 0: vCPU 0',
      '  collection 1: vCPU 1',
      `  device 0x18: 4 events at ${itt(0)}`,
      '    event 0: LPI 8192, enabled, priority 0xc0 (its table: disabled, priority 0x80, without INV), collection 0 (vCPU 0)',
      '    event 3: LPI 8200, enabled, priority 0xc0, pending on vCPU 1, collection 1 (vCPU 1)',
      `  device 0xffff: 32 events at ${itt(0x1000)}`,
      '    event 1: LPI 8195, enabled, priority 0xc0, collection 7 (not mapped)',
    ]);
    // INV, then the pending LPI is acknowledged.
    gic.ofEvent(0x0c, 0x18, 0);
    gic.ofEvent(0x04, 0x18, 3);
    const [, , , first, second] = linesOf(gic).slice(6);
    expect(first).toContain('LPI 8192, disabled, priority 0x80, collection 0');
    expect(second).toBe('    event 3: LPI 8200, enabled, priority 0xc0, collection 1 (vCPU 1)');
  });

  it('has tables of two levels, and commands in error', () => {
    const gic = new ItsHarness();
    gic.start({ pageSize: 0, pages: 1, indirect: [0x18, 0x4321] });
    gic.mapd(0x4321, 1, ITTS);
    gic.mapd(0x7000, 1, ITTS);
    const lines = linesOf(gic);
    expect(lines[1]).toContain(', 1 commands in error, the last 0x10801');
    expect(lines[2]).toContain('two levels, 1 page of 4 KiB at');
    expect(lines.slice(5)).toEqual([`  device 0x4321: 2 events at 0x${ITTS.toString(16)}`]);
  });

  it('reads no more than it may, regardless of the tables', () => {
    const gic = new ItsHarness(2).boot();
    // All devices have all possible events, in the same table, whose entries are all
    // valid.
    for (let device = 0; device < 0x10000; device++)
      gic.store64(DEVICE_TABLE + 8 * device, (1n << 63n) | BigInt(ITTS) | 15n);
    for (let event = 0; event < 0x10000; event++)
      gic.store64(ITTS + 8 * event, (1n << 63n) | (BigInt(event % 3) << 32n) | BigInt(event));
    const lines = linesOf(gic);
    expect(lines.length).toBeLessThan(1100);
    expect(lines.at(-1)).toBe('  and more, which is not shown');
    expect(lines).toContain('    event 5: INTID 5, which is no LPI, collection 2 (not mapped)');
  });

  it('has a result for any tables and registers', () => {
    const random = new Random(9);
    const gic = new ItsHarness(2).boot();
    for (let run = 0; run < 200; run++) {
      const size = random.pick([0, 1, 2, 3]);
      gic.setGits(0, 0, 4);
      for (const register of [0x80, 0x100, 0x108])
        gic.setGits(
          register,
          (BigInt(random.word()) << 32n) |
            BigInt((RAM_GPA + 0x1000 * random.below(0x1000) + (size << 8) + random.below(4)) >>> 0),
        );
      for (let i = 0; i < 64; i++)
        gic.store64(
          DEVICE_TABLE + 8 * random.below(64),
          (BigInt(random.word()) << 32n) | BigInt(RAM_GPA + random.below(0x800000)),
        );
      expect(itsText(gic.its.inspect())).toMatch(/^ITS: disabled\n/);
    }
  });
});
