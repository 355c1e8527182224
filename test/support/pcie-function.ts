// A PCIe endpoint for tests, and what software does with configuration space.

import { PcieEndpoint, type PcieHost } from '../../devices/pcie/index.ts';
import type { DeviceHost, DeviceState, DmaPort, MmioAccess } from '../../devices/plugin/index.ts';
import type { DeviceBus } from '../../devices/testing/index.ts';

/** A word that reads back, behind BAR 0 of 8 KiB; two vectors, INTB. */
export class WordEndpoint extends PcieEndpoint {
  word = 0;
  port: DmaPort | undefined;

  constructor(name = 'word', vectors = 2) {
    super({
      name,
      kind: 0x64726f77,
      identity: {
        vendorId: 0x1234,
        deviceId: 0x5678,
        revisionId: 9,
        classCode: 0x088000,
        subsystemVendorId: 0x4321,
        subsystemId: 0x8765,
        interruptPin: 2,
      },
      bar: { name: 'word', size: 0x2000, accessSizes: [4] },
      vectors,
    });
  }

  raise(vector: number): void {
    this.msix.raise(vector);
  }

  assert(level: boolean): void {
    this.setIntx(level);
  }

  protected override start(_host: DeviceHost, port: DmaPort): void {
    this.port = port;
  }

  protected override resetFunction(): void {
    this.word = 0;
  }

  protected override readBar(access: MmioAccess): void {
    access.lo = access.offset === 0 ? this.word : access.offset;
  }

  protected override writeBar({ offset, lo }: MmioAccess): void {
    if (offset === 0) this.word = lo;
  }

  protected override saveFunction(): DeviceState {
    return { word: this.word };
  }

  protected override prepareFunction(state: DeviceState): () => void {
    const { word } = state;
    if (typeof word !== 'number') throw new TypeError('the state is not of this device');
    return () => {
      this.word = word;
    };
  }

  protected override barRegisterName(offset: number): string | undefined {
    return offset === 0 ? 'WORD' : undefined;
  }
}

/** Offset in ECAM. */
export const ecam = (bus: number, device: number, register: number, number = 0): number =>
  bus * 0x100000 + device * 0x8000 + number * 0x1000 + register;

/** Offset of a capability of a function by its ID, as software finds it; 0: there is none. */
export function findCapability(bus: DeviceBus, at: number, id: number, nth = 0): number {
  let left = nth;
  let pointer = bus.read(0, at + 0x34, 1).lo;
  while (pointer !== 0) {
    if (bus.read(0, at + pointer, 1).lo === id && left-- === 0) return pointer;
    pointer = bus.read(0, at + pointer + 1, 1).lo;
  }
  return 0;
}

/** The functions of a host bridge as one device with it, whose state is that of all. */
export function resetAll(host: PcieHost): void {
  for (const one of host.functions) one.reset();
  host.reset();
}
