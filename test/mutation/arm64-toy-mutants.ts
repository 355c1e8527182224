// SPDX-License-Identifier: MIT
// Bugs of host, devices or guest, and the checks of the arm64 toy's report that notice
// them.

import type { Edit } from './mutant-program.ts';
import { BYTES_CHECKS, TOY_MUTANTS, type ToyMutant } from './toy-mutants.ts';

/** The edits of a bug that the Wasm toy also notices. */
function editsOf(bug: string): readonly Edit[] {
  const found = TOY_MUTANTS.find((mutant) => mutant.bug === bug);
  if (!found) throw new Error(`there is no bug "${bug}"`);
  return found.edits;
}

/** A bug that both toys notice. */
const shared = (bug: string, args: string, ...fails: readonly string[]): ToyMutant => ({
  bug,
  edits: editsOf(bug),
  args,
  fails,
});

const DIRECT = '--arch arm64 --vms 1 --path direct';
const BOTH = '--arch arm64 --vms 1';
const TWO = '--arch arm64 --path direct --vms 2';

/** A bug of the guest: an edit of one of its parts. */
const guest = (part: string, original: string, mutant: string): Edit => ({
  file: `dist/guest-driver/arm64-toy/a64-${part}.js`,
  original,
  mutant,
});

export const ARM64_TOY_MUTANTS: readonly ToyMutant[] = [
  {
    bug: 'the DMA engine has another ID',
    edits: [
      {
        file: 'dist/devices/dma-engine/dma-registers.js',
        original: 'reset: DMA_ID_VALUE',
        mutant: 'reset: DMA_ID_VALUE + 1',
      },
    ],
    args: DIRECT,
    fails: ['environment'],
  },
  shared('the CMDQV has no version', DIRECT, 'probe-cmdqv'),
  shared('the SMMU has no stage 1', DIRECT, 'probe-smmu'),
  shared('HYP_OWN can be set', DIRECT, 'hyp-own-zero', 'cmdqv-reset'),
  {
    bug: 'the last stream does not abort',
    edits: [guest('bring-up', "s.move('x11', STREAMS)", "s.move('x11', STREAMS - 1)")],
    args: DIRECT,
    fails: ['tables'],
  },
  shared('IRQ_CTRLACK does not follow', DIRECT, 'smmu-reset'),
  shared(
    'page 0 of a VINTF stays trapped',
    `${DIRECT} --vcpus 2`,
    'page0-direct',
    'invalidate',
    'no-exits-direct',
    'parallel',
    '0 exits during direct-path batches',
  ),
  shared('a VCMDQ runs on another ring than its guest has', DIRECT, 'vcmdq-batches'),
  {
    bug: 'the driver takes VCMDQ 0 for all of them',
    edits: [guest('cmdqv', `add x9, x9, x15, lsl #${'$'}{Math.log2(QUEUE_BYTES)}`, '')],
    args: DIRECT,
    fails: ['every queue has served its guest'],
  },
  shared('DMA brings other bytes', DIRECT, 'dma-copy'),
  shared(
    'the IOTLB keeps nothing',
    TWO,
    'stale-entry-used',
    'isolation: IOTLB entries: vm1 lost nothing',
  ),
  shared('TLBI_NH_VA takes another ASID', DIRECT, 'dma-faults', 'event-record'),
  shared(
    'what a guest reports of its phases is lost',
    TWO,
    'isolation: machines attack each other',
    'the paths were measured',
  ),
  shared(
    'the device refuses everything after a fault',
    DIRECT,
    'remap',
    'live-mapping',
    'atc-invalidate',
  ),
  shared(
    'a VINTF has no StreamID pairs',
    TWO,
    'mixed-batch',
    'attack-sid-fields',
    'attack-sid-pairs',
  ),
  shared(
    'the host steps over bad commands, and tells nobody',
    DIRECT,
    'illegal-command',
    'illegal-command-recovery',
    'sync-signal',
  ),
  shared('a VCMDQ takes a CMD_SYNC of any CS', DIRECT, 'sync-signal'),
  shared('a CMD_SYNC waits for nothing', DIRECT, 'sync-waits'),
  shared('an ATC_INV has no effect', DIRECT, 'atc-invalidate', 'sync-waits'),
  shared('DMA finds other bytes', TWO, ...BYTES_CHECKS),
  {
    ...shared('DMA finds other bytes after a corrupted ring', '', 'attack-ring'),
    args: '--arch arm64 --experiment ring-corruption',
  },
  shared('the device does not look at its PASID', DIRECT, 'pasid-address-space', 'pasid-event'),
  {
    bug: 'CMDQ_CONS stands still for a while',
    edits: [
      ...editsOf('CMDQ_CONS stands still for a while').map((edit) => ({
        ...edit,
        mutant: edit.mutant.replace('210_000', '6_000'),
      })),
      guest('routines', 'const MOST_LOOKS = 50_000_000;', 'const MOST_LOOKS = 1000;'),
    ],
    args: '--arch arm64 --vms 1 --path trapped',
    fails: ['measurement'],
  },
  {
    ...shared('DMA brings nothing, and a driver forgets its TLBI', '', 'forgotten-invalidation'),
    args: '--arch arm64 --experiment forget-tlbi',
  },
  {
    ...shared('a driver forgets its TLBI', '', 'sanitizer: no forgotten invalidation'),
    args: '--arch arm64 --experiment forget-tlbi --check',
  },
  shared('--check has the core that checks nothing', `${DIRECT} --check`, 'sanitizer: looks on'),
  shared(
    'a VINTF changes the VMIDs of the others',
    TWO,
    'isolation: queues and contexts: vm1 lost nothing',
  ),
  {
    bug: 'a device writes to the memory of the others',
    edits: editsOf('a device writes to the memory of the others').map((edit) => ({
      ...edit,
      mutant: edit.mutant.replace('0x80200000', '0x40a00000'),
    })),
    args: TWO,
    fails: ['isolation: guest memory: vm1 lost nothing'],
  },
  shared(
    'VMIDs are taken as a guest writes them',
    TWO,
    'isolation: IOTLB entries: vm1 lost nothing',
  ),
  shared('a StreamID that matches no pair is taken as it is', TWO, 'attack-sid-fields'),
  shared('VINTF_CONFIG.VMID is no shadow', TWO, 'isolation: IOTLB entries: vm1 lost nothing'),
  {
    bug: 'SYSTEM_OFF is told to have failed',
    edits: [
      {
        file: 'dist/vmm/boards/virt/psci-hypercalls.js',
        original: 'stopped = { what: how };',
        mutant: 'stopped = { what: how, code: 1 };',
      },
    ],
    args: DIRECT,
    fails: ['vm0 ran to its end'],
  },
  shared('the ITS of the board virt ignores what is written to it', DIRECT, 'its'),
  shared('a DMA to the doorbell of the ITS reaches no translation', DIRECT, 'dma-msi'),
  {
    bug: 'PROD and CONS of an overlaid CMDQ stay trapped',
    edits: editsOf('PROD and CONS of ECMDQs stay trapped'),
    args: '--arch arm64 --vms 1 --path overlay',
    fails: ['0 exits during overlay-path batches'],
  },
  shared(
    'exits of an arm64 guest at its SMMU are not counted',
    BOTH,
    'at least 2 exits in each trapped-path batch',
  ),
];
