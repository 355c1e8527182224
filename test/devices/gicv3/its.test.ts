// SPDX-License-Identifier: MIT
// The ITS, LPIs and their registers, with literal offsets and values (IHI 0069 chapters 5
// and 12), driven like Linux does.

import { beforeEach, describe, expect, it } from 'vitest';
import { loadGicv3 } from '../../../assembly/load.ts';
import { GicIts, Gicv3, gicBlockSize } from '../../../devices/gicv3/index.ts';
import { AT, GicHarness, RAM_GPA } from './gic-harness.ts';
import { DEVICE_TABLE, ITS_GPA, ITTS, ItsHarness, LEVEL_2, QUEUE } from './its-harness.ts';

let gic: ItsHarness;
beforeEach(() => {
  gic = new ItsHarness(2).boot();
});

/** A device with an event that is an LPI of collection 0. */
function mapped(intid = 8192, { device = 8, event = 3 } = {}): void {
  gic.mapd(device, 5, ITTS);
  gic.mapti(device, event, intid, 0);
}

describe('the registers', () => {
  it('show LPIs, and none without an ITS', () => {
    const plain = new GicHarness(2, 32);
    expect([gic.gicd(4), plain.gicd(4)]).toEqual([0x027a0001, 0x02780001]);
    expect([gic.gicr(0, 8), gic.gicr(1, 8)]).toEqual([1, 0x111]);
    expect(plain.gicr(0, 8)).toBe(0);
    for (const [at, value] of [
      [0, 1],
      [0x70, 0xfffff000],
      [0x78, 0xffff0000],
    ] as const) {
      plain.setGicr(0, at, value);
      expect(plain.gicr(0, at)).toBe(0);
    }
  });

  it('describe the ITS as Linux reads it', () => {
    const { its } = new ItsHarness();
    const read = (offset: number, size: 4 | 8 = 8) => {
      const access = { region: 0, offset, size, lo: 0, hi: 0, vcpu: 0 };
      its.read(access);
      return [access.hi, access.lo];
    };
    expect(read(0, 4)).toEqual([0, 0x80000000]);
    expect([read(4, 4), read(8)]).toEqual([
      [0, 0x43b],
      [0, 0x1ef71],
    ]);
    expect(read(0xffe8, 4)).toEqual([0, 0x3b]);
    expect([read(0x100), read(0x108), read(0x110)]).toEqual([
      [0x01070000, 0x200],
      [0x04070000, 0x200],
      [0, 0],
    ]);
    expect([read(0x80), read(0x88), read(0x90)]).toEqual([
      [0, 0],
      [0, 0],
      [0, 0],
    ]);
  });

  it.each([0n, 0x100n, 0x200n])('GITS_BASER keeps what is written with page size 0x%s', (page) => {
    gic.setGits(0, 0, 4);
    for (const [offset, fixed] of [
      [0x100, 0x0107n],
      [0x108, 0x0407n],
    ] as const) {
      const value = 0xf8e0_4567_8000_0cffn | page;
      gic.setGits(offset, value);
      expect(gic.gits(offset)).toBe(value | (fixed << 48n));
    }
    gic.setGits(0x100, 0x300);
    expect(gic.gits(0x100)).toBe(0x0107_0000_0000_0200n);
    gic.setGits(0x110, -1n);
    expect(gic.gits(0x110)).toBe(0n);
  });

  it('GITS_CBASER empties the queue, and stays while the ITS is enabled, as the tables do', () => {
    gic.mapc(3, 0);
    expect(gic.gits(0x90)).not.toBe(0n);
    const before = [gic.gits(0x80), gic.gits(0x100)];
    gic.setGits(0x80, -1n);
    gic.setGits(0x100, -1n);
    expect([gic.gits(0x80), gic.gits(0x100)]).toEqual(before);
    gic.setGits(0, 0, 4);
    gic.setGits(0x80, -1n);
    expect([gic.gits(0x80), gic.gits(0x88), gic.gits(0x90)]).toEqual([
      0xb8ef_ffff_ffff_fcffn,
      0n,
      0n,
    ]);
  });

  it('of no function ignore writes', () => {
    const off = new ItsHarness();
    const block = new Uint8Array(off.memory.buffer, AT, gicBlockSize(1, true));
    const before = block.slice();
    for (let offset = 8; offset < 0x10000; offset += 8) {
      const hasFunction = offset === 0x80 || offset === 0x88 || offset >> 4 === 0x10;
      if (!hasFunction) off.setGits(offset, -1n);
    }
    expect(Buffer.compare(block, before)).toBe(0);
  });

  it('GICR_PROPBASER and PENDBASER keep their fields, and stay while LPIs are enabled', () => {
    const fresh = new ItsHarness();
    fresh.setGicr(0, 0x70, 0xffffffff);
    fresh.setGicr(0, 0x74, 0xffffffff);
    fresh.setGicr(0, 0x78, 0xffffffff);
    fresh.setGicr(0, 0x7c, 0xffffffff);
    const read = () => [0x70, 0x74, 0x78, 0x7c].map((at) => fresh.gicr(0, at));
    const all = [0xffffff9f, 0x070fffff, 0xffff0f80, 0x070fffff];
    expect(read()).toEqual(all);
    fresh.setGicr(0, 0, 0xffffffff);
    expect(fresh.gicr(0, 0)).toBe(1);
    fresh.setGicr(0, 0x70, 0);
    fresh.setGicr(0, 0x7c, 0);
    expect(read()).toEqual(all);
  });

  it('have names', () => {
    const names = [0, 8, 0x80, 0x88, 0x90, 0x108, 0x10040, 0xffe8].map((at) =>
      gic.its.registerName(0, at),
    );
    expect(names.join(' ')).toBe(
      'GITS_CTLR GITS_TYPER GITS_CBASER GITS_CWRITER GITS_CREADR GITS_BASER1 GITS_TRANSLATER GITS_PIDR2',
    );
    expect(gic.its.registerName(0, 0x200)).toBe('gits+0x200');
    expect([0x70, 0x78].map((at) => gic.device.registerName(1, at))).toEqual([
      'GICR_PROPBASER',
      'GICR_PENDBASER',
    ]);
  });
});

describe('an LPI', () => {
  it('is acknowledged once, is never active, and its end drops the priority', () => {
    mapped();
    gic.send(8, 3);
    gic.send(8, 3);
    expect([gic.irq(), gic.mrs(0, 0xc662), gic.iar()]).toEqual([true, 8192, 8192]);
    expect(gic.mrs(0, 0xc65b)).toBe(0xc0);
    gic.send(8, 3);
    // The same priority does not preempt.
    expect([gic.irq(), gic.iar()]).toEqual([false, 1023]);
    gic.eoi(8192);
    expect([gic.irq(), gic.iar()]).toEqual([true, 8192]);
    gic.eoi(8192);
    expect([gic.iar(), gic.mrs(0, 0xc65b)]).toEqual([1023, 0xff]);
  });

  it('is one of all interrupts: the highest priority first, then the lowest INTID', () => {
    mapped(8200);
    gic.mapti(8, 4, 8201, 0);
    gic.mapti(8, 5, 8202, 0);
    gic.enable(40, 'edge');
    gic.configure(8202, 0x83);
    gic.ofEvent(0x0c, 8, 5);
    for (const event of [4, 3, 5]) gic.send(8, event);
    gic.pulse(40);
    const taken: number[] = [];
    for (let i = 0; i < 4; i++) {
      const intid = Number(gic.iar());
      taken.push(intid);
      gic.eoi(intid);
    }
    expect(taken).toEqual([8202, 40, 8200, 8201]);
  });

  it('preempts one of a lower priority, and is masked by PMR', () => {
    mapped();
    gic.configure(8193, 0x43);
    gic.mapti(8, 4, 8193, 0);
    gic.send(8, 3);
    expect(gic.iar()).toBe(8192);
    gic.msr(0, 0xc230, 0x40);
    gic.send(8, 4);
    expect(gic.iar()).toBe(1023);
    gic.msr(0, 0xc230, 0xf0);
    expect([gic.iar(), gic.mrs(0, 0xc65b)]).toEqual([8193, 0x40]);
  });

  it.each<[string, (gic: ItsHarness) => void, (gic: ItsHarness) => void]>([
    [
      'that its byte disables',
      (gic) => gic.configure(8192, 0xc2),
      (gic) => gic.configure(8192, 0xc3),
    ],
    [
      'of a group that GICD_CTLR disables',
      (gic) => gic.setGicd(0, 0),
      (gic) => gic.setGicd(0, 0x13),
    ],
    ['of a vCPU that has it off', (gic) => gic.msr(0, 0xc667, 0), (gic) => gic.msr(0, 0xc667, 1)],
  ])('%s is kept, and delivered afterwards', (_what, block, unblock) => {
    mapped();
    block(gic);
    gic.ofEvent(0x0c, 8, 3);
    gic.send(8, 3);
    expect([gic.irq(), gic.iar()]).toEqual([false, 1023]);
    unblock(gic);
    gic.ofEvent(0x0c, 8, 3);
    expect(gic.iar()).toBe(8192);
  });

  it('keeps the byte that was read of its table until INV or INVALL', () => {
    mapped();
    gic.configure(8192, 0xc2);
    gic.send(8, 3);
    expect(gic.iar()).toBe(8192);
    gic.eoi(8192);
    gic.command(0x0d, 0, 0);
    gic.send(8, 3);
    expect(gic.iar()).toBe(1023);
    gic.configure(8192, 0x83);
    gic.command(0x0d, 0, 1);
    expect(gic.iar()).toBe(8192);
  });

  it('beyond the bits of GICR_PROPBASER does not exist', () => {
    const small = new ItsHarness();
    small.setGicd(0, 0x13);
    small.start();
    small.msr(0, 0xc230, 0xf0);
    small.msr(0, 0xc667, 1);
    for (const intid of [16383, 16384]) small.configure(intid, 0xc3);
    small.enableLpis(0, 14);
    small.mapc(0, 0);
    small.mapd(8, 5, ITTS);
    small.mapti(8, 0, 16384, 0);
    small.mapti(8, 1, 16383, 0);
    small.send(8, 0);
    expect(small.iar()).toBe(1023);
    small.send(8, 1);
    expect(small.iar()).toBe(16383);
  });

  it('is read from the pending table when LPIs are enabled, unless PTZ declares it empty', () => {
    gic.setGicr(0, 0, 0);
    gic.store64(RAM_GPA + 0x30000 + 8192 / 8, 1n << 5n);
    gic.setGicr(0, 0x7c, 0x40000000);
    gic.setGicr(0, 0, 1);
    expect([gic.gicr(0, 0x7c), gic.iar()]).toEqual([0, 1023]);
    gic.setGicr(0, 0, 0);
    gic.setGicr(0, 0x7c, 0);
    gic.setGicr(0, 0, 1);
    expect(gic.iar()).toBe(8197);
  });

  it('disappears when LPIs are disabled, of this vCPU alone', () => {
    mapped();
    gic.mapti(8, 4, 8193, 1);
    gic.send(8, 3);
    gic.send(8, 4);
    gic.setGicr(0, 0, 0);
    expect([gic.gicr(0, 0), gic.irq(0), gic.irq(1)]).toEqual([0, false, true]);
    gic.send(8, 3);
    gic.setGicr(0, 0, 1);
    expect([gic.iar(0), gic.iar(1)]).toEqual([1023, 8193]);
  });

  it.each([
    ['MOVI', () => gic.ofEvent(0x01, 8, 3, 1)],
    ['MOVALL', () => gic.command(0x0e, 0, 0, 1 << 16)],
  ])('that %s moves to a vCPU without LPIs is lost', (_name, move) => {
    mapped();
    gic.setGicr(1, 0, 0);
    gic.send(8, 3);
    move();
    expect([gic.errors.count, gic.irq(0), gic.irq(1)]).toEqual([0, false, false]);
    gic.setGicr(1, 0, 1);
    expect(gic.irq(1)).toBe(false);
  });

  it('is acknowledged by one that checks when it is notified, and notifies no other', () => {
    mapped();
    const words = new Uint32Array(gic.memory.buffer);
    gic.device.connect(0, 0x100, 0x104);
    gic.device.connect(1, 0x108, 0x10c);
    words.fill(7, 0x104 >> 2, (0x104 >> 2) + 1);
    gic.send(8, 3);
    expect([words[0x100 >> 2], words[0x104 >> 2], words[0x108 >> 2]]).toEqual([1, 0, 0]);
    expect(gic.iar()).toBe(8192);
    gic.eoi(8192);
    expect([gic.irq(), words[0x100 >> 2]]).toEqual([false, 0]);
  });
});

describe('a message', () => {
  it('needs an ITS that is on', () => {
    mapped();
    gic.setGits(0, 0, 4);
    gic.send(8, 3);
    gic.setGits(0, 1, 4);
    expect(gic.iar()).toBe(1023);
    gic.send(8, 3);
    expect(gic.iar()).toBe(8192);
  });

  it('is a write to GITS_TRANSLATER with a DeviceID', () => {
    mapped();
    const controller = gic.its.msiController(ITS_GPA);
    expect(controller.doorbells).toEqual([{ gpa: 0x08090000, size: 0x10000 }]);
    expect(controller.send(8, 0x08090044, 3)).toBe(false);
    expect(controller.send(8, 0x08080040, 3)).toBe(false);
    expect(controller.send(undefined, 0x08090040, 3)).toBe(false);
    // A vCPU has no DeviceID.
    gic.setGits(0x10040, 3, 4);
    expect(gic.iar()).toBe(1023);
    // An event without a mapping is dropped, which is not an error of the device.
    for (const device of [9, 0xffff, 0x10008, 0xffffffff])
      expect(controller.send(device, 0x08090040, 3)).toBe(true);
    for (const event of [2, 31, 32, 0xffffffff])
      expect(controller.send(8, 0x08090040, event)).toBe(true);
    expect(gic.iar()).toBe(1023);
    expect(controller.send(8, 0x08090040, 3)).toBe(true);
    expect(gic.iar()).toBe(8192);
  });
});

describe('the command queue', () => {
  it('wraps, and is executed up to GITS_CWRITER by its write', () => {
    mapped();
    for (let i = 0; i < 5000; i++) gic.queue(0x05);
    gic.ring();
    expect([gic.gits(0x90), gic.errors.count]).toEqual([gic.gits(0x88), 0]);
    gic.queue(0x03n | (8n << 32n), 3);
    expect(gic.iar()).toBe(1023);
    gic.ring();
    expect(gic.iar()).toBe(8192);
  });

  it('waits while the ITS is off, and is executed when it is on', () => {
    gic.setGits(0, 0, 4);
    mapped();
    expect([gic.gits(0x90) === gic.gits(0x88), gic.gits(0, 4)]).toEqual([false, 0x80000000n]);
    gic.setGits(0, 1, 4);
    gic.send(8, 3);
    expect([gic.gits(0x90) === gic.gits(0x88), gic.iar()]).toEqual([true, 8192]);
  });

  it('continues after a command in error, which is traced', () => {
    const traced: unknown[] = [];
    const unused = () => undefined;
    gic.its.attach({
      ...({} as Parameters<GicIts['attach']>[0]),
      background: () => unused,
      trace: (event) => traced.push(event),
    });
    gic.queue(0x77);
    gic.queue(0x0dn, 0, 0x55);
    gic.queue(0x08n | (8n << 32n), 4, BigInt(ITTS) | (1n << 63n));
    gic.ring();
    expect(gic.gits(0x90)).toBe(gic.gits(0x88));
    expect(traced).toEqual([{ name: 'command error', error: '0x010d09', count: 2 }]);
    gic.mapti(8, 3, 8192, 0);
    gic.send(8, 3);
    expect(gic.iar()).toBe(8192);
  });

  it('ignores a GITS_CWRITER beyond its end', () => {
    const before = gic.gits(0x88);
    gic.setGits(0x88, 0x10000);
    expect(gic.gits(0x88)).toBe(before);
  });

  it('of only INVALL is executed one by one, and a waiter makes progress', () => {
    gic.setGits(0, 0, 4);
    gic.setGits(0x80, BigInt(QUEUE) | (1n << 63n));
    for (let at = 0; at < 0x1000; at += 32) gic.store64(QUEUE + at, 0x0dn);
    gic.setGits(0x88, 0xfe0);
    const words = new Uint32Array(gic.memory.buffer, AT + 0x104, 1);
    gic.setGits(0, 1, 4);
    expect(words[0]).toBe(32);
    expect(gic.gits(0, 4)).toBe(1n);
    for (let done = 64; done <= 0xfe0; done += 32) expect(gic.gits(0x90)).toBe(BigInt(done));
    expect(gic.gits(0, 4)).toBe(0x80000001n);
  });

  it('is executed in the background when no one waits for it', () => {
    let poll = () => 0;
    gic.its.attach({
      ...({} as Parameters<GicIts['attach']>[0]),
      background: (loop) => {
        poll = () => loop.poll();
        return () => undefined;
      },
      trace: () => undefined,
    });
    expect(poll()).toBe(0);
    for (let i = 0; i < 100; i++) gic.queue(0x0d);
    gic.ring();
    const words = new Uint32Array(gic.memory.buffer, AT + 0x104, 2);
    expect(words[0]).not.toBe(words[1]);
    while (poll() > 0);
    expect(words[0]).toBe(words[1]);
  });

  it('outside RAM, and tables outside RAM, end in errors', () => {
    const lost = new ItsHarness();
    lost.setGits(0x80, 0x1000n | (1n << 63n));
    lost.setGits(0, 1, 4);
    lost.setGits(0x88, 0x40);
    expect([lost.gits(0x90), lost.errors.count]).toEqual([0x40n, 2]);
    lost.setGits(0, 0, 4);
    lost.setGits(0x100, 0x000f_ffff_ffff_0000n | (1n << 63n));
    lost.setGits(0x108, 0xffff_f000n | 0xffn | (1n << 63n) | (1n << 62n));
    lost.setGits(0x80, BigInt(QUEUE) | (1n << 63n));
    lost.setGits(0, 1, 4);
    lost.mapd(8, 5, ITTS);
    expect(lost.errors).toEqual({ count: 3, last: 0x010801 });
    lost.mapc(0, 0);
    expect(lost.errors).toEqual({ count: 4, last: 0x010903 });
    lost.send(8, 0);
    expect(lost.irq()).toBe(false);
  });
});

describe('tables in RAM', () => {
  const VALID = 1n << 63n;

  it.each([
    [0, 0x1000],
    [1, 0x4000],
    [2, 0x10000],
  ] as const)('are flat or of two levels, with page size %i', (pageSize, page) => {
    const flat = new ItsHarness().start({ pageSize, pages: 2 });
    const last = (2 * page) / 8 - 1;
    flat.mapd(last, 5, ITTS);
    expect(flat.load64(DEVICE_TABLE + 2 * page - 8) & VALID).toBe(VALID);
    flat.mapd(last + 1, 5, ITTS);
    expect(flat.errors).toEqual({ count: 1, last: 0x010801 });
    const deep = new ItsHarness().start({ pageSize, pages: 1, indirect: [0, page / 8] });
    deep.mapd(page / 8 + 3, 5, ITTS);
    expect(deep.load64(LEVEL_2 + page + 24) & VALID).toBe(VALID);
    deep.mapd(page / 8 + 3, 5, ITTS, false);
    expect(deep.load64(LEVEL_2 + page + 24) & VALID).toBe(0n);
    deep.mapd(page / 4, 5, ITTS);
    expect(deep.errors).toEqual({ count: 1, last: 0x010801 });
  });

  it('that software fills with anything lead nowhere else', () => {
    const block = AT + gicBlockSize(2, true);
    const bytes = new Uint8Array(gic.memory.buffer);
    bytes.fill(0x5a, 0, AT);
    bytes.fill(0x5a, block, gic.ram?.offset);
    let random = 9;
    const next = () => {
      random = (Math.imul(random, 1664525) + 1013904223) >>> 0;
      return random;
    };
    const wide = () => (BigInt(next()) << 32n) | BigInt(next());
    const some = () => {
      const value = wide() | (next() % 2 ? 1n << 63n : 0n);
      // Often an address in RAM, or near it.
      return next() % 2
        ? (value & 0xff00_0000_0000_0fffn) | BigInt(RAM_GPA + (next() % 0xd00000))
        : value;
    };
    for (let i = 0; i < 1500; i++) {
      const command = BigInt([1, 3, 4, 5, 8, 9, 10, 11, 12, 15][next() % 10] ?? 0);
      const device = BigInt(next() % 8) << 32n;
      gic.queue(command | device, some(), some(), some());
      gic.ring();
      gic.store64(RAM_GPA + 0x100000 + 8 * (next() % 8), some());
      gic.store64(RAM_GPA + 0x80000 + 8 * (next() % 8), some());
      gic.store64(ITTS + 8 * (next() % 64), some());
      gic.send(next() % 8, next() % 64);
      if (i % 50 === 0) {
        gic.setGits(0, 0, 4);
        for (const at of [0x100, 0x108]) gic.setGits(at, some());
        gic.setGits(0, 1, 4);
        gic.setGicr(1, 0, 0);
        gic.setGicr(1, 0x70, next());
        gic.setGicr(1, 0x78, next());
        gic.setGicr(1, 0, 1);
      }
      gic.iar(next() % 2);
    }
    expect(bytes.subarray(0, AT).every((byte) => byte === 0x5a)).toBe(true);
    expect(bytes.subarray(block, gic.ram?.offset).every((byte) => byte === 0x5a)).toBe(true);
  });

  it('are of whole pages, below 4 GiB and in the memory', async () => {
    const { memory } = gic;
    const module = await loadGicv3();
    const make = (gpa: number, offset: number, size: number) =>
      new Gicv3({ module, memory, at: AT, vcpus: 1, spis: 32, lpiTables: { gpa, offset, size } });
    for (const [gpa, offset, size] of [
      [0x800, 0x100000, 0x1000],
      [0, 0x100000, 0x800],
      [0xfffff000, 0x100000, 0x2000],
      [0, memory.buffer.byteLength, 0x1000],
    ] as const)
      expect(() => make(gpa, offset, size)).toThrow('lpiTables is RAM of whole pages');
  });
});

describe('reset, save and restore', () => {
  it('reset leaves nothing pending, LPIs disabled and the ITS off', () => {
    mapped();
    gic.send(8, 3);
    gic.device.reset();
    gic.its.reset();
    expect([gic.gicr(0, 0), gic.gits(0, 4), gic.gits(0x80), gic.irq()]).toEqual([
      0,
      0x80000000n,
      0n,
      false,
    ]);
  });

  it('a restored state has pending LPIs, cached table bytes and commands that were not executed yet', () => {
    mapped();
    gic.mapti(8, 4, 8193, 1);
    gic.configure(8192, 0xc2);
    gic.send(8, 3);
    gic.send(8, 4);
    const other = new ItsHarness(2);
    other.device.restore(structuredClone(gic.device.save()));
    other.its.restore(structuredClone(gic.its.save()));
    expect([other.device.save(), other.its.save()]).toEqual([gic.device.save(), gic.its.save()]);
    expect([other.iar(0), other.iar(1)]).toEqual([8192, 8193]);
    // Tables are in RAM, which is not part of the devices' state.
    new Uint8Array(other.memory.buffer, other.ram?.offset).set(
      new Uint8Array(gic.memory.buffer, gic.ram?.offset),
    );
    other.send(8, 4);
    other.eoi(8193, 1);
    expect(other.iar(1)).toBe(8193);
  });

  it('an invalid state is refused, and a state with too many vCPUs affects no vCPU beyond the last', () => {
    const state = gic.device.save() as Record<string, number[]>;
    for (const lpis of [[], [0, 57343], [0, 57345], [0]])
      expect(() => gic.device.restore({ ...state, lpis })).toThrow('the state is not of this');
    const plain = new GicHarness(2, 32);
    expect(() => plain.device.restore(state)).toThrow('the state is not of this device');
    const beyond = new Uint8Array(gic.memory.buffer, AT + gicBlockSize(2, true), 0x1000);
    gic.device.restore({ ...state, lpis: [0x00ff0025, 57344] });
    expect(beyond.every((byte) => byte === 0)).toBe(true);
    expect(() => gic.its.restore({ ...(gic.its.save() as object), queue: [1] })).toThrow(
      'the state is not of this device',
    );
  });

  it('an ITS is one of a GIC with LPIs', async () => {
    const { memory } = new GicHarness(1, 32);
    const module = await loadGicv3();
    expect(() => new GicIts({ module, memory, at: AT })).toThrow('a GIC with an ITS has LPIs');
  });
});
