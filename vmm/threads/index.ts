// SPDX-License-Identifier: MIT

export { IN_NODE } from '../../assembly/in-node.ts';
export { Arm64Threads, type Arm64ThreadsOptions } from './arm64-threads.ts';
export {
  AutoDrain,
  chooseDrain,
  type DrainChoice,
  type DrainLoad,
  type DrainPlace,
} from './auto-drain.ts';
export { coreCount } from './core-count.ts';
export { ExitServer } from './exit-server.ts';
export { releaseMemory } from './release-memory.ts';
export {
  type DirectContext,
  type Drainable,
  type DrainFaults,
  SideCore,
  type SideCoreOptions,
  type UnitThreads,
  unitOptions,
} from './side-core.ts';
export { tick } from './tick.ts';
export { unitsFor, VcpuThreads, type VcpuUnits } from './vcpu-threads.ts';
export type { WorkerUrls } from './worker-urls.ts';
