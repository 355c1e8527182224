// SPDX-License-Identifier: MIT
// A machine whose vCPUs have threads of their own, with a small guest and some devices,
// without a host.

import type { MachineCoreOptions, MachineCore as MachineType } from '../../vmm/machine/index.ts';
import type { ExitServer as Server } from '../../vmm/threads/index.ts';
import type { VcpuTransport, WasmGuestOptions } from '../../vmm/vcpu/wasm/index.ts';
import {
  createGuestMemory,
  createWasi,
  ExitServer,
  loadGuestImage,
  MachineCore,
  ramRegions,
  VcpuThreads,
  WasmGuest,
} from './built.ts';
import { RAM_GPA_BASE } from './small-machine.ts';

export interface ThreadMachineOptions
  extends Partial<Pick<MachineCoreOptions, 'devices' | 'name'>>,
    Partial<Pick<WasmGuestOptions, 'vcpus' | 'secondary'>> {
  readonly guest: Uint8Array<ArrayBuffer>;
  readonly exits?: Server;
}

export interface ThreadMachine {
  readonly machine: MachineType;
  readonly threads: VcpuTransport & { kill(): Promise<void> };
}

export async function threadMachine({
  guest: binary,
  exits = new ExitServer(),
  devices = [],
  name = 'vm0',
  ...options
}: ThreadMachineOptions): Promise<ThreadMachine> {
  const image = await loadGuestImage(binary);
  const memory = createGuestMemory(image);
  const regions = ramRegions(memory, RAM_GPA_BASE);
  const threads = new VcpuThreads(exits);
  const guest = new WasmGuest({
    ...options,
    image,
    memory,
    ramGpaBase: RAM_GPA_BASE,
    wasi: createWasi,
    transport: threads,
  });
  return { machine: new MachineCore({ name, guest, memory, regions, devices }), threads };
}
