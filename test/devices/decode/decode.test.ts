// SPDX-License-Identifier: MIT
// The decoder against literal words, whose fields were derived by hand from IHI 0070
// sections 4, 5 and 7 and DDI 0487 section D8.3.

import { describe, expect, it } from 'vitest';
import * as CMD from '../../../assembly/layout/commands.ts';
import {
  type Decoded,
  decodeCd,
  decodeCommand,
  decodeEvent,
  decodePte,
  decodeSte,
  type PteOptions,
  wordsOfHex,
} from '../../../devices/decode/index.ts';
import { EVENTS, GRANULE_4K, GRANULE_16K, GRANULE_64K } from '../../../devices/tables/index.ts';

const words = (text: string) => wordsOfHex(text.split(' '));

/** One line for each field that is checked: position, name, value, meaning. */
function fields({ fields: all }: Decoded): string[] {
  return all
    .filter(({ ignored }) => !ignored)
    .map(({ doubleword, high, low, name, value, meaning }) =>
      `${doubleword}[${high}:${low}] ${name} ${value.toString(16)} ${meaning}`.trim(),
    );
}

/** A field by its name. */
function field(
  decoded: Decoded,
  name: string,
): { value: string; meaning: string; ignored: boolean } | undefined {
  const found = decoded.fields.find((candidate) => candidate.name === name);
  return (
    found && { value: found.value.toString(16), meaning: found.meaning, ignored: found.ignored }
  );
}

const ZEROS = Array.from({ length: 8 }, () => '0'.repeat(16)).join(' ');
const ste = (first: string) =>
  decodeSte(words(`${first} ${ZEROS}`.split(' ').slice(0, 8).join(' ')));

describe('commands', () => {
  it('TLBI_NH_VA of one address', () => {
    const decoded = decodeCommand(words('0005000300000012 0000000012345001'));
    expect(decoded.name).toBe('TLBI_NH_VA');
    expect(fields(decoded)).toEqual([
      '0[7:0] Opcode 12 TLBI_NH_VA',
      '0[10:10] SSec 0 Non-secure stream',
      '0[47:32] VMID 3',
      '0[63:48] ASID 5',
      '1[0:0] Leaf 1 the last level only',
      '1[11:10] TG 0 one address',
      '1[63:12] Address 12345000',
    ]);
  });

  it('TLBI_S2_IPA of a range: 3 << 5 pages of 16 KiB, leaf at level 3', () => {
    const decoded = decodeCommand(words('000000070050202a 0000fffff0004b00'));
    expect(decoded.name).toBe('TLBI_S2_IPA');
    expect(field(decoded, 'NUM')).toEqual({
      value: '2',
      meaning: '96 pages of 16 KiB',
      ignored: false,
    });
    expect(field(decoded, 'TTL')).toEqual({
      value: '3',
      meaning: 'leaf at level 3',
      ignored: false,
    });
    expect(field(decoded, 'Leaf')?.meaning).toBe('the tables above it as well');
    expect(field(decoded, 'Address')?.value).toBe('fffff0004000');
    expect(field(decoded, 'VMID')?.value).toBe('7');
  });

  it('CFGI_STE_RANGE with Range 31 is CFGI_ALL, regardless of its StreamID', () => {
    const all = decodeCommand(words('0000000800000004 000000000000001f'));
    expect([all.name, field(all, 'StreamID')?.ignored]).toEqual(['CFGI_ALL', true]);
    const range = decodeCommand(words('0000000800000004 0000000000000003'));
    expect([range.name, field(range, 'Range')?.meaning, field(range, 'StreamID')?.ignored]).toEqual(
      ['CFGI_STE_RANGE', '16 streams', false],
    );
  });

  it('CFGI_CD names its SubstreamID without SSV', () => {
    const decoded = decodeCommand(words('0000000800055005 0000000000000001'));
    expect(field(decoded, 'SubstreamID')).toEqual({ value: '55', meaning: '', ignored: false });
  });

  it('ATC_INV: its SubstreamID counts only with SSV, Size 52 is everything', () => {
    expect(
      field(decodeCommand(words('0000000800055840 0000000000002001')), 'SubstreamID')?.ignored,
    ).toBe(false);
    const all = decodeCommand(words('0000000800055240 0000000000000034'));
    expect([
      field(all, 'SubstreamID')?.ignored,
      field(all, 'Global')?.ignored,
      field(all, 'Size')?.meaning,
    ]).toEqual([true, true, 'everything']);
  });

  it('CMD_SYNC: the MSI counts only with CS 1', () => {
    const msi = decodeCommand(words('deadbeef0fc01046 0000000080001000'));
    expect([
      field(msi, 'CS')?.meaning,
      field(msi, 'MSIData')?.value,
      field(msi, 'MSIAddress')?.value,
    ]).toEqual(['MSI, or the wired interrupt', 'deadbeef', '80001000']);
    expect(
      field(decodeCommand(words('000000000fc02046 0000000000000000')), 'MSIAddress')?.ignored,
    ).toBe(true);
    expect(field(decodeCommand(words('0000000000003046 0000000000000000')), 'CS')?.meaning).toBe(
      'reserved: CERROR_ILL',
    );
  });

  it('a reserved opcode, a Secure stream, bits beyond the operands', () => {
    expect(decodeCommand(words('0000000000000000 0000000000000000'))).toMatchObject({
      name: 'reserved',
    });
    const secure = decodeCommand(words('00000000f0000430 0000000000000000'));
    expect([secure.name, field(secure, 'SSec')?.meaning]).toEqual([
      'TLBI_NSNH_ALL',
      'Secure stream: CERROR_ILL',
    ]);
    expect(secure.fields.find(({ name }) => name === 'reserved')).toMatchObject({
      doubleword: 0,
      high: 31,
      low: 28,
      value: 0xfn,
    });
  });

  it('RESUME: how it terminates counts only when it does', () => {
    const retry = decodeCommand(words('0000000800003044 00000000000000aa'));
    expect([
      field(retry, 'Ac')?.meaning,
      field(retry, 'Ab')?.ignored,
      field(retry, 'STAG')?.value,
    ]).toEqual(['retry', true, 'aa']);
    const abort = decodeCommand(words('0000000800002044 00000000000000aa'));
    expect([field(abort, 'Ac')?.meaning, field(abort, 'Ab')?.meaning]).toEqual([
      'terminate',
      'abort',
    ]);
  });

  it('shows every field of the layout table with some command', () => {
    const shown = new Set<string>();
    for (let opcode = 0; opcode < 256; opcode++) {
      for (const { doubleword, high, low } of decodeCommand([opcode, 0, 0, 0]).fields)
        shown.add(`${doubleword}[${high}:${low}]`);
    }
    const at = (packed: number) =>
      64 * (packed >>> 17) + 32 * ((packed >>> 16) & 1) + ((packed >>> 8) & 0xff);
    const layout = Object.entries(CMD).filter(
      ([name, value]) => value > 0xff && !/^OP_|_HI$/.test(name),
    );
    for (const [name, packed] of layout) {
      const hi = (CMD as Readonly<Record<string, number>>)[name.replace(/_LO$/, '_HI')] ?? packed;
      const [low, high] = [at(packed), at(hi) + (hi & 0xff) - 1];
      expect(shown, name).toContain(`${low >> 6}[${high % 64}:${low % 64}]`);
    }
  });

  it('names every opcode of the layout table', () => {
    const opcodes = Object.entries(CMD).filter(([name]) => name.startsWith('OP_'));
    expect(opcodes.length).toBeGreaterThan(20);
    for (const [name, opcode] of opcodes)
      expect(decodeCommand([opcode, 0, 0, 0]).name).toBe(name.slice(3));
  });
});

describe('stream table entries', () => {
  it('all zero: invalid, and nothing else counts', () => {
    const decoded = decodeSte(words(ZEROS));
    expect(decoded.summary).toContain('C_BAD_STE');
    expect(fields(decoded)).toEqual(['0[0:0] V 0 invalid: every transaction is C_BAD_STE']);
  });

  it('abort and bypass use no stage', () => {
    expect(fields(ste('0000000000000001')).map((line) => line.split(' ')[1])).toEqual([
      'V',
      'Config',
      'MEV',
    ]);
    expect(fields(ste('0000000000000009')).map((line) => line.split(' ')[1])).toEqual([
      'V',
      'Config',
      'MEV',
      'SHCFG',
    ]);
  });

  it('stage 1 as Linux writes it: stage 2 and the substream fields are ignored', () => {
    const decoded = decodeSte(
      words(`000000123456784b 00000000080000d6 ${ZEROS}`.split(' ').slice(0, 8).join(' ')),
    );
    expect(decoded.summary).toBe('stage 1');
    expect(field(decoded, 'S1ContextPtr')).toEqual({
      value: '1234567840',
      meaning: 'PA of the CDs',
      ignored: false,
    });
    expect(field(decoded, 'S1DSS')?.ignored).toBe(true);
    expect(field(decoded, 'S1STALLD')?.meaning).toBe('stage-1 faults do not stall');
    expect(field(decoded, 'S2TTB')?.ignored).toBe(true);
    expect(field(decoded, 'S2VMID')?.ignored).toBe(false);
  });

  it('2-level CD tables of 1024 substreams', () => {
    const decoded = decodeSte(
      words(`500000008000002b 00000000900000d5 ${ZEROS}`.split(' ').slice(0, 8).join(' ')),
    );
    expect(field(decoded, 'S1Fmt')?.meaning).toBe('2-level CD table, 64 KiB leaves');
    expect(field(decoded, 'S1CDMax')).toEqual({ value: 'a', meaning: '1024 CDs', ignored: false });
    expect([
      field(decoded, 'S1DSS')?.meaning,
      field(decoded, 'EATS')?.meaning,
      field(decoded, 'STRW')?.meaning,
    ]).toEqual(['no SubstreamID: stage 1 is bypassed', 'full ATS', 'EL2']);
  });

  it('nested: the CDs have an IPA, stage 2 has its sizes', () => {
    const decoded = decodeSte(
      words(
        `000000008000004f 00000000000800d6 006ab55800000007 0000000100002000 ${ZEROS.slice(0, 67)}`,
      ),
    );
    expect(decoded.summary).toBe('stage 1 on top of stage 2');
    expect(field(decoded, 'S1ContextPtr')?.meaning).toBe('IPA of the CDs');
    expect([
      field(decoded, 'S2T0SZ')?.meaning,
      field(decoded, 'S2SL0')?.meaning,
      field(decoded, 'S2TG')?.meaning,
    ]).toEqual(['40-bit input', 'level 2', '16 KiB']);
    expect([
      field(decoded, 'S2PS')?.meaning,
      field(decoded, 'S2TTB')?.value,
      field(decoded, 'MEV')?.value,
    ]).toEqual(['40 bits', '100002000', '1']);
  });

  it('marks reserved values', () => {
    const decoded = decodeSte(
      words(
        `500000008000003f 00000000400000d7 0007c0c000000007 ${ZEROS}`
          .split(' ')
          .slice(0, 8)
          .join(' '),
      ),
    );
    for (const name of ['S1Fmt', 'S1DSS', 'STRW', 'S2TG', 'S2PS', 'S2SL0'])
      expect(field(decoded, name)?.meaning, name).toMatch(/^reserved/);
  });
});

describe('context descriptors', () => {
  it('a Linux DMA domain: the upper half is off', () => {
    const decoded = decodeCd(
      words(
        `0001e205c0003510 0000000987654000 0000000000000000 00000000f404ff44 ${ZEROS.slice(0, 67)}`,
      ),
    );
    expect(decoded.summary).toBe('ASID 1, translates the lower half');
    expect([
      field(decoded, 'T0SZ')?.meaning,
      field(decoded, 'TG0')?.meaning,
      field(decoded, 'IPS')?.meaning,
    ]).toEqual(['48-bit input', '4 KiB', '48 bits']);
    expect([
      field(decoded, 'TTB0')?.value,
      field(decoded, 'MAIR')?.value,
      field(decoded, 'ASID')?.value,
    ]).toEqual(['987654000', 'f404ff44', '1']);
    expect([
      field(decoded, 'TTB1')?.ignored,
      field(decoded, 'T1SZ')?.ignored,
      field(decoded, 'EPD1')?.ignored,
    ]).toEqual([true, true, false]);
  });

  it('the upper half has a separate encoding', () => {
    const decoded = decodeCd(
      words(
        `1e20820cb5594000 0000000000000000 0000000080000000 00000000f404ff44 ${ZEROS.slice(0, 67)}`,
      ),
    );
    expect(decoded.summary).toBe('ASID 7712, translates the upper half');
    expect([
      field(decoded, 'TG1')?.meaning,
      field(decoded, 'T1SZ')?.meaning,
      field(decoded, 'A')?.meaning,
    ]).toEqual(['16 KiB', '39-bit input', 'a faulting read gives 0']);
  });

  it('all zero: invalid', () => {
    expect(fields(decodeCd(words(ZEROS)))).toEqual([
      '0[31:31] V 0 invalid: every transaction is C_BAD_CD',
    ]);
  });
});

describe('event records', () => {
  it('F_TRANSLATION of stage 1: the IPA means nothing', () => {
    const decoded = decodeEvent(
      words('0000000800000010 0000020000000000 0000000000020fff 0000000000001000'),
    );
    expect(decoded.name).toBe('F_TRANSLATION');
    expect(fields(decoded)).toEqual([
      '0[7:0] Event 10 F_TRANSLATION',
      '0[11:11] SSV 0 no SubstreamID',
      '0[63:32] StreamID 8',
      '1[31:31] Stall 0 terminated',
      '1[33:33] PnU 0 unprivileged',
      '1[34:34] InD 0 data',
      '1[35:35] RnW 0 write',
      '1[39:39] S2 0 stage 1',
      '1[41:40] CLASS 2 of the input address',
      '2[63:0] InputAddr 20fff',
    ]);
  });

  it('F_PERMISSION of stage 2, stalled, with a SubstreamID', () => {
    const decoded = decodeEvent(
      words('0000010200055813 0000118e800000aa 0000000000000000 000f000040001000'),
    );
    expect([field(decoded, 'SubstreamID'), field(decoded, 'STAG'), field(decoded, 'IPA')]).toEqual([
      { value: '55', meaning: '', ignored: false },
      { value: 'aa', meaning: '', ignored: false },
      { value: 'f000040001000', meaning: '', ignored: false },
    ]);
    expect([field(decoded, 'CLASS')?.meaning, field(decoded, 'TTRnW')?.meaning]).toEqual([
      'of a stage-1 table',
      'read of a descriptor',
    ]);
  });

  it('a fetch has its address in the last doubleword', () => {
    const decoded = decodeEvent(
      words('0000000800000003 0000000000000000 0000000000000000 0000000070000200'),
    );
    expect(fields(decoded)).toEqual([
      '0[7:0] Event 3 F_STE_FETCH',
      '0[11:11] SSV 0 no SubstreamID',
      '0[63:32] StreamID 8',
      '3[51:0] FetchAddr 70000200',
    ]);
  });

  it('C_BAD_SUBSTREAMID has a SubstreamID without SSV', () => {
    expect(
      field(
        decodeEvent(words('0000000800055008 0000000000000000 0000000000000000 0000000000000000')),
        'SubstreamID',
      ),
    ).toEqual({
      value: '55',
      meaning: '',
      ignored: false,
    });
  });

  it('shows what is not of the event as reserved bits', () => {
    const decoded = decodeEvent(
      words('0000000800000004 0000000200000000 0000000000000000 0000000000000000'),
    );
    expect(decoded.fields.find(({ name }) => name === 'reserved')).toMatchObject({
      doubleword: 1,
      high: 33,
      low: 33,
    });
  });

  it('numbers without an event', () => {
    expect(decodeEvent(words(ZEROS.slice(0, 67))).name).toBe('reserved');
    expect(decodeEvent([0xe3, 0, 0, 0, 0, 0, 0, 0]).name).toBe('implementation defined');
  });

  it('names every event of the table', () => {
    for (const { id, name, says } of EVENTS)
      expect(decodeEvent([id, 0, 0, 0, 0, 0, 0, 0])).toMatchObject({ name, summary: says });
  });
});

describe('translation table descriptors', () => {
  const pte = (doubleword: string, options: Partial<PteOptions> = {}) =>
    decodePte(words(doubleword), { granule: GRANULE_4K, level: 3, stage: 1, ...options });

  it('a page as Linux writes it', () => {
    const decoded = pte('0060000080000f47');
    expect(decoded).toMatchObject({
      name: 'page descriptor',
      summary: 'stage 1, level 3: maps 4 KiB',
    });
    expect([
      field(decoded, 'Address')?.value,
      field(decoded, 'AttrIndx')?.value,
      field(decoded, 'nG')?.value,
    ]).toEqual(['80000000', '1', '1']);
    expect([field(decoded, 'XN')?.meaning, field(decoded, 'PXN')?.meaning]).toEqual([
      'not executable',
      'not executable when privileged',
    ]);
  });

  it('blocks: how low the address begins depends on granule and level', () => {
    expect(pte('00000000c0000741', { level: 1 }).summary).toBe('stage 1, level 1: maps 1 GiB');
    expect(
      pte('0000000082000741', { granule: GRANULE_16K, level: 2 }).fields.find(
        ({ name }) => name === 'Address',
      ),
    ).toMatchObject({
      low: 25,
      high: 47,
      value: 0x8200_0000n,
    });
    expect(pte('00000000a0000741', { granule: GRANULE_64K, level: 2 }).summary).toBe(
      'stage 1, level 2: maps 512 MiB',
    );
    expect(pte('0000040000005741', { granule: GRANULE_64K, level: 1 }).summary).toBe(
      'stage 1, level 1: maps 4 TiB',
    );
    expect(
      pte('0000040000005741', { granule: GRANULE_64K, level: 1 }).fields.find(
        ({ name }) => name === 'Address[51:48]',
      )?.value,
    ).toBe(5n);
  });

  it('a block where none may be, and type 1 at level 3, are reserved', () => {
    for (const options of [
      { level: 0 },
      { granule: GRANULE_16K, level: 1 } as const,
      { level: 3 },
    ]) {
      expect(pte('0000000080000741', options).name).toBe('reserved descriptor');
    }
  });

  it('with DS, granules of 4 and 16 KiB have two address bits below the others, and no shareability bits', () => {
    const leaf = pte('0003000040000747', { ds: true });
    expect(
      leaf.fields
        .filter(({ name }) => /Address|SH/.test(name))
        .map(({ name, high, low, value }) => [name, high, low, value]),
    ).toEqual([
      ['Address[51:50]', 9, 8, 3n],
      ['Address', 49, 12, 0x3000040000000n],
    ]);
    expect(pte('0003008000000701', { ds: true, level: 0 }).summary).toBe(
      'stage 1, level 0: maps 512 GiB',
    );
    expect(pte('0003001000000701', { ds: true, level: 1, granule: GRANULE_16K }).summary).toBe(
      'stage 1, level 1: maps 64 GiB',
    );
    expect(pte('0003000040000003', { ds: true, level: -1 }).summary).toBe(
      'stage 1, level -1: the next table',
    );
    expect(pte('0000040000005741', { ds: true, level: 1, granule: GRANULE_64K }).fields).toEqual(
      pte('0000040000005741', { level: 1, granule: GRANULE_64K }).fields,
    );
  });

  it('tables, with their permissions in stage 1 only', () => {
    const decoded = pte('7800000080001003', { level: 1 });
    expect(decoded.summary).toBe('stage 1, level 1: the next table');
    expect([field(decoded, 'Address')?.value, field(decoded, 'APTable[1]')?.meaning]).toEqual([
      '80001000',
      'nothing below is writable',
    ]);
    expect(pte('7800000080001003', { level: 1, stage: 2 }).fields.map(({ name }) => name)).toEqual([
      'Type',
      'Address',
      'reserved',
    ]);
  });

  it('a page of stage 2', () => {
    const decoded = pte('00000000400017ff', { stage: 2 });
    expect([
      field(decoded, 'MemAttr')?.value,
      field(decoded, 'S2AP[0]')?.meaning,
      field(decoded, 'S2AP[1]')?.meaning,
    ]).toEqual(['f', 'readable', 'writable']);
    expect(field(decoded, 'nG')).toBeUndefined();
  });

  it('an invalid descriptor belongs to software', () => {
    expect(fields(pte('00000000deadbee0'))).toEqual(['0[1:0] Type 0 invalid']);
    expect(pte('0000000000000000').summary).toBe('stage 1, level 3: not mapped');
  });
});

describe('words in hexadecimal', () => {
  it('are 16 digits, the low word of a doubleword first', () => {
    expect(words('0005000300000012 00000000ABCDEF01')).toEqual([0x12, 0x50003, 0xabcdef01, 0]);
  });

  it.each([
    '',
    '0',
    '00050003000000123',
    '0x05000300000012',
    '000500030000001g',
    ' 00500030000001 ',
  ])('%j is none', (text) => {
    expect(() => wordsOfHex([text])).toThrow(RangeError);
  });
});
