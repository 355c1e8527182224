// SPDX-License-Identifier: MIT
// The physical devices of a host, on their own bus: one SMMU with its CMDQV.

import { IDR0_VMID16 } from '../../assembly/layout/smmu-registers.ts';
import {
  attachDevices,
  BackgroundLoops,
  Bus,
  type Clock,
  type DeviceServices,
  type Placement,
} from '../../devices/bus/index.ts';
import { PhysicalCmdqv } from '../../devices/cmdqv/index.ts';
import { bitsOf, type Device } from '../../devices/plugin/index.ts';
import {
  PHYSICAL_ID_REGISTERS,
  PhysicalSmmu,
  type SmmuIdRegisters,
} from '../../devices/smmuv3/index.ts';
import type { Unit } from '../../devices/unit/index.ts';
import { DeviceRegisters } from './device-registers.ts';
import type { HostRam } from './host-ram.ts';
import { InterruptLatch } from './interrupt-latch.ts';

/** PA of the devices' registers. */
const SMMU_PA = 0x10000000;
const CMDQV_PA = 0x11000000;

/** Lines of the latch. */
export const LINE_EVENTS = 0;
export const LINE_GERROR = 1;
export const LINE_PAGE_REQUESTS = 2;
export const LINE_CMDQV = 3;

export interface PlatformOptions {
  /** The host's own unit. */
  readonly unit: Unit;
  readonly smmuIndex: number;
  readonly idRegisters?: SmmuIdRegisters | undefined;
  readonly atcTimeout?: number | undefined;
  readonly vintfs: number;
  readonly vcmdqs: number;
  readonly ram: HostRam;
  readonly clock: Clock;
  /**
   * Whose VCMDQ errors become visible without a decision of the host
   * (PhysicalCmdqvOptions). Default hypervisor.
   */
  readonly reportErrors?: 'hypervisor' | 'all' | undefined;
  /** Wraps the CMDQV in another device. */
  readonly wrapCmdqv?: ((cmdqv: Device) => Device) | undefined;
  /** The unit of a window's VM. */
  unitOf(window: number): Unit | undefined;
}

export class Platform {
  readonly smmu: DeviceRegisters;
  readonly cmdqv: DeviceRegisters;
  readonly interrupts = new InterruptLatch();
  readonly background = new BackgroundLoops();
  readonly vmidBits: 8 | 16;
  readonly #cmdqv: PhysicalCmdqv;

  constructor(options: PlatformOptions) {
    const {
      unit,
      smmuIndex,
      idRegisters = PHYSICAL_ID_REGISTERS,
      atcTimeout,
      vintfs,
      vcmdqs,
      ram,
      clock,
    } = options;
    const smmu = new PhysicalSmmu({ unit, smmuIndex, idRegisters, atcTimeout });
    this.#cmdqv = new PhysicalCmdqv({
      unit,
      smmuIndex,
      vintfs,
      vcmdqs,
      unitOf: (window) => options.unitOf(window),
      // By default the host's policy decides before a VM sees an error.
      reportErrors: options.reportErrors ?? 'hypervisor',
    });
    this.vmidBits = bitsOf(idRegisters.idr0, IDR0_VMID16) ? 16 : 8;
    const cmdqv = options.wrapCmdqv?.(this.#cmdqv) ?? this.#cmdqv;
    const placements: Placement[] = [
      { device: smmu, addresses: [SMMU_PA], firstIrq: LINE_EVENTS },
      { device: cmdqv, addresses: [CMDQV_PA], firstIrq: LINE_CMDQV },
    ];
    const services: DeviceServices = {
      memory: ram.physical,
      interrupts: this.interrupts,
      directMaps: undefined,
      background: this.background,
      clock,
    };
    attachDevices(placements, services);
    const bus = new Bus([
      { device: smmu, region: 0, address: SMMU_PA },
      { device: cmdqv, region: 0, address: CMDQV_PA },
    ]);
    this.smmu = new DeviceRegisters(bus, SMMU_PA, 'SMMU');
    this.cmdqv = new DeviceRegisters(bus, CMDQV_PA, 'CMDQV');
  }

  /**
   * Makes the CMDQV raise its interrupt for errors that the drain has published since the
   * last call.
   */
  checkQueueErrors(): void {
    this.#cmdqv.checkErrors();
  }
}
