// SPDX-License-Identifier: MIT
// The built package, for tests that start workers: Node.js 20 cannot run TypeScript.
// Types are those of the sources.

export const { createToyMachine } = (await import(
  '../../dist/vmm/boards/toy/toy-board.js'
)) as unknown as typeof import('../../vmm/boards/toy/toy-board.ts');
export const { VmHost } = (await import(
  '../../dist/vmm/nested/index.js'
)) as unknown as typeof import('../../vmm/nested/index.ts');
export const { MachineCore } = (await import(
  '../../dist/vmm/machine/index.js'
)) as unknown as typeof import('../../vmm/machine/index.ts');
export const { createGuestMemory, createWasi, loadGuestImage, ramRegions, WasmGuest } =
  (await import(
    '../../dist/vmm/vcpu/wasm/index.js'
  )) as unknown as typeof import('../../vmm/vcpu/wasm/index.ts');
export const { ExitServer, SideCore, VcpuThreads } = (await import(
  '../../dist/vmm/threads/index.js'
)) as unknown as typeof import('../../vmm/threads/index.ts');
