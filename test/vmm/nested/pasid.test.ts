// SPDX-License-Identifier: MIT
// PASIDs, end to end: the DMA engine's register, the address space that a PASID selects,
// its entries in the ATC, its page requests and their responses, between a guest and its
// host. Entries and commands are derived by hand from IHI 0070 section 4.5 and chapter 8.

import { beforeEach, describe, expect, it } from 'vitest';
import { STE_CONT } from '../../../assembly/layout/ste.ts';
import { DmaEngine } from '../../../devices/dma-engine/index.ts';
import { type DmaPort, setField } from '../../../devices/plugin/index.ts';
import { PAGE_REQUEST_GUEST_ID_REGISTERS, VirtualSmmu } from '../../../devices/smmuv3/index.ts';
import {
  atcInv,
  bypassSte,
  cfgiSte,
  contextDescriptor,
  PageTable,
  priResp,
  S1_READ_WRITE,
  stage1Ste,
  sync,
  tlbiNhAsid,
  writeCd,
  writeCommand,
  writeSte,
} from '../../../devices/tables/index.ts';
import { DeviceBus, FakeHost } from '../../../devices/testing/index.ts';
import { VmHost } from '../../../vmm/nested/index.ts';
import { checkedHost, checkedModules } from '../../support/findings.ts';
import { tableMemory } from '../../support/table-memory.ts';

const modules = await checkedModules();

const STREAM = 8;
const IOVA = 0x1_0000_0000;
const HOLE = IOVA + 0x8000;
const [FILL, VERIFY, HINT] = [2, 3, 4];
const [DONE, READ_FAULT, WRITE_FAULT, STALLED] = [1, 2, 3, 7];
/**
 * Bits of the engine's register: a PASID, privileged, instruction fetches, atomic
 * operations.
 */
const [VALID, PRIVILEGED, INSTRUCTION, ATOMIC] = [
  0x8000_0000, 0x4000_0000, 0x2000_0000, 0x1000_0000,
];
const RAM = 0x80000000;
const [STREAMS, CDS, RING, EVENTS, REQUESTS, DATA] = [0, 1, 2, 3, 4, 16].map(
  (page) => RAM + page * 0x1000,
) as [number, number, number, number, number, number];

/**
 * A slot for the engine: memory and interrupts of a fake host, DMA through a real one.
 */
class Slot extends FakeHost {
  port: DmaPort | undefined;
  override dmaPort(): DmaPort {
    if (!this.port) throw new Error('no DMA port');
    return this.port;
  }
}

/** Substream 0 has the data's first page at IOVA, 1 its second, 2 its third. */
async function board() {
  const host = await checkedHost(VmHost, { modules });
  const slot = new Slot();
  const regions = [{ gpa: slot.ramGpa, offset: slot.ramOffset, size: slot.ramSize }];
  const vm = host.createVm('vm', slot.guestMemory, regions);
  const viommu = host.createViommu(vm, [STREAM], {});
  slot.port = host.dmaPort(viommu, STREAM);
  const smmu = new VirtualSmmu({ backend: viommu, idRegisters: PAGE_REQUEST_GUEST_ID_REGISTERS });
  smmu.attach(slot);
  smmu.reset();
  const memory = tableMemory(slot.memory, RAM + 0x40000);
  const tables = [0, 1, 2].map((substream) => {
    const table = new PageTable(memory, { stage: 1 });
    table.map(IOVA, DATA + substream * 0x1000, 0x1000, S1_READ_WRITE);
    const lower = { ttb: table.root, inputBits: 48 };
    writeCd(memory, CDS, substream, contextDescriptor({ asid: 1 + substream, lower }));
    return table;
  });
  writeSte(memory, STREAMS, STREAM, stage1Ste({ contextPtr: CDS, cdMax: 2, eats: 1 }));
  const bus = new DeviceBus(smmu);
  bus.write64(0x80, BigInt(STREAMS));
  bus.write32(0x88, 4);
  bus.write64(0x90, BigInt(RING + 4));
  bus.write64(0xa0, BigInt(EVENTS + 4));
  bus.write64(0xc0, BigInt(REQUESTS + 4));
  bus.write32(0x20, 0x1f);
  const device = new DmaEngine();
  device.attach(slot);
  device.reset();
  const engine = new DeviceBus(device);
  const look = () => {
    host.service(true);
    slot.poll();
    return engine.read32(0x08);
  };
  return {
    host,
    slot,
    memory,
    tables,
    bus,
    device,
    engine,
    look,
    dma(operation: number, iova: number, pasid = 0, pattern = 0xa5a5a5a5) {
      engine.write64(0x10, BigInt(iova));
      engine.write64(0x18, BigInt(iova));
      engine.write32(0x0c, 8);
      engine.write32(0x20, pattern);
      engine.write32(0x3c, pasid);
      engine.write32(0x04, operation);
      return engine.read32(0x08);
    },
    send(...commands: Uint32Array[]) {
      for (const command of commands) {
        const prod = bus.read32(0x98);
        writeCommand(memory, RING, prod % 16, command);
        bus.write32(0x98, (prod + 1) % 32);
      }
    },
    event: (index: number) => [0, 8, 16].map((at) => memory.load64(EVENTS + 32 * index + at)),
    request: (index: number) => [0, 8].map((at) => memory.load64(REQUESTS + 16 * index + at)),
    word: (page: number) => Number(memory.load64(DATA + page * 0x1000) & 0xffff_ffffn),
  };
}
let b: Awaited<ReturnType<typeof board>>;
beforeEach(async () => {
  b = await board();
});

describe("the engine's PASID register", () => {
  it('selects the address space of each operation', () => {
    expect([
      b.dma(FILL, IOVA, 0, 0x10),
      b.dma(FILL, IOVA, VALID | 1, 0x11),
      b.dma(FILL, IOVA, VALID | 2, 0x12),
      b.dma(VERIFY, IOVA, VALID | 1, 0x11),
    ]).toEqual([DONE, DONE, DONE, DONE]);
    expect([b.word(0), b.word(1), b.word(2)]).toEqual([0x10, 0x11, 0x12]);
  });

  it('has 20 bits and four flags, is 0 after a reset, and counts for nothing without its valid bit', () => {
    b.engine.write32(0x3c, 0xffffffff);
    expect(b.engine.read32(0x3c)).toBe(0xf00fffff);
    b.device.reset();
    expect(b.engine.read32(0x3c)).toBe(0);
    expect([b.dma(FILL, IOVA, 1, 0x10), b.word(0)]).toEqual([DONE, 0x10]);
  });

  it.each([
    // F_TRANSLATION, SSV, SubstreamID; PnU bit 33, InD 34, RnW 35, CLASS IN 41.
    ['write', FILL, VALID | 1, WRITE_FAULT, 0x0000_0008_0000_1810n, 0x200_0000_0000n],
    ['read', VERIFY, VALID | 2, READ_FAULT, 0x0000_0008_0000_2810n, 0x208_0000_0000n],
    [
      'privileged fetch of instructions',
      VERIFY,
      VALID | PRIVILEGED | INSTRUCTION | 1,
      READ_FAULT,
      0x0000_0008_0000_1810n,
      0x20e_0000_0000n,
    ],
    ['read without one', VERIFY, PRIVILEGED, READ_FAULT, 0x0000_0008_0000_0010n, 0x20a_0000_0000n],
  ])('stands in the record of a %s that faults', (_, operation, pasid, status, dw0, dw1) => {
    expect(b.dma(operation, HOLE, pasid)).toBe(status);
    b.look();
    expect(b.event(0)).toEqual([dw0, dw1, BigInt(HOLE)]);
  });

  it('is saved and restored, and an operation that waits keeps its own', () => {
    b.engine.write32(0x38, 5);
    expect(b.dma(FILL, HOLE, VALID | 1, 0x77)).toBe(STALLED);
    // For the next operation.
    b.engine.write32(0x3c, VALID | 2);
    const state = b.device.save();
    b.device.reset();
    b.device.restore(state);
    expect(b.engine.read32(0x3c)).toBe(0x80000002);
    b.tables[1]?.map(HOLE, DATA + 0x3000, 0x1000, S1_READ_WRITE);
    b.look();
    expect([b.look(), b.word(3)]).toEqual([DONE, 0x77]);
  });
});

describe("STE.CONT of a guest's stream", () => {
  it("speaks of its neighbours in the guest's table, and changes nothing", () => {
    const ste = stage1Ste({ contextPtr: CDS, cdMax: 2, eats: 1 });
    setField(ste, STE_CONT, 3);
    writeSte(b.memory, STREAMS, STREAM, ste);
    b.send(cfgiSte(STREAM), sync());
    expect([b.dma(FILL, IOVA, 0, 0x10), b.word(0)]).toEqual([DONE, 0x10]);
    b.look();
    expect(b.bus.read32(0x100a8)).toBe(0);
  });
});

describe('settings that cause no access', () => {
  it.each([
    ['is F_UUT', 0, 0x0000_0008_0000_0001n, 0n],
    ['is F_UUT past the ATC', 1, 0x0000_0008_0000_0001n, 0n],
  ])('an atomic operation %s in the event queue of the guest', (_, ats, dw0, dw1) => {
    b.engine.write32(0x38, ats);
    expect(b.dma(FILL, IOVA, 0, 0x10)).toBe(DONE);
    expect(b.dma(FILL, IOVA, ATOMIC, 0x20)).toBe(WRITE_FAULT);
    // A read is not atomic.
    expect(b.dma(VERIFY, IOVA, ATOMIC, 0x10)).toBe(DONE);
    b.look();
    expect([b.word(0), b.event(0)]).toEqual([0x10, [dw0, dw1, BigInt(IOVA)]]);
    expect(b.bus.read32(0x100a8)).toBe(1);
  });

  it('hints are E_PAGE_REQUEST there: what a copy would read, and what it would write', () => {
    expect(b.dma(HINT, HOLE + 0x123, VALID | PRIVILEGED | 1)).toBe(DONE);
    b.look();
    // pR is bit 103, which of faults is S2; pW 102; Span 115 to 108.
    expect([b.event(0), b.event(1)]).toEqual([
      [0x0000_0008_0000_1824n, 0x1080_0000_0000n, BigInt(HOLE)],
      [0x0000_0008_0000_1824n, 0x1040_0000_0000n, BigInt(HOLE)],
    ]);
    expect(b.bus.read32(0x100a8)).toBe(2);
  });

  it('hints of a bypassing stream, or of a disabled SMMU, are ignored', () => {
    writeSte(b.memory, STREAMS, STREAM, bypassSte());
    b.send(cfgiSte(STREAM), sync());
    expect(b.dma(HINT, HOLE)).toBe(DONE);
    b.look();
    b.bus.write32(0x20, 0x1e);
    for (let i = 0; i < 8; i++) b.look();
    expect(b.dma(HINT, HOLE)).toBe(DONE);
    b.look();
    expect(b.bus.read32(0x100a8)).toBe(0);
  });

  it('hints of any length are 16 records at most', () => {
    b.slot.port?.hint?.(HOLE, Number.MAX_SAFE_INTEGER, false);
    b.look();
    // The event queue has 16 entries, and has not overflowed.
    expect(b.bus.read32(0x100a8)).toBe(0x10);
  });

  it('hints about more than 255 pages are several', () => {
    b.engine.write64(0x10, BigInt(HOLE + 0x800));
    b.engine.write64(0x18, 0x20_0000_0000_0000n);
    b.engine.write32(0x0c, 0x100000);
    b.engine.write32(0x04, HINT);
    expect([b.engine.read32(0x08), b.engine.read32(0x24)]).toEqual([DONE, 0x100000]);
    b.look();
    // 1 MiB from the middle of a page covers 257 pages. No port carries the target's
    // address.
    expect([b.event(0), b.event(1)]).toEqual([
      [0x0000_0008_0000_0024n, 0xff008_0000_0000n, BigInt(HOLE)],
      [0x0000_0008_0000_0024n, 0x02008_0000_0000n, BigInt(HOLE + 255 * 0x1000)],
    ]);
    expect(b.bus.read32(0x100a8)).toBe(2);
  });
});

describe('an ATC', () => {
  beforeEach(() => {
    b.engine.write32(0x38, 1);
    for (const substream of [1, 2]) expect(b.dma(FILL, IOVA, VALID | substream)).toBe(DONE);
    for (const table of b.tables) table.unmap(IOVA, 0x1000);
    b.send(tlbiNhAsid(0, 2), tlbiNhAsid(0, 3), sync());
  });
  const both = () => [1, 2].map((substream) => b.dma(FILL, IOVA, VALID | substream));

  it.each([
    ['with a SubstreamID loses what is its own', { substreamId: 2 }, [DONE, WRITE_FAULT]],
    ['with Global everything', { substreamId: 2, global: true }, [WRITE_FAULT, WRITE_FAULT]],
    ['without a SubstreamID everything', {}, [WRITE_FAULT, WRITE_FAULT]],
  ])('to an ATC_INV %s', (_, which, after) => {
    expect(both()).toEqual([DONE, DONE]);
    b.send(atcInv({ streamId: STREAM, address: IOVA, size: 0, ...which }), sync());
    expect(both()).toEqual(after);
  });
});

describe('a page request', () => {
  beforeEach(() => {
    b.engine.write32(0x38, 5);
  });

  it.each([
    // SSV 63, LAST 62, WRITE 61, READ 60, EXEC 59, PRIV 58, SubstreamID.
    ['write', FILL, VALID | 2, 0xe000_0002_0000_0008n],
    ['privileged read', VERIFY, VALID | PRIVILEGED | 1, 0xd400_0001_0000_0008n],
    ['fetch of instructions', VERIFY, VALID | INSTRUCTION | 1, 0xd800_0001_0000_0008n],
    ['write without a PASID', FILL, 0, 0x6000_0000_0000_0008n],
  ])('of a %s says so', (_, operation, pasid, dw0) => {
    expect(b.dma(operation, HOLE, pasid)).toBe(STALLED);
    b.look();
    expect(b.request(0)).toEqual([dw0, BigInt(HOLE) | 1n]);
  });

  it('is answered with its PASID, and with no other', () => {
    expect(b.dma(FILL, HOLE, VALID | 2, 0x66)).toBe(STALLED);
    b.look();
    b.tables[2]?.map(HOLE, DATA + 0x4000, 0x1000, S1_READ_WRITE);
    for (const pasid of [undefined, 1]) {
      b.send(priResp(STREAM, 1, 2, pasid), sync());
      expect([b.look(), b.look()]).toEqual([STALLED, STALLED]);
    }
    b.send(priResp(STREAM, 1, 2, 2), sync());
    b.look();
    expect([b.look(), b.word(4)]).toEqual([DONE, 0x66]);
  });

  it('without a PASID is not answered by one with it', () => {
    expect(b.dma(FILL, HOLE)).toBe(STALLED);
    b.look();
    b.send(priResp(STREAM, 1, 0, 0), sync());
    expect([b.look(), b.look()]).toEqual([STALLED, STALLED]);
    b.send(priResp(STREAM, 1, 0), sync());
    expect(b.look()).toBe(WRITE_FAULT);
  });

  it('that its guest refuses fails the access', () => {
    expect(b.dma(VERIFY, HOLE, VALID | 1)).toBe(STALLED);
    b.look();
    b.send(priResp(STREAM, 1, 1, 1), sync());
    expect(b.look()).toBe(READ_FAULT);
  });

  it('fails with the HWPT to which its STE was attached, and its response does not apply to later requests', () => {
    expect(b.dma(VERIFY, HOLE, VALID | 1)).toBe(STALLED);
    b.look();
    b.send(cfgiSte(STREAM), sync());
    expect(b.look()).toBe(READ_FAULT);
    const late = () => {
      b.send(priResp(STREAM, 1, 2, 1), sync());
      b.look();
      expect(b.bus.read32(0x9c)).toBe(b.bus.read32(0x98));
    };
    late();
    expect(b.dma(FILL, HOLE + 0x1000, VALID | 2)).toBe(STALLED);
    late();
    expect(b.look()).toBe(STALLED);
  });
});
