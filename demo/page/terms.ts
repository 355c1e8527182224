// SPDX-License-Identifier: MIT
// The terms of the page's texts, and their marks: wherever a text is shown, its terms
// explain themselves.

import { html, type TemplateResult } from 'lit-html';

const TERMS: Readonly<Record<string, string>> = {
  ASID: 'ASID: the number of an address space of a guest; entries of the IOTLB are tagged with it.',
  BTM: 'BTM, broadcast TLB maintenance: the SMMU hears the TLBIs that processors issue.',
  CD: 'CD, context descriptor: tells the SMMU the page tables and the ASID of a device\u2019s accesses.',
  'CD.ASET':
    'CD.ASET: 0 if the ASID is shared with the processors, whose TLBIs then count here too.',
  CERROR_ILL: 'CERROR_ILL: the code in CONS for a command that the queue does not take.',
  CFGI_ALL: 'CFGI_ALL: the command that has the SMMU read all STEs and CDs again.',
  CFGI_CD: 'CFGI_CD: the command that has the SMMU read a CD again.',
  CFGI_STE: 'CFGI_STE: the command that has the SMMU read an STE again.',
  CMDQ: 'CMDQ: the SMMU\u2019s own command queue, which a VMM emulates for its guest.',
  CMDQV:
    'CMDQV: hardware of NVIDIA\u2019s Grace and Tegra241 beside the SMMU. It gives VMs command ' +
    'queues (VCMDQs) that it checks itself.',
  CMD_SYNC: 'CMD_SYNC: the command that completes when all commands before it have taken effect.',
  CONS: 'CONS: the register that says how far the SMMU has read a queue.',
  DMA: 'DMA: a device reads or writes memory by itself, through the SMMU.',
  exit: 'Exit: control leaves the guest for the VMM. On hardware it costs thousands of cycles.',
  F_TRANSLATION:
    'F_TRANSLATION: the record of an access for which the page tables have no translation.',
  GERROR: 'GERROR: the register in which the SMMU toggles a bit when a queue stops.',
  HYP_OWN:
    'HYP_OWN: set by the hypervisor alone; it makes VCMDQs take VMIDs and StreamIDs as written.',
  IOTLB:
    'IOTLB: translations that the SMMU keeps. A TLBI removes them; until then a device reaches ' +
    'the page.',
  PROD: 'PROD: the register that says how far the driver has written a queue.',
  PTE: 'PTE, page table entry: the address of a page, and what may be done with it.',
  SMMU: 'SMMU: Arm\u2019s IOMMU, which translates the addresses that devices use.',
  STE: 'STE, stream table entry: tells the SMMU what to do with the accesses of a device.',
  StreamID: 'StreamID: the number by which the SMMU knows a device.',
  TLBI:
    'TLBI: the command that removes translations from the TLB; a CMD_SYNC follows it, which ' +
    'completes when all before it has.',
  TLBI_NH_VA: 'TLBI_NH_VA: the TLBI for one address in one address space.',
  VCMDQ: 'VCMDQ: a command queue of CMDQV that a guest fills itself, without an exit.',
  VMID: 'VMID: the number of a VM; entries of the IOTLB are tagged with it.',
  VMM: 'VMM, virtual machine monitor, such as QEMU: it runs the guests and emulates devices for them.',
};

/** A plural is the term too; a longer name, such as CMDQ_PROD, is not. */
const NAMED = new RegExp(
  `(?<![\\w.])(${Object.keys(TERMS)
    .toSorted((one, other) => other.length - one.length)
    .map((term) => term.replace('.', '\\.'))
    .join('|')})s?(?!\\w)`,
  'g',
);

/** A text whose terms explain themselves, each where it comes first. */
export function withTerms(text: string): readonly (string | TemplateResult)[] {
  const parts: (string | TemplateResult)[] = [];
  const known = new Set<string>();
  let end = 0;
  for (const { 0: word, 1: term = '', index } of text.matchAll(NAMED)) {
    if (known.has(term)) continue;
    known.add(term);
    parts.push(
      text.slice(end, index),
      html`<dfn tabindex="-1" data-explain=${TERMS[term] ?? ''}>${word}</dfn>`,
    );
    end = index + word.length;
  }
  return [...parts, text.slice(end)];
}
