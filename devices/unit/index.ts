// SPDX-License-Identifier: MIT
// The arguments and results of `Unit.translate` are defined in the layout, which both
// languages use.
export {
  ACCESS_INSTRUCTION,
  ACCESS_NO_SSID,
  ACCESS_PRIVILEGED,
  ACCESS_WRITE,
} from '../../assembly/layout/access.ts';
export {
  STALL_ABORT,
  STALL_RAZWI,
  STALL_RETRY,
  STALL_WAITING,
} from '../../assembly/layout/stall-memory.ts';
export * from '../../assembly/layout/translate-results.ts';
export type { AtcResult, TranslateResult } from '../../assembly/unit-exports.ts';
export * from './actions.ts';
export * from './context-block.ts';
export * from './create-host-memory.ts';
export type { AtcPort, DmaStream, DmaUnit, InterruptPages, PhysicalMemory } from './dma-stream.ts';
export * from './exit-request-words.ts';
export { loadHotModules } from './hot-modules.ts';
export { PhysicalRam } from './physical-ram.ts';
export * from './queue-block.ts';
export * from './segment-block.ts';
export * from './smmu-endpoint.ts';
export { StreamDmaPort } from './stream-dma-port.ts';
export * from './thread-block.ts';
export * from './unit.ts';
