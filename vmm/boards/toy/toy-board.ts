// SPDX-License-Identifier: MIT
// The standard board: SMMUv3 with CMDQV, a DMA engine that it translates for, a console,
// and the checkpoint device. The device table of the guest's info page lists its devices;
// no place is fixed for the guest.

import { ABI_MAX_DEVICES, ABI_MAX_SMMUS } from '../../../assembly/layout/guest-abi.ts';
import { Checkpoint } from '../../../devices/checkpoint/index.ts';
import { Pl011 } from '../../../devices/pl011/index.ts';
import { checkInteger } from '../../../devices/plugin/known-values.ts';
import type { Vm } from '../../../host/kernel/index.ts';
import { MachineCore } from '../../machine/index.ts';
import type { LentVintf, NestedSmmu } from '../../nested/index.ts';
import { type Drainable, unitsFor, VcpuThreads } from '../../threads/index.ts';
import {
  ABI_EXIT_REQUEST,
  createGuestMemory,
  createWasi,
  type GuestImage,
  type Instantiate,
  loadGuestImage,
  loadSecondaryProgram,
  ramRegions,
  WasmGuest,
} from '../../vcpu/wasm/index.ts';
import type { Board, BoardMachine, BoardOptions } from '../board.ts';
import { checkBoardOptions } from '../board-checks.ts';
import { abortFetches, withFaults } from '../faulty-devices.ts';
import { watchedCalls, withWatch } from '../machine-watch.ts';
import { asOption, OptionsError } from '../options-error.ts';
import { NO_CHECKPOINT, TOY_PLACES, TOY_RAM_GPA_BASE, WASM_PAGE } from './toy-places.ts';
import { createToySmmus } from './toy-smmu.ts';

/** Number of devices of the board itself, with one SMMU. */
const OWN_DEVICES = 5;
const FREE = { gpa: 0x10000000, irq: 16, devices: ABI_MAX_DEVICES - OWN_DEVICES } as const;

/** Options of the toy's board with compiled guest and secondary programs. */
export interface ToyBoardOptions
  extends Omit<BoardOptions, 'guest' | 'secondary' | 'memorySize' | 'allowGc'> {
  readonly image: GuestImage;
  readonly secondary?: WebAssembly.Module | undefined;
  /** Number of 64 KiB pages, default as many as the guest requests. */
  readonly memoryPages?: number | undefined;
  /** How the guest is instantiated inline; a test can check the import object here. */
  readonly instantiate?: Instantiate;
}

/** A machine on this board, and what its host has lent it. */
export interface ToyMachine extends BoardMachine, Drainable {
  readonly machine: MachineCore;
  readonly drainable: Drainable;
  readonly vm: Vm;
  readonly viommu: NestedSmmu;
  readonly vintf: LentVintf;
}

/**
 * Builds a machine; `machine.boot` starts it.
 * @throws {HostError} when the host has run out of something that it lends.
 */
export function createToyMachine(options: ToyBoardOptions): ToyMachine {
  const { host, name, index, image, memoryPages, checkpoint = NO_CHECKPOINT } = options;
  const {
    overlay = false,
    btm,
    queues = 'vcmdq',
    behind = host.smmus.map((_, smmu) => smmu).slice(0, ABI_MAX_SMMUS),
    idRegisters = 'auto',
    devices = [],
    directMaps,
    msis,
  } = options;
  const { faults, watch } = options;
  const { vcpus, secondary, args, env, random, clock, onTrace } = options;
  if ((watch?.call || watch?.access) && options.exits)
    throw new RangeError(`${name}: a machine whose vCPUs have threads cannot be watched`);
  const memory = createGuestMemory(image, memoryPages);
  const regions = ramRegions(memory, TOY_RAM_GPA_BASE);
  const vm = host.createVm(name, memory, regions, { msis, exitRequest: ABI_EXIT_REQUEST });
  try {
    const { smmus, devices: further } = createToySmmus({
      host,
      vm,
      behind,
      overlay,
      btm,
      queues,
      idRegisters,
      devices,
      onRefusal: options.onRefusal,
    });
    const [first] = smmus;
    if (!first) throw new RangeError('a machine of the standard board has an SMMU');
    const uart = new Pl011({ onOutput: (bytes) => options.onOutput(bytes) });
    const guest = new WasmGuest({
      image,
      memory,
      ramGpaBase: TOY_RAM_GPA_BASE,
      index,
      secondary,
      wasi: createWasi,
      onOutput: (_stream, bytes) => options.onOutput(bytes),
      readInput: (most) => options.readInput?.(most) ?? new Uint8Array(),
      drain: watchedCalls(watch, vm.unit.drain),
      transport:
        options.exits && new VcpuThreads(options.exits, unitsFor(host, vm), options.workerUrl),
      ...(vcpus === undefined ? {} : { vcpus }),
      ...(args === undefined ? {} : { args }),
      ...(env === undefined ? {} : { env }),
      ...(random === undefined ? {} : { random }),
      ...(options.instantiate === undefined ? {} : { instantiate: options.instantiate }),
    });
    const machine = new MachineCore({
      name,
      guest,
      memory,
      regions,
      msis,
      onVcpu: (vcpu, runs) => host.vcpuRuns(vm, vcpu, runs),
      onSafePoint: (full) => host.service(full),
      ...(clock === undefined ? {} : { clock }),
      ...(directMaps === undefined ? {} : { directMaps }),
      ...(onTrace === undefined ? {} : { onTrace }),
      devices: withWatch(
        watch,
        withFaults(faults, () => abortFetches(smmus), [
          { device: uart, ...TOY_PLACES.pl011 },
          ...smmus.flatMap(({ own }) => own),
          { device: new Checkpoint(checkpoint), ...TOY_PLACES.checkpoint },
          ...further,
        ]),
      ),
    });
    vm.onStop((reason) => machine.stop(reason));
    const drainable: Drainable = {
      machine,
      threads: host,
      guest: vm,
      direct: smmus.map(({ direct }) => direct),
    };
    return {
      ...drainable,
      drainable,
      vm,
      viommu: first.smmu,
      vintf: first.vintf,
      queues,
      smmus,
      receive: (bytes) => uart.receive(bytes),
      destroy() {
        machine.devices.detach();
        host.destroyVm(vm);
      },
    };
  } catch (error) {
    host.destroyVm(vm);
    throw error;
  }
}

/** As many as the toy supports, and for which the host's default size has queues. */
const MAX_VCPUS = 4;

/** The board of the toy, and of every Wasm guest that does not choose another one. */
export const toyBoard: Board = {
  name: 'toy',
  free: FREE,
  async create(given) {
    checkBoardOptions(given, 'toyBoard.create');
    const { guest, secondary, memorySize, allowGc, ...options } = given;
    const { vcpus = 1 } = options;
    asOption('vcpus', () => checkInteger(vcpus, 1, MAX_VCPUS, 'vcpus of the standard board'));
    if (vcpus > 1 && secondary === undefined)
      throw new OptionsError(
        'bad-option',
        'secondary',
        `vcpus of ${vcpus} need secondary, the program of the secondary vCPUs: it is missing`,
      );
    return createToyMachine({
      ...options,
      image: await loadGuestImage(guest, { allowGc }),
      secondary: secondary && (await loadSecondaryProgram(secondary, { allowGc })),
      memoryPages: memorySize === undefined ? undefined : memorySize / WASM_PAGE,
    });
  },
};
