// SPDX-License-Identifier: MIT
// A guest's SMMU: streams in error, and the event queue.

import { beforeEach, describe, expect, it } from 'vitest';
import { GUEST_ID_REGISTERS } from '../../../devices/smmuv3/index.ts';
import {
  abortSte,
  bypassSte,
  invalidSte,
  nestedSte,
  stage1Ste,
  stage2Ste,
  writeSte,
} from '../../../devices/tables/index.ts';
import {
  BUFFER,
  backend,
  bus,
  CDS,
  EVENT_LINE,
  enable,
  GERROR_LINE,
  host,
  memory,
  PA,
  record,
  STREAMS,
  setUp,
  setUpWith,
  stage1,
} from './guest-board.ts';

beforeEach(setUp);

describe('streams without a valid STE', () => {
  const cases: [string, () => void, bigint[]][] = [
    [
      'V = 0',
      () => writeSte(memory, STREAMS, 8, invalidSte()),
      [0x0000_0008_0000_0004n, 0n, 0n, 0n],
    ],
    [
      'stage 2',
      () => writeSte(memory, STREAMS, 8, stage2Ste({ vmid: 0, ttb: 0, inputBits: 40 })),
      [0x0000_0008_0000_0004n, 0n, 0n, 0n],
    ],
    [
      'both stages',
      () =>
        writeSte(
          memory,
          STREAMS,
          8,
          nestedSte({ contextPtr: CDS }, { vmid: 0, ttb: 0, inputBits: 40 }),
        ),
      [0x0000_0008_0000_0004n, 0n, 0n, 0n],
    ],
    [
      'a CD that stalls with S1STALLD',
      () => stage1({ stall: true, stallDisabled: true }),
      [0x0000_0008_0000_000an, 0n, 0n, 0n],
    ],
    [
      '21-bit SubstreamIDs',
      () => writeSte(memory, STREAMS, 8, stage1Ste({ contextPtr: CDS, cdMax: 21 })),
      [0x0000_0008_0000_0004n, 0n, 0n, 0n],
    ],
    [
      'split-stage ATS',
      () => writeSte(memory, STREAMS, 8, stage1Ste({ contextPtr: CDS, eats: 2 })),
      [0x0000_0008_0000_0004n, 0n, 0n, 0n],
    ],
    [
      'S1ContextPtr beyond OAS',
      () => writeSte(memory, STREAMS, 8, stage1Ste({ contextPtr: 2 ** 48 + CDS })),
      [0x0000_0008_0000_0004n, 0n, 0n, 0n],
    ],
    ['a table that is too short', () => bus.write32(0x88, 3), [0x0000_0008_0000_0002n, 0n, 0n, 0n]],
    [
      'a table that is not RAM',
      () => bus.write64(0x80, 0x7000_0000n),
      [0x0000_0008_0000_0003n, 0n, 0n, 0x7000_0200n],
    ],
  ];

  it.each(cases)('%s: refused, and recorded', (_name, prepare, expected) => {
    enable(0xc);
    prepare();
    bus.write32(0x20, 0xd);
    expect(backend.dma(8, BUFFER)).toBeUndefined();
    backend.forwardEvents();
    expect(bus.read32(0x100a8)).toBe(1);
    expect(record(0)).toEqual(expected);
    expect(host.pulses(EVENT_LINE)).toBe(1);
  });

  it('S1CDMax and S1DSS do not count where the guest has no SubstreamIDs, although its host has', () => {
    setUpWith({ ...GUEST_ID_REGISTERS, idr1: 0x01080010 });
    enable(0xc);
    stage1();
    const ste = stage1Ste({ contextPtr: CDS, cdMax: 10, format: 2, dss: 0 });
    writeSte(memory, STREAMS, 8, ste);
    bus.write32(0x20, 0xd);
    expect(backend.dma(8, 0x10000)).toBe(PA + BUFFER);
    backend.forwardEvents();
    expect(bus.read32(0x100a8)).toBe(0);
  });

  it('the reserved EATS means no ATS, and S1ContextPtr may be anywhere below OAS', () => {
    enable(0xc);
    stage1();
    const eats = (value: number) => {
      writeSte(memory, STREAMS, 8, stage1Ste({ contextPtr: CDS, eats: value }));
      bus.write32(0x20, 0xc);
      bus.write32(0x20, 0xd);
      return backend.dma(8, 0x10000);
    };
    expect([eats(3), eats(1), eats(0)]).toEqual([PA + BUFFER, PA + BUFFER, PA + BUFFER]);
    backend.forwardEvents();
    expect(bus.read32(0x100a8)).toBe(0);
    writeSte(memory, STREAMS, 8, stage1Ste({ contextPtr: 2 ** 48 - 0x40 }));
    bus.write32(0x20, 0xc);
    bus.write32(0x20, 0xd);
    expect(backend.dma(8, 0x10000)).toBeUndefined();
    backend.forwardEvents();
    // Stage 2 has no mapping there; the STE is legal.
    expect((record(0)[0] ?? 0n) & 0xffn).toBe(0x10n);
  });

  it('S1ContextPtr beyond the guest’s own OAS is refused, although its host could reach it', () => {
    // OAS 44 bits.
    setUpWith({ ...GUEST_ID_REGISTERS, idr5: (GUEST_ID_REGISTERS.idr5 & ~7) | 4 });
    enable(0xc);
    writeSte(memory, STREAMS, 8, stage1Ste({ contextPtr: 2 ** 44 }));
    bus.write32(0x20, 0xd);
    expect(backend.dma(8, 0x10000)).toBeUndefined();
    backend.forwardEvents();
    expect(record(0)).toEqual([0x0000_0008_0000_0004n, 0n, 0n, 0n]);
  });

  it('C_BAD_STREAMID is recorded only with CR2.RECINVSID', () => {
    enable(0xc);
    bus.write32(0x2c, 0);
    bus.write32(0x88, 3);
    bus.write32(0x20, 0xd);
    expect(backend.dma(8, BUFFER)).toBeUndefined();
    backend.forwardEvents();
    expect(bus.read32(0x100a8)).toBe(0);
  });

  it('an STE that aborts records nothing', () => {
    writeSte(memory, STREAMS, 8, abortSte());
    enable();
    expect(backend.dma(8, BUFFER)).toBeUndefined();
    backend.forwardEvents();
    expect(bus.read32(0x100a8)).toBe(0);
  });

  it('what the host refuses to attach is C_BAD_STE too', () => {
    const attach = backend.attachStream.bind(backend);
    backend.attachStream = (sid, ste) => ((ste?.[0] ?? 0) & 1 ? false : attach(sid, ste));
    writeSte(memory, STREAMS, 8, bypassSte());
    enable();
    expect(backend.dma(8, BUFFER)).toBeUndefined();
    backend.forwardEvents();
    expect(record(0)[0]).toBe(0x0000_0008_0000_0004n);
  });
});

describe('events', () => {
  const faults = (count: number) => {
    for (let i = 0; i < count; i++) {
      backend.dma(8, 0x20000 + 0x1000 * i);
      backend.forwardEvents();
    }
  };

  beforeEach(() => {
    stage1();
    enable();
  });

  it('contain the guest’s StreamID', () => {
    faults(1);
    expect(record(0)).toEqual([0x0000_0008_0000_0010n, 0x0000_0200_0000_0000n, 0x20000n, 0n]);
  });

  it('interrupt only when the queue was empty, and only with EVENTQ_IRQEN', () => {
    faults(2);
    expect(host.pulses(EVENT_LINE)).toBe(1);
    bus.write32(0x100ac, bus.read32(0x100a8));
    faults(1);
    expect(host.pulses(EVENT_LINE)).toBe(2);
    bus.write32(0x100ac, bus.read32(0x100a8));
    bus.write32(0x50, 1);
    faults(1);
    expect(host.pulses(EVENT_LINE)).toBe(2);
    bus.write32(0x50, 5);
    expect(host.pulses(EVENT_LINE)).toBe(2);
  });

  it('overflow toggles OVFLG once and loses records until OVACKFLG is equal; it is no error', () => {
    faults(4);
    expect(bus.read32(0x100a8)).toBe(4);
    faults(2);
    expect(bus.read32(0x100a8)).toBe(0x80000004);
    bus.write32(0x100ac, 1);
    faults(1);
    expect(bus.read32(0x100a8)).toBe(0x80000005);
    faults(1);
    expect(bus.read32(0x100a8)).toBe(0x80000005);
    bus.write32(0x100ac, 0x80000005);
    faults(5);
    expect(bus.read32(0x100a8)).toBe(1);
    expect(record(0)[2]).toBe(0x23000n);
    expect(bus.read32(0x60)).toBe(0);
  });

  it('are lost without EVENTQEN', () => {
    bus.write32(0x20, 9);
    faults(1);
    expect(bus.read32(0x100a8)).toBe(0);
  });

  it('a queue that is not RAM is EVENTQ_ABT_ERR, and PROD stays', () => {
    bus.write32(0x20, 9);
    bus.write64(0xa0, 0x7000_0002n);
    bus.write32(0x20, 0xd);
    faults(2);
    expect([bus.read32(0x100a8), bus.read32(0x60), host.pulses(GERROR_LINE)]).toEqual([0, 4, 1]);
    bus.write32(0x64, 4);
    faults(1);
    expect([bus.read32(0x60), host.pulses(GERROR_LINE)]).toEqual([0, 2]);
  });

  it('are lost while EVENTQ_ABT_ERR is active, in a queue that is RAM as well', () => {
    const place = (base: bigint) => {
      bus.write32(0x20, 9);
      bus.write64(0xa0, base);
      bus.write32(0x20, 0xd);
    };
    const ram = bus.read64(0xa0);
    place(0x7000_0002n);
    faults(1);
    expect(bus.read32(0x60)).toBe(4);
    place(ram);
    faults(1);
    expect(bus.read32(0x100a8)).toBe(0);
    bus.write32(0x64, 4);
    faults(1);
    expect(bus.read32(0x100a8)).toBe(1);
  });
});
