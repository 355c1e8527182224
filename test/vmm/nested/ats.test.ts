// SPDX-License-Identifier: MIT
// ATS and PRI, end to end: a DMA engine with an ATC and a host's SMMU, and a guest with
// an SMMU, a command queue, a VCMDQ and a PRI queue. Entries and commands are derived by
// hand from IHI 0070 section 4.5 and chapter 8.

import { beforeEach, describe, expect, it } from 'vitest';
import {
  GUEST_ID_REGISTERS,
  PAGE_REQUEST_GUEST_ID_REGISTERS,
  PHYSICAL_ID_REGISTERS,
} from '../../../devices/smmuv3/index.ts';
import {
  abortSte,
  atcInv,
  bypassSte,
  cfgiSte,
  invalidSte,
  priResp,
  S1_READ_WRITE,
  stage1Ste,
  sync,
  tlbiNhAsid,
  writeSte,
} from '../../../devices/tables/index.ts';
import { atsBoard, CDS, EVENTS, MSI, STREAMS } from '../../support/ats-board.ts';
import {
  ASID,
  DATA_GPA,
  IOVA,
  lendVm,
  RAM_GPA_BASE,
  STREAM,
  sendOnVcmdq,
  startVcmdq,
} from '../../support/lent-vm.ts';

const [FILL, VERIFY] = [2, 3];
const [DONE, READ_FAULT, WRITE_FAULT, STALLED] = [1, 2, 3, 7];
const [ENABLE, SILENT, PAGES] = [1, 2, 4];
/** After the only mapped page. */
const HOLE = IOVA + 0x1000;

const PRIQ_LINE = 2;

let b: Awaited<ReturnType<typeof atsBoard>>;
const ats = (value: number) => {
  b.engine.write32(0x38, value);
  return b.engine.read32(0x38);
};
const allOf = atcInv({ streamId: STREAM, address: 0, size: 52 });

beforeEach(async () => {
  b = await atsBoard();
});

describe('an engine with ATS', () => {
  it('moves data through its ATC, and requests each page once', () => {
    expect(ats(ENABLE)).toBe(ENABLE);
    expect([
      b.dma(FILL, IOVA, 0x1000),
      b.dma(VERIFY, IOVA, 0x1000),
      b.dma(FILL, IOVA, 0x1000),
    ]).toEqual([DONE, DONE, DONE]);
    expect(b.host.statistics.smmu.atsRequests).toBe(1);
    expect(b.vm.bytes[DATA_GPA - RAM_GPA_BASE + 0xfff]).toBe(0xa5);
  });

  it('bypasses its ATC with a privileged access without a PASID', () => {
    ats(ENABLE);
    b.dma(FILL, IOVA);
    const port = b.slot.dmaPort();
    const byte = new Uint8Array(1);
    expect(port.read(IOVA, byte, { privileged: true }).ok).toBe(true);
    expect(b.host.statistics.smmu.atsRequests).toBe(1);
    b.unmap();
    b.send(tlbiNhAsid(0, ASID), sync());
    // The ATC still has the page, the SMMU does not.
    expect([port.read(IOVA, byte).ok, port.read(IOVA, byte, { privileged: true }).ok]).toEqual([
      true,
      false,
    ]);
    b.host.service(true);
    expect(b.host.statistics.smmu.events).toEqual({ F_TRANSLATION: 1 });
  });

  it.each(['the CMDQ', 'a VCMDQ'])('uses a stale entry until an ATC_INV on %s', (queue) => {
    if (queue === 'a VCMDQ') startVcmdq(b.vm);
    const send = (...commands: Uint32Array[]) =>
      queue === 'a VCMDQ' ? sendOnVcmdq(b.vm, ...commands) : b.send(...commands);
    ats(ENABLE);
    b.dma(FILL, IOVA);
    b.unmap();
    send(tlbiNhAsid(0, ASID), sync());
    expect(b.dma(FILL, IOVA)).toBe(DONE);
    send(allOf, sync());
    expect(b.dma(FILL, IOVA)).toBe(WRITE_FAULT);
    expect(b.host.statistics.smmu.events).toEqual({});
  });

  it('is refused without EATS, and its guest is notified', () => {
    const ste = stage1Ste({ contextPtr: CDS });
    writeSte(b.vm.memory, STREAMS, STREAM, ste);
    b.bus.write32(0x20, 0x1e);
    b.bus.write32(0x20, 0x1f);
    ats(ENABLE);
    expect(b.dma(VERIFY, IOVA)).toBe(READ_FAULT);
    b.look();
    // F_BAD_ATS_TREQ with the guest's own StreamID.
    expect([0, 16].map((word) => b.vm.memory.load64(EVENTS + word))).toEqual([
      0x0000_0008_0000_0005n,
      BigInt(IOVA),
    ]);
    expect(b.told).toEqual(['F_BAD_ATS_TREQ: a translation request, but STE.EATS = 0']);
  });

  it.each(['the CMDQ', 'a VCMDQ'])(
    'that does not answer makes the CMD_SYNC on %s fail after the timeout',
    async (queue) => {
      b = await atsBoard({ atcTimeout: 0 });
      ats(ENABLE);
      b.dma(FILL, IOVA);
      ats(ENABLE | SILENT);
      b.dma(FILL, IOVA);
      if (queue === 'the CMDQ') {
        b.send(allOf, sync());
        b.look();
        // CONS: RD 1, ERR 3; GERROR.CMDQ_ERR.
        expect([b.bus.read32(0x9c), b.bus.read32(0x60)]).toEqual([0x0300_0001, 1]);
        b.bus.write32(0x64, 1);
        expect(b.bus.read32(0x9c) & 0xfffff).toBe(2);
      } else {
        startVcmdq(b.vm);
        sendOnVcmdq(b.vm, allOf, sync());
        b.look();
        b.look();
        expect([b.vm.vintf.readPage0(0, 0x00), b.vm.vintf.readPage0(0, 0x10)]).toEqual([
          0x0300_0001, 1,
        ]);
        b.vm.vintf.writePage0(0, 0x14, 1);
        expect(b.vm.vintf.readPage0(0, 0x00)).toBe(2);
      }
      expect([b.dma(FILL, IOVA), b.host.statistics.smmu.atcTimeouts]).toEqual([WRITE_FAULT, 1]);
      ats(ENABLE);
      expect(b.dma(FILL, IOVA)).toBe(DONE);
    },
  );

  it('that answers late delays its own CMD_SYNC, but not one of another VM', async () => {
    b = await atsBoard({ atcTimeout: 1_000_000 });
    const other = lendVm(b.host, 'b');
    startVcmdq(other);
    ats(ENABLE | SILENT);
    b.dma(FILL, IOVA);
    b.send(allOf, sync());
    b.look();
    expect(b.bus.read32(0x9c)).toBe(1);
    sendOnVcmdq(other, sync());
    expect(other.vintf.readPage0(0, 0x00)).toBe(1);
    ats(ENABLE);
    b.look();
    expect(b.bus.read32(0x9c)).toBe(2);
  });

  it('loses what stage 2 no longer maps', () => {
    ats(ENABLE);
    b.dma(FILL, IOVA);
    const before = b.host.statistics.smmu.atcInvalidations;
    b.vm.viommu.fd.close();
    expect(b.host.statistics.smmu.atcInvalidations).toBeGreaterThanOrEqual(before);
    expect(b.dma(FILL, IOVA)).toBe(WRITE_FAULT);
  });

  it('has no ATS with an SMMU without ATS', async () => {
    const idr0 = PHYSICAL_ID_REGISTERS.idr0 & ~0x10c00;
    b = await atsBoard({
      ids: 'auto',
      idRegisters: { ...PHYSICAL_ID_REGISTERS, idr0, idr1: PHYSICAL_ID_REGISTERS.idr1 & ~0xf800 },
    });
    expect([ats(ENABLE | PAGES), b.dma(FILL, IOVA)]).toEqual([0, DONE]);
  });

  it('is saved and restored with its ATS, its ATC empty', () => {
    ats(ENABLE | PAGES);
    b.dma(FILL, IOVA);
    const state = b.device.save();
    b.device.reset();
    expect(b.engine.read32(0x38)).toBe(0);
    b.device.restore(state);
    expect(b.engine.read32(0x38)).toBe(ENABLE | PAGES);
    const { atsRequests } = b.host.statistics.smmu;
    expect(b.dma(FILL, IOVA)).toBe(DONE);
    expect(b.host.statistics.smmu.atsRequests).toBe(atsRequests + 1);
  });
});

describe('an engine with PRI', () => {
  beforeEach(() => {
    ats(ENABLE | PAGES);
  });
  const answer = (response: number, group = 1, streamId = STREAM) =>
    b.send(priResp(streamId, group, response), sync());

  it('requests a page from its guest, and continues when the page is mapped', () => {
    expect(b.dma(FILL, HOLE + 0x18)).toBe(STALLED);
    b.look();
    // Stream 8, write, last of group 1; the page.
    expect([b.bus.read32(0x100c8), b.request(0)]).toEqual([
      1,
      [0x6000_0000_0000_0008n, BigInt(HOLE) | 1n],
    ]);
    expect([b.guest.pulses(PRIQ_LINE), b.vm.memory.load64(MSI)]).toEqual([1, 0x77n]);
    expect(b.look()).toEqual([STALLED, 0, HOLE + 0x18]);
    expect(b.bus.read32(0x100c8)).toBe(1);
    b.table.map(HOLE, DATA_GPA + 0x1000, 0x1000, S1_READ_WRITE);
    answer(2);
    expect(b.look()).toEqual([DONE, 8, 0]);
    expect(b.vm.bytes[DATA_GPA - RAM_GPA_BASE + 0x1018]).toBe(0xa5);
    expect(b.host.statistics.smmu.events).toEqual({});
  });

  it('requests reading when it reads, with another index each time', () => {
    b.dma(VERIFY, HOLE);
    b.look();
    answer(2);
    b.look();
    b.look();
    expect([b.request(0), b.request(1)]).toEqual([
      [0x5000_0000_0000_0008n, BigInt(HOLE) | 1n],
      [0x5000_0000_0000_0008n, BigInt(HOLE) | 2n],
    ]);
  });

  it.each([0, 1])('fails at a page that its guest refuses with response %i', (response) => {
    b.dma(FILL, HOLE);
    b.look();
    answer(response);
    expect(b.look()).toEqual([WRITE_FAULT, 0, HOLE]);
  });

  it('waits on when the answer names another stream or another group', () => {
    b.dma(FILL, HOLE);
    b.look();
    answer(2, 1, STREAM + 1);
    answer(2, 2);
    expect(b.look()).toEqual([STALLED, 0, HOLE]);
  });

  it.each([
    ['PRIQEN 0', () => b.bus.write32(0x20, 0x1d), 0],
    [
      'a PRI queue outside memory',
      () => {
        b.guest.memory.store64 = () => false;
      },
      8,
    ],
  ])('is refused at once with %s', (_, prepare, error) => {
    prepare();
    b.dma(FILL, HOLE);
    b.look();
    expect(b.look()).toEqual([WRITE_FAULT, 0, HOLE]);
    // PRIQ_ABT_ERR.
    expect(b.bus.read32(0x60) & 8).toBe(error);
  });

  it('requests again after an overflow, which lasts until it is acknowledged', async () => {
    b = await atsBoard({ requests: 0 });
    ats(ENABLE | PAGES);
    b.dma(FILL, HOLE);
    b.look();
    // The entry is not consumed: the next request overflows, and is answered with
    // Success.
    answer(2);
    b.look();
    b.look();
    expect(b.bus.read32(0x100c8)).toBe(0x8000_0001);
    // There is space, but no acknowledgement.
    b.bus.write32(0x100cc, 1);
    b.look();
    b.look();
    expect(b.bus.read32(0x100c8)).toBe(0x8000_0001);
    expect(b.look()[0]).toBe(STALLED);
    b.bus.write32(0x100cc, 0x8000_0001);
    b.look();
    b.look();
    b.look();
    expect(b.bus.read32(0x100c8)).toBe(0x8000_0000);
  });

  it('with PRIQ_IRQ_CFG2.LO interrupts for each request', () => {
    b.bus.write32(0x50, 5);
    b.bus.write32(0xdc, 0x8000_0000);
    b.bus.write32(0x50, 7);
    b.dma(FILL, HOLE);
    b.look();
    answer(2);
    b.look();
    b.look();
    expect([b.bus.read32(0x100c8), b.guest.pulses(PRIQ_LINE)]).toEqual([2, 2]);
  });

  it('abandons a request with its operation, and waits for the answer before the next', () => {
    b.dma(FILL, HOLE);
    b.look();
    b.engine.write32(0x04, 0);
    b.dma(FILL, HOLE + 0x1000);
    b.look();
    expect(b.bus.read32(0x100c8)).toBe(1);
    answer(0);
    b.look();
    b.look();
    expect(b.request(1)).toEqual([0x6000_0000_0000_0008n, BigInt(HOLE + 0x1000) | 2n]);
  });
});

describe('a page request that waits', () => {
  const restart = () => {
    b.bus.write32(0x20, 0);
    b.look();
    b.bus.write32(0x20, 0x1f);
    b.look();
  };

  it.each<readonly [string, () => void]>([
    [
      'its STE is invalid',
      () => {
        const ste = STREAMS + 64 * STREAM;
        b.vm.memory.store64(ste, b.vm.memory.load64(ste) & ~1n);
        b.send(cfgiSte(STREAM), sync());
      },
    ],
    ['SMMUEN is 0', () => b.bus.write32(0x20, 0x1e)],
    ['its guest starts its SMMU anew', restart],
    ['its SMMU is reset', () => b.smmu.reset()],
    [
      'its device is detached',
      () => {
        const { fd } = b.vm.viommu;
        fd.detach(fd.describe().find(({ type }) => type === 'DEVICE')?.id ?? 0);
      },
    ],
    ['its VM goes', () => b.host.destroyVm(b.vm.vm)],
  ])('is answered INVALID when %s: the engine fails, and is free', (_, happens) => {
    ats(ENABLE | PAGES);
    expect([b.dma(FILL, HOLE), b.look()[0]]).toEqual([STALLED, STALLED]);
    happens();
    b.slot.poll();
    expect(b.look()).toEqual([WRITE_FAULT, 0, HOLE]);
  });

  it('no longer belongs to its guest after that: a late PRI_RESP answers nothing', () => {
    ats(ENABLE | PAGES);
    b.dma(FILL, HOLE);
    b.look();
    restart();
    expect(b.look()[0]).toBe(WRITE_FAULT);
    b.table.map(HOLE, DATA_GPA + 0x1000, 0x1000, S1_READ_WRITE);
    b.send(priResp(STREAM, 1, 2), sync());
    expect(b.look()).toEqual([WRITE_FAULT, 0, HOLE]);
    // The next one is handled as usual.
    expect(b.dma(FILL, HOLE)).toBe(DONE);
  });
});

describe('a group of page requests', () => {
  it('that is abandoned, as its device uses the index again, does not stay unanswered', () => {
    ats(ENABLE | PAGES);
    const { viommu, vm } = b.vm;
    const sid = viommu.streams.get(STREAM) ?? 0;
    const ask = (group: number) => {
      vm.unit.core.pageRequest(viommu.smmuBlock, sid, -1, HOLE % 2 ** 32, 1, 0, group);
      b.host.service(true);
      return viommu.fd.describe().find(({ type }) => type === 'FAULT')?.details.unanswered;
    };
    expect([ask(5), ask(6), ask(5), ask(6)]).toEqual([1, 2, 2, 2]);
    b.send(priResp(STREAM, 5, 2), priResp(STREAM, 6, 2), sync());
    expect(ask(7)).toBe(1);
  });
});

describe('an engine with ATS whose stream bypasses stage 1', () => {
  const attach = (ste: Uint32Array) => {
    // Through an invalid one: more than one doubleword may differ.
    for (const step of [invalidSte(), ste]) {
      writeSte(b.vm.memory, STREAMS, STREAM, step);
      b.send(cfgiSte(STREAM), allOf, sync());
      b.look();
    }
  };

  it('is translated by stage 2: the host keeps EATS', () => {
    expect(ats(ENABLE)).toBe(ENABLE);
    expect(b.dma(FILL, IOVA)).toBe(DONE);
    attach(bypassSte());
    expect([b.dma(FILL, DATA_GPA + 0x2000), b.dma(FILL, DATA_GPA + 0x2000)]).toEqual([DONE, DONE]);
    expect(b.host.statistics.smmu.atsRequests).toBe(2);
    expect(b.vm.bytes[DATA_GPA - RAM_GPA_BASE + 0x2007]).toBe(0xa5);
    // And not when the stream aborts.
    attach(abortSte());
    expect(b.dma(FILL, DATA_GPA + 0x2000)).not.toBe(DONE);
  });

  it('and its ATC loses what the host unmaps of stage 2', () => {
    ats(ENABLE);
    attach(bypassSte());
    expect(b.dma(FILL, DATA_GPA)).toBe(DONE);
    const { fd } = b.vm.viommu;
    const ioas = fd.describe().find(({ type }) => type === 'IOAS')?.id ?? 0;
    fd.ioasUnmap(ioas, 0n, 2n ** 64n - 1n);
    expect(b.dma(FILL, DATA_GPA)).not.toBe(DONE);
  });

  it('is served as well when its ATS is enabled later', () => {
    attach(bypassSte());
    expect(b.dma(FILL, DATA_GPA)).toBe(DONE);
    expect(b.host.statistics.smmu.atsRequests).toBe(0);
    ats(ENABLE);
    expect(b.dma(FILL, DATA_GPA)).toBe(DONE);
    expect(b.host.statistics.smmu.atsRequests).toBe(1);
    attach(invalidSte());
    expect(b.dma(FILL, DATA_GPA)).not.toBe(DONE);
  });

  it('loses what the host unmaps while EATS is 0, too: it cannot come back with EATS', () => {
    ats(ENABLE);
    attach(bypassSte());
    expect(b.dma(FILL, DATA_GPA)).toBe(DONE);
    // Stage 1 without ATS, and no ATC_INV: the ATC keeps its entries, and may not use
    // them.
    b.vm.viommu.attachStream(STREAM, stage1Ste({ contextPtr: CDS }));
    expect(b.dma(FILL, DATA_GPA)).not.toBe(DONE);
    const { fd } = b.vm.viommu;
    const ioas = fd.describe().find(({ type }) => type === 'IOAS')?.id ?? 0;
    fd.ioasUnmap(ioas, 0n, 2n ** 64n - 1n);
    b.vm.viommu.attachStream(STREAM, bypassSte());
    expect(b.dma(FILL, DATA_GPA)).not.toBe(DONE);
  });
});

describe('PRI_RESP', () => {
  it.each([
    ['with a reserved response', PAGE_REQUEST_GUEST_ID_REGISTERS, 3],
    ["to a guest's SMMU without PRI", GUEST_ID_REGISTERS, 2],
  ])('%s is CERROR_ILL', async (_, ids, response) => {
    b = await atsBoard({ ids });
    b.send(priResp(STREAM, 1, response), sync());
    b.look();
    expect([b.bus.read32(0x9c), b.bus.read32(0x60)]).toEqual([0x0100_0000, 1]);
  });

  it('is not a command of a VCMDQ', () => {
    startVcmdq(b.vm);
    sendOnVcmdq(b.vm, priResp(STREAM, 1, 2), sync());
    b.look();
    expect(b.vm.vintf.readPage0(0, 0x00)).toBe(0x0100_0000);
  });
});
