// A machine around a small guest and some devices, without a host.

import type { Placement } from '../../devices/bus/index.ts';
import { MachineCore, type MachineCoreOptions } from '../../vmm/machine/index.ts';
import {
  createGuestMemory,
  createWasmerWasi,
  loadGuestImage,
  ramRegions,
} from '../../vmm/vcpu/wasm/index.ts';

export const RAM_GPA_BASE = 0x80000000;

export interface SmallMachineOptions
  extends Partial<
    Pick<
      MachineCoreOptions,
      'onSafePoint' | 'onOutput' | 'drain' | 'clock' | 'instantiate' | 'args' | 'onTrace'
    >
  > {
  readonly guest: Uint8Array<ArrayBuffer>;
  readonly devices?: readonly Placement[];
  readonly name?: string;
}

export async function smallMachine({
  guest,
  devices = [],
  name = 'vm0',
  ...options
}: SmallMachineOptions): Promise<MachineCore> {
  const image = await loadGuestImage(guest);
  const memory = createGuestMemory(image);
  const regions = ramRegions(memory, RAM_GPA_BASE);
  return new MachineCore({
    name,
    image,
    memory,
    regions,
    ramGpaBase: RAM_GPA_BASE,
    devices,
    wasi: createWasmerWasi,
    ...options,
  });
}
