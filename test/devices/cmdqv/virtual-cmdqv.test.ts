// SPDX-License-Identifier: MIT
// The guest role: wired bits, shadows, and when HW queues and the direct map are added
// and removed.

import { describe, expect, it } from 'vitest';
import { checkedModules } from '../../support/findings.ts';
import { VMID } from '../../support/vintf-backend.ts';
import { VirtualBoard } from '../../support/virtual-cmdqv.ts';

const modules = await checkedModules();
const board = (options = {}) => new VirtualBoard(modules, options);
/** Literal words of the physical VINTF's configuration block. */
const VINTF1 = 0x1100;

describe('what a guest has no power over', () => {
  it('VINTF_CONFIG write with HYP_OWN=1 reads back 0', () => {
    const { bus, backend } = board();
    bus.write32(0x1000, 1 << 17);
    expect(bus.read32(0x1000)).toBe(0);
    bus.write32(0x1000, (1 << 17) | 1);
    expect(bus.read32(0x1000)).toBe(1);
    expect(backend.physical.read32(VINTF1) >>> 17).toBe(0);
  });

  it('VINTF_CONFIG.VMID reads back and leaves the physical VMID alone', () => {
    const { bus, backend } = board();
    bus.write32(0x1000, (0x55 << 1) | 1);
    expect(bus.read32(0x1000)).toBe((0x55 << 1) | 1);
    expect(backend.context.vmid).toBe(VMID);
    expect(backend.physical.read32(VINTF1)).toBe((VMID << 1) | 1);
  });

  it('SID_MATCH and SID_REPLACE read back and leave the physical pairs alone', () => {
    const { bus, backend } = board();
    backend.physical.write32(VINTF1 + 0x80, 0x10100);
    backend.physical.write32(VINTF1 + 0x40, 0x11);
    bus.write32(0x1080, 0x20200);
    bus.write32(0x1040, 0x21);
    expect([bus.read32(0x1040), bus.read32(0x1080)]).toEqual([0x21, 0x20200]);
    expect([backend.context.sidMatch(0), backend.context.sidReplace(0)]).toEqual([0x11, 0x10100]);
  });

  it('CMDQ_ALLOC reads back any owner and moves no queue', () => {
    const { bus, backend } = board();
    bus.write32(0x1000, 1);
    bus.write64(0x40000, 0x80001004n);
    bus.write32(0x0200, (5 << 15) | (9 << 1) | 1);
    expect(bus.read32(0x0200)).toBe((5 << 15) | (9 << 1) | 1);
    expect(backend.calls).toEqual(['enable', 'allocate 0 0x80001000 4', 'map']);
    expect(backend.context.queueOf(0)).toBe(2);
  });

  it('has one VINTF and no registers of another', () => {
    const { bus } = board();
    expect(bus.read32(0x0004)).toBe(0x4011);
    for (const offset of [0x1100, 0x1140, 0x0208, 0x10100, 0x20100, 0x30100, 0x40100]) {
      bus.write32(offset, 0xffffffff);
      expect(bus.read32(offset)).toBe(0);
    }
  });
});

describe('HW queues', () => {
  const steps: [string, (b: VirtualBoard) => void][] = [
    ['ALLOCATED', (b) => b.bus.write32(0x0200, 1)],
    ['BASE', (b) => b.bus.write64(0x20000, 0x80001004n)],
    ['VINTF_CONFIG.EN', (b) => b.bus.write32(0x1000, 1)],
    ['CONFIG.EN', (b) => b.bus.write32(0x0000, 1)],
  ];

  it.each(steps)('are allocated when %s is the last of the four conditions', (last, finish) => {
    const b = board();
    b.bus.write32(0x0000, 0);
    for (const [name, step] of steps) if (name !== last) step(b);
    expect(b.backend.calls.filter((call) => call.startsWith('allocate'))).toEqual([]);
    finish(b);
    expect(b.backend.calls.filter((call) => call.startsWith('allocate'))).toEqual([
      'allocate 0 0x80001000 4',
    ]);
  });

  it.each([
    ['ALLOCATED', 0x0200],
    ['VINTF_CONFIG.EN', 0x1000],
    ['CONFIG.EN', 0x0000],
  ])('are freed, the highest first, when %s goes away', (_name, offset) => {
    const b = board();
    b.bringUp(2);
    b.backend.calls.length = 0;
    b.bus.write32(offset, 0);
    expect(b.backend.calls.filter((call) => call.startsWith('free'))).toEqual(['free 1', 'free 0']);
    expect(b.page0).toBeUndefined();
  });

  it('are replaced when BASE names another ring, and left alone when it names the same', () => {
    const b = board();
    b.bringUp();
    b.backend.calls.length = 0;
    b.bus.write64(0x40000, 0x80001004n);
    expect(b.backend.calls).toEqual([]);
    b.bus.write64(0x40000, 0x80003004n);
    expect(b.backend.calls).toEqual(['free 0', 'allocate 0 0x80003000 4']);
    b.put(0, 0x3000, 0x46);
    b.store(0x04, 1);
    expect(b.load(0x00)).toBe(1);
  });

  it('start with what the guest had written to the slot before', () => {
    const b = board();
    b.put(3, 0x1000, 0x46);
    b.bus.write32(0x30000, 3);
    b.bus.write32(0x30004, 4);
    b.bus.write32(0x30008, 1);
    b.bus.write64(0x40000, 0x80001004n);
    b.bus.write32(0x0200, 1);
    expect(b.bus.read32(0x3000c)).toBe(0);
    b.bus.write32(0x1000, 1);
    expect([b.load(0x00), b.load(0x04), b.load(0x08), b.load(0x0c)]).toEqual([4, 4, 1, 1]);
  });

  it('keep CONS, PROD, CONFIG and GERRORN when they are freed', () => {
    const b = board();
    b.bringUp();
    b.put(0, 0x1000, 0x46);
    b.store(0x04, 1);
    b.bus.write32(0x1000, 0);
    expect([0x30000, 0x30004, 0x30008, 0x3000c].map((offset) => b.bus.read32(offset))).toEqual([
      1, 1, 1, 0,
    ]);
    b.bus.write32(0x1000, 1);
    expect([0x30000, 0x30004, 0x30008, 0x3000c].map((offset) => b.bus.read32(offset))).toEqual([
      1, 1, 1, 1,
    ]);
  });

  it.each([
    ['without a shutdown', [] as const],
    ['with page 0 trapping', [0x1000] as const],
  ])(
    'come back disabled, at 0 and off their old rings when CMDQV_EN goes to 0 and 1: %s',
    (_name, first) => {
      const b = board();
      b.bringUp(2);
      for (const [slot, ring] of [0x1000, 0x2000].entries()) {
        b.put(0, ring, 0x46);
        b.store(0x80 * slot + 0x04, 1);
      }
      expect([b.bus.read32(0x30000), b.bus.read32(0x30080)]).toEqual([1, 1]);
      for (const offset of first) b.bus.write32(offset, 0);
      b.bus.write32(0x0000, 0);
      b.backend.calls.length = 0;
      b.bus.write32(0x0000, 1);
      b.bus.write32(0x1000, 1);
      // CONS, PROD, CONFIG and STATUS, and BASE, of both.
      const registers = [0x30000, 0x30004, 0x30008, 0x3000c, 0x40000];
      for (const slot of [0, 0x80])
        expect(registers.map((offset) => b.bus.read64(offset + slot) & 0xffff_ffffn)).toEqual([
          0n,
          0n,
          0n,
          0n,
          0n,
        ]);
      // CMDQ_ALLOC keeps its value. A new ring is accepted, and no error is reported.
      expect([b.bus.read32(0x0200), b.backend.calls, b.host.pulses(0)]).toEqual([1, ['enable'], 0]);
      b.bus.write64(0x40000, 0x80003004n);
      b.put(0, 0x3000, 0x46);
      b.store(0x08, 1);
      b.store(0x04, 1);
      expect([b.backend.calls[1], b.load(0x00), b.load(0x0c)]).toEqual([
        'allocate 0 0x80003000 4',
        1,
        1,
      ]);
    },
  );

  it.each([
    ['is not aligned to its size', 0x80001024n],
    ['does not lie in RAM', 0x70001004n],
    ['is larger than the host takes', 0x80000009n],
    ['lies beyond 32 bits', 0x1_8000_1004n],
  ])('fail with CMDQ_INIT_ERR when the ring %s', (_name, base) => {
    const b = board();
    b.bus.write32(0x1000, 1);
    b.bus.write32(0x0200, 1);
    b.bus.write64(0x40000, base);
    b.bus.write32(0x30008, 1);
    expect([b.bus.read32(0x30010), b.bus.read32(0x3000c)]).toEqual([4, 0]);
    expect(b.host.log).toEqual(['pulse 0']);
    expect(b.bus.read32(0x10c0)).toBe(1);
    b.bus.write32(0x30014, 4);
    expect(b.bus.read32(0x10c0)).toBe(0);
  });

  it('fail with CMDQ_INIT_ERR when an allocated queue is enabled without a ring', () => {
    const b = board();
    b.bus.write32(0x1000, 1);
    b.bus.write32(0x0200, 1);
    expect(b.bus.read32(0x30010)).toBe(0);
    // Neither a queue that stays disabled nor another register needs a ring.
    b.bus.write32(0x30008, 0);
    b.bus.write32(0x30014, 1);
    expect([b.bus.read32(0x30010), b.host.pulses(0)]).toEqual([0, 0]);
    b.bus.write32(0x30008, 1);
    expect([b.bus.read32(0x30010), b.host.pulses(0)]).toEqual([4, 1]);
  });

  it('fail with CMDQ_INIT_ERR out of turn, and recover when the slot below has one', () => {
    const b = board();
    b.bus.write32(0x1000, 1);
    b.bus.write32(0x0204, 1);
    b.bus.write64(0x40080, 0x80002004n);
    expect([b.bus.read32(0x30090), b.backend.calls]).toEqual([4, ['enable']]);
    b.bus.write32(0x30094, 4);
    b.bus.write32(0x0200, 1);
    b.bus.write64(0x40000, 0x80001004n);
    expect(b.backend.calls.slice(1)).toEqual([
      'allocate 0 0x80001000 4',
      'allocate 1 0x80002000 4',
      'map',
    ]);
    expect([b.load(0x90), b.load(0x94), b.bus.read32(0x10c0)]).toEqual([4, 4, 0]);
  });

  it.each([
    ['CMDQ_ALLOC = 0', (b: VirtualBoard) => b.bus.write32(0x0200, 0)],
    ['BASE = 0', (b: VirtualBoard) => b.bus.write64(0x40000, 0n)],
  ])('that lose their turn through %s of a slot below are gone without a word', (_name, write) => {
    const b = board();
    b.bringUp(2);
    write(b);
    expect([b.bus.read32(0x3000c), b.bus.read32(0x3008c)]).toEqual([0, 0]);
    expect([0x30010, 0x30090, 0x10c0].map((offset) => b.bus.read32(offset))).toEqual([0, 0, 0]);
    expect(b.host.pulses(0)).toBe(0);
    // Only the slot that is written may report an error, and it does.
    b.bus.write64(0x40080, 0x80003004n);
    expect([b.bus.read32(0x30090), b.host.pulses(0)]).toEqual([4, 1]);
  });

  it('that waited for the slot below and still get none report no second error', () => {
    const b = board();
    b.bus.write32(0x1000, 1);
    b.bus.write32(0x0204, 1);
    b.bus.write64(0x40080, 0x80002024n);
    b.bus.write32(0x30094, b.bus.read32(0x30090));
    b.bus.write32(0x0200, 1);
    b.bus.write64(0x40000, 0x80001004n);
    expect([b.bus.read32(0x30090), b.bus.read32(0x30094), b.host.pulses(0)]).toEqual([4, 4, 1]);
  });

  it('are gone after a reset, and page 0 traps again', () => {
    const b = board();
    b.bringUp(2);
    b.device.reset();
    expect(b.backend.calls.slice(-4)).toEqual(['unmap', 'free 1', 'free 0', 'disable']);
    expect([b.page0, b.bus.read32(0x30004), b.bus.read32(0x1000)]).toEqual([undefined, 0, 0]);
  });
});

describe('page 0', () => {
  it('is mapped at the logical view with the doorbell of the VINTF', () => {
    const b = board();
    b.bringUp();
    expect(b.host.maps).toMatchObject([
      { region: 0, offset: 0x30000, length: 0x10000, doorbell: 1, mapped: true },
    ]);
  });

  it('also serves slots that have no HW queue yet, as Linux brings them up one by one', () => {
    const b = board();
    b.bus.write32(0x30084, 7);
    b.bringUp();
    expect([b.load(0x84), b.load(0x8c), b.load(0x90), b.load(0x94)]).toEqual([7, 0, 0, 0]);
    b.store(0x88, 0);
    b.store(0x84, 0);
    b.store(0x80, 0);
    b.bus.write32(0x0204, 1);
    b.bus.write64(0x40080, 0x80002004n);
    b.store(0x88, 1);
    expect(b.load(0x8c)).toBe(1);
    b.put(0, 0x2000, 0x46);
    b.store(0x84, 1);
    expect(b.load(0x80)).toBe(1);
  });

  it('traps in the direct view, which shows the same registers', () => {
    const b = board();
    b.bringUp();
    b.put(0, 0x1000, 0x46);
    b.bus.write32(0x10004, 1);
    expect([b.bus.read32(0x10000), b.load(0x00), b.load(0x04)]).toEqual([1, 1, 1]);
  });

  it('works trapped where the host refuses direct maps', () => {
    const b = board({ directMaps: false });
    b.bringUp(2);
    b.put(0, 0x2000, 0x46);
    b.bus.write32(0x30084, 1);
    expect([b.bus.read32(0x30080), b.bus.read32(0x3008c), b.page0]).toEqual([1, 1, undefined]);
  });

  it('read-only registers that a guest overwrote in the mapped page are restored', () => {
    const b = board();
    b.bringUp();
    b.store(0x0c, 0);
    b.store(0x10, 7);
    b.store(0x00, 9);
    expect([b.load(0x0c), b.load(0x10), b.load(0x00)]).toEqual([1, 0, 0]);
  });
});

describe('errors', () => {
  /** A board whose LVCMDQ 0 stopped at an illegal command. */
  function failed(): VirtualBoard {
    const b = board();
    b.bringUp();
    b.put(0, 0x1000, 0xff);
    b.store(0x04, 1);
    return b;
  }

  it('stay unseen until the host has published them', () => {
    const b = failed();
    expect([b.load(0x00), b.load(0x10), b.bus.read32(0x0014), b.host.pulses(0)]).toEqual([
      0, 0, 0, 0,
    ]);
  });

  it('appear in every map and cause one edge', () => {
    const b = failed();
    b.publish(0);
    expect([b.load(0x00), b.load(0x10)]).toEqual([0x01000000, 1]);
    expect([
      b.bus.read32(0x0014),
      b.bus.read32(0x0024),
      b.bus.read64(0x10c0),
      b.bus.read32(0x1004),
    ]).toEqual([1, 1, 1n, 0x00020003]);
    expect(b.host.pulses(0)).toBe(1);
  });

  it('end when the guest stores GERROR to GERRORN in the mapped page', () => {
    const b = failed();
    b.publish(0);
    b.put(0, 0x1000, 0x46);
    b.store(0x14, 1);
    expect([
      b.load(0x00),
      b.bus.read32(0x0014),
      b.bus.read32(0x0024),
      b.bus.read32(0x10c0),
    ]).toEqual([1, 0, 0, 0]);
  });

  it('cause no edge while VINTF_INT_MASK is set', () => {
    const b = failed();
    b.bus.write32(0x001c, 1);
    b.publish(0);
    expect([b.bus.read32(0x0014), b.host.pulses(0)]).toEqual([1, 0]);
  });

  it('survive the VINTF being switched off and on', () => {
    const b = failed();
    b.publish(0);
    b.bus.write32(0x1000, 0);
    expect([b.bus.read32(0x30000), b.bus.read32(0x30010), b.bus.read32(0x10c0)]).toEqual([
      0x01000000, 1, 1,
    ]);
    b.bus.write32(0x1000, 1);
    expect([b.load(0x00), b.load(0x10), b.bus.read32(0x10c0)]).toEqual([0x01000000, 1, 1]);
  });
});
