// SPDX-License-Identifier: MIT
// A host that is not the VMM: it uses only the parts of this project that a plugin author
// uses, devices/ and assembly/load.ts. It has one guest, to which it assigns a physical
// SMMU and its CMDQV as a whole; the guest's RAM is therefore window 0 of the physical
// address map.

import type { HotModules } from '../../assembly/load.ts';
import { TimerQueue } from '../../devices/bus/index.ts';
import { PhysicalCmdqv } from '../../devices/cmdqv/index.ts';
import {
  type AccessSize,
  type BackgroundLoop,
  type Device,
  type DeviceHost,
  type MmioAccess,
  PLUGIN_INTERFACE_VERSION,
} from '../../devices/plugin/index.ts';
import { PhysicalSmmu } from '../../devices/smmuv3/index.ts';
import { createHostMemory, smmuBase, TRANSLATE_OK, Unit } from '../../devices/unit/index.ts';

const RAM_SIZE = 0x200000;
/** Address of this host's MSI doorbell. */
export const DOORBELL = 0x08020040;

interface Slot {
  readonly device: Device;
  readonly address: number;
}

export class SecondHost {
  /** "smmu 0" for a pulse of line 0 of the device `smmu`. */
  readonly interrupts: string[] = [];
  /** "ticker 0x8020040 0x21" for an MSI to the doorbell. */
  readonly msis: string[] = [];
  /** Nanoseconds; the test advances it. */
  now = 0;
  readonly #unit: Unit;
  readonly #ram: DataView;
  readonly #slots: Slot[] = [];
  readonly #loops = new Set<BackgroundLoop>();
  readonly #timers = new TimerQueue({ nowNs: () => this.now });
  #allocated = 0x1000;

  /** SMMU at 0x10000000, CMDQV at 0x11000000. */
  constructor(modules: HotModules) {
    const hostMemory = createHostMemory({ ramSize: RAM_SIZE });
    this.#unit = new Unit({ modules, hostMemory, thread: 0 });
    this.#ram = new DataView(hostMemory.buffer, hostMemory.buffer.byteLength - RAM_SIZE);
    this.plug(new PhysicalSmmu({ unit: this.#unit, smmuIndex: 0 }), 0x10000000);
    this.plug(
      new PhysicalCmdqv({ unit: this.#unit, smmuIndex: 0, vintfs: 1, vcmdqs: 2 }),
      0x11000000,
    );
  }

  plug(device: Device, address: number): void {
    if (device.interfaceVersion !== PLUGIN_INTERFACE_VERSION)
      throw new Error(`${device.name} has another plugin interface`);
    device.attach(this.#services(device));
    device.reset();
    this.#slots.push({ device, address });
  }

  #services(device: Device): DeviceHost {
    const note = (line: number) => {
      this.interrupts.push(`${device.name} ${line}`);
    };
    return {
      memory: {
        load64: (gpa) => (gpa + 8 <= RAM_SIZE ? this.load64(gpa) : undefined),
        store64: (gpa, value) => {
          if (gpa + 8 <= RAM_SIZE) this.store64(gpa, value);
          return gpa + 8 <= RAM_SIZE;
        },
        store32: (gpa, value) => {
          if (gpa + 4 <= RAM_SIZE) this.#ram.setUint32(gpa, value, true);
          return gpa + 4 <= RAM_SIZE;
        },
      },
      interruptLine: (line) => ({
        pulse: () => note(line),
        setLevel: (asserted) => asserted && note(line),
      }),
      dmaPort: () => {
        throw new Error('no bus masters here');
      },
      mapDirect: () => undefined,
      background: (loop) => {
        this.#loops.add(loop);
        return () => this.#loops.delete(loop);
      },
      nowNs: () => this.now,
      timer: (name, callback) => this.#timers.add(device.name, name, callback),
      msi: (address, data) => {
        if (address === DOORBELL)
          this.msis.push(`${device.name} 0x${address.toString(16)} 0x${data.toString(16)}`);
        return address === DOORBELL;
      },
      trace: () => undefined,
    };
  }

  #access(address: number, size: AccessSize, value?: bigint): bigint {
    const slot = this.#slots.find(
      ({ device, address: base }) =>
        address >= base && address < base + (device.regions[0]?.size ?? 0),
    );
    if (!slot?.device.regions[0]?.accessSizes.includes(size) || address % size !== 0) return 0n;
    const written = value ?? 0n;
    const access: MmioAccess = {
      region: 0,
      offset: address - slot.address,
      size,
      lo: Number(written & 0xffffffffn),
      hi: Number(written >> 32n),
      vcpu: 0,
    };
    if (value === undefined) slot.device.read(access);
    else slot.device.write(access);
    return (BigInt(access.hi) << 32n) | BigInt(access.lo);
  }

  read32(address: number): number {
    return Number(this.#access(address, 4));
  }

  write32(address: number, value: number): void {
    this.#access(address, 4, BigInt(value >>> 0));
  }

  write64(address: number, value: bigint): void {
    this.#access(address, 8, value);
  }

  read8(address: number): number {
    return Number(this.#access(address, 1));
  }

  write8(address: number, value: number): void {
    this.#access(address, 1, BigInt(value & 0xff));
  }

  load64(pa: number): bigint {
    return this.#ram.getBigUint64(pa, true);
  }

  store64(pa: number, value: bigint): void {
    this.#ram.setBigUint64(pa, value, true);
  }

  /** Memory for the guest's tables and queues. */
  allocate(size: number, alignment: number): number {
    const at = Math.ceil(this.#allocated / alignment) * alignment;
    this.#allocated = at + size;
    return at;
  }

  /** Whether a read by a bus master with this StreamID passes the SMMU. */
  reaches(streamId: number, iova: number): boolean {
    const { core } = this.#unit;
    core.accessBegin();
    const status = this.#unit.translate(
      smmuBase(0),
      streamId,
      -1,
      iova | 0,
      Math.floor(iova / 2 ** 32),
      0,
    );
    core.accessEnd();
    return status === TRANSLATE_OK;
  }

  /** Lets the devices do their background work. */
  idle(): void {
    this.#timers.poll();
    for (const loop of this.#loops) loop.poll();
  }
}
