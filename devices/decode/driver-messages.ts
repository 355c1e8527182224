// SPDX-License-Identifier: MIT
// Messages of Linux's arm-smmu-v3 and tegra241-cmdqv drivers: what each means, and where
// to look. The texts are those of Linux 7.2; older ones that differ are marked.

import type { Decoded } from './structure.ts';

/** The driver whose prefix is required, for texts that other drivers use too. */
type Prefix = 'smmu' | 'cmdqv' | 'any';

interface DriverMessage {
  readonly pattern: RegExp;
  readonly prefix: Prefix;
  readonly name: string;
  /** The meaning, given the groups of the pattern. */
  readonly means: (groups: readonly string[]) => string;
  /** Where to look next. */
  readonly look: string;
}

const PREFIXES: Readonly<Record<Prefix, RegExp>> = {
  smmu: /\barm-smmu-v3\b/,
  cmdqv: /cmdqv|NVDA200C/i,
  any: /^/,
};

function message(
  pattern: RegExp,
  prefix: Prefix,
  name: string,
  means: string | DriverMessage['means'],
  look: string,
): DriverMessage {
  return { pattern, prefix, name, means: typeof means === 'string' ? () => means : means, look };
}

const QUEUES: Readonly<Record<string, string>> = {
  CMDQ: 'a CMD_SYNC',
  EVTQ: 'the event queue',
  PRIQ: 'the PRI queue',
  GERROR: 'a global error',
};

/** Queues that lose entries or cannot be written, and commands that are not consumed. */
const RUNNING: readonly DriverMessage[] = [
  message(
    /\bEVTQ overflow detected\b/,
    'any',
    'EVENTQ overflow',
    'the event queue was full, and events were lost (EVENTQ_PROD.OVFLG differs from EVENTQ_CONS.OVACKFLG)',
    'the events before it: one stream that faults again and again fills the queue; STE.MEV merges them',
  ),
  message(
    /\bPRIQ overflow detected\b/,
    'any',
    'PRIQ overflow',
    'the PRI queue was full, and page requests were lost; those of a group are answered by the SMMU',
    'the devices that request pages: their outstanding page requests (PRI capability) against IDR1.PRIQS',
  ),
  message(
    /\b(EVTQ|PRIQ) write aborted\b/,
    'any',
    'queue write aborted',
    ([queue = '']) => `${QUEUES[queue]} could not be written to memory; entries are lost`,
    'EVENTQ_BASE or PRIQ_BASE: whether all of the queue is memory that the SMMU reaches',
  ),
  message(
    /\b(GERROR|PRIQ|EVTQ|CMDQ) MSI write aborted\b/,
    'any',
    'MSI write aborted',
    ([queue = '']) => `the MSI of ${QUEUES[queue]} was aborted, and that interrupt is lost`,
    'the address in its IRQ_CFG0 (a CMD_SYNC: its MSIAddress): whether a doorbell of the ITS is there',
  ),
  message(
    /\bCMDQ timeout\s*$/,
    'smmu',
    'CMDQ timeout',
    'the command queue was full, and stayed so: the SMMU consumes nothing',
    'CMDQ_PROD, CMDQ_CONS and its ERR, CR0.CMDQEN, and GERROR.CMDQ_ERR that is not acknowledged',
  ),
  message(
    /\bretrying command fetch\s*$/,
    'smmu',
    'CERROR_ABT',
    'a command could not be fetched; the driver acknowledges the error, and the SMMU tries again',
    'CMDQ_BASE: whether all of the queue is memory that the SMMU reaches',
  ),
  message(
    /\bdevice has entered Service Failure Mode!/,
    'smmu',
    'Service Failure Mode',
    'GERROR.SFM_ERR: the SMMU has given up, and the driver disables it; all DMA ends',
    'the hardware: this model never sets SFM_ERR',
  ),
  message(
    /\bsid 0x([0-9a-f]{8})\.0x([0-9a-f]{5}): \[(\d{1,5})(L?)\] (un)?privileged ([RWX]{0,3}) access at iova 0x([0-9a-f]{16})/,
    'any',
    'page request',
    ([sid, ssid, group, last, un, access, iova]) =>
      `StreamID 0x${sid}, SubstreamID 0x${ssid} asked for a page at 0x${iova} ` +
      `(${access || 'no access'}, ${un ?? ''}privileged, group ${group}` +
      `${last === 'L' ? ', the last of it, which the driver denies' : ''})`,
    'who owns the device: the driver takes no page requests here, so none may be enabled for it',
  ),
  message(
    /\b(un)?priv (inst|data) (read|write) (s[12]) "([^"]{1,60})"( ttd_(?:read|write))?( stall)? stag: (\w{1,8})/,
    'any',
    'access of the event before',
    ([un, what, how, stage, , descriptor, stall, stag]) =>
      `${un ?? ''}privileged ${how} of ${what === 'inst' ? 'instructions' : 'data'}, stage ${stage?.slice(1)}` +
      `${descriptor ? `, at the ${descriptor.slice(5)} of a descriptor` : ''}` +
      `${stall ? `, stalled with STAG ${stag}: it waits for CMD_RESUME` : ', terminated'}`,
    'the line before it, for StreamID and address',
  ),
  message(
    /\bAliasing StreamID (0x[0-9a-f]{1,8}) \(from (\S{1,80})\)/,
    'any',
    'StreamID used twice',
    ([sid, other]) => `${other} has StreamID ${sid} already; this device gets no translations`,
    'iommu-map of the host bridge, or the IORT: two devices have one StreamID',
  ),
];

/** Registers that do not acknowledge a write; the cause is the same for each of them. */
const ACKS: readonly DriverMessage[] = [
  message(
    /\bfailed to clear cr0\b/,
    'smmu',
    'CR0 not acknowledged',
    'CR0ACK did not become 0 after CR0 was cleared',
    'CR0 and CR0ACK; commands that do not end keep CMDQEN',
  ),
  message(
    /\bfailed to enable (command queue|event queue|PRI queue|ATS check|SMMU interface)\b/,
    'smmu',
    'CR0 not acknowledged',
    ([what]) => `CR0ACK did not show that the ${what} is enabled`,
    'CR0 against CR0ACK, and the BASE register of the queue',
  ),
  message(
    /\bfailed to (en|dis)able irqs\b/,
    'smmu',
    'IRQ_CTRL not acknowledged',
    ([how]) => `IRQ_CTRLACK did not show that interrupts are ${how}abled`,
    'IRQ_CTRL against IRQ_CTRLACK',
  ),
  message(
    /\bGBPA not responding to update\b/,
    'smmu',
    'GBPA.Update stays 1',
    'the SMMU did not complete the update of GBPA',
    'GBPA: Update has to become 0 by itself',
  ),
  message(
    /\bfailed to (?:setup irqs|enable (?:evtq|gerror|priq|combined) irq)\b/,
    'smmu',
    'no interrupt',
    'an interrupt of the SMMU could not be requested; what it signals remains unnoticed',
    'interrupts and interrupt-names of its node, or the IORT',
  ),
  message(
    /\bno (evtq|gerr|priq) irq - /,
    'smmu',
    'no interrupt',
    ([which]) => `the SMMU has no ${which} interrupt; what it signals remains unnoticed`,
    'interrupt-names of its node: eventq, gerror, priq',
  ),
  message(
    /\b(?:msi_domain absent|failed to allocate MSIs) - falling back to wired irqs/,
    'smmu',
    'wired interrupts',
    'IDR0.MSI is 1, but there is no MSI for the SMMU; its wired interrupts are used',
    'msi-parent of its node: only an ITS takes them',
  ),
];

/** Why a driver does not start, or does without a feature. */
const STARTING: readonly DriverMessage[] = [
  message(
    /\bfailed to allocate (queue|l1 stream table|linear stream table|l2 stream table)\b/,
    'smmu',
    'no memory',
    ([what]) => `there was no memory in one piece for the ${what}`,
    'IDR1: the sizes of queues and SIDSIZE, against the memory and CMA of the kernel',
  ),
  message(
    /\bfailed to reset impl\b/,
    'smmu',
    'CMDQV not reset',
    'the CMDQV of the SMMU could not be reset',
    'the lines of the CMDQV before it',
  ),
  message(
    /\bSMMU currently enabled! Resetting/,
    'smmu',
    'SMMU enabled',
    'CR0.SMMUEN was 1 at the start: firmware, or a kernel before this one, has left it so; DMA is aborted from here on',
    'what used it before: after kexec this is to be expected',
  ),
  message(
    /\b(unknown\/unsupported TT endianness!|no translation support!|AArch64 table format not supported!|embedded implementation not supported)/,
    'smmu',
    'unsupported SMMU',
    ([what]) => `the driver does not start: ${what}`,
    'IDR0.TTENDIAN, S1P and S2P, TTF; IDR1.TABLES_PRESET, QUEUES_PRESET, REL',
  ),
  message(
    /\bcommand queue size <= (\d{1,6}) entries not supported\b/,
    'smmu',
    'command queue too small',
    ([entries]) => `the driver sends up to ${entries} commands at once, and does not start`,
    'IDR1.CMDQS',
  ),
  message(
    /\bunknown output address size\b/,
    'smmu',
    'OAS unknown',
    'IDR5.OAS has a value that the driver does not know; it takes 48 bits',
    'IDR5.OAS',
  ),
  message(
    /\bIDR0\.(HTTU|COHACC)\b.{0,40} overridden by FW configuration/,
    'smmu',
    'firmware differs',
    ([field]) => `firmware contradicts IDR0.${field}, and takes precedence`,
    'dma-coherent of its node, or the flags in the IORT, against IDR0',
  ),
  message(
    /\bMMIO region too small\b/,
    'smmu',
    'registers too small',
    'the SMMU has 128 KiB of registers (64 KiB with page 1 in page 0), and its node says fewer',
    'reg of its node',
  ),
  message(
    /\b(?:missing #iommu-cells property|invalid #iommu-cells value)/,
    'smmu',
    'wrong #iommu-cells',
    'the node of an SMMUv3 has #iommu-cells = <1>: a StreamID',
    '#iommu-cells of its node',
  ),
  message(
    /\b2-level strtab only covers (\d{1,2})\/(\d{1,2}) bits of SID\b/,
    'smmu',
    'stream table too small',
    ([has, of]) => `StreamIDs with more than ${has} of their ${of} bits have no STE`,
    'the largest StreamID in use, in iommu-map or the IORT',
  ),
  message(
    /\bRMR SID\((0x[0-9a-f]{1,8})\) bypass failed\b/,
    'any',
    'no bypass for RMR',
    ([sid]) => `StreamID ${sid}, to which firmware has given a reserved region, gets no STE`,
    'the RMR nodes of the IORT',
  ),
  message(
    /\bFailed to enable (ATS \(STU \d{1,3}\)|PASID\s*$)/,
    'any',
    'ATS or PASID not enabled',
    ([what = '']) =>
      `the device's ${what.startsWith('ATS') ? 'ATS' : 'PASID'} could not be enabled`,
    'its ATS or PASID capability, and that of the root port',
  ),
  message(
    /\bSMMU doesn't support ATS\b/,
    'any',
    'no ATS',
    'a device needs ATS, and the SMMU has none, or not where it is to be always on',
    'IDR0.ATS',
  ),
];

const CMDQV: readonly DriverMessage[] = [
  message(
    /\bfailed to init vintf0: (-?\d{1,4})\b/,
    'cmdqv',
    'VINTF 0 not initialised',
    ([error]) =>
      `the kernel's own VINTF could not be made (error ${error}); the SMMU's CMDQ is used alone`,
    'VINTF0_CONFIG and VINTF0_STATUS, and the line before it',
  ),
  message(
    /\buncleared error detected, resetting\s*$/,
    'any',
    'VCMDQ with an error',
    'a VCMDQ was released with an error that its user had not acknowledged (GERROR differs from GERRORN)',
    'CONS.ERR of that VCMDQ: which command its user left there',
  ),
  message(
    /\bfailed to (?:ioremap|request irq)\b/,
    'cmdqv',
    'CMDQV without registers or interrupt',
    'its registers could not be mapped, or its interrupt not be requested',
    'reg and interrupts of its node, or the _CRS of NVDA200C',
  ),
  message(
    /\bno memory resource found for CMDQV\b/,
    'any',
    'CMDQV without registers',
    'firmware describes a CMDQV without its registers',
    'reg of its node, or the _CRS of NVDA200C',
  ),
  message(
    /\bno interrupt\. errors will not be reported/,
    'any',
    'CMDQV without interrupt',
    'errors of VCMDQs remain unnoticed',
    'interrupts of its node, or the _CRS of NVDA200C',
  ),
  message(
    /\bDetected disable_cmdqv=true\b/,
    'any',
    'CMDQV off',
    'the kernel command line disables it: commands go to the one CMDQ',
    'arm_smmu_v3.disable_cmdqv on the kernel command line',
  ),
  message(
    /\bFalling back to standard SMMU CMDQ\b/,
    'any',
    'CMDQV not used',
    'the CMDQV could not be used: commands go to the one CMDQ, which is slower and works',
    'the line before it, which says why',
  ),
  message(
    /\bno more available vintf\b/,
    'any',
    'no VINTF left',
    'a VM asked for a VINTF, and all are lent',
    'CMDQV_PARAM.NUM_VINTF_LOG2, and how many VMs have one',
  ),
];

const MESSAGES: readonly DriverMessage[] = [...RUNNING, ...ACKS, ...STARTING, ...CMDQV];

/**
 * The meaning of a driver's message.
 * @returns undefined for any other line; `at` is the index of its text after the prefix.
 */
export function decodeDriverMessage(
  line: string,
): { readonly at: number; readonly decoded: Decoded } | undefined {
  for (const { pattern, prefix, name, means, look } of MESSAGES) {
    const found = pattern.exec(line);
    if (!found || !PREFIXES[prefix].test(line.slice(0, found.index))) continue;
    const summary = `${means(found.slice(1))}. Look at ${look}`;
    return { at: found.index, decoded: { name, summary, fields: [] } };
  }
  return undefined;
}
