// A machine around a small guest and some devices, without a host.

import {
  createGuestMemory,
  createWasmerWasi,
  loadGuestImage,
  Machine,
  type MachineOptions,
  type Placement,
  ramRegions,
} from '../../vmm/machine/index.ts';

export const RAM_GPA_BASE = 0x80000000;

export interface SmallMachineOptions
  extends Partial<
    Pick<
      MachineOptions,
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
}: SmallMachineOptions): Promise<Machine> {
  const image = await loadGuestImage(guest);
  const memory = createGuestMemory(image);
  const regions = ramRegions(memory, RAM_GPA_BASE);
  return new Machine({
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
