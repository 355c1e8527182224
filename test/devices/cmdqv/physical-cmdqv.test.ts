// SPDX-License-Identifier: MIT
// The physical role, register by register, with the offsets and bits of docs/cmdqv.md.

import { describe, expect, it } from 'vitest';
import { QUEUE_OWNERS } from '../../../assembly/layout/queue-memory.ts';
import { SMMU_AT_IDR1 } from '../../../assembly/layout/smmu-memory.ts';
import { checkedModules } from '../../support/findings.ts';
import { PhysicalBoard } from '../../support/physical-cmdqv.ts';

const modules = await checkedModules();
const board = (options = {}) => new PhysicalBoard(modules, options);

describe('numbers of a CMDQV', () => {
  it.each([
    { vintfs: 1, vcmdqs: 2, param: 0x4011, size: 0x50000 },
    { vintfs: 2, vcmdqs: 4, param: 0x4121, size: 0x70000 },
    { vintfs: 64, vcmdqs: 128, param: 0x4671, size: 0x830000 },
    { vintfs: 1, vcmdqs: 1, param: 0x4001, size: 0x50000 },
  ])(
    '$vintfs VINTFs and $vcmdqs VCMDQs give PARAM $param and a region of $size bytes',
    ({ vintfs, vcmdqs, param, size }) => {
      const { bus, device } = board({ vintfs, vcmdqs });
      expect(bus.read32(0x0004)).toBe(param);
      expect(device.regions[0]?.size).toBe(size);
    },
  );

  it.each([
    [0, 1],
    [3, 4],
    [128, 128],
    [1, 256],
    [1, 3],
    [4, 2],
    [1.5, 2],
  ])('%d VINTFs and %d VCMDQs are refused', (vintfs, vcmdqs) => {
    expect(() => board({ vintfs, vcmdqs })).toThrow(RangeError);
  });
});

describe('CONFIG page', () => {
  it('CONFIG resets to enabled with the batch limits, and STATUS follows EN', () => {
    const { bus } = board();
    expect(bus.read32(0x0000)).toBe(0x00020083);
    expect(bus.read32(0x0008)).toBe(1);
    bus.write32(0x0000, 0x00020082);
    expect(bus.read32(0x0008)).toBe(0);
    expect(bus.read32(0x0000)).toBe(0x00020082);
  });

  it('read-only registers ignore writes', () => {
    const { bus } = board();
    for (const offset of [0x0004, 0x0008, 0x0014, 0x0018, 0x0024, 0x0030, 0x1004, 0x10c0, 0x10cc]) {
      const before = bus.read32(offset);
      bus.write32(offset, 0xffffffff);
      expect(bus.read32(offset)).toBe(before);
    }
  });

  it('offsets without a register read zero and ignore writes', () => {
    const { bus } = board();
    for (const offset of [
      0x000c, 0x0010, 0x0210, 0x1008, 0x1200, 0x2000, 0xfffc, 0x10018, 0x10200, 0x20010, 0x40010,
    ]) {
      bus.write32(offset, 0xffffffff);
      expect(bus.read32(offset)).toBe(0);
    }
  });

  it('VINTF_INT_MASK has a bit for each VINTF', () => {
    const small = board().bus;
    small.write32(0x001c, 0xffffffff);
    small.write32(0x0020, 0xffffffff);
    expect([small.read32(0x001c), small.read32(0x0020)]).toEqual([3, 0]);
    const large = board({ vintfs: 64, vcmdqs: 64 }).bus;
    large.write32(0x0020, 0xffffffff);
    expect(large.read32(0x0020)).toBe(0xffffffff);
  });

  it('CMDQ_ALLOC keeps ALLOCATED, LVCMDQ and VINTF', () => {
    const { bus } = board();
    bus.write32(0x0204, 0xffffffff);
    expect(bus.read32(0x0204)).toBe((0x3f << 15) | (0x7f << 1) | 1);
  });
});

describe('page 0 of a VINTF that is mapped into a guest', () => {
  it('is mapped while the VINTF is enabled and each of its slots has a VCMDQ', () => {
    const { host, bus } = new PhysicalBoard(modules, {}, true);
    const mapped = () => host.maps.filter((map) => map.mapped).map(({ offset }) => offset);
    bus.write32(0x1000, 1);
    bus.write32(0x0200, 1);
    expect(mapped()).toEqual([]);
    bus.write32(0x0204, (1 << 1) | 1);
    expect(mapped()).toEqual([0x30000]);
    bus.write32(0x0204, 0);
    expect(mapped()).toEqual([]);
    bus.write32(0x0204, (1 << 1) | 1);
    expect(mapped()).toEqual([0x30000]);
    bus.write32(0x1000, 0);
    expect(mapped()).toEqual([]);
  });

  it('reads as zero and ignores writes while no unit here reaches that guest', () => {
    const cmdqv = board({ unitOf: () => undefined });
    cmdqv.bringUp({ hypOwn: false });
    expect(cmdqv.bus.read32(0x30008)).toBe(1);
    const context = cmdqv.context(0);
    const { guestMemory } = cmdqv.host;
    const page = 0x20000;
    context.window = 1;
    context.mapPage0(guestMemory, page);
    expect(cmdqv.bus.read32(0x30008)).toBe(1);
    // The same offset in another guest's memory is not the VINTF's page.
    context.window = 2;
    expect(cmdqv.bus.read32(0x30008)).toBe(0);
    cmdqv.bus.write32(0x30014, 1);
    expect(new DataView(guestMemory.buffer).getUint32(page + 0x14, true)).toBe(0);
    context.window = 1;
    cmdqv.bus.write32(0x30014, 1);
    expect(new DataView(guestMemory.buffer).getUint32(page + 0x14, true)).toBe(1);
  });

  it('reads as zero when it is beyond the memory of the guest', () => {
    const cmdqv = board();
    cmdqv.bringUp({ hypOwn: false });
    const { guestMemory } = cmdqv.host;
    const larger = new WebAssembly.Memory({ initial: 64, maximum: 64, shared: true });
    expect(guestMemory.buffer.byteLength).toBeLessThan(larger.buffer.byteLength);
    cmdqv.context(0).window = 1;
    cmdqv.context(0).mapPage0(larger, guestMemory.buffer.byteLength);
    expect(cmdqv.bus.read32(0x30008)).toBe(0);
  });
});

describe('VINTF configuration', () => {
  it('CONFIG has EN, VMID and a writable HYP_OWN', () => {
    const { bus } = board();
    bus.write32(0x1100, 0xffffffff);
    expect(bus.read32(0x1100)).toBe(0x0003ffff);
  });

  it('the drain uses the values in CONFIG', () => {
    const cmdqv = board();
    cmdqv.bus.write32(0x1100, (1 << 17) | (0x1234 << 1) | 1);
    const { vmid, hypOwn, enabled } = cmdqv.context(1);
    expect({ vmid, hypOwn, enabled }).toEqual({ vmid: 0x1234, hypOwn: true, enabled: true });
    expect(cmdqv.context(0).enabled).toBe(false);
    cmdqv.bus.write32(0x1100, 0);
    expect(cmdqv.context(1).enabled).toBe(false);
  });

  it('STATUS shows ENABLED and the number of LVCMDQs', () => {
    const { bus } = board({ vintfs: 2, vcmdqs: 8 });
    expect(bus.read32(0x1004)).toBe(4 << 16);
    bus.write32(0x1000, 1);
    expect(bus.read32(0x1004)).toBe((4 << 16) | 1);
  });

  it('16 SID pairs keep 21 and 20 bits and reach the drain', () => {
    const cmdqv = board();
    cmdqv.bus.write32(0x10bc, 0xfff10100);
    cmdqv.bus.write32(0x107c, 0xffe00011);
    expect([cmdqv.bus.read32(0x107c), cmdqv.bus.read32(0x10bc)]).toEqual([0x11, 0x10100]);
    expect([cmdqv.context(0).sidMatch(15), cmdqv.context(0).sidReplace(15)]).toEqual([
      0x11, 0x10100,
    ]);
    expect(cmdqv.context(1).sidMatch(15)).toBe(0);
  });
});

describe('VCMDQ views', () => {
  it('the direct and the logical view are aliases of one queue', () => {
    const { bus } = board();
    // VCMDQ 1 becomes LVCMDQ 0 of VINTF 1.
    bus.write32(0x0204, (1 << 15) | 1);
    bus.write32(0x50004, 0x15);
    bus.write64(0x60000, 0x0000abcd12345664n);
    expect(bus.read32(0x10084)).toBe(0x15);
    expect(bus.read64(0x20080)).toBe(0x0000abcd12345664n);
    bus.write32(0x10094, 0x5);
    expect(bus.read32(0x50014)).toBe(0x5);
  });

  it('a slot without a VCMDQ reads zero, even while its VINTF is off, and ignores writes', () => {
    const { bus } = board();
    for (const offset of [
      0x30000, 0x30004, 0x30008, 0x3000c, 0x30010, 0x30014, 0x40000, 0x40008, 0x30080, 0x30100,
      0x3ff80, 0x4ff80,
    ]) {
      bus.write32(offset, 0xffffffff);
      expect(bus.read32(offset)).toBe(0);
    }
  });

  it('CMDQ_ALLOC with a VINTF or an LVCMDQ that does not exist binds nothing', () => {
    const cmdqv = board();
    cmdqv.bus.write32(0x0200, (2 << 15) | 1);
    cmdqv.bus.write32(0x0204, (2 << 1) | 1);
    expect([cmdqv.queue(0).allocated, cmdqv.queue(1).allocated]).toEqual([false, false]);
  });

  it('a slot of one VCMDQ is not assigned to another', () => {
    const cmdqv = board();
    cmdqv.bus.write32(0x0200, 1);
    cmdqv.bus.write32(0x0204, 1);
    cmdqv.bus.write32(0x30004, 9);
    expect([
      cmdqv.bus.read32(0x10004),
      cmdqv.bus.read32(0x10084),
      cmdqv.queue(1).allocated,
    ]).toEqual([9, 0, false]);
  });

  it('PROD and CONS have 20 bits, CONFIG one, GERRORN three; STATUS and GERROR are read-only', () => {
    const { bus } = board();
    const written = [0x00, 0x04, 0x08, 0x0c, 0x10, 0x14].map((register) => {
      bus.write32(0x10080 + register, 0xffffffff);
      return bus.read32(0x10080 + register);
    });
    expect(written).toEqual([0x7f0fffff, 0x000fffff, 1, 0, 0, 7]);
  });

  it('BASE keeps address bits [47:5] and LOG2SIZE, no bit 62, and can be written in halves', () => {
    const { bus } = board();
    bus.write64(0x20000, 0xffffffffffffffffn);
    expect(bus.read64(0x20000)).toBe(0x0000ffffffffffffn);
    bus.write32(0x20000, 0x1004);
    bus.write32(0x20004, 0);
    expect(bus.read64(0x20000)).toBe(0x1004n);
  });
});

describe('a queue that runs', () => {
  it('consumes commands up to PROD when PROD is written', () => {
    const cmdqv = board();
    cmdqv.bringUp({ hypOwn: true });
    expect(cmdqv.bus.read32(0x3000c)).toBe(1);
    cmdqv.put(0, 0x12);
    cmdqv.put(1, 0x46);
    cmdqv.bus.write32(0x30004, 2);
    expect(cmdqv.bus.read32(0x30000)).toBe(2);
  });

  it('does the same through the direct view', () => {
    const cmdqv = board();
    cmdqv.bringUp({ hypOwn: true });
    cmdqv.put(0, 0x46);
    cmdqv.bus.write32(0x10004, 1);
    expect(cmdqv.bus.read32(0x10000)).toBe(1);
  });

  it('with HYP_OWN accepts the whole command set, without it only the guest’s list', () => {
    const errors = [true, false].map((hypOwn) => {
      const cmdqv = board();
      cmdqv.bringUp({ hypOwn });
      cmdqv.put(0, 0x30);
      cmdqv.bus.write32(0x30004, 1);
      return cmdqv.bus.read32(0x30000);
    });
    // CERROR_ILL, CONS at the command.
    expect(errors).toEqual([1, 0x01000000]);
  });

  it('CONS is fixed while the queue runs and free while it does not', () => {
    const cmdqv = board();
    cmdqv.bringUp({ hypOwn: true });
    cmdqv.bus.write32(0x30000, 5);
    expect(cmdqv.bus.read32(0x30000)).toBe(0);
    cmdqv.bus.write32(0x30008, 0);
    cmdqv.bus.write32(0x30000, 5);
    expect(cmdqv.bus.read32(0x30000)).toBe(5);
  });

  it('BASE is fixed while the queue runs', () => {
    const cmdqv = board();
    cmdqv.bringUp({ hypOwn: true });
    cmdqv.bus.write64(0x40000, 0x2004n);
    expect(cmdqv.bus.read64(0x40000)).toBe(0x1004n);
  });

  it.each([
    ['CONFIG.EN of the CMDQV', 0x0000, 0],
    ['VINTF_CONFIG.EN', 0x1000, 0],
    ['CMDQ_ALLOC.ALLOCATED', 0x0200, 0],
    ['VCMDQ_CONFIG.EN', 0x10008, 0],
  ])('stops when %s goes to 0', (_name, offset, value) => {
    const cmdqv = board();
    cmdqv.bringUp({ hypOwn: true });
    cmdqv.bus.write32(offset, value);
    expect(cmdqv.bus.read32(0x1000c)).toBe(0);
    expect(cmdqv.queue(0).enabled).toBe(false);
  });

  it.each([0, 3, 10])('has a ring of at most 2^IDR1.CMDQS commands: %i', (log2size) => {
    const cmdqv = board();
    cmdqv.bus.write32(0x1000, (1 << 17) | 1);
    cmdqv.bus.write32(0x0200, 1);
    const words = new Int32Array(cmdqv.unit.hostMemory.buffer);
    words[(cmdqv.queue(0).smmu + SMMU_AT_IDR1) >> 2] = (log2size << 21) | 16;
    const enabled = [log2size, log2size + 1].map((size) => {
      cmdqv.bus.write32(0x30008, 0);
      cmdqv.bus.write64(0x40000, BigInt(0x2000 + size));
      cmdqv.bus.write32(0x30008, 1);
      return cmdqv.bus.read32(0x3000c);
    });
    expect(enabled).toEqual([1, 0]);
  });

  it.each([true, false])(
    'comes back disabled, at 0 and off its old ring when CMDQV_EN goes to 0 and 1 (HYP_OWN %s)',
    (hypOwn) => {
      const cmdqv = board();
      cmdqv.bringUp({ hypOwn });
      cmdqv.put(0, 0x46);
      cmdqv.bus.write32(0x30004, 1);
      expect(cmdqv.bus.read32(0x30000)).toBe(1);
      cmdqv.bus.write32(0x0000, 0);
      cmdqv.bus.write32(0x0000, 1);
      // CONS, PROD, CONFIG and STATUS, and BASE; CMDQ_ALLOC keeps its value.
      const registers = [0x30000, 0x30004, 0x30008, 0x3000c, 0x40000, 0x0200];
      expect(registers.map((offset) => cmdqv.bus.read32(offset))).toEqual([0, 0, 0, 0, 0, 1]);
      cmdqv.put(0, 0x46);
      cmdqv.bus.write32(0x30004, 1);
      expect([cmdqv.bus.read32(0x30000), cmdqv.queue(0).enabled]).toEqual([0, false]);
      cmdqv.bus.write64(0x40000, 0x1004n);
      cmdqv.bus.write32(0x30008, 1);
      expect([cmdqv.bus.read32(0x30000), cmdqv.bus.read32(0x3000c)]).toEqual([1, 1]);
    },
  );

  it('has its ring in the memory of the window that BASE names', () => {
    const cmdqv = board();
    cmdqv.bus.write32(0x1000, (1 << 17) | 1);
    cmdqv.bus.write32(0x0200, 1);
    cmdqv.bus.write64(0x40000, 0x1_8000_2004n);
    cmdqv.host.ram[0x2000] = 0x46;
    cmdqv.bus.write32(0x30008, 1);
    cmdqv.bus.write32(0x30004, 1);
    expect(cmdqv.bus.read32(0x30000)).toBe(1);
  });

  it('leaves a VINTF the memory that its host has assigned to it, through a reset', () => {
    const cmdqv = board();
    cmdqv.bringUp({ hypOwn: false });
    cmdqv.context(1).window = 1;
    cmdqv.context(1).vmid = 9;
    cmdqv.device.reset();
    expect([cmdqv.context(1).window, cmdqv.context(1).vmid]).toEqual([1, 0]);
    expect([cmdqv.context(0).window, cmdqv.context(0).enabled]).toEqual([0, false]);
  });

  it('moves its registers into guest memory while page 0 is mapped there, and back', () => {
    const cmdqv = board();
    cmdqv.bringUp({ hypOwn: false });
    cmdqv.context(0).window = 1;
    cmdqv.context(0).mapPage0(cmdqv.host.guestMemory, 0x10000);
    const guest = new Int32Array(cmdqv.host.guestMemory.buffer, 0x10000);
    cmdqv.put(0, 0x12);
    guest[1] = 1;
    cmdqv.unit.drain.doorbell(0, 4);
    expect([guest[0], cmdqv.bus.read32(0x10000), cmdqv.bus.read32(0x30000)]).toEqual([1, 1, 1]);
    cmdqv.bus.write32(0x0200, 0);
    expect(cmdqv.bus.read32(0x10000)).toBe(1);
    expect(guest[3]).toBe(0);
  });
});

describe('the background loop', () => {
  it('acquires no queue that has nothing to do: its guest would find it owned', () => {
    const one = board();
    const { device, unit } = one;
    const queue = one.queue(0);
    one.bringUp({ hypOwn: false });
    // Another thread owns the queue. A thread that also needs it raises the count.
    const words = new Int32Array(unit.hostMemory.buffer);
    const owners = (queue.address + QUEUE_OWNERS) >> 2;
    Atomics.store(words, owners, 1);
    device.poll();
    expect(Atomics.load(words, owners)).toBe(1);
    queue.prod = 1;
    device.poll();
    expect(Atomics.load(words, owners)).toBe(2);
  });
});
