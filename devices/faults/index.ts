// SPDX-License-Identifier: MIT

export { DeviceWrapper, type HostChanges } from './device-wrapper.ts';
export {
  type AbortFetches,
  type DeviceFaults,
  FaultyDevice,
} from './faulty-device.ts';
