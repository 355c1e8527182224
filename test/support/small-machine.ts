// SPDX-License-Identifier: MIT
// A machine with a small guest and some devices, without a host.

import type { Placement } from '../../devices/bus/index.ts';
import { MachineCore, type MachineCoreOptions } from '../../vmm/machine/index.ts';
import {
  createGuestMemory,
  createWasi,
  loadGuestImage,
  ramRegions,
  WasmGuest,
  type WasmGuestOptions,
} from '../../vmm/vcpu/wasm/index.ts';

export const RAM_GPA_BASE = 0x80000000;

export interface SmallMachineOptions
  extends Partial<Pick<MachineCoreOptions, 'onSafePoint' | 'clock' | 'onTrace'>>,
    Partial<
      Pick<WasmGuestOptions, 'onOutput' | 'drain' | 'instantiate' | 'args' | 'vcpus' | 'secondary'>
    > {
  readonly guest: Uint8Array<ArrayBuffer>;
  readonly devices?: readonly Placement[];
  readonly name?: string;
}

export async function smallMachine({
  guest: binary,
  devices = [],
  name = 'vm0',
  onSafePoint,
  clock,
  onTrace,
  ...options
}: SmallMachineOptions): Promise<MachineCore> {
  const image = await loadGuestImage(binary);
  const memory = createGuestMemory(image);
  const regions = ramRegions(memory, RAM_GPA_BASE);
  const guest = new WasmGuest({
    image,
    memory,
    ramGpaBase: RAM_GPA_BASE,
    wasi: createWasi,
    ...options,
  });
  return new MachineCore({
    name,
    guest,
    memory,
    regions,
    devices,
    ...(onSafePoint && { onSafePoint }),
    ...(clock && { clock }),
    ...(onTrace && { onTrace }),
  });
}
