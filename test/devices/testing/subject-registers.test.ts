// SPDX-License-Identifier: MIT

import { expect, it } from 'vitest';
import { unnamedRegister } from '../../../devices/plugin/index.ts';
import { Subject } from '../../../devices/testing/subject.ts';
import { ScratchDevice } from '../../support/scratch-device.ts';

/** Counts how often it is asked for a name. */
class Asked extends ScratchDevice {
  static times = 0;
  override registerName(region: number, offset: number): string {
    Asked.times++;
    if (offset % 0x800 === 8) return super.registerName(region, offset);
    return unnamedRegister(this.regions[region], offset);
  }
}

it('devices of one factory are asked for the names of their registers once', () => {
  Asked.times = 0;
  const factory = () => new Asked();
  const found = [new Subject(factory), new Subject(factory)].map((one) => one.registers(0));
  expect(found).toEqual([
    [0x8, 0x808],
    [0x8, 0x808],
  ]);
  expect(Asked.times).toBe(0x400);
  const other = new Subject(() => new Asked());
  expect(other.registers(0)).toEqual([0x8, 0x808]);
  expect(Asked.times).toBe(0x800);
});

it('a device with other regions than the first one of its factory has its own registers', () => {
  let size = 0x1000;
  const factory = () => new Asked({ size });
  expect(new Subject(factory).registers(0)).toEqual([0x8, 0x808]);
  size = 0x2000;
  expect(new Subject(factory).registers(0)).toEqual([0x8, 0x808, 0x1008, 0x1808]);
});

it('volatile registers must exist, also where the registers are known', () => {
  const factory = () => new Asked();
  expect(new Subject(factory, { volatile: ['R8'] }).isVolatile(0, 8)).toBe(true);
  expect(() => new Subject(factory, { volatile: ['R9'] })).toThrow(/R9/);
});
