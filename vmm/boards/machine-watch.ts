// SPDX-License-Identifier: MIT
// Whoever watches a machine at work: it stands between the guest and what the guest reaches.

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

/** A DMA access of a device, as it asks for it. */
export interface WatchedDma {
  /** Name of the device. */
  readonly device: string;
  readonly iova: number;
  /** Bytes. */
  readonly length: number;
  readonly write: boolean;
}

/**
 * Watches a machine whose vCPUs run inline. Each method is called in place of what it watches, which
 * `carryOut` does: it has to be called, and its result returned. None of the methods may throw anything
 * of its own, because that would go through the guest's frames.
 */
export interface MachineWatch {
  /**
   * A call that stays inside WebAssembly in a machine without a watch: the doorbell, and a vCPU's TLB
   * maintenance. No exit is counted for it here either.
   * @param name the import's: "doorbell", "tlbi", "dsb".
   */
  call(name: string, args: readonly unknown[], carryOut: () => unknown): unknown;
  /**
   * A guest reads or writes a register of a device: an exit, which is counted already.
   * @param access `carryOut` takes what a write stores from here, and leaves here what a read gives. Of a
   *   write it may be called several times, with other values, where that comes to the same for the guest.
   */
  access(device: Device, isWrite: boolean, access: MmioAccess, carryOut: () => void): void;
  /** A device reads or writes memory through its SMMU. */
  dma(dma: WatchedDma, carryOut: () => DmaResult): DmaResult;
}

class WatchedDevice extends DeviceWrapper {
  readonly #watch: MachineWatch;

  constructor(device: Device, watch: MachineWatch) {
    super(device);
    this.#watch = watch;
  }

  override read(access: MmioAccess): void {
    this.#watch.access(this.device, false, access, () => super.read(access));
  }

  override write(access: MmioAccess): void {
    this.#watch.access(this.device, true, access, () => super.write(access));
  }
}

class WatchedPort implements DmaPort {
  readonly streamId: number;
  readonly ats: DmaPort['ats'];
  readonly #port: DmaPort;
  readonly #device: string;
  readonly #watch: MachineWatch;

  constructor(port: DmaPort, device: string, watch: MachineWatch) {
    this.streamId = port.streamId;
    this.ats = port.ats;
    this.#port = port;
    this.#device = device;
    this.#watch = watch;
  }

  read(iova: number, target: Uint8Array, attributes?: DmaAttributes): DmaResult {
    const dma = { device: this.#device, iova, length: target.length, write: false };
    return this.#watch.dma(dma, () => this.#port.read(iova, target, attributes));
  }

  write(iova: number, source: Uint8Array, attributes?: DmaAttributes): DmaResult {
    const dma = { device: this.#device, iova, length: source.length, write: true };
    return this.#watch.dma(dma, () => this.#port.write(iova, source, attributes));
  }

  hint(iova: number, length: number, write: boolean, attributes?: DmaAttributes): void {
    this.#port.hint?.(iova, length, write, attributes);
  }

  abandon(): void {
    this.#port.abandon?.();
  }
}

/** The devices with somebody watching, or as they are. */
export function withWatch(
  watch: MachineWatch | undefined,
  devices: readonly Placement[],
): readonly Placement[] {
  if (!watch) return devices;
  return devices.map((one) => ({
    ...one,
    device: new WatchedDevice(one.device, watch),
    ...(one.dmaPort && { dmaPort: new WatchedPort(one.dmaPort, one.device.name, watch) }),
  }));
}

/** What stays inside WebAssembly of a guest's calls, with somebody watching, or as it is. */
export function watchedCalls(watch: MachineWatch | undefined, calls: InsideCalls): InsideCalls {
  if (!watch) return calls;
  const names = ['doorbell', 'tlbi', 'dsb'] as const;
  return Object.fromEntries(
    names.flatMap((name) => {
      const call = calls[name] as ((...args: unknown[]) => unknown) | undefined;
      if (!call) return [];
      const watched = (...args: unknown[]) => {
        probeStack();
        return watch.call(name, args, () => call(...args));
      };
      return [[name, watched]];
    }),
  );
}
