// The built package, for tests that start workers: Node.js 20 runs no TypeScript. Types are those of the sources.

export const { createToyMachine } = (await import(
  '../../dist/vmm/boards/toy.js'
)) as unknown as typeof import('../../vmm/boards/toy.ts');
export const { Host } = (await import(
  '../../dist/vmm/host/index.js'
)) as unknown as typeof import('../../vmm/host/index.ts');
export const { createGuestMemory, createWasmerWasi, loadGuestImage, Machine, ramRegions } =
  (await import(
    '../../dist/vmm/machine/index.js'
  )) as unknown as typeof import('../../vmm/machine/index.ts');
export const { ExitServer, SideCore, VcpuThreads } = (await import(
  '../../dist/vmm/threads/index.js'
)) as unknown as typeof import('../../vmm/threads/index.ts');
