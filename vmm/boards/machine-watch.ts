// SPDX-License-Identifier: MIT
// Hooks between a guest and its surroundings, for an observer of a running machine.

import type { Placement } from '../../devices/bus/index.ts';
import { DeviceWrapper } from '../../devices/faults/index.ts';
import type {
  Device,
  DmaAttributes,
  DmaPort,
  DmaResult,
  MmioAccess,
} from '../../devices/plugin/index.ts';
import { type InsideCalls, probeStack } from '../vcpu/wasm/index.ts';

/** A DMA access that a device requests. */
export interface WatchedDma {
  /** Name of the device. */
  readonly device: string;
  readonly iova: number;
  /** In bytes. */
  readonly length: number;
  readonly write: boolean;
}

/**
 * Watches a machine. Each method is called in place of the watched operation, which
 * `carryOut` performs: the method has to call it and return its result. A method must not
 * throw an error of its own, which would go through the guest's frames. Operations
 * without a method are as fast as without a watch. `call` and `access` are for machines
 * whose vCPUs run inline.
 */
export interface MachineWatch {
  /**
   * A call that stays inside WebAssembly in a machine without a watch: the doorbell, and
   * a vCPU's TLB maintenance. It is not counted as an exit here either.
   * @param name the import's: "doorbell", "tlbi", "dsb".
   */
  call?(name: string, args: readonly unknown[], carryOut: () => unknown): unknown;
  /**
   * A guest reads or writes a register of a device: an exit, which has been counted.
   * @param access `carryOut` takes the value of a write from here, and stores the result
   *   of a read here. For a write it may be called several times, with other values, if
   *   the guest cannot tell the difference.
   */
  access?(device: Device, isWrite: boolean, access: MmioAccess, carryOut: () => void): void;
  /** A device reads or writes memory through its SMMU. */
  dma?(dma: WatchedDma, carryOut: () => DmaResult): DmaResult;
}

type Watched<Method extends keyof MachineWatch> = NonNullable<MachineWatch[Method]>;

class WatchedDevice extends DeviceWrapper {
  readonly #access: Watched<'access'>;

  constructor(device: Device, access: Watched<'access'>) {
    super(device);
    this.#access = access;
  }

  override read(access: MmioAccess): void {
    this.#access(this.device, false, access, () => super.read(access));
  }

  override write(access: MmioAccess): void {
    this.#access(this.device, true, access, () => super.write(access));
  }
}

class WatchedPort implements DmaPort {
  readonly streamId: number;
  readonly ats: DmaPort['ats'];
  readonly #port: DmaPort;
  readonly #device: string;
  readonly #dma: Watched<'dma'>;

  constructor(port: DmaPort, device: string, dma: Watched<'dma'>) {
    this.streamId = port.streamId;
    this.ats = port.ats;
    this.#port = port;
    this.#device = device;
    this.#dma = dma;
  }

  read(iova: number, target: Uint8Array, attributes?: DmaAttributes): DmaResult {
    const dma = { device: this.#device, iova, length: target.length, write: false };
    return this.#dma(dma, () => this.#port.read(iova, target, attributes));
  }

  write(iova: number, source: Uint8Array, attributes?: DmaAttributes): DmaResult {
    const dma = { device: this.#device, iova, length: source.length, write: true };
    return this.#dma(dma, () => this.#port.write(iova, source, attributes));
  }

  hint(iova: number, length: number, write: boolean, attributes?: DmaAttributes): void {
    this.#port.hint?.(iova, length, write, attributes);
  }

  abandon(): void {
    this.#port.abandon?.();
  }
}

/** The devices, wrapped if there is a watch. */
export function withWatch(
  watch: MachineWatch | undefined,
  devices: readonly Placement[],
): readonly Placement[] {
  if (!watch) return devices;
  const access = watch.access?.bind(watch);
  const dma = watch.dma?.bind(watch);
  return devices.map((one) => ({
    ...one,
    ...(access && { device: new WatchedDevice(one.device, access) }),
    ...(dma && one.dmaPort && { dmaPort: new WatchedPort(one.dmaPort, one.device.name, dma) }),
  }));
}

/** A guest's calls that stay inside WebAssembly, wrapped if there is a watch. */
export function watchedCalls(watch: MachineWatch | undefined, calls: InsideCalls): InsideCalls {
  const watching = watch?.call?.bind(watch);
  if (!watching) return calls;
  const names = ['doorbell', 'tlbi', 'dsb'] as const;
  return Object.fromEntries(
    names.flatMap((name) => {
      const call = calls[name] as ((...args: unknown[]) => unknown) | undefined;
      if (!call) return [];
      const watched = (...args: unknown[]) => {
        probeStack();
        return watching(name, args, () => call(...args));
      };
      return [[name, watched]];
    }),
  );
}
