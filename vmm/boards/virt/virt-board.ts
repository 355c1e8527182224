// SPDX-License-Identifier: MIT
// The board `virt`: arm64 vCPUs with GICv3, generic timer, PL011, PL031 and PSCI, and a
// DMA engine whose accesses go through an SMMU with a CMDQV. It boots kernels that find
// their hardware in a device tree.

import { CMDQV_SIDS_PER_VINTF } from '../../../assembly/layout/cmdqv-registers.ts';
import { loadArm64, loadGicv3 } from '../../../assembly/load.ts';
import { type Placement, SYSTEM_CLOCK } from '../../../devices/bus/index.ts';
import { DmaEngine } from '../../../devices/dma-engine/index.ts';
import { type Gicv3, gicBlockSize } from '../../../devices/gicv3/index.ts';
import type { PcieFunction } from '../../../devices/pcie/index.ts';
import { Pl011 } from '../../../devices/pl011/index.ts';
import { Pl031 } from '../../../devices/pl031/index.ts';
import { allNamesOf, checkNames } from '../../../devices/plugin/known-names.ts';
import { checkInteger } from '../../../devices/plugin/known-values.ts';
import {
  anyText,
  callback,
  checkOptions,
  choiceOf,
  flag,
  having,
  instanceOf,
  listOf,
  type OptionKinds,
  uint32,
} from '../../../devices/plugin/option-kinds.ts';
import type { Disk } from '../../../devices/virtio/index.ts';
import { MachineCore } from '../../machine/index.ts';
import { Arm64Threads } from '../../threads/index.ts';
import { Arm64Guest, createArm64Memory, type StaleInstruction } from '../../vcpu/arm64/index.ts';
import type { Board, BoardMachine, BoardOptions } from '../board.ts';
import { checkBoardOptions } from '../board-checks.ts';
import { withFaults } from '../faulty-devices.ts';
import { asOption } from '../options-error.ts';
import { affinityOf } from './affinity.ts';
import { guestRole } from './guest-role.ts';
import { hostRole } from './host-role.ts';
import { postedConsole } from './posted-console.ts';
import { psciHypercalls } from './psci-hypercalls.ts';
import { callSemihosting } from './semihosting.ts';
import { unknownRegisterTrace } from './unknown-register-trace.ts';
import { prepareVirtBoot } from './virt-boot.ts';
import { virtDeviceTree } from './virt-device-tree.ts';
import { virtDisks } from './virt-disks.ts';
import {
  placed,
  VIRT_FREE,
  VIRT_GICD,
  VIRT_GICR,
  VIRT_PLACES,
  VIRT_SMMU_DEVICE_ID,
  VIRT_SPIS,
  virtRam,
} from './virt-memory-map.ts';
import { type VirtMsi, virtGic } from './virt-msis.ts';
import { PCIE_REQUESTER_IDS, virtPcie } from './virt-pcie.ts';
import { DMA_STREAM, type VirtSmmu, type VirtSmmuOptions } from './virt-smmu.ts';
import { virtTestdev } from './virt-testdev.ts';

/** Options of this board for its machines, whose guest is a kernel file. */
export interface VirtBoardOptions {
  /** Bytes of an initial RAM disk. */
  readonly initrd?: Uint8Array<ArrayBuffer> | undefined;
  /** The kernel's command line. Default: empty. */
  readonly append?: string | undefined;
  /** Unix time in seconds, 32 bits, at which the clock starts. Default: now. */
  readonly epoch?: number | undefined;
  /**
   * How the time passes while all vCPUs wait for an interrupt: it is skipped, so that
   * runs are reproducible and short, or passes like the computer's, for interactive use.
   * vCPUs with their own threads always use the computer's time. Default `skip`.
   */
  readonly sleep?: 'skip' | 'wait' | undefined;
  /**
   * Translates frequently executed code to WebAssembly, which only affects speed; `eager`
   * translates any code after its first branch target, for tests of the translation.
   * vCPUs with their own threads are interpreted. Default true.
   */
  readonly translate?: boolean | 'eager' | undefined;
  /**
   * Makes HLT #0xF000 at EL1 a semihosting call: SYS_EXIT and SYS_EXIT_EXTENDED end the
   * machine with an exit code, SYS_WRITEC and SYS_WRITE0 print, all others return -1.
   * Bare-metal tests use it, kernels of distributions do not. Default false: HLT is
   * UNDEFINED.
   */
  readonly semihosting?: boolean | undefined;
  /**
   * Adds a virtio console with the legacy interface and without an SMMU that takes the
   * commands of QEMU's `testdev`: a number and `q` end the machine with that exit code.
   * kvm-unit-tests use it. Default false.
   */
  readonly testdev?: boolean | undefined;
  /**
   * Called for instructions that the guest executes after a store to them without the
   * instruction cache maintenance that the architecture requires, each pair of store and
   * instruction once, at most 256 (docs/sanitizer.md). Default: stores are not tracked.
   */
  readonly onStaleInstruction?: ((found: StaleInstruction) => void) | undefined;
  /**
   * Virtio disks whose DMA goes through the SMMU, at most 4: vda, vdb and so on. Default:
   * none.
   */
  readonly disks?: readonly Disk[] | undefined;
  /**
   * Functions of the PCIe host bridge, at most 29, from device 3 on. There is no bridge
   * without functions. Default: none.
   */
  readonly pcie?: readonly PcieFunction[] | undefined;
  /**
   * The kernel's SMMU and CMDQV: as a `guest`, nested in those of the host, which lends
   * it a VINTF; as a `host`, physical ones of its own. Default `guest`.
   */
  readonly role?: VirtRole | undefined;
  /**
   * Target of devices' MSIs: an `its`, with LPIs; the SPIs of a GICv2m frame (`v2m`); or
   * `none`: the kernel finds no interrupt controller for them. Default `its`.
   */
  readonly msi?: VirtMsi | undefined;
}

/** A kernel's role towards its SMMU. */
export type VirtRole = 'guest' | 'host';

/** Creates the SMMU of a role; limits the number of StreamIDs of its bus masters. */
interface RoleSmmu {
  create(options: VirtSmmuOptions): VirtSmmu;
  readonly streams: number;
}

const ROLES: Readonly<Record<VirtRole, RoleSmmu>> = {
  guest: { create: guestRole, streams: CMDQV_SIDS_PER_VINTF },
  host: { create: hostRole, streams: PCIE_REQUESTER_IDS },
};

const MSIS = allNamesOf<Record<VirtMsi, unknown>>({ its: true, v2m: true, none: true });

const OPTIONS: OptionKinds<VirtBoardOptions> = {
  initrd: instanceOf(Uint8Array, 'a Uint8Array, the bytes of a file'),
  append: anyText,
  epoch: uint32,
  sleep: choiceOf('skip', 'wait'),
  translate: (value, owner, name) => {
    if (value !== 'eager') flag(value, owner, name);
  },
  semihosting: flag,
  testdev: flag,
  onStaleInstruction: callback,
  role: choiceOf(...Object.keys(ROLES)),
  disks: listOf(having('read', 'write', 'flush')),
  pcie: listOf(having('plug', 'attach')),
  msi: choiceOf(...MSIS),
};

/** @throws {OptionsError} for the first option that is wrong. */
function checkVirtOptions(own: VirtBoardOptions): void {
  asOption('', () => checkNames(own, Object.keys(own ?? {}), 'virtBoard'));
  for (const [name, value] of Object.entries(own))
    asOption(
      name,
      () => checkOptions({ [name]: value }, OPTIONS, 'virtBoard'),
      name in OPTIONS ? 'bad-option' : 'unknown-option',
    );
}

const DEFAULT_MEMORY = 0x10000000;
/**
 * On one thread, more would only wait longer for their turns; the CPU's inboxes support
 * as many.
 */
const MAX_VCPUS = 8;
const RNG_SEED_SIZE = 64;

/**
 * The GIC is not placed as a device of the board's device tree, which has its own node
 * for it.
 */
const placeGic = (device: Gicv3): Placement => ({ device, addresses: [VIRT_GICD, VIRT_GICR] });

/**
 * True when a device may assert an SPI while all vCPUs sleep. The clock's alarm is one of
 * the machine's timers, which are known; other devices may have a user.
 */
function mayCome(placements: readonly Placement[], spi: number): boolean {
  if (spi === VIRT_PLACES.rtc.spi) return false;
  return placements.some(
    ({ device, firstIrq = Number.POSITIVE_INFINITY }) =>
      spi >= firstIrq && spi < firstIrq + device.identity.interrupts,
  );
}

/** @throws {RangeError} for options that vCPUs with their own threads do not support. */
function checkThreads({ translate, onStaleInstruction }: VirtBoardOptions): void {
  if (translate) throw new RangeError('code is translated for vCPUs that run inline');
  if (onStaleInstruction)
    throw new RangeError('the instruction cache is checked for vCPUs that run inline');
}

async function createVirtMachine(
  own: VirtBoardOptions,
  options: BoardOptions,
): Promise<BoardMachine> {
  const { name, vcpus = 1, memorySize = DEFAULT_MEMORY, wasmUrl = {} } = options;
  const { queues = 'vcmdq', devices = [] } = options;
  asOption('vcpus', () => checkInteger(vcpus, 1, MAX_VCPUS, 'vcpus of the board virt'));
  if (options.exits) checkThreads(own);
  if (options.behind && options.behind.length > 1)
    throw new RangeError('a machine of the board virt has one SMMU');
  if (options.btm)
    throw new RangeError('TLBIs of vCPUs of the board virt reach no SMMU: btm is not for it');
  // No kernel driver supports ECMDQs.
  if (queues !== 'vcmdq') throw new RangeError('queues of the board virt are VCMDQs');
  const ram = virtRam(memorySize);
  const { msi = 'its' } = own;
  const memory = createArm64Memory(vcpus, ram, gicBlockSize(vcpus, msi === 'its'));
  const [cpuModule, gicModule] = await Promise.all([
    loadArm64(wasmUrl.arm64),
    loadGicv3(wasmUrl.gicv3),
  ]);
  const {
    gic,
    msiDevice,
    msis = options.msis,
  } = virtGic(
    msi,
    {
      module: gicModule,
      memory: memory.memory,
      at: memory.board,
      vcpus,
      spis: VIRT_SPIS,
    },
    memory.ram,
  );
  const rngSeed = new Uint8Array(RNG_SEED_SIZE);
  (options.random ?? crypto.getRandomValues.bind(crypto))(rngSeed);
  const disks = virtDisks(own.disks ?? []);
  const { create, streams: most } = ROLES[own.role ?? 'guest'];
  const fixed = [DMA_STREAM, ...disks.map(({ streamId }) => streamId)];
  const pcie = own.pcie?.length ? virtPcie(own.pcie, most - fixed.length) : undefined;
  const streams = [...fixed, ...(pcie?.streams ?? [])];
  const iommu = create({ board: options, memory, streams, msis });
  try {
    const { cmdqv, abortFetches } = iommu;
    const smmu = { ...iommu.smmu, requesterId: VIRT_SMMU_DEVICE_ID };
    const console = new Pl011({ onOutput: (bytes) => options.onOutput(bytes) });
    const uart = placed('uart', console);
    const input = { isOpen: true };
    const rtc = placed('rtc', new Pl031({ epoch: own.epoch ?? Math.floor(Date.now() / 1000) }));
    const dmaEngine = {
      ...placed('dmaEngine', new DmaEngine()),
      dmaPort: iommu.dmaPort(DMA_STREAM),
    };
    const placedDisks = disks.map(({ placement, streamId }) => ({
      ...placement,
      dmaPort: iommu.dmaPort(streamId),
    }));
    const testdev = own.testdev ? virtTestdev(memory, (code) => machine.powerOff(code)) : undefined;
    const boot = await prepareVirtBoot(
      { kernel: options.guest, initrd: own.initrd, append: own.append ?? '' },
      ram,
      { rngSeed, kaslrSeed: new Uint8Array(8) },
      (chosen) =>
        virtDeviceTree({
          vcpus,
          ram,
          chosen,
          uart,
          rtc,
          smmu,
          cmdqv,
          dmaEngine: { placement: dmaEngine, streamId: DMA_STREAM },
          disks,
          testdev,
          pcie: pcie?.bridge,
          devices,
          msiDevice,
        }),
    );
    const guest: Arm64Guest = new Arm64Guest({
      module: cpuModule,
      memory,
      affinityOf,
      pace: own.sleep === 'wait' ? SYSTEM_CLOCK : undefined,
      translate: own.translate,
      threads:
        options.exits &&
        new Arm64Threads({
          exits: options.exits,
          gicModule,
          units: iommu.units,
          url: options.workerUrl,
        }),
      drain: iommu.drain,
      onStaleInstruction: own.onStaleInstruction,
      board: {
        interrupts: gic,
        canInterrupt: () =>
          gic.canInterrupt((spi) =>
            spi === VIRT_PLACES.uart.spi
              ? input.isOpen && console.awaitsInput
              : mayCome(machine.devices.placements, spi),
          ),
        hypercall: psciHypercalls(
          memory,
          () => guest,
          () => guest.restart(() => machine.devices.reset()),
        ),
        ...(own.semihosting === true
          ? { semihosting: (call) => callSemihosting(call, (bytes) => options.onOutput(bytes)) }
          : {}),
        // A fault of the UART is an exit's.
        posted: options.faults ? undefined : postedConsole(console, VIRT_PLACES.uart.gpa),
        unknownRegister: options.onTrace && unknownRegisterTrace(options.onTrace),
      },
      program: {
        segments: boot.segments,
        entry: { pc: BigInt(boot.entry), x0: BigInt(boot.deviceTree) },
      },
    });
    const { onTrace, directMaps } = options;
    const machine: MachineCore = new MachineCore({
      name,
      guest,
      memory: memory.memory,
      regions: [memory.ram],
      clock: guest.clock,
      msis,
      devices: [
        placeGic(gic),
        ...(msiDevice ? [msiDevice] : []),
        ...withFaults(options.faults, abortFetches, [
          uart,
          rtc,
          smmu,
          ...(cmdqv ? [cmdqv] : []),
          dmaEngine,
          ...placedDisks,
          ...(testdev ? [testdev] : []),
          ...(pcie ? [pcie.bridge, ...pcie.functions(iommu.dmaPort)] : []),
          ...devices,
        ]),
      ],
      onVcpu: (vcpu, runs) => iommu.vcpuRuns(vcpu, runs),
      onSafePoint: (full) => iommu.service(full),
      ...(directMaps === undefined ? {} : { directMaps }),
      ...(onTrace === undefined ? {} : { onTrace }),
    });
    return {
      machine,
      queues,
      ...(guest.inline ? { debug: guest.debug } : {}),
      ...iommu.describe(machine, () => guest.flushProcessors()),
      receive(bytes) {
        input.isOpen = true;
        guest.changePosted(() => console.receive(bytes));
      },
      endInput() {
        input.isOpen = false;
      },
      destroy() {
        machine.devices.detach();
        iommu.destroy();
      },
    };
  } catch (error) {
    iommu.destroy();
    throw error;
  }
}

/**
 * The board `virt`, whose machines boot a kernel: an Image, an ELF executable or a flat
 * binary.
 * @throws {OptionsError} when an option is unknown, or has a wrong value.
 */
export function virtBoard(own: VirtBoardOptions = {}): Board {
  checkVirtOptions(own);
  return {
    name: 'virt',
    free: VIRT_FREE,
    create: async (options) => {
      checkBoardOptions(options, 'virtBoard.create');
      return await createVirtMachine(own, options);
    },
  };
}
