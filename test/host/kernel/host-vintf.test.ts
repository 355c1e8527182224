// SPDX-License-Identifier: MIT
// The host's own VINTF: its kernel's commands go to a VCMDQ of the processor, and to the
// CMDQ again when that fails.

import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import {
  CMDQV_LOGICAL_PAGE0,
  CMDQV_VINTF,
  VCMDQ_CONS,
  VCMDQ_GERROR,
  VCMDQ_GERRORN,
  VCMDQ_PROD,
  VCMDQ_STATUS,
  VCMDQ_STRIDE,
  VINTF_CONFIG,
} from '../../../assembly/layout/cmdqv-registers.ts';
import { QUEUE_MAIN } from '../../../assembly/layout/queue-memory.ts';
import { type HotModules, loadHotModules } from '../../../assembly/load.ts';
import { SYSTEM_CLOCK } from '../../../devices/bus/index.ts';
import { DeviceWrapper } from '../../../devices/faults/index.ts';
import type { Device, MmioAccess } from '../../../devices/plugin/index.ts';
import { cfgiSte, sync, tlbiNhVa, writeCommand } from '../../../devices/tables/index.ts';
import { createHostMemory, QueueBlock, SmmuEndpoint, Unit } from '../../../devices/unit/index.ts';
import { HostRam } from '../../../host/hardware/host-ram.ts';
import { Iommufd } from '../../../host/iommufd/index.ts';
import { VmidAllocator } from '../../../host/kernel/index.ts';
import { PhysicalIommu } from '../../../host/kernel/physical-iommu.ts';
import { VmHost } from '../../../vmm/nested/index.ts';
import { hasten } from '../../support/hasten.ts';
import { lendVm } from '../../support/lent-vm.ts';

const VINTFS = 2;
const LVCMDQS = 4;
const HYP_OWN = 1 << 17;
/** An opcode that no SMMU has. */
const BAD = Uint32Array.of(0xff, 0, 0, 0);
const PAGE = 0x1000n;

let modules: HotModules;
beforeAll(async () => {
  modules = await loadHotModules();
});
afterEach(() => {
  vi.restoreAllMocks();
});

/** A CMDQV that was assigned to a guest, or one with a VCMDQ that cannot be enabled. */
class OtherCmdqv extends DeviceWrapper {
  readonly #hypOwn: boolean;
  readonly #dead: number | undefined;

  constructor(device: Device, { hypOwn = true, dead }: { hypOwn?: boolean; dead?: number }) {
    super(device);
    this.#hypOwn = hypOwn;
    this.#dead = dead;
  }

  override write(access: MmioAccess): void {
    if (!this.#hypOwn && access.offset === CMDQV_VINTF + VINTF_CONFIG) access.lo &= ~HYP_OWN;
    this.device.write(access);
  }

  override read(access: MmioAccess): void {
    this.device.read(access);
    if (this.#dead !== undefined && access.offset === register(this.#dead, VCMDQ_STATUS))
      access.lo = 0;
  }
}

function register(lvcmdq: number, offset: number): number {
  return CMDQV_LOGICAL_PAGE0 + lvcmdq * VCMDQ_STRIDE + offset;
}

function boot(options: { hypOwn?: boolean; dead?: number } = {}) {
  const hostMemory = createHostMemory({ ramSize: 0x2000000 });
  const unit = new Unit({ modules, hostMemory, thread: 0 });
  const ram = new HostRam(hostMemory);
  const vmids = new VmidAllocator({ bits: 16, cpus: 1, flush: () => undefined });
  let cmdqv: Device | undefined;
  const iommu = new PhysicalIommu({
    unit,
    smmuIndex: 0,
    vintfs: VINTFS,
    vcmdqs: VINTFS * LVCMDQS,
    ram,
    clock: SYSTEM_CLOCK,
    wrapCmdqv: (device) => {
      cmdqv = new OtherCmdqv(device, options);
      return cmdqv;
    },
    unitOf: (window) => (window === 0 ? unit : undefined),
    pinVmid: () => {
      const holder = VmidAllocator.holder();
      return { vmid: vmids.pin(holder), sharedWith: undefined, unpin: () => vmids.unpin(holder) };
    },
  });
  const vcmdqs = Array.from({ length: LVCMDQS }, (_, i) => new QueueBlock(hostMemory, 0, i));
  const cmdq = new QueueBlock(hostMemory, 0, QUEUE_MAIN);
  const access = (lvcmdq: number, offset: number, lo = 0): MmioAccess => ({
    region: 0,
    offset: register(lvcmdq, offset),
    size: 4,
    lo,
    hi: 0,
    vcpu: 0,
  });
  return {
    iommu,
    unit,
    ram,
    vcmdqs,
    cmdq,
    smmu: iommu.model.smmu,
    read: (lvcmdq: number, offset: number) => {
      const read = access(lvcmdq, offset);
      cmdqv?.read(read);
      return read.lo;
    },
    write: (lvcmdq: number, offset: number, value: number) =>
      cmdqv?.write(access(lvcmdq, offset, value)),
    /** Commands that `use` has executed on the VCMDQs, and on the CMDQ. */
    ran(use: () => void) {
      const counts = () => [...vcmdqs, cmdq].map((queue) => queue.counts.commands);
      const before = counts();
      use();
      return counts().map((count, i) => count - (before[i] ?? 0));
    },
  };
}

const tlbi = () => tlbiNhVa(0, 1, { address: 0x1000 });

describe('the host’s VINTF', () => {
  it('has a VCMDQ for each processor, which accepts every command; the CMDQ is unused', () => {
    const { smmu, ran, read, cmdq } = boot();
    const cmdqCons = cmdq.cons;
    const seen = [0, 1, 2, 3, LVCMDQS + 1].map((processor) =>
      ran(() => smmu.issue([cfgiSte(1), tlbi()], processor)),
    );
    expect(seen).toEqual([
      [3, 0, 0, 0, 0],
      [0, 3, 0, 0, 0],
      [0, 0, 3, 0, 0],
      [0, 0, 0, 3, 0],
      [0, 3, 0, 0, 0],
    ]);
    expect([0, 1, 2, 3].map((lvcmdq) => read(lvcmdq, VCMDQ_CONS))).toEqual([3, 6, 3, 3]);
    expect(cmdq.cons).toBe(cmdqCons);
  });

  it('ends an unmap: the device cannot access the page after it', () => {
    const { iommu, unit, ram, ran } = boot();
    const fd = new Iommufd();
    const device = fd.bind(iommu.model.addDevice('nic', [5]));
    const ioas = fd.ioasAlloc();
    const address = ram.allocate(0x1000, 0x1000);
    const memory = { physical: (pa: number) => pa };
    fd.attach(device, fd.hwptAlloc({ device, parent: ioas }));
    fd.ioasMap(ioas, { iova: PAGE, length: PAGE, memory, address });
    const port = new SmmuEndpoint({ unit, memory: ram }).dmaPort(5);
    expect(port.write(0x1000, Uint8Array.of(7)).ok).toBe(true);
    const commands = ran(() => fd.ioasUnmap(ioas, PAGE, PAGE));
    expect(port.write(0x1000, Uint8Array.of(8)).ok).toBe(false);
    expect(commands).toEqual([2, 0, 0, 0, 0]);
  });

  it('puts VMs on different queues, and commands on behalf of a guest on the CMDQ', async () => {
    const host = await VmHost.create({ modules, vintfs: 4, vcmdqs: 16 });
    const queues = [0, 1, 2, 3].map((lvcmdq) => new QueueBlock(host.memory, 0, lvcmdq));
    const counts = () => queues.map((queue) => queue.counts.commands);
    const before = counts();
    const lent = [lendVm(host, 'one'), lendVm(host, 'two')];
    const used = lent.map(({ vm }) => vm.unit.thread);
    const ran = counts().map((count, i) => count > (before[i] ?? 0));
    expect(ran).toEqual([0, 1, 2, 3].map((lvcmdq) => used.includes(lvcmdq)));
    expect(new Set(used).size).toBe(2);
    const cmdq = new QueueBlock(host.memory, 0, QUEUE_MAIN);
    const [onCmdq, onVcmdqs] = [cmdq.counts.commands, counts()];
    lent[0]?.viommu.invalidateAll();
    expect([cmdq.counts.commands - onCmdq, counts()]).toEqual([2, onVcmdqs]);
  });

  it('continues after a refused command, during the wait for it', () => {
    const { smmu, vcmdqs, read, ran } = boot();
    // The CMD_SYNC that replaces it is one more.
    expect(ran(() => smmu.issue([BAD, tlbi()], 2))).toEqual([0, 0, 3, 0, 0]);
    expect(vcmdqs.map((queue) => queue.counts.errors)).toEqual([0, 0, 1, 0]);
    expect(read(2, VCMDQ_GERROR)).toBe(read(2, VCMDQ_GERRORN));
    expect(ran(() => smmu.issue([tlbi()], 2))).toEqual([0, 0, 2, 0, 0]);
  });

  it('continues after it in the interrupt handler, as Linux does', () => {
    const { iommu, vcmdqs, ram, read, write } = boot();
    const [, queue] = vcmdqs;
    if (!queue) throw new Error('there are four');
    const ring = queue.ring - (ram.physical.bytes(0, 1)?.byteOffset ?? 0);
    for (const [i, command] of [BAD, tlbi(), sync()].entries()) writeCommand(ram, ring, i, command);
    write(1, VCMDQ_PROD, 3);
    expect([read(1, VCMDQ_CONS) & 0xfffff, read(1, VCMDQ_GERROR)]).toEqual([0, 1]);
    iommu.takeInterrupts();
    expect([read(1, VCMDQ_CONS), read(1, VCMDQ_GERRORN)]).toEqual([3, 1]);
  });
});

describe('the CMDQ replaces it', () => {
  it('whole batches with a command that a VINTF without HYP_OWN does not accept', () => {
    const { smmu, ran } = boot({ hypOwn: false });
    const seen = [[tlbi()], [cfgiSte(1)], [tlbi(), cfgiSte(1)]].map((batch) =>
      ran(() => smmu.issue(batch, 1)),
    );
    expect(seen).toEqual([
      [0, 2, 0, 0, 0],
      [0, 0, 0, 0, 2],
      [0, 0, 0, 0, 3],
    ]);
  });

  it('permanently from a VCMDQ that fails; the others continue', () => {
    const { smmu, ran, vcmdqs, iommu } = boot();
    vcmdqs[1]?.abortFetches();
    hasten(100);
    const failing = ran(() => smmu.issue([tlbi()], 1));
    vi.restoreAllMocks();
    expect(failing[1]).toBe(0);
    // Its own two, and those that flush the queue that is disabled.
    expect(failing[LVCMDQS]).toBeGreaterThanOrEqual(2);
    expect(vcmdqs[1]?.allocated).toBe(false);
    expect(ran(() => smmu.issue([tlbi()], 1))).toEqual([0, 0, 0, 0, 2]);
    expect(ran(() => smmu.issue([tlbi()], 2))).toEqual([0, 0, 2, 0, 0]);
    expect(iommu.cmdqvTimeouts).toBe(0);
  });

  it('from a VCMDQ that is never enabled', () => {
    hasten(100);
    const { smmu, ran } = boot({ dead: 0 });
    vi.restoreAllMocks();
    expect(ran(() => smmu.issue([tlbi()], 0))).toEqual([0, 0, 0, 0, 2]);
    expect(ran(() => smmu.issue([tlbi()], 3))).toEqual([0, 0, 0, 2, 0]);
  });
});
