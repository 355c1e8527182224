// SPDX-License-Identifier: MIT
// Messages of Linux's drivers as Linux 7.2 prints them, and similar lines that are not
// messages.

import { describe, expect, it } from 'vitest';
import { LogDecoder } from '../../../devices/decode/index.ts';

const decoded = (line: string) => new LogDecoder().add(line);
const SMMU = '[    1.5] arm-smmu-v3 9050000.smmuv3: ';
const VCMDQ = '[    1.5] tegra241_cmdqv NVDA200C:00: ';

/** The text after the prefix, the name of the message, and a part of its explanation. */
const LINES: readonly (readonly [prefix: string, text: string, name: string, says: string])[] = [
  [SMMU, 'EVTQ overflow detected -- events lost', 'EVENTQ overflow', 'events were lost'],
  [SMMU, 'PRIQ overflow detected -- requests lost', 'PRIQ overflow', 'page requests were lost'],
  [
    SMMU,
    'EVTQ write aborted -- events may have been lost',
    'queue write aborted',
    'the event queue',
  ],
  [SMMU, 'PRIQ write aborted -- events may have been lost', 'queue write aborted', 'the PRI queue'],
  [SMMU, 'GERROR MSI write aborted', 'MSI write aborted', 'the MSI of a global error'],
  [SMMU, 'EVTQ MSI write aborted', 'MSI write aborted', 'the MSI of the event queue'],
  [SMMU, 'PRIQ MSI write aborted', 'MSI write aborted', 'the MSI of the PRI queue'],
  [SMMU, 'CMDQ MSI write aborted', 'MSI write aborted', 'the MSI of a CMD_SYNC'],
  [SMMU, 'CMDQ timeout', 'CMDQ timeout', 'consumes nothing'],
  [SMMU, 'retrying command fetch', 'CERROR_ABT', 'could not be fetched'],
  [SMMU, 'device has entered Service Failure Mode!', 'Service Failure Mode', 'SFM_ERR'],
  [
    SMMU,
    '\tsid 0x00000008.0x00003: [7L] unprivileged RW access at iova 0x0000000000401000',
    'page request',
    'StreamID 0x00000008, SubstreamID 0x00003 asked for a page at 0x0000000000401000 (RW, unprivileged, group 7, the last',
  ],
  [
    'pci 0000:01:00.0: ',
    'Aliasing StreamID 0x100 (from 0000:02:00.0) unsupported, expect DMA to be broken',
    'StreamID used twice',
    '0000:02:00.0 has StreamID 0x100 already',
  ],
  [SMMU, 'failed to clear cr0', 'CR0 not acknowledged', 'CR0ACK did not become 0'],
  ...['command queue', 'event queue', 'PRI queue', 'ATS check', 'SMMU interface'].map(
    (what) =>
      [SMMU, `failed to enable ${what}`, 'CR0 not acknowledged', `the ${what} is enabled`] as const,
  ),
  [SMMU, 'failed to enable irqs', 'IRQ_CTRL not acknowledged', 'interrupts are enabled'],
  [SMMU, 'failed to disable irqs', 'IRQ_CTRL not acknowledged', 'interrupts are disabled'],
  [SMMU, 'GBPA not responding to update', 'GBPA.Update stays 1', 'did not complete the update'],
  ...[
    'setup irqs',
    'enable evtq irq',
    'enable gerror irq',
    'enable priq irq',
    'enable combined irq',
  ].map((what) => [SMMU, `failed to ${what}`, 'no interrupt', 'could not be requested'] as const),
  [SMMU, 'no evtq irq - events will not be reported!', 'no interrupt', 'no evtq interrupt'],
  [SMMU, 'no gerr irq - errors will not be reported!', 'no interrupt', 'no gerr interrupt'],
  [SMMU, 'no priq irq - PRI will be broken', 'no interrupt', 'no priq interrupt'],
  [SMMU, 'msi_domain absent - falling back to wired irqs', 'wired interrupts', 'wired'],
  [SMMU, 'failed to allocate MSIs - falling back to wired irqs', 'wired interrupts', 'wired'],
  [SMMU, 'failed to allocate queue (0x10000 bytes) for evtq', 'no memory', 'for the queue'],
  [SMMU, 'failed to allocate l2 stream table for SID 8', 'no memory', 'the l2 stream table'],
  [SMMU, 'failed to allocate l1 stream table (64 bytes)', 'no memory', 'the l1 stream table'],
  [SMMU, 'failed to allocate linear stream table (64 bytes)', 'no memory', 'linear stream table'],
  [SMMU, 'failed to reset impl', 'CMDQV not reset', 'could not be reset'],
  [SMMU, 'SMMU currently enabled! Resetting...', 'SMMU enabled', 'CR0.SMMUEN was 1'],
  [SMMU, 'unknown/unsupported TT endianness!', 'unsupported SMMU', 'does not start'],
  [SMMU, 'no translation support!', 'unsupported SMMU', 'does not start'],
  [SMMU, 'AArch64 table format not supported!', 'unsupported SMMU', 'does not start'],
  [SMMU, 'embedded implementation not supported', 'unsupported SMMU', 'does not start'],
  [
    SMMU,
    'command queue size <= 64 entries not supported',
    'command queue too small',
    '64 commands',
  ],
  [SMMU, 'unknown output address size. Truncating to 48-bit', 'OAS unknown', '48 bits'],
  [
    SMMU,
    'IDR0.HTTU features(0x600000) overridden by FW configuration (0x0)',
    'firmware differs',
    'IDR0.HTTU',
  ],
  [SMMU, 'IDR0.COHACC overridden by FW configuration (false)', 'firmware differs', 'IDR0.COHACC'],
  [SMMU, 'MMIO region too small ([mem 0x0-0xfff])', 'registers too small', '128 KiB'],
  [SMMU, 'missing #iommu-cells property', 'wrong #iommu-cells', 'a StreamID'],
  [SMMU, 'invalid #iommu-cells value (2)', 'wrong #iommu-cells', 'a StreamID'],
  [
    SMMU,
    '2-level strtab only covers 25/32 bits of SID',
    'stream table too small',
    '25 of their 32',
  ],
  [SMMU, 'RMR SID(0x8) bypass failed', 'no bypass for RMR', 'StreamID 0x8'],
  ['pci 0000:01:00.0: ', 'Failed to enable ATS (STU 12)', 'ATS or PASID not enabled', 'ATS'],
  ['pci 0000:01:00.0: ', 'Failed to enable PASID', 'ATS or PASID not enabled', 'PASID'],
  ['pci 0000:01:00.0: ', "SMMU doesn't support ATS", 'no ATS', 'has none'],
  [VCMDQ, 'failed to init vintf0: -110', 'VINTF 0 not initialised', 'error -110'],
  [
    VCMDQ,
    'VINTF1: VCMDQ2/LVCMDQ0: uncleared error detected, resetting',
    'VCMDQ with an error',
    'had not acknowledged',
  ],
  [VCMDQ, 'failed to ioremap', 'CMDQV without registers or interrupt', 'could not be mapped'],
  [VCMDQ, 'failed to request irq (77): -16', 'CMDQV without registers or interrupt', 'interrupt'],
  [VCMDQ, 'no memory resource found for CMDQV', 'CMDQV without registers', 'without its registers'],
  [
    VCMDQ,
    'no interrupt. errors will not be reported',
    'CMDQV without interrupt',
    'remain unnoticed',
  ],
  [VCMDQ, 'Detected disable_cmdqv=true', 'CMDQV off', 'command line'],
  [VCMDQ, 'Falling back to standard SMMU CMDQ', 'CMDQV not used', 'the one CMDQ'],
  [VCMDQ, 'no more available vintf', 'no VINTF left', 'all are lent'],
];

describe('a message of a driver', () => {
  it.each(LINES)('%s%s', (prefix, text, name, says) => {
    const [entry, ...others] = decoded(prefix + text);
    expect([others, entry?.decoded.name]).toEqual([[], name]);
    expect(entry?.decoded.summary).toContain(says);
    expect(entry?.decoded.summary).toMatch(/^[^\n]{10,200}\. Look at [^\n]{3,160}[^.\n]$/);
    expect(entry?.device).toBe(/(\S+): $/.exec(prefix)?.[1]);
  });

  it.each([
    ['of another driver', 'nvme nvme0: CMDQ timeout'],
    ['of another driver', 'mlx5_core 0000:01:00.0: failed to enable irqs'],
    ['of another driver', 'dwc3 1000.usb: failed to ioremap'],
    ['that all goes well', `${SMMU}allocated 65536 entries for cmdq`],
    ['that all goes well', `${SMMU}oas 48-bit (features 0x0000dfff)`],
    ['that another follows', `${SMMU}unexpected PRI request received:`],
    ['in the middle of words', 'a page about "CMDQ timeout" and arm-smmu-v3'],
  ])('is none: %s', (_what, line) => {
    expect(decoded(line)).toEqual([]);
  });
});
