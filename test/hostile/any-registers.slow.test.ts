// SPDX-License-Identifier: MIT
// No sequence of accesses to the registers of the SMMU (including its ECMDQ pages) or of
// the CMDQV, in either role, makes a device throw or return an invalid value; the work
// caused by one access is bounded; and after a reset the device works like a new one.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { AccessSize } from '../../devices/plugin/index.ts';
import { DeviceBus, Random } from '../../devices/testing/index.ts';
import { Subject } from '../../devices/testing/subject.ts';
import { checkedModules } from '../support/findings.ts';
import {
  commandsOf,
  fillRing,
  hotRegisters,
  MOST_COMMANDS,
  type Plugged,
  pluggedDevices,
  RING_BYTES,
} from './plugged-devices.ts';

const modules = await checkedModules();
/** Offsets of a queue's registers, of any named register, or arbitrary. */
const step = fc.record({
  where: fc.nat(),
  anywhere: fc.integer({ min: 0, max: 15 }).map((n) => n === 0),
  hot: fc.boolean(),
  size: fc.nat(),
  write: fc.integer({ min: 0, max: 3 }).map((n) => n > 0),
  value: fc.oneof(
    fc.integer({ min: 0, max: 0xffffffff }),
    fc.constantFrom(0, 1, 3, 8, 0xd, 0xf, 0x1f, 0x10000, 0x80000000, 0x80000001, 0xffffffff),
    fc.integer({ min: 0, max: 20 }),
    // A base address of a ring, of any size.
    fc.integer({ min: 0, max: 31 }).map((log2size) => 0x80000000 + log2size),
  ),
  high: fc.constantFrom(0, 1, 0x40000000, 0xffffffff),
});

describe.each(Object.entries(pluggedDevices(modules)))('%s', (name, plug) => {
  it('accepts any accesses in any order', { timeout: 60_000 }, () => {
    let plugged: Plugged | undefined;
    const subject = new Subject((host) => {
      plugged = plug(host);
      return plugged.device;
    });
    if (!plugged) throw new Error('no device');
    const { device, queues, works, ram } = plugged;
    const { host } = subject;
    const bus = new DeviceBus(device);
    const random = new Random(1);
    const words = new Uint32Array(ram.buffer, ram.byteOffset, RING_BYTES / 4);
    const worksAnew = () => {
      device.reset();
      words.set([0x46, 0, 0, 0]);
      const [error, ...cons] = works(bus).reverse();
      expect([error, ...cons]).toEqual([0, ...cons.map(() => 1)]);
    };
    let ran = 0;
    const property = fc.property(fc.array(step, { minLength: 1, maxLength: 60 }), (steps) => {
      worksAnew();
      fillRing(words, random);
      for (const { where, anywhere, hot, size: nth, write, value, high } of steps) {
        const region = where % device.regions.length;
        const { accessSizes = [4], size: bytes = 0 } = device.regions[region] ?? {};
        const size = accessSizes[nth % accessSizes.length] as AccessSize;
        const registers = hot && region === 0 ? hotRegisters(name) : subject.registers(region);
        const offset = anywhere ? where % bytes : (registers[where % registers.length] ?? 0);
        const before = commandsOf(queues);
        const access = { region, offset: offset - (offset % size), size, lo: 0, hi: 0, vcpu: 0 };
        if (write)
          subject.access('write', {
            ...access,
            lo: size < 4 ? value % 2 ** (8 * size) : value,
            hi: size === 8 ? high : 0,
          });
        else subject.access('read', access);
        const taken = commandsOf(queues) - before;
        expect(taken).toBeLessThanOrEqual(MOST_COMMANDS);
        ran += Math.max(0, taken);
      }
      host.poll();
      worksAnew();
    });
    fc.assert(property, { numRuns: 400 });
    // Some of the accesses have started a queue.
    expect(ran).toBeGreaterThan(0);
  });
});
