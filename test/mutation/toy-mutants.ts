// SPDX-License-Identifier: MIT
// Bugs of host, devices or guest, and the checks of the toy's report that notice them.

import type { Edit } from './mutant-program.ts';

export interface ToyMutant {
  /** What the program does wrong. */
  readonly bug: string;
  readonly edits: readonly Edit[];
  /** Arguments of `vsmmu boot toy --json`. */
  readonly args: string;
  /** Checks that fail, without the names of their machines. */
  readonly fails: readonly string[];
}

/** An edit of a file of dist/. */
function dist(file: string, original: string, mutant: string): Edit {
  return { file: `dist/${file}`, original, mutant };
}

const ONE = '--vms 1 --path direct --arg warmup=0';
const ALL = '--vms 1 --arg warmup=0';
const TWO = '--vms 2 --path direct --arg warmup=0';
const ECMDQ = '--vms 1 --path direct --queues ecmdq --arg warmup=0';

const DMA = 'devices/dma-engine/dma-engine.js';
const DMA_REGISTERS = 'devices/dma-engine/dma-registers.js';
const IDS = 'devices/smmuv3/guest-id-registers.js';
const SMMU = 'devices/smmuv3/virtual-smmu.js';
/** Where a register of the guest's SMMU is read. */
const READ = 'this.registers.read(access);';
const CMDQV = 'devices/cmdqv/virtual-cmdqv.js';
const ECMDQS = 'devices/smmuv3/queues/enhanced-queues.js';
const CHECKPOINT = 'devices/checkpoint/checkpoint.js';
const IMPORTS = 'vmm/vcpu/wasm/guest-imports.js';

/** Doorbells leave the guest, and are exits. */
const DOORBELL_EXITS = [
  dist(IMPORTS, 'from === MODULE_VSMMU && inside.get(name)', 'from === "" && inside.get(name)'),
  dist(
    IMPORTS,
    "doorbell: { kind: 'mmio', call: () => undefined },",
    "doorbell: { kind: 'mmio', call: (id, at) => inside.doorbell(id, at) },",
  ),
  dist(
    IMPORTS,
    'function vsmmuCalls({ host, vcpu })',
    'function vsmmuCalls({ host, vcpu, inside })',
  ),
];

/** Checks that compare the data of DMA with the expected data. */
export const BYTES_CHECKS: readonly string[] = [
  'live-mapping',
  'attack-vmid-fields',
  'attack-sid-fields',
  'attack-cmdq',
  'attack-vintf-vmid',
  'attack-sid-pairs',
  'attack-cmdq-alloc',
  'pasid-address-space',
  'pasid-detach',
  'atc-detach',
];

export const TOY_MUTANTS: readonly ToyMutant[] = [
  {
    bug: 'no device is the DMA engine',
    edits: [dist(DMA, 'kind: ABI_KIND_DMA,', 'kind: ABI_KIND_DMA + 1,')],
    args: ONE,
    fails: ['environment'],
  },
  {
    bug: 'the CMDQV has no version',
    edits: [
      dist(
        CMDQV,
        'const lo = this.#readWord(access.offset);',
        'const lo = access.offset === 4 ? 0 : this.#readWord(access.offset);',
      ),
    ],
    args: ONE,
    fails: ['probe-cmdqv'],
  },
  {
    bug: 'the SMMU has no stage 1',
    edits: [dist(SMMU, READ, `${READ} if (access.offset === 0) access.lo &= ~2;`)],
    args: ONE,
    fails: ['probe-smmu'],
  },
  {
    bug: 'HYP_OWN can be set',
    edits: [dist(CMDQV, 'hypOwnWritable: false', 'hypOwnWritable: true')],
    args: ONE,
    fails: ['hyp-own-zero', 'cmdqv-reset'],
  },
  {
    bug: 'the memory ends where the tables begin',
    edits: [
      dist(
        'vmm/vcpu/wasm/info-page.js',
        '[ABI_AT_MEMORY_SIZE >> 2] = memory.buffer.byteLength',
        '[ABI_AT_MEMORY_SIZE >> 2] = 0x120000',
      ),
    ],
    args: ONE,
    fails: ['tables'],
  },
  {
    bug: 'IRQ_CTRLACK does not follow',
    edits: [dist(SMMU, READ, `${READ} if (access.offset === 0x54) access.lo = 0;`)],
    args: ONE,
    fails: ['smmu-reset'],
  },
  {
    bug: 'page 0 of a VINTF stays trapped',
    edits: [dist(CMDQV, 'this.#host?.mapDirect({', '((_range) => undefined)({')],
    args: ONE,
    fails: ['page0-direct'],
  },
  {
    bug: 'a VCMDQ runs on another ring than its guest has',
    edits: [
      dist(
        'vmm/nested/lent-vintf.js',
        'iova: BigInt(baseGpa),',
        'iova: BigInt(baseGpa) + 0x1000n,',
      ),
    ],
    args: ONE,
    fails: ['vcmdq-batches'],
  },
  {
    bug: 'the driver takes VCMDQ 0 for all of them',
    edits: [
      {
        file: 'guest-driver/driver/get-cmdq.ts',
        original: '? vcmdq(index) :',
        mutant: '? vcmdq(0) :',
      },
    ],
    args: ONE,
    fails: ['every queue has served its guest'],
  },
  {
    bug: 'IDR1 has no ECMDQs',
    edits: [dist(IDS, 'IDR1_ECMDQ, enhancedQueues ? 1 : 0', 'IDR1_ECMDQ, 0')],
    args: ECMDQ,
    fails: ['probe-ecmdq'],
  },
  {
    bug: 'no ECMDQ says that it is enabled',
    edits: [
      dist(
        ECMDQS,
        'this.cons = withBits(this.cons, ECMDQ_CONS_ENACK, enabled ? 1 : 0);',
        'this.cons = withBits(this.cons, ECMDQ_CONS_ENACK, 0);',
      ),
    ],
    args: ECMDQ,
    fails: ['ecmdq-reset'],
  },
  {
    bug: 'PROD and CONS of ECMDQs stay trapped',
    edits: [
      dist(
        'devices/smmuv3/queues/mapped-pointers.js',
        'this.#host?.mapDirect({',
        '((_range) => undefined)({',
      ),
    ],
    args: ECMDQ,
    fails: ['ecmdq-direct'],
  },
  {
    bug: 'an ECMDQ runs on another ring than its guest has',
    edits: [
      dist(
        'devices/smmuv3/queues/mapped-pointers.js',
        'this.#backend?.allocate(base, log2size)',
        'this.#backend?.allocate(base + 0x1000, log2size)',
      ),
    ],
    args: ECMDQ,
    fails: ['ecmdq-batches'],
  },
  {
    bug: 'DMA brings other bytes',
    edits: [
      dist(
        DMA,
        'const good = bytes.subarray(0, read.done);\n            const written',
        'const good = bytes.subarray(0, read.done).map((byte) => byte ^ 1);\n            const written',
      ),
    ],
    args: ONE,
    fails: ['dma-copy'],
  },
  {
    bug: 'the IOTLB keeps nothing',
    edits: [
      {
        file: 'assembly/smmu-core/iotlb.ts',
        original: 'if (current) atomic.store<u32>(entry, meta |',
        mutant: 'if (false) atomic.store<u32>(entry, meta |',
      },
    ],
    args: TWO,
    fails: ['stale-entry-used', 'isolation: IOTLB entries: vm1 lost nothing'],
  },
  {
    bug: 'TLBI_NH_VA takes another ASID',
    edits: [
      {
        file: 'assembly/vcmdq-drain/run-commands.ts',
        original: 'invalidateVa(smmu, vmid, asid, d0, d1)',
        mutant: 'invalidateVa(smmu, vmid, asid ^ 1, d0, d1)',
      },
    ],
    args: ONE,
    fails: ['dma-faults', 'event-record'],
  },
  {
    bug: 'doorbells are exits',
    edits: DOORBELL_EXITS,
    args: ALL,
    fails: [
      'invalidate',
      'no-exits-direct',
      '0 exits during direct-path batches',
      '0 exits during ecmdq-path batches',
      '0 exits during overlay-path batches',
    ],
  },
  {
    bug: 'doorbells are exits, of several vCPUs',
    edits: DOORBELL_EXITS,
    args: '--vms 1 --path direct --vcpus 2 --arg warmup=0',
    fails: ['parallel'],
  },
  {
    bug: 'the exit counter is dead',
    edits: [
      dist(
        'vmm/vcpu/exit-counter.js',
        '    count(vcpu, kind) {',
        '    count(vcpu, kind) { return;',
      ),
    ],
    args: ALL,
    fails: ['every exit is counted', 'at least 2 exits in each trapped-path batch'],
  },
  {
    bug: 'an overlaid CMDQ stays trapped, and the exit counter is dead',
    edits: [
      dist(
        'vmm/vcpu/exit-counter.js',
        '    count(vcpu, kind) {',
        '    count(vcpu, kind) { return;',
      ),
      dist(
        'devices/smmuv3/queues/mapped-pointers.js',
        'this.#host?.mapDirect({',
        '((_range) => undefined)({',
      ),
    ],
    args: '--vms 1 --path overlay --arg warmup=0',
    fails: ['0 exits during overlay-path batches', 'every exit is counted'],
  },
  {
    bug: 'what a guest reports of its phases is lost',
    edits: [dist(CHECKPOINT, 'access.offset === CHECKPOINT_PHASE)', 'access.offset < 0)')],
    args: TWO,
    fails: ['isolation: machines attack each other', 'the paths were measured'],
  },
  {
    bug: 'the device refuses everything after a fault',
    edits: [
      dist(
        DMA,
        'const { operation: number, length } = operation;',
        'const { operation: number, length } = operation; ' +
          'if (this.registers.get(DMA_STATUS) === DMA_STATUS_READ_FAULT) ' +
          'return { status: DMA_STATUS_READ_FAULT, done: 0 };',
      ),
    ],
    args: ONE,
    fails: ['remap', 'live-mapping', 'atc-invalidate'],
  },
  {
    bug: 'a VINTF has no StreamID pairs',
    edits: [
      dist(
        'host/kernel/cmdqv-driver.js',
        'this.#vintf(vintf, VINTF_SID_MATCH + 4 * pair), match)',
        'this.#vintf(vintf, VINTF_SID_MATCH + 4 * pair), 0)',
      ),
      // Nor for streams beyond its pairs.
      {
        file: 'assembly/vcmdq-drain/endpoint-commands.ts',
        original: 'return furtherSid(context, virtSid);',
        mutant: 'return NO_SID;',
      },
    ],
    args: TWO,
    fails: ['mixed-batch', 'attack-sid-fields', 'attack-sid-pairs'],
  },
  {
    bug: 'the host steps over bad commands, and tells nobody',
    edits: [dist('vmm/nested/vm-host.js', "?? (() => 'report')", "?? (() => 'skip')")],
    args: ONE,
    fails: ['illegal-command', 'illegal-command-recovery', 'sync-signal'],
  },
  {
    bug: 'a VCMDQ takes a CMD_SYNC of any CS',
    edits: [
      {
        file: 'assembly/vcmdq-drain/command-legality.ts',
        original: '(onVcmdq && cs != SYNC_CS_NONE) || cs >',
        mutant: '(false && cs != SYNC_CS_NONE) || cs >',
      },
    ],
    args: ONE,
    fails: ['sync-signal'],
  },
  {
    bug: 'a CMD_SYNC waits for nothing',
    edits: [
      {
        file: 'assembly/vcmdq-drain/atc-wait.ts',
        original: 'return load<u64>(waitOf(smmu, queue), ATC_WAIT_PORTS) == 0;',
        mutant: 'return true;',
      },
    ],
    args: ONE,
    fails: ['sync-waits'],
  },
  {
    bug: 'an ATC_INV has no effect',
    edits: [
      {
        file: 'assembly/vcmdq-drain/endpoint-commands.ts',
        original: 'portOf(smmu, u32(sid))',
        mutant: 'portOf(smmu, u32(sid) ^ 0xffff)',
      },
    ],
    args: ONE,
    fails: ['atc-invalidate', 'sync-waits'],
  },
  {
    bug: 'DMA finds other bytes',
    edits: [dist(DMA, 'const differs = firstDifference(good, expected);', 'const differs = 0;')],
    args: TWO,
    fails: BYTES_CHECKS,
  },
  {
    bug: 'DMA finds other bytes after a corrupted ring',
    edits: [dist(DMA, 'const differs = firstDifference(good, expected);', 'const differs = 0;')],
    args: '--experiment ring-corruption',
    fails: ['attack-ring'],
  },
  {
    bug: 'the device does not look at its PASID',
    edits: [
      dist(
        DMA_REGISTERS,
        'const has = (bit) => (register & bit) !== 0;',
        'const has = () => false;',
      ),
    ],
    args: ONE,
    fails: ['pasid-address-space', 'pasid-event'],
  },
  {
    bug: 'CMDQ_CONS stands still for a while',
    edits: [
      // For longer than the driver waits for one batch.
      dist(
        SMMU,
        READ,
        `${READ} ` +
          'if (access.offset === 0x9c && ++globalThis.looks > 2000 && globalThis.looks < 210_000) ' +
          'access.lo = globalThis.cons ??= access.lo;',
      ),
      dist(SMMU, 'export class VirtualSmmu', 'globalThis.looks = 0; export class VirtualSmmu'),
    ],
    args: '--vms 1 --path trapped --arg warmup=0',
    fails: ['measurement'],
  },
  {
    bug: 'DMA brings nothing, and a driver forgets its TLBI',
    edits: [
      {
        file: 'assembly/smmu-core/iotlb.ts',
        original: 'if (current) atomic.store<u32>(entry, meta |',
        mutant: 'if (false) atomic.store<u32>(entry, meta |',
      },
    ],
    args: '--experiment forget-tlbi',
    fails: ['forgotten-invalidation'],
  },
  {
    bug: 'a driver forgets its TLBI',
    edits: [],
    args: '--experiment forget-tlbi --check',
    fails: ['sanitizer: no forgotten invalidation'],
  },
  {
    bug: '--check has the core that checks nothing',
    edits: [
      dist(
        'assembly/load.js',
        'async function loadHotModules(urls = {}, options = {})',
        'async function loadHotModules(urls = {}, _asked = {}, options = {})',
      ),
    ],
    args: `${ONE} --check`,
    fails: ['sanitizer: looks on'],
  },
  {
    bug: 'a VINTF changes the VMIDs of the others',
    edits: [
      dist(
        CMDQV,
        'this.#backend = backend;',
        'this.#backend = backend; (globalThis.all ??= []).push(backend);',
      ),
      dist(
        CMDQV,
        'this.#globalWritten(access.offset);',
        'this.#globalWritten(access.offset); ' +
          'for (const other of globalThis.all) if (other !== this.#backend) other.context.vmid++;',
      ),
    ],
    args: TWO,
    fails: ['isolation: queues and contexts: vm1 lost nothing'],
  },
  {
    bug: 'a device writes to the memory of the others',
    edits: [
      dist(
        CHECKPOINT,
        'this.#memory = host.memory;',
        'this.#memory = host.memory; (globalThis.all ??= []).push(host.memory);',
      ),
      dist(
        CHECKPOINT,
        'const ended = access.lo >= CHECKPOINT_PHASE_END;',
        'const ended = access.lo >= CHECKPOINT_PHASE_END; ' +
          'if (ended) for (const other of globalThis.all) if (other !== this.#memory) other.store32(0x80200000, 7);',
      ),
    ],
    args: TWO,
    fails: ['isolation: guest memory: vm1 lost nothing'],
  },
  {
    bug: 'VMIDs are taken as a guest writes them',
    edits: [
      {
        file: 'assembly/vcmdq-drain/execute.ts',
        original: 'if (load<u32>(context, CTX_HYP_OWN) != 0) return written;',
        mutant: 'return written;',
      },
    ],
    args: TWO,
    fails: ['isolation: IOTLB entries: vm1 lost nothing'],
  },
  {
    bug: 'a StreamID that matches no pair is taken as it is',
    edits: [
      {
        file: 'assembly/vcmdq-drain/endpoint-commands.ts',
        original: 'return NO_SID;',
        mutant: 'return u64(virtSid);',
      },
    ],
    args: TWO,
    fails: ['attack-sid-fields'],
  },
  {
    bug: 'VINTF_CONFIG.VMID is no shadow',
    edits: [
      dist(
        CMDQV,
        '            this.#enablesChanged();',
        '{ this.#backend.context.vmid = (this.#global.vintfConfig(0) >>> 1) & 0xffff; ' +
          'this.#enablesChanged(); }',
      ),
    ],
    args: TWO,
    fails: ['isolation: IOTLB entries: vm1 lost nothing'],
  },
  {
    bug: 'a guest that has ended is told to have failed',
    edits: [
      dist(
        'vmm/vcpu/wasm/wasm-program.js',
        "{ reason: 'off', code: 0 }",
        "{ reason: 'off', code: 1 }",
      ),
    ],
    args: ONE,
    fails: ['vm0 ran to its end'],
  },
  {
    bug: 'the ITS of the board virt ignores what is written to it',
    edits: [dist('devices/gicv3/its.js', 'this.#gic.writeIts(this.#at, offset, lo);', '')],
    args: ALL,
    fails: ['its'],
  },
  {
    bug: 'a DMA to the doorbell of the ITS reaches no translation',
    edits: [dist('devices/gicv3/its.js', 'this.#gic.translate(this.#at, requesterId, data);', '')],
    args: ALL,
    fails: ['dma-msi'],
  },
  {
    bug: 'the board virt gives its guest no direct maps',
    edits: [
      dist(
        'vmm/boards/virt/virt-board.js',
        '...(directMaps === undefined ? {} : { directMaps }),',
        'directMaps: false,',
      ),
    ],
    args: ALL,
    fails: ['0 exits during arm64-path batches'],
  },
  {
    bug: 'exits of an arm64 guest at its SMMU are not counted',
    edits: [dist('cli/invalidation-exits.js', '(smmuv3|physical', '(physical')],
    args: ALL,
    fails: ['at least 2 exits in each arm64-trapped-path batch'],
  },
];
