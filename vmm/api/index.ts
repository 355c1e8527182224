// Entry "vsmmu": the VMM as a library.

export type { HotModules, HotModuleUrls } from '../../assembly/load.ts';
export type { Device, TraceEvent } from '../../devices/plugin/index.ts';
export type { Queues } from '../boards/toy.ts';
export {
  type Change,
  type Finding,
  HostError,
  type HostFault,
  type HostInspection,
  type HostStatistics,
  type QueueErrorDecision,
  type QueueErrorEvent,
  type QueueErrorPolicy,
  type QueueErrorReason,
  type QueueInspection,
  type SanitizerCounts,
  type SidPairInspection,
  type SmmuCounters,
  type VintfInspection,
  type ViommuInspection,
  type ViommuStatistics,
  type VmInspection,
} from '../host/index.ts';
export type { ObjectDescription } from '../iommufd/index.ts';
export {
  BoardError,
  type BoardFault,
  type Clock,
  EXIT_KINDS,
  type ExitKind,
  type ExitStatistics,
  GuestImageError,
  type GuestImageFault,
  MachineError,
  type Placement,
  VsmmuError,
} from '../machine/index.ts';
export type { DrainPlace, WorkerUrls } from '../threads/index.ts';
export { type ChromeTrace, chromeTrace, type Trace, type TraceRecord } from '../trace/index.ts';
export type { MachineConsole } from './console.ts';
export type { DrainReport } from './drains.ts';
export {
  EnvironmentError,
  type EnvironmentFault,
  OptionsError,
  type OptionsFault,
  UseError,
  type UseFault,
} from './errors.ts';
export { Host, type HostOptions, type MachineOptions } from './host.ts';
export {
  type BootOptions,
  Machine,
  type MachineEnd,
  type MachineEvents,
  type MachineStatistics,
  type MachineStatus,
} from './machine.ts';
export { type Capability, type Probe, probe } from './probe.ts';
export {
  DRAINS,
  type Drain,
  type HostSettings,
  type MachineSettings,
  QUEUES,
  TRANSPORTS,
  type Transport,
} from './settings.ts';
export type { GuestSource } from './sources.ts';
export { GUEST_ABI_VERSION, PLUGIN_INTERFACE_VERSION, VERSION } from './version.ts';
