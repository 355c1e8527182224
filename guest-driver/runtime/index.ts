// SPDX-License-Identifier: MIT
// Everything that a guest in AssemblyScript builds on: the numbers of the ABI, the host's
// functions, device registers, interrupts.

export * from '../../assembly/layout/guest-abi';
export { exitCount, gpaOf, machineIndex, memorySize, offsetOfGpa, vcpuCount } from './abi';
export { flushLineToUart } from './console';
export { deviceGpa, deviceIrq, deviceStream, findDevice } from './device-table';
export { anyPending, takeInterrupt } from './interrupts';
export { read32, read64, write32, write64 } from './mmio';
export { allocate } from './pages';
export { acknowledgeMaps, exitRequested } from './safe-point';
export { put, putDecimal, putHex } from './text';
export { clock_ns, wait } from './vsmmu';
