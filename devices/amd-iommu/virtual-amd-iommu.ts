// SPDX-License-Identifier: MIT
// A guest's AMD IOMMU with hardware vIOMMU. Configuration registers trap and are passed
// to the host. The pointers of the command buffer and the event log are mapped into the
// guest while the command buffer is enabled, so commands and events cause no exit. STATUS
// traps, as its bits are cleared by writing 1; so do the PPR log's pointers, which follow
// it.

import {
  AMD_COMMAND_BASE,
  AMD_CONTROL,
  AMD_CONTROL_CMD_BUF_EN,
  AMD_CONTROL_IOMMU_EN,
  AMD_EVENT_BASE,
  AMD_POINTERS_SIZE,
  AMD_PPR_BASE,
  AMD_REGION_SIZE,
  AMD_STATUS,
  AMD_VF_PAGE,
  AMD_VF_PAGE_SIZE,
} from '../../assembly/layout/amd-formats.ts';
import { ABI_KIND_AMD_IOMMU } from '../../assembly/layout/guest-abi.ts';
import {
  bitsOf,
  type Device,
  type DeviceHost,
  type DeviceState,
  type DirectMap,
  type InterruptLine,
  type MmioAccess,
  PLUGIN_INTERFACE_VERSION,
  plainStateLike,
  RegisterFile,
  stateFields,
  unnamedRegister,
} from '../plugin/index.ts';
import {
  amdRegisters,
  BUFFER_ENABLES,
  bufferAt,
  deviceTableOf,
  interruptWanted,
} from './amd-register-specs.ts';
import type { AmdViommuBackend } from './backend.ts';
import { pointerName } from './physical-amd-iommu.ts';

export class VirtualAmdIommu implements Device {
  readonly name = 'amd-iommu';
  readonly interfaceVersion = PLUGIN_INTERFACE_VERSION;
  readonly identity = { kind: ABI_KIND_AMD_IOMMU, interrupts: 1, busMaster: false };
  readonly regions = [{ name: 'amd-iommu', size: AMD_REGION_SIZE, accessSizes: [4, 8] as const }];
  readonly #backend: AmdViommuBackend;
  #host: DeviceHost | undefined;
  #line: InterruptLine | undefined;
  #map: DirectMap | undefined;
  private readonly registers: RegisterFile = new RegisterFile(
    AMD_REGION_SIZE,
    amdRegisters('guest'),
  );

  constructor(backend: AmdViommuBackend) {
    this.#backend = backend;
  }

  attach(host: DeviceHost): void {
    this.#host = host;
    this.#line = host.interruptLine(0);
    host.background({
      name: this.name,
      poll: () => {
        const read = this.#backend.service();
        this.#updateLine();
        return read;
      },
    });
  }

  reset(): void {
    this.#unmap();
    this.registers.reset();
    this.#configure();
    this.#backend.restore(this.#backend.save().map(() => 0));
    this.#updateLine();
  }

  get #control(): number {
    return this.registers.get(AMD_CONTROL);
  }

  /** Drives the interrupt line from the current status. */
  #updateLine(): void {
    this.#line?.setLevel(interruptWanted(this.#backend.read(AMD_STATUS), this.#control));
  }

  /** Passes the whole configuration to the host; the buffers before their enables. */
  #configure(): void {
    const enabled = bitsOf(this.#control, AMD_CONTROL_IOMMU_EN) === 1;
    this.#backend.setBuffers(
      bufferAt(this.registers, AMD_COMMAND_BASE),
      bufferAt(this.registers, AMD_EVENT_BASE),
      bufferAt(this.registers, AMD_PPR_BASE),
    );
    this.#backend.setDeviceTable(enabled ? deviceTableOf(this.registers) : undefined);
    this.#backend.setControl(this.#control & BUFFER_ENABLES);
  }

  #updateMap(): void {
    if (bitsOf(this.#control, AMD_CONTROL_CMD_BUF_EN) === 0) {
      this.#unmap();
    } else if (!this.#map) {
      const { doorbell } = this.#backend;
      this.#map = this.#host?.mapDirect({
        region: 0,
        offset: AMD_VF_PAGE,
        length: AMD_POINTERS_SIZE,
        doorbell,
      });
      if (this.#map) this.#backend.placeInGuest(this.#map.memoryOffset);
    }
  }

  #unmap(): void {
    this.#map?.unmap();
    if (this.#map) this.#backend.takeFromGuest();
    this.#map = undefined;
  }

  read(access: MmioAccess): void {
    if (access.offset < AMD_VF_PAGE) {
      this.registers.read(access);
      return;
    }
    const named = access.offset < AMD_VF_PAGE + AMD_VF_PAGE_SIZE && access.offset % 8 === 0;
    access.lo = named ? this.#backend.read(access.offset) : 0;
    access.hi = 0;
  }

  write(access: MmioAccess): void {
    if (access.offset < AMD_VF_PAGE) {
      this.registers.write(access);
      this.#configure();
      this.#updateMap();
    } else if (access.offset < AMD_VF_PAGE + AMD_VF_PAGE_SIZE && access.offset % 8 === 0) {
      this.#backend.write(access.offset, access.lo);
    }
    this.#updateLine();
  }

  save(): DeviceState {
    return { registers: this.registers.save(), buffers: { words: [...this.#backend.save()] } };
  }

  restore(state: DeviceState): void {
    const { registers, buffers } = stateFields(state, 'registers', 'buffers');
    const { words } = plainStateLike({ words: [...this.#backend.save()] }, buffers);
    this.registers.check(registers);
    this.#unmap();
    this.registers.restore(registers);
    this.#configure();
    this.#backend.restore(words);
    this.#updateMap();
    this.#updateLine();
  }

  registerName(region: number, offset: number): string {
    const pointer =
      offset >= AMD_VF_PAGE && offset < AMD_VF_PAGE + AMD_VF_PAGE_SIZE
        ? pointerName(offset)
        : undefined;
    return (
      this.registers.nameAt(offset) ?? pointer ?? unnamedRegister(this.regions[region], offset)
    );
  }
}
