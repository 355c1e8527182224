// SPDX-License-Identifier: MIT
// STEs, CDs, commands and events against words derived by hand from IHI 0070 sections 4,
// 5 and 7.

import { describe, expect, it } from 'vitest';
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
  eventRecord,
  GRANULE_4K,
  GRANULE_16K,
  GRANULE_64K,
  invalidSte,
  nestedSte,
  prefetchConfig,
  stage1Ste,
  stage2Ste,
  sync,
  tlbiNhAll,
  tlbiNhAsid,
  tlbiNhVa,
  tlbiNhVaa,
  tlbiNsnhAll,
  tlbiS2Ipa,
  tlbiS12Vmall,
  writeCd,
  writeCommand,
  writeSte,
} from '../../../devices/tables/index.ts';
import { ArrayMemory } from './array-memory.ts';

/** The structure's 64-bit words, lowest first, without trailing zeros. */
function longs(words: Uint32Array): string[] {
  const result: string[] = [];
  for (let i = 0; i < words.length; i += 2) {
    result.push(
      [words[i + 1], words[i]].map((word) => (word ?? 0).toString(16).padStart(8, '0')).join(''),
    );
  }
  while (result.at(-1) === '0000000000000000') result.pop();
  return result;
}

describe('stream table entries', () => {
  it('abort, bypass and invalid entries', () => {
    expect(longs(abortSte())).toEqual(['0000000000000001']);
    expect(longs(bypassSte())).toEqual(['0000000000000009']);
    expect(longs(invalidSte())).toEqual([]);
    expect(abortSte()).toHaveLength(16);
  });

  it('stage 1 as Linux writes it for a stream that cannot stall', () => {
    expect(longs(stage1Ste({ contextPtr: 0x12_3456_7840, stallDisabled: true }))).toEqual([
      '000000123456784b',
      '00000000080000d6',
    ]);
    expect(longs(stage1Ste({ contextPtr: 0x8000_0000 }))).toEqual([
      '000000008000000b',
      '00000000000000d6',
    ]);
  });

  it('stage 1 with substreams, ATS and another StreamWorld', () => {
    const ste = stage1Ste({
      contextPtr: 0x8000_0000,
      cdMax: 10,
      format: 2,
      dss: 1,
      eats: 1,
      strw: 2,
    });
    expect(longs(ste)).toEqual(['500000008000002b', '00000000900000d5']);
  });

  it('stage 2 as Linux writes it for 4 KiB pages and 48 bits', () => {
    // 0x53590 of word 5, then S2AA64, S2PTW and S2R at bits 51, 54 and 58 of the
    // doubleword.
    expect(longs(stage2Ste({ vmid: 0x1234, ttb: 0x4000_1000, inputBits: 48 }))).toEqual([
      '000000000000000d',
      '0000000000000000',
      '044d359000001234',
      '0000000040001000',
    ]);
  });

  it('stage 2 with other granules, sizes and switches', () => {
    const ste = stage2Ste({
      vmid: 1,
      ttb: 0x1_0000_0000,
      inputBits: 40,
      granule: GRANULE_16K,
      record: false,
      accessFlagDisabled: true,
      forceWriteBack: true,
    });
    // T0SZ 24, start level 2 (16 concatenated tables) encoded as 1, 16 KiB as 2, PS 40
    // bits as 2, S2AFFD at bit 53.
    expect(longs(ste)).toEqual([
      '000000000000000d',
      '0000000002000000',
      '006ab55800000001',
      '0000000100000000',
    ]);
    expect(longs(stage2Ste({ vmid: 1, ttb: 0, inputBits: 42, granule: GRANULE_64K }))[2]).toBe(
      '044b755600000001',
    );
    expect(() => stage2Ste({ vmid: 1, ttb: 0, inputBits: 41 })).toThrow(RangeError);
  });

  it('nested: both stages and merged events', () => {
    expect(
      longs(nestedSte({ contextPtr: 0x8000_0040 }, { vmid: 7, ttb: 0x2000, inputBits: 48 })),
    ).toEqual(['000000008000004f', '00000000000800d6', '044d359000000007', '0000000000002000']);
  });

  it('are in a linear table at 64 bytes each, and their first word is written last', () => {
    const memory = new ArrayMemory(0x1000, 0x1000);
    const order: number[] = [];
    const store = memory.store64.bind(memory);
    memory.store64 = (address, value) => {
      order.push(address);
      store(address, value);
    };
    writeSte(memory, 0x1000, 3, stage1Ste({ contextPtr: 0x8000_0040 }));
    expect(order.at(-1)).toBe(0x10c0);
    expect(memory.load64(0x10c0)).toBe(0x8000_004bn);
    expect(memory.load64(0x10c8)).toBe(0xd6n);
  });
});

describe('context descriptors', () => {
  it('a Linux DMA domain of 48 bits, 4 KiB pages and ASID 1', () => {
    const cd = contextDescriptor({ asid: 1, lower: { ttb: 0x9_8765_4000, inputBits: 48 } });
    expect(longs(cd)).toEqual([
      '0001e205c0003510',
      '0000000987654000',
      '0000000000000000',
      '00000000f404ff44',
    ]);
    expect(cd).toHaveLength(16);
  });

  it('the upper half, whose granule is encoded differently', () => {
    const cd = contextDescriptor({
      asid: 0x1e20,
      upper: { ttb: 0x8000_0000, inputBits: 39, granule: GRANULE_16K },
      outputBits: 44,
      record: false,
      abort: false,
      accessFlagDisabled: true,
    });
    // EPD0 at bit 14, T1SZ 25, TG1 = 1, IR1, OR1, SH1, V; IPS 4, AFFD, AA64, ASET.
    expect(longs(cd)).toEqual([
      '1e20820cb5594000',
      '0000000000000000',
      '0000000080000000',
      '00000000f404ff44',
    ]);
  });

  it('a CD without tables lets every access fault', () => {
    expect(longs(contextDescriptor({ asid: 0 }))[0]).toBe('0000e205c0004000');
  });

  it('are in a linear table at 64 bytes each', () => {
    const memory = new ArrayMemory(0, 0x100);
    writeCd(memory, 0, 2, contextDescriptor({ asid: 1, lower: { ttb: 0x4000, inputBits: 48 } }));
    expect(memory.load64(0x80)).toBe(0x0001_e205_c000_3510n);
  });
});

describe('commands', () => {
  it('configuration', () => {
    expect(longs(prefetchConfig(8))).toEqual(['0000000800000001']);
    expect(longs(cfgiSte(0x12345678))).toEqual(['1234567800000003', '0000000000000001']);
    expect(longs(cfgiSte(1, false))).toEqual(['0000000100000003']);
    expect(longs(cfgiSteRange(0x100, 7))).toEqual(['0000010000000004', '0000000000000007']);
    expect(longs(cfgiAll())).toEqual(['0000000000000004', '000000000000001f']);
    expect(longs(cfgiCd(8, 0xabcde))).toEqual(['00000008abcde005', '0000000000000001']);
    expect(longs(cfgiCdAll(8))).toEqual(['0000000800000006']);
  });

  it('TLB invalidations by tag', () => {
    expect(longs(tlbiNhAll(3))).toEqual(['0000000300000010']);
    expect(longs(tlbiNhAsid(3, 0x1e20))).toEqual(['1e20000300000011']);
    expect(longs(tlbiS12Vmall(0xffff))).toEqual(['0000ffff00000028']);
    expect(longs(tlbiNsnhAll())).toEqual(['0000000000000030']);
  });

  it('TLB invalidations by address and by range', () => {
    expect(longs(tlbiNhVa(3, 5, { address: 0x1234_5000 }))).toEqual([
      '0005000300000012',
      '0000000012345001',
    ]);
    const range = { granule: GRANULE_4K, num: 0, scale: 5 } as const;
    expect(longs(tlbiNhVa(0, 1, { address: 0x12_3456_7000, ttl: 3, range }))).toEqual([
      '0001000000500012',
      '0000001234567701',
    ]);
    expect(
      longs(
        tlbiNhVaa(1, {
          address: 0x1000,
          leaf: false,
          range: { granule: GRANULE_64K, num: 31, scale: 0 },
        }),
      ),
    ).toEqual(['000000010001f013', '0000000000001c00']);
    expect(longs(tlbiS2Ipa(9, { address: 0xffff_f000 }))).toEqual([
      '000000090000002a',
      '00000000fffff001',
    ]);
  });

  it('ATC_INV and CMD_SYNC', () => {
    expect(longs(atcInv({ streamId: 8, address: 0x1_0000, size: 4 }))).toEqual([
      '0000000800000040',
      '0000000000010004',
    ]);
    expect(
      longs(atcInv({ streamId: 8, substreamId: 0x12, global: true, address: 0, size: 52 })),
    ).toEqual(['0000000800012a40', '0000000000000034']);
    expect(longs(sync())).toEqual(['000000000fc00046']);
    expect(longs(sync(2))).toEqual(['000000000fc02046']);
    expect(longs(sync(1, { address: 0x12_3456_7890, data: 0xcafe }))).toEqual([
      '0000cafe0fc01046',
      '0000001234567890',
    ]);
  });

  it('are in a ring at 16 bytes each', () => {
    const memory = new ArrayMemory(0x8000_0000, 0x100);
    writeCommand(memory, 0x8000_0000, 5, tlbiNhVa(3, 5, { address: 0x1234_5000 }));
    expect(memory.load64(0x8000_0050)).toBe(0x0005_0003_0000_0012n);
    expect(memory.load64(0x8000_0058)).toBe(0x1234_5001n);
  });
});

describe('event records', () => {
  it('a stage-1 translation fault of an unprivileged write', () => {
    const record = eventRecord([0x10, 8, 0, 0x200, 0x1234_5000, 0x12, 0, 0]);
    expect(record).toMatchObject({
      id: 0x10,
      name: 'F_TRANSLATION',
      streamId: 8,
      substreamId: undefined,
      write: true,
      stage2: false,
      class: 2,
    });
    expect(record.inputAddress).toBe(0x12_1234_5000n);
  });

  it('a stalled stage-2 fault of a privileged fetch with a SubstreamID', () => {
    const record = eventRecord([
      0x13 | 0x800 | (0x55 << 12),
      0x102,
      0x8000_00aa,
      0x118e,
      0,
      0,
      0x4000_1000,
      0xf,
    ]);
    expect(record).toMatchObject({
      name: 'F_PERMISSION',
      substreamId: 0x55,
      stalled: true,
      stag: 0xaa,
      write: false,
    });
    expect(record).toMatchObject({
      privileged: true,
      instruction: true,
      stage2: true,
      class: 1,
      tableRead: true,
    });
    expect(record.address).toBe(0xf_4000_1000n);
  });

  it('an ID without a name shows its number', () => {
    expect(eventRecord([0xee, 0, 0, 0, 0, 0, 0, 0]).name).toBe('0xee');
  });
});
