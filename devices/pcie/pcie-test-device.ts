// SPDX-License-Identifier: MIT
// A device for tests of a PCIe host, with the IDs and registers of QEMU's `pci-testdev`,
// for which kvm-unit-tests have a driver. Software reads which store it should make,
// makes it, and reads how often the device has received it.

import { type DeviceState, type MmioAccess, plainStateLike } from '../plugin/index.ts';
import { IO_REGION, PcieEndpoint } from './pcie-endpoint.ts';

const KIND = 0x74696370; // "pcit"
const VENDOR = 0x1b36;
const DEVICE = 0x0005;
/** The class of devices that fit into no other class. */
const CLASS = 0x00ff00;
const REGION_SIZE = 0x1000;

// Registers: the selected test (8 bits, written), and for this test the width of a store
// in bytes, its offset, its value, the number of stores received, and a name that ends
// with 0.
const TEST = 0x00;
const WIDTH = 0x01;
const OFFSET = 0x04;
const DATA = 0x08;
const COUNT = 0x0c;
const NAME = 0x10;
/** Stores of the tests go there. */
const TARGET = 0x80;

/** Tests of both BARs: each has stores of another width. */
const WIDTHS = [1, 2, 4] as const;
const VALUE = 0x5a6b_7c8d;
/** No test. */
const NONE = 0xff;

const RESET = { selected: [NONE, NONE], counts: [0, 0] };

/** Registers of a BAR's test, byte by byte; all zero while no such test is selected. */
function registersOf(test: number, count: number, isIo: boolean): Uint8Array {
  const bytes = new Uint8Array(TARGET);
  const width = WIDTHS[test];
  if (width === undefined) return bytes;
  const view = new DataView(bytes.buffer);
  view.setUint8(TEST, test);
  view.setUint8(WIDTH, width);
  view.setUint32(OFFSET, TARGET, true);
  view.setUint32(DATA, VALUE, true);
  view.setUint32(COUNT, count, true);
  bytes.set(new TextEncoder().encode(`${isIo ? 'io' : 'memory'}-${8 * width}`), NAME);
  return bytes;
}

/** QEMU's `pci-testdev`: BAR 0 of memory, BAR 1 of I/O space; it makes no DMA. */
export class PcieTestDevice extends PcieEndpoint {
  private state = structuredClone(RESET);

  /** @param name unique in a machine. */
  constructor(name: string) {
    super({
      name,
      kind: KIND,
      identity: {
        vendorId: VENDOR,
        deviceId: DEVICE,
        revisionId: 0,
        classCode: CLASS,
        subsystemVendorId: VENDOR,
        subsystemId: DEVICE,
        interruptPin: 0,
      },
      bar: { name: 'test-memory', size: REGION_SIZE, accessSizes: [1, 2, 4] },
      io: { name: 'test-io', size: REGION_SIZE, accessSizes: [1, 2, 4] },
      vectors: 1,
    });
  }

  protected override start(): void {
    // It reaches nothing.
  }

  protected override resetFunction(): void {
    this.state = structuredClone(RESET);
  }

  protected override readBar(access: MmioAccess): void {
    const { region, offset, size } = access;
    const isIo = region === IO_REGION;
    const at = isIo ? 1 : 0;
    const { selected, counts } = this.state;
    const registers = registersOf(selected[at] ?? NONE, counts[at] ?? 0, isIo);
    access.lo = 0;
    for (let i = 0; i < size; i++) access.lo += (registers[offset + i] ?? 0) * 2 ** (8 * i);
  }

  protected override writeBar({ region, offset, size, lo }: MmioAccess): void {
    const at = region === IO_REGION ? 1 : 0;
    const { selected, counts } = this.state;
    const width = WIDTHS[selected[at] ?? NONE];
    if (offset === TEST) {
      selected[at] = lo & 0xff;
      counts[at] = 0;
    } else if (offset === TARGET && size === width && lo === VALUE % 2 ** (8 * size)) {
      counts[at] = ((counts[at] ?? 0) + 1) >>> 0;
    }
  }

  protected override saveFunction(): DeviceState {
    return structuredClone(this.state);
  }

  protected override prepareFunction(state: DeviceState): () => void {
    const restored = plainStateLike(RESET, state);
    if (restored.selected.some((test) => test > 0xff))
      throw new TypeError('the state is not of this device: a test');
    return () => {
      this.state = restored;
    };
  }

  protected override barRegisterName(offset: number): string | undefined {
    const names = { [TEST]: 'TEST', [WIDTH]: 'WIDTH', [OFFSET]: 'OFFSET', [DATA]: 'DATA' };
    return { ...names, [COUNT]: 'COUNT', [NAME]: 'NAME', [TARGET]: 'TARGET' }[offset];
  }
}
