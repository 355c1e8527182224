export { AutoDrain, chooseDrain, type DrainChoice, type DrainLoad, type DrainPlace } from './auto-drain.ts';
export { ExitServer } from './exit-server.ts';
export { SideCore, type SideCoreOptions } from './side-core.ts';
export { VcpuThreads, type VcpuUnits } from './vcpu-threads.ts';
