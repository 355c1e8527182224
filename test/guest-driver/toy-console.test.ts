// SPDX-License-Identifier: MIT
// What the toy prints for people, on a scripted board: the whole report, line by line, with the
// durations left out.

import { describe, expect, it } from 'vitest';
import { runToy, type ToyOptions } from '../support/toy-board.ts';

/** Every operation of program=. */
const PROGRAM =
  'm1000.3,r1000,w1000,o2000.1,r2000,w2000,r5000,w9000,u1000,u1000,r1000,v1000,r1000,' +
  'a,n,y,d,c,t,s,y';

/** A row of a measurement: path, commands, p50, p99. */
const ROW = /^( +(?:x2 )?(?:direct|trapped) +\d+) +\d+ +\d+ /;

/** The console without the spaces that indent lines, from a line on. */
async function printed(options: ToyOptions, from = ''): Promise<string[]> {
  const { console } = await runToy(options);
  const lines = console.map((line) => line.replace(ROW, '$1 <p50> <p99> ').trim());
  return lines.slice(lines.findIndex((line) => line.startsWith(from)));
}

describe('the report', () => {
  it('of every step names its checks, results and numbers', async () => {
    const options: ToyOptions = {
      args: ['path=direct', 'rounds=1', 'vms=2'],
      vcpus: 2,
      btm: 'shared',
    };
    expect(await printed(options)).toEqual([
      '[ 1] find memory and devices',
      'ok    environment: memory 32 MiB, DMA engine with StreamID 0x2c',
      '[ 2] probe SMMU and CMDQV',
      'ok    probe-cmdqv: 1 VINTF, 2 VCMDQ, 16 SID pairs',
      'ok    probe-smmu: IDR0 0x540103a IDR1 0x1080510 IDR3 0x400 IDR5 0x15',
      '[ 3] ask for HYP_OWN',
      'ok    hyp-own-zero: VINTF_CONFIG reads 0x0',
      '[ 4] build stream table, CD and stage-1 tables',
      'ok    tables: stream table of 256 STEs, CD for ASID 1, stage-1 tables',
      '[ 5] bring up the SMMU: CMDQ, event queue, translation',
      'ok    smmu-reset: CMDQ of 256 entries, event queue, CR0 0xd',
      '[ 6] bring up the CMDQV: VINTF 0 and its VCMDQs',
      'ok    cmdqv-reset: VINTF 0 with 2 VCMDQs of 256 entries, HYP_OWN 0',
      'ok    page0-direct: page 0 of VINTF 0',
      'ok    vcmdq-batches: 2 VCMDQs completed TLBI_NH_ASID and CMD_SYNC',
      '[ 7] copy memory by DMA',
      'ok    dma-copy: 8704 bytes from iova 0x100000000 to 0x140000000, DMA status 1',
      '[ 8] unmap, use the stale TLB entry, invalidate, fault',
      'ok    stale-entry-used: PTE cleared, DMA status 1',
      'ok    invalidate: TLBI_NH_VA and CMD_SYNC on the VCMDQ: 0 exits',
      'ok    dma-faults: DMA status 2 at iova 0x100000000',
      'ok    event-record: event 0x10 sid 0x2c iova 0x100000000 read stage 1 class 2',
      'ok    remap: DMA status 1',
      '[ 9] send a batch for both queues',
      'ok    mixed-batch: 7 entries on the VCMDQ in two runs, 2 on the CMDQ, each run with its CMD_SYNC',
      '[10] put an illegal command on the VCMDQ and recover',
      'ok    illegal-command: CFGI_ALL on the VCMDQ: error 1 at opcode 0x4, skipped by the interrupt handler',
      'ok    illegal-command-recovery: error acknowledged',
      'ok    sync-signal: 3 of 3 CMD_SYNCs with a CS other than 0 end in CERROR_ILL',
      '[11] leave a mapping in the TLB',
      'ok    live-mapping: 8 pages at iova 0x180000000 stay mapped and in the TLB',
      '[12] attack: VMIDs in commands on the VCMDQ',
      'ok    attack-vmid-fields: 32 of 32 VMIDs: NH_ASID, NH_VA, S12_VMALL, S2_IPA complete on the VCMDQ',
      '[13] attack: StreamIDs in commands on the VCMDQ',
      'ok    attack-sid-fields: 192 of 192 foreign StreamIDs end in CERROR_ILL, the own one completes',
      '[14] attack: commands on the trapped CMDQ',
      'ok    attack-cmdq: 227 of 227 batches complete on the CMDQ: NH_ALL, NSNH_ALL, CFGI_ALL, CFGI_STE',
      '[15] attack: VINTF_CONFIG.VMID',
      'ok    attack-vintf-vmid: 32 of 32 values of VINTF_CONFIG.VMID: NH_ASID and S12_VMALL complete',
      '[16] attack: SID_MATCH and SID_REPLACE',
      'ok    attack-sid-pairs: 192 of 192 SID pairs pointing at foreign StreamIDs change nothing',
      '[17] attack: CMDQ_ALLOC',
      'ok    attack-cmdq-alloc: 256 of 256 ownership changes through CMDQ_ALLOC: the own queue goes on',
      '[18] measure unmapping',
      'path     batch    p50 ns    p99 ns   batches     exits  doorbells',
      'direct       1 <p50> <p99>       128         0        128',
      'direct      16 <p50> <p99>       128         0        128',
      'direct      64 <p50> <p99>       128         0        128',
      'ok    measurement: 1 rounds, 0 batches failed',
      'ok    no-exits-direct: 0 exits during all direct batches',
      'x2 direct    1 <p50> <p99>       128         0         64',
      'x2 direct   16 <p50> <p99>       128         0         64',
      'x2 direct   64 <p50> <p99>       128         0         64',
      'ok    parallel: all vCPUs at once, 2 queues',
      '[20] give the device a second address space by PASID',
      'ok    pasid-address-space: one iova, two pages: DMA status 1, with PASID 1 DMA status 1',
      'ok    pasid-event: unmapped there: DMA status 2, event with SubstreamID 1',
      'ok    pasid-detach',
      '[23] invalidate for the device by a TLBI of the vCPU',
      'ok    btm-tlbi: PTE cleared, TLBI VAE1IS and DSB of the vCPU: 0 exits, DMA status 2',
      'ok    btm-aset: CD.ASET 1: 0 exits, DMA status 1, 2 after TLBI_NH_VA',
      'ok    attack-btm: TLBI VMALLE1IS of the vCPU',
      '[24] power off',
      '35 checks, 0 failed',
    ]);
  });

  it('of a program says what each operation has done', async () => {
    expect(await printed({ args: ['path=all', `program=${PROGRAM}`] }, '[ 8]')).toEqual([
      '[ 8] map 0x1000 page 3',
      'PTE written',
      '[ 9] dma read 0x1000',
      'the device has read page 3',
      '[10] dma write 0x1000',
      'the device has written to page 3',
      '[11] map 0x2000 page 1 ro',
      'PTE written',
      '[12] dma read 0x2000',
      'the device has read page 1',
      '[13] dma write 0x2000',
      'the device has written to page 1',
      '[14] dma read 0x5000',
      'the DMA fails at iova 0x5000, event 0x10',
      '[15] dma write 0x9000',
      'the DMA fails at iova 0x9000, event 0x10',
      '[16] unmap 0x1000',
      'PTE cleared',
      '[17] unmap 0x1000',
      'there was none',
      '[18] dma read 0x1000',
      'the device has read page 3',
      '[19] tlbi va 0x1000',
      'TLBI_NH_VA on the VCMDQ, 0 exits',
      '[20] dma read 0x1000',
      'the DMA fails at iova 0x1000, event 0x10',
      '[21] tlbi asid',
      'TLBI_NH_ASID on the VCMDQ, 0 exits',
      '[22] tlbi all',
      'TLBI_NH_ALL on the CMDQ, 1 exit',
      '[23] sync',
      'CMD_SYNC on the CMDQ has completed, 2 exits; CMD_SYNC on the VCMDQ has completed, 0 exits',
      '[24] cd off',
      'CD.V cleared',
      '[25] cfgi cd',
      'CFGI_CD on the CMDQ, 1 exit',
      '[26] ste abort',
      'STE.Config set to abort',
      '[27] cfgi ste',
      'CFGI_STE on the CMDQ, 1 exit',
      '[28] sync',
      'CMD_SYNC on the CMDQ has completed, 2 exits',
      '[24] power off',
      'ok    program: 21 operations',
      '10 checks, 0 failed',
    ]);
  });

  it('names the error of a driver that waits in vain', async () => {
    const options: ToyOptions = { args: ['experiment=forget-tlbi'], stopsAt: 8 };
    expect(await printed(options, '[ 8]')).toEqual([
      '[ 8] forget an invalidation',
      'FAIL  forgotten-invalidation: PTE cleared, no TLBI_NH_VA: DMA still arrives after a CMD_SYNC, error 1',
      '[24] power off',
      '10 checks, 1 failed',
    ]);
  });
});
