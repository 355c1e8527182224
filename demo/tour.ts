// SPDX-License-Identifier: MIT
// The tour: six stops of some twenty seconds. Each has its machines, stopped before the
// step that demonstrates its subject.

export interface TourStop {
  readonly title: string;
  /** What is about to happen, and what it means afterwards. */
  readonly before: string;
  readonly after: string;
  /** The settings of the stop, by the names and values of the URL. */
  readonly settings: Readonly<Record<string, string>>;
  /** Number of steps of the machines before the stop. */
  readonly steps: number;
  /** Number of steps that show it. */
  readonly shown: number;
}

/** Steps of a live toy until its first beat, and beats until it times a TLBI. */
const TRAPPED_BRING_UP = 12;
const DIRECT_BRING_UP = 15;
const BEATS = 2;

const ONE = { vms: '1', vcpus: '1', experiment: 'none', check: 'no', run: 'no' } as const;

export const TOUR: readonly TourStop[] = [
  {
    title: 'DMA through the IOTLB',
    before:
      'The driver has mapped pages for its device. In the next step the device copies memory: ' +
      'the SMMU walks the page tables and keeps what it found.',
    after:
      'The IOTLB now has the pages that the copy used, tagged with VMID and ASID. The next ' +
      'access needs no walk.',
    settings: { ...ONE, path: 'direct' },
    steps: 6,
    shown: 1,
  },
  {
    title: 'Unmap without a TLBI',
    before:
      'In the next step the driver clears a PTE and the device reads the page again, before ' +
      'and after the TLBI.',
    after:
      'Without a TLBI the device still read the page: the IOTLB had not heard of it. Only with ' +
      'TLBI and CMD_SYNC the same DMA ends in F_TRANSLATION, in the event queue.',
    settings: { ...ONE, experiment: 'stale-dma', check: 'yes', path: 'all' },
    steps: 6,
    shown: 1,
  },
  {
    title: 'The trapped TLBI',
    before:
      'This guest has the emulated CMDQ alone. In the next step it invalidates one page, many ' +
      'times: each store to CMDQ_PROD leaves the guest for the VMM.',
    after:
      'Each TLBI climbed through the VMM: one exit to store PROD, at least one to read CONS. ' +
      'Real hardware pays thousands of cycles for each.',
    settings: { ...ONE, path: 'trapped' },
    steps: TRAPPED_BRING_UP + BEATS,
    shown: 1,
  },
  {
    title: 'The same TLBI by VCMDQ',
    before:
      'The same guest with a CMDQV: PROD and CONS of its VCMDQ lie in its own memory. In the ' +
      'next step it invalidates the same page.',
    after:
      'The TLBI went across: no exit. The SMMU read the queue itself, and put the VM\u2019s own ' +
      'VMID in place of whatever the guest wrote.',
    settings: { ...ONE, path: 'direct' },
    steps: DIRECT_BRING_UP + BEATS,
    shown: 1,
  },
  {
    title: 'The attack that is refused',
    before:
      'Two VMs. In the next step each of them names every VMID that could be its neighbour\u2019s ' +
      'in TLBIs on its own VCMDQ.',
    after:
      'Neither took an entry from the other: the VMID in a command of a VCMDQ is replaced, not ' +
      'believed, so that each VM removed entries of its own alone. One more step tries StreamIDs.',
    settings: { ...ONE, vms: '2', experiment: 'foreign-ids', check: 'yes', path: 'all' },
    steps: 7,
    shown: 1,
  },
  {
    title: 'The bug that the sanitizer names',
    before:
      'In the next two steps the driver forgets a TLBI and goes on. Nothing fails: such bugs ' +
      'corrupt memory weeks later.',
    after:
      'The sanitizer compared each hit with the page tables: it names the stale entry, the ' +
      'descriptor as it was and is, and the TLBI that is missing.',
    settings: { ...ONE, experiment: 'forget-tlbi', check: 'yes', path: 'all' },
    steps: 6,
    shown: 2,
  },
];

/** A stop by its number, from 1; undefined for 0. */
export function tourStop(number: number): TourStop | undefined {
  return TOUR[number - 1];
}
