// SPDX-License-Identifier: MIT
// A guest's SMMU: bypass, streams and configuration commands, the command queue, saved
// state.

import { beforeEach, describe, expect, it } from 'vitest';
import { GUEST_ID_REGISTERS } from '../../../devices/smmuv3/index.ts';
import {
  abortSte,
  atcInv,
  bypassSte,
  cfgiAll,
  cfgiCd,
  cfgiCdAll,
  cfgiSte,
  cfgiSteRange,
  contextDescriptor,
  PageTable,
  prefetchConfig,
  S1_READ_WRITE,
  stage1Ste,
  sync,
  tlbiNhVa,
  tlbiNsnhAll,
  writeCd,
  writeCommand,
  writeSte,
} from '../../../devices/tables/index.ts';
import {
  BUFFER,
  backend,
  bus,
  CDS,
  device,
  enable,
  expectDone,
  GERROR_LINE,
  host,
  issue,
  memory,
  PA,
  RING,
  record,
  STREAMS,
  setUp,
  setUpWith,
  stage1,
} from './guest-board.ts';

beforeEach(setUp);

describe('disabled', () => {
  it('lets DMA pass, or aborts it, depending on GBPA', () => {
    expect(backend.dma(8, BUFFER)).toBe(PA + BUFFER);
    bus.write32(0x44, 0x80100000);
    expect(backend.dma(8, BUFFER)).toBeUndefined();
    bus.write32(0x44, 0x00000000);
    expect(backend.dma(8, BUFFER)).toBeUndefined();
    bus.write32(0x44, 0x80000000);
    expect(backend.dma(8, BUFFER)).toBe(PA + BUFFER);
    expect(backend.dma(8, STREAMS - 0x1000)).toBeUndefined();
  });

  it('follows GBPA again after it was enabled, including changes in the meantime', () => {
    enable();
    bus.write32(0x44, 0x80100000);
    expect(backend.log).toEqual(['8 invalid', '9 invalid']);
    bus.write32(0x20, 0);
    expect(backend.log.at(-1)).toBe('all abort');
  });

  it('configuration commands attach nothing', () => {
    enable(0x8);
    writeSte(memory, STREAMS, 8, bypassSte());
    issue(cfgiAll(), sync());
    expectDone();
    expect(backend.log).toEqual([]);
  });
});

describe('streams', () => {
  it('are attached as the stream table has them when the SMMU is enabled', () => {
    stage1();
    writeSte(memory, STREAMS, 9, bypassSte());
    enable();
    expect(backend.log).toEqual(['8 nested', '9 bypass']);
    expect([backend.dma(8, 0x10123), backend.dma(9, BUFFER)]).toEqual([
      PA + BUFFER + 0x123,
      PA + BUFFER,
    ]);
    expect([backend.dma(8, 0x11000), backend.dma(8, 0x11000, { write: false })]).toEqual([
      undefined,
      PA + BUFFER + 0x1000,
    ]);
  });

  it('keep their STE until a CFGI covers them', () => {
    writeSte(memory, STREAMS, 8, bypassSte());
    writeSte(memory, STREAMS, 9, bypassSte());
    enable();
    writeSte(memory, STREAMS, 8, abortSte());
    expect(backend.dma(8, BUFFER)).toBe(PA + BUFFER);
    issue(cfgiSte(9), cfgiSteRange(0, 2), cfgiSte(1000), sync());
    expect(backend.dma(8, BUFFER)).toBe(PA + BUFFER);
    issue(cfgiSte(8), sync());
    expectDone();
    expect(backend.dma(8, BUFFER)).toBeUndefined();
    expect(backend.log).toEqual(['8 bypass', '9 bypass', '9 bypass', '8 abort']);
  });

  it.each([
    ['one stream', cfgiSte(8), ['8 bypass']],
    ['a pair that begins below', cfgiSteRange(9, 0), ['8 bypass', '9 bypass']],
    ['eight around', cfgiSteRange(13, 2), ['8 bypass', '9 bypass']],
    ['everything', cfgiAll(), ['8 bypass', '9 bypass']],
    ['the last of all streams', cfgiSteRange(0xffffffff, 30), []],
  ])('CFGI of %s', (_name, command, attached) => {
    enable();
    backend.log.length = 0;
    writeSte(memory, STREAMS, 8, bypassSte());
    writeSte(memory, STREAMS, 9, bypassSte());
    issue(command, sync());
    expectDone();
    expect(backend.log).toEqual(attached);
  });

  it.each([
    ['without substreams ignores S1CDMax, S1DSS and S1Fmt of an STE', 0, PA + BUFFER],
    ['with substreams goes by them: S1DSS 0 is F_STREAM_DISABLED', 20, undefined],
  ])('an SMMU %s', (_name, ssidSize, pa) => {
    const idr1 = (GUEST_ID_REGISTERS.idr1 & ~(31 << 6)) | (ssidSize << 6);
    setUpWith({ ...GUEST_ID_REGISTERS, idr1 });
    stage1();
    const ste = stage1Ste({ contextPtr: CDS });
    // S1CDMax 10, S1Fmt 2, S1DSS 0.
    ste[0] = (ste[0] ?? 0) | (2 << 4);
    ste[1] = (ste[1] ?? 0) | (10 << 27);
    ste[2] = (ste[2] ?? 0) & ~3;
    writeSte(memory, STREAMS, 8, ste);
    enable();
    expect(backend.dma(8, 0x10000)).toBe(pa);
    backend.forwardEvents();
    expect(bus.read32(0x100a8)).toBe(pa === undefined ? 1 : 0);
    if (pa === undefined) expect(record(0)[0]).toBe(0x0000_0008_0000_0006n);
  });

  it('CFGI_CD and CFGI_CD_ALL reach the streams that there are; PREFETCH does nothing', () => {
    enable();
    backend.log.length = 0;
    issue(
      cfgiCd(8, 0),
      cfgiCd(8, 3, false),
      cfgiCdAll(9),
      cfgiCd(3, 0),
      cfgiCdAll(0xffffffff),
      prefetchConfig(8),
      sync(),
    );
    host.poll();
    expectDone();
    expect(backend.log).toEqual(['8 cd 0', '8 cd 3 level 1', '9 cd all']);
  });

  it('a changed CD counts after CFGI_CD', () => {
    stage1();
    enable();
    expect(backend.dma(8, 0x10000)).toBe(PA + BUFFER);
    const other = new PageTable(memory, { stage: 1 });
    other.map(0x10000, BUFFER + 0x5000, 0x1000, S1_READ_WRITE);
    writeCd(
      memory,
      CDS,
      0,
      contextDescriptor({ asid: 2, lower: { ttb: other.root, inputBits: 48 } }),
    );
    expect(backend.dma(8, 0x10000)).toBe(PA + BUFFER);
    issue(cfgiCd(8, 0), sync());
    expect(backend.dma(8, 0x10000)).toBe(PA + BUFFER + 0x5000);
  });

  it('only the fields of a vSTE reach the host', () => {
    const ste = stage1Ste({ contextPtr: CDS, eats: 1 });
    // MTCFG, SHCFG, S2VMID, stage-2 fields: this SMMU ignores them.
    for (const word of [3, 4, 5, 6, 7]) ste[word] = 0xffffffff;
    const attached: Uint32Array[] = [];
    const attach = backend.attachStream.bind(backend);
    backend.attachStream = (sid, words) => {
      if (words) attached.push(words);
      return attach(sid, words);
    };
    writeSte(memory, STREAMS, 8, ste);
    writeSte(memory, STREAMS, 9, ste);
    enable();
    expect([...(attached[0] ?? [])]).toEqual([0x8000100b, 0, 0x100000d6, ...new Array(13).fill(0)]);
  });
});

describe('command queue', () => {
  it('invalidates for this machine only: TLBI_NSNH_ALL and TLBI_NH_VA of any VMID', () => {
    const table = stage1();
    enable();
    expect(backend.dma(8, 0x10000)).toBe(PA + BUFFER);
    table.unmap(0x10000, 0x1000);
    expect(backend.dma(8, 0x10000)).toBe(PA + BUFFER);
    issue(tlbiNhVa(0xffff, 1, { address: 0x10000 }), sync());
    expect(backend.dma(8, 0x10000)).toBeUndefined();
    expect(backend.dma(8, 0x11000, { write: false })).toBe(PA + BUFFER + 0x1000);
    table.unmap(0x11000, 0x1000);
    issue(tlbiNsnhAll(), sync());
    expectDone();
    expect(backend.dma(8, 0x11000, { write: false })).toBeUndefined();
  });

  it('stops at a bad command between others, and continues from its replacement', () => {
    enable();
    backend.log.length = 0;
    issue(cfgiSte(8), new Uint32Array([0x28, 0, 0, 0]), cfgiSte(9), sync());
    expect([bus.read32(0x9c), bus.read32(0x60)]).toEqual([0x01000001, 1]);
    expect(backend.log).toEqual(['8 invalid']);
    expect(host.pulses(GERROR_LINE)).toBe(1);
    writeCommand(memory, RING, 1, sync(2));
    bus.write32(0x64, 1);
    expectDone();
    expect(backend.log).toEqual(['8 invalid', '9 invalid']);
  });

  it('a full ring of configuration commands is executed three in a service, in order', () => {
    enable();
    backend.log.length = 0;
    issue(...Array.from({ length: 7 }, (_, i) => cfgiSte(8 + (i % 2))), sync());
    const services = [[...backend.log]];
    const cons = [bus.read32(0x9c)];
    for (let i = 0; i < 2; i++) {
      backend.log.length = 0;
      host.poll();
      services.push([...backend.log]);
      cons.push(bus.read32(0x9c));
    }
    expect(services).toEqual([
      ['8 invalid', '9 invalid', '8 invalid'],
      ['9 invalid', '8 invalid', '9 invalid'],
      ['8 invalid'],
    ]);
    // CMD_SYNC after all of them.
    expect(cons).toEqual([3, 6, 8]);
  });

  it('a CFGI of many streams is interrupted between two streams, and a different CFGI starts from its beginning', () => {
    enable();
    backend.log.length = 0;
    issue(cfgiSte(8), cfgiSte(8), cfgiAll(), sync());
    expect(backend.log).toEqual(['8 invalid', '8 invalid', '8 invalid']);
    expect(bus.read32(0x9c)).toBe(2);
    // After the queue was disabled, the same words are another command.
    bus.write32(0x20, 0x5);
    expect(bus.read32(0x9c)).toBe(2);
    backend.log.length = 0;
    bus.write32(0x20, 0xd);
    expect(backend.log).toEqual(['8 invalid', '9 invalid']);
    expectDone();
    issue(cfgiSte(8), cfgiSte(8), cfgiAll(), sync());
    backend.log.length = 0;
    host.poll();
    expect(backend.log).toEqual(['9 invalid']);
    expectDone();
  });

  it('a PROD beyond the ring ends; the rest is done in the background', () => {
    enable();
    for (let i = 0; i < 8; i++) writeCommand(memory, RING, i, cfgiSte(8));
    backend.log.length = 0;
    bus.write32(0x98, 15);
    expect(backend.log.length).toBeLessThanOrEqual(9);
    for (let i = 0; i < 4; i++) host.poll();
    expect(bus.read32(0x9c)).toBe(15);
  });

  it('a command that changes while the device reads it is fetched again', () => {
    enable();
    const finish = backend.serveCommandQueue.bind(backend);
    let served = 0;
    backend.serveCommandQueue = () => {
      const state = finish();
      if (served++ === 0) writeCommand(memory, RING, 0, new Uint32Array([0xff, 0, 0, 0]));
      return state;
    };
    issue(cfgiSte(8));
    expect([bus.read32(0x9c), bus.read32(0x60)]).toEqual([0x01000000, 1]);
  });
});

/** ATC_INV of a stream that the guest does not have: CERROR_ILL, except with SMMUEN 0. */
const UNKNOWN_STREAM = atcInv({ streamId: 0x55, address: 0, size: 52 });

describe('ATC_INV', () => {
  it('is ignored from a reset until SMMUEN is 1', () => {
    enable();
    device.reset();
    enable(0xc);
    issue(UNKNOWN_STREAM, sync());
    expectDone();
    bus.write32(0x20, 0xd);
    issue(UNKNOWN_STREAM, sync());
    expect([bus.read32(0x9c), bus.read32(0x60)]).toEqual([0x01000002, 1]);
  });
});

describe('translations that were cached', () => {
  it.each([
    ['a reset', () => device.reset()],
    ['a restored state', () => device.restore(JSON.parse(JSON.stringify(device.save())))],
  ])('are gone after %s: a descriptor that has changed since is read again', (_name, after) => {
    const table = stage1();
    enable();
    expect(backend.dma(8, 0x10000)).toBe(PA + BUFFER);
    table.unmap(0x10000, 0x1000);
    expect(backend.dma(8, 0x10000)).toBe(PA + BUFFER);
    after();
    enable();
    expect(backend.dma(8, 0x10000)).toBeUndefined();
  });
});

describe('saved state', () => {
  it('attaches the streams as they were, not as the table has them now', () => {
    stage1();
    enable();
    writeSte(memory, STREAMS, 8, abortSte());
    const saved = JSON.parse(JSON.stringify(device.save()));
    device.reset();
    backend.log.length = 0;
    device.restore(saved);
    expect(backend.log).toEqual(['8 nested', '9 invalid']);
    expect(backend.dma(8, 0x10000)).toBe(PA + BUFFER);
    issue(cfgiSte(8), sync());
    expectDone();
    expect(backend.dma(8, 0x10000)).toBeUndefined();
  });

  it('has the CONS that the drain has reached since the last access to a register', () => {
    enable();
    backend.core.accessBegin();
    issue(tlbiNsnhAll(), sync());
    // The CMD_SYNC waits for the access.
    expect(bus.read32(0x9c)).toBe(1);
    backend.core.accessEnd();
    backend.serveCommandQueue();
    device.restore(JSON.parse(JSON.stringify(device.save())));
    expect(bus.read32(0x9c)).toBe(2);
  });

  it.each([
    ['off', 0xc, 0],
    ['on', 0xd, 1],
  ])('has ATC_INV judged by SMMUEN as it was saved: %s', (_name, cr0, active) => {
    enable(cr0);
    const saved = JSON.parse(JSON.stringify(device.save()));
    bus.write32(0x20, cr0 ^ 1);
    device.restore(saved);
    issue(UNKNOWN_STREAM, sync());
    expect((bus.read32(0x60) ^ bus.read32(0x64)) & 1).toBe(active);
  });
});
