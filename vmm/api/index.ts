// SPDX-License-Identifier: MIT
// Entry "vsmmu": the VMM as a library.
// Hosts and machines are AsyncDisposable, which is no part of a project's own ES2022.
/// <reference lib="esnext.disposable" preserve="true" />

export {
  CHECKPOINT_PHASE_ATTACK,
  CHECKPOINT_PHASE_MEASURE,
  CHECKPOINT_PHASE_TRACE,
} from '../../assembly/layout/checkpoint-registers.ts';
export type {
  AmdModuleUrls,
  BoardModuleUrls,
  HotModules,
  HotModuleUrls,
  ModuleUrls,
} from '../../assembly/load.ts';
export type { Clock, MsiController, Placement } from '../../devices/bus/index.ts';
export type { DeviceFaults } from '../../devices/faults/index.ts';
export type { Device, TraceEvent } from '../../devices/plugin/index.ts';
export {
  BoardError,
  type BoardFault,
  EnvironmentError,
  type EnvironmentFault,
  MachineError,
  VsmmuError,
} from '../../devices/plugin/index.ts';
export type { SmmuRefusal } from '../../devices/smmuv3/index.ts';
export { BlobDisk, CopyOnWriteDisk, type Disk, MemoryDisk } from '../../devices/virtio/index.ts';
export { HostError, type HostFault } from '../../host/hardware/index.ts';
export type { ObjectDescription } from '../../host/iommufd/index.ts';
export {
  type Board,
  type BoardHost,
  type BoardMachine,
  type BoardOptions,
  type MachineWatch,
  type Queues,
  toyBoard,
  type WatchedDma,
} from '../boards/index.ts';
export {
  type StaleInstruction,
  type VirtBoardOptions,
  type VirtMsi,
  type VirtRole,
  virtBoard,
} from '../boards/virt/index.ts';
export { KernelImageError, type KernelImageFault, type KernelImageFile } from '../boot/index.ts';
export type {
  AmdViommuInspection,
  Footprint,
  FootprintKind,
  HostInspection,
  LiveTlbEntry,
  MachineFootprint,
  OwnedSmmuInspection,
  QueueInspection,
  SidPairInspection,
  SmmuCounters,
  VintfInspection,
  ViommuInspection,
  ViommuStatistics,
  VmInspection,
} from '../inspect/index.ts';
export type {
  Change,
  Finding,
  SanitizerCounts,
  UnadvertisedUse,
} from '../inspect/sanitizer/index.ts';
export type {
  HostStatistics,
  QueueErrorDecision,
  QueueErrorEvent,
  QueueErrorPolicy,
  QueueErrorReason,
} from '../nested/index.ts';
export type { DrainFaults, DrainPlace, WorkerUrls } from '../threads/index.ts';
export { type ChromeTrace, chromeTrace, type Trace, type TraceRecord } from '../trace/index.ts';
export {
  EXIT_KINDS,
  type ExitKind,
  type ExitStatistics,
  type ImportCalls,
} from '../vcpu/index.ts';
export { type GuestBinary, GuestImageError, type GuestImageFault } from '../vcpu/wasm/index.ts';
export {
  OptionsError,
  type OptionsFault,
  UseError,
  type UseFault,
} from './api-errors.ts';
export { attachTerminal, type TerminalLike } from './attach-terminal.ts';
export type { MachineConsole } from './console-streams.ts';
export type { DrainReport } from './drains.ts';
export type { MachineEvent, MachineEventName, MachineEventStream } from './event-stream.ts';
export { connectGdb, type GdbConnection, haltForGdb } from './gdb.ts';
export { type GdbServer, type GdbServerOptions, serveGdb } from './gdb-server.ts';
export { Host } from './host.ts';
export type { HostFaults, HostOptions, MachineOptions } from './host-options.ts';
export { Machine } from './machine.ts';
export type {
  BootOptions,
  MachineEnd,
  MachineEvents,
  MachineStatistics,
  MachineStatus,
} from './machine-types.ts';
export { type Capability, type Probe, probe } from './probe.ts';
export {
  DRAINS,
  type Drain,
  type HostSettings,
  IOMMUS,
  type IommuKind,
  type MachineSettings,
  QUEUES,
  TRANSPORTS,
  type Transport,
} from './settings.ts';
export type { GuestSource } from './sources.ts';
export {
  CONFIG_FORMAT_VERSION,
  GUEST_ABI_VERSION,
  JSON_FORMAT_VERSION,
  PLUGIN_INTERFACE_VERSION,
  TRACE_FORMAT_VERSION,
  VERSION,
} from './version.ts';
