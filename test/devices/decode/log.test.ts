// SPDX-License-Identifier: MIT
// Lines of kernel logs as printed by Linux's drivers, and findings of the sanitizer.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LogDecoder, type LogEntry, wordsOfText } from '../../../devices/decode/index.ts';

function decoded(text: string): LogEntry[] {
  const log = new LogDecoder();
  return text.split('\n').flatMap((line) => [...log.add(line)]);
}
const fieldsOf = (entry: LogEntry | undefined) =>
  Object.fromEntries((entry?.decoded.fields ?? []).map(({ name, value }) => [name, value]));

/** As in `dmesg` of Linux 4.13 to 6.13. */
const EVENT = `[    8.061443] arm-smmu-v3 fcb00000.iommu: event 0x10 received:
[    8.061455] arm-smmu-v3 fcb00000.iommu: \t0x0000000000000010
[    8.061461] arm-smmu-v3 fcb00000.iommu: \t0x0000020000000000
[    8.061467] arm-smmu-v3 fcb00000.iommu: \t0x00000000ed829000
[    8.061473] arm-smmu-v3 fcb00000.iommu: \t0x0000000000000000`;
/** Linux 6.14 and later add the same in words (arm_smmu_dump_event). */
const WORDS = `
[    8.061480] arm-smmu-v3 fcb00000.iommu: event: F_TRANSLATION client: 0000:01:00.0 sid: 0x100 ssid: 0x0 iova: 0xed829000 ipa: 0x0
[    8.061486] arm-smmu-v3 fcb00000.iommu: unpriv data read s1 "Input address caused fault" stag: 0x0`;
/**
 * From the message of the commit that makes __arm_smmu_cmdq_skip_err call
 * arm_smmu_cmdq_build_sync_cmd.
 */
const CMDQ = `  nvme: Adding to iommu group 10
  arm-smmu-v3: unexpected global error reported (0x00000001), this could be serious
  arm-smmu-v3: CMDQ error (cons 0x01000022): Illegal command
  arm-smmu-v3: skipping command in error state:
  arm-smmu-v3:  0x0000000000000000
  arm-smmu-v3:  0x0000000000000000
  nvme nvme0: 72/0/0 default/read/poll queues`;
/** tegra241_cmdqv_isr; an early version printed the VCMDQ map in words of 32 bits. */
const CMDQV = `arm-smmu-v3 arm-smmu-v3.0.auto: unexpected error reported. vintf_map: 0000000000000003, vcmdq_map: 00000000000000000000000000000005
arm-smmu-v3 arm-smmu-v3.0.auto: unexpected error reported. vintf_map: 0000000000000001, vcmdq_map 00000000:00000000:00000001:00000002
arm-smmu-v3 arm-smmu-v3.0.auto: VINTF0: VCMDQ3/LVCMDQ1: GERRORN=0x0, GERROR=0x1, CONS=0x1000007
arm-smmu-v3 arm-smmu-v3.0.auto: VINTF1: failed to enable, STATUS=0x00000002`;
const FINDING =
  'vm0: stale IOTLB entry, StreamID 0x8 VMID 0x1 ASID 0x1, 0x1000 bytes at 0x100000000 to 0x180112000 rx, used for iova 0x100000000; ' +
  'now F_TRANSLATION; stage-1 descriptor at 0x80125000 was 0x0000000080112fc7, is 0x0000000000000000; ' +
  'missing: TLBI_NH_VA VMID=0x0 ASID=0x1 Leaf=0x1 Address=0x100000000';

describe('the lines of a kernel log', () => {
  it('have events, followed by their doublewords', () => {
    const [entry, ...others] = decoded(EVENT);
    expect([others, entry?.line, entry?.device]).toEqual([[], 5, 'fcb00000.iommu']);
    expect(entry?.decoded.name).toBe('F_TRANSLATION');
    expect(fieldsOf(entry)).toMatchObject({ StreamID: 0n, InputAddr: 0xed829000n, CLASS: 2n });
  });

  it('have events in words', () => {
    const entries = decoded(EVENT + WORDS);
    expect(entries.map(({ line }) => line)).toEqual([5, 6, 7]);
    expect(entries[1]?.decoded).toMatchObject({
      name: 'F_TRANSLATION',
      summary:
        'the address is not mapped; StreamID 0x100, SubstreamID 0x0, 0000:01:00.0, IOVA 0xed829000, IPA 0x0',
    });
    expect(entries[2]?.decoded.summary).toMatch(
      /^unprivileged read of data, stage 1, terminated\. Look at /,
    );
    const [stalled, fetch] = decoded(
      'arm-smmu-v3 a: priv inst write s2 "Translation table walk" ttd_read stall stag: 0x1f\n' +
        'arm-smmu-v3 a: event: F_CD_FETCH client: (unassigned sid) sid: 0x8 ssid: 0 fetch_addr: 0x1000',
    );
    expect(stalled?.decoded.summary).toContain(
      'privileged write of instructions, stage 2, at the read of a descriptor, stalled with STAG 0x1f',
    );
    expect(fetch?.decoded.summary).toContain('(unassigned sid), fetched from 0x1000');
  });

  it('have errors of the command queue, and the command', () => {
    const entries = decoded(CMDQ);
    expect(entries.map(({ line, device, decoded: { name } }) => [line, device, name])).toEqual([
      [2, 'arm-smmu-v3', 'GERROR'],
      [3, 'arm-smmu-v3', 'CMDQ_CONS'],
      [6, 'arm-smmu-v3', 'reserved'],
    ]);
    expect(entries[0]?.decoded.fields.map(({ name }) => name)).toEqual(['CMDQ_ERR']);
    expect(fieldsOf(entries[1])).toEqual({ RD: 0x22n, ERR: 1n });
    expect(entries[1]?.decoded.summary).toBe('CERROR_ILL: illegal command');
  });

  it('have a CMD_SYNC that has timed out', () => {
    const [entry] = decoded(
      'arm-smmu-v3 9050000.smmuv3: CMD_SYNC timeout at 0x00000011 [hwprod 0x00000012, hwcons 0x03000010]',
    );
    expect(entry?.decoded.fields[1]?.meaning).toMatch(/^CERROR_ATC_INV_SYNC/);
  });

  it('have errors of a CMDQV', () => {
    const entries = decoded(CMDQV);
    expect(entries.map(({ device }) => device)).toEqual(entries.map(() => 'arm-smmu-v3.0.auto'));
    expect(entries.map(({ decoded: { summary } }) => summary)).toEqual([
      'VINTF 0, 1; VCMDQ 0, 2',
      'VINTF 0; VCMDQ 1, 32',
      'errors that are active (GERROR differs from GERRORN), and CONS',
      'bit 0 did not become 1 in time: 0x00000002',
    ]);
    expect(fieldsOf(entries[2])).toEqual({ CMDQ_ERR: 1n, RD: 7n, ERR: 1n });
  });

  it('may be of two devices in turn', () => {
    const other = EVENT.replaceAll('fcb00000', 'fc900000').replace('ed829000', '00001000');
    const lines = [EVENT.split('\n'), other.split('\n')];
    const mixed = lines[0]?.flatMap((line, i) => [line, 'something else', lines[1]?.[i] ?? '']);
    const entries = decoded(mixed?.join('\n') ?? '');
    expect(entries.map((entry) => [entry.device, fieldsOf(entry).InputAddr])).toEqual([
      ['fcb00000.iommu', 0xed829000n],
      ['fc900000.iommu', 0x1000n],
    ]);
  });

  it('have findings of the sanitizer: the descriptor before and after, and the command', () => {
    expect(decoded(FINDING).map(({ decoded: { name } }) => name)).toEqual([
      'was: page descriptor',
      'is: invalid descriptor',
      'missing: TLBI_NH_VA',
    ]);
    expect(fieldsOf(decoded(FINDING)[0]).Address).toBe(0x80112000n);
  });

  it('have findings of structures: the fields of each doubleword that has changed', () => {
    const line =
      'stale STE of StreamID 0x8, used for iova 0x100000000; now abort; STE doubleword 0 at 0x80100200 was ' +
      '0x000000008011000b, is 0x0000000000000001; missing: CFGI_STE StreamID=0x8';
    const entries = decoded(line);
    expect(entries.map(({ decoded: { name } }) => name)).toEqual([
      'was: STE doubleword 0',
      'is: STE doubleword 0',
      'missing: CFGI_STE',
    ]);
    expect(entries.slice(0, 2).map(fieldsOf)).toMatchObject([
      { V: 1n, Config: 5n, S1ContextPtr: 0x80110000n },
      { V: 1n },
    ]);
  });

  it('are nothing when a dump is cut off, or far from its head', () => {
    const [head = '', ...words] = EVENT.split('\n');
    expect(decoded(words.join('\n'))).toEqual([]);
    expect(decoded([head, ...words.slice(1)].join('\n'))).toEqual([]);
    expect(decoded([head, ...Array.from({ length: 99 }, () => 'x'), ...words].join('\n'))).toEqual(
      [],
    );
  });

  it('may be anything, in little time', () => {
    const pieces = [...EVENT.split('\n'), ...CMDQ.split('\n'), ...CMDQV.split('\n'), FINDING];
    const line = fc.oneof(
      fc.constantFrom(...pieces),
      fc.string({ maxLength: 5000 }),
      fc.tuple(fc.constantFrom(...pieces), fc.nat(60)).map(([one, at]) => one.slice(at)),
    );
    fc.assert(
      fc.property(fc.array(line, { maxLength: 50 }), (lines) => {
        expect(decoded(lines.join('\n')).length).toBeLessThanOrEqual(3 * lines.length);
      }),
    );
    const nasty = [
      'stale '.repeat(600),
      `stale x, 0x1 bytes at ${'a, used for iova'.repeat(250)}`,
      `event: F client: ${' sid: 0x1'.repeat(400)}`,
      `${' '.repeat(4000)}0x`,
      `unexpected error reported. vintf_map: ${'0'.repeat(16)}, vcmdq_map ${':'.repeat(4000)}`,
      `${'a:'.repeat(2000)} event 0x10 received:`,
    ];
    const begin = performance.now();
    for (const one of nasty) decoded(one);
    const log = new LogDecoder();
    for (let i = 0; i < 10_000; i++) log.add(`d${i}: event 0x10 received:`);
    expect(performance.now() - begin).toBeLessThan(5000);
  });
});

describe('words as people have them', () => {
  it.each([
    ['0005000300000012 0000000012345001'],
    ['0x0005000300000012, 0x12345001'],
    ['5000300000012 12345001'],
    ['{ 0x5000300000012ULL, 0x12345001ull }'],
    ['00000012 00050003 12345001 0'],
    ['  [0x00000012,0x00050003,0x12345001,0x00000000]\n'],
  ])('%s', (text) => {
    expect(wordsOfText(text, 2)).toEqual([0x12, 0x50003, 0x12345001, 0]);
  });

  it.each([
    ['', 'it is 2 doublewords, not 0'],
    ['1', 'it is 2 doublewords, not 1'],
    ['1 2 3', 'it is 2 doublewords, not 3'],
    ['1 2 3 123456789', 'it is 2 doublewords, not 4'],
    ['1 12345678901234567', '"12345678901234567" is not 1 to 16 hexadecimal digits'],
    ['1 0x', '"0x" is not 1 to 16 hexadecimal digits'],
    [`1 ${'\u001b'.repeat(99)}`, `"${'\\u001b'.repeat(40)}" is not 1 to 16 hexadecimal digits`],
  ])('none: %j', (text, message) => {
    expect(() => wordsOfText(text, 2)).toThrow(new RangeError(message));
  });
});
