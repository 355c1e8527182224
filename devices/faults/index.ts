export { DeviceWrapper, type HostChanges } from './device-wrapper.ts';
export {
  type AbortFetches,
  DEVICE_FAULTS,
  type DeviceFaults,
  FaultyDevice,
} from './faulty-device.ts';
