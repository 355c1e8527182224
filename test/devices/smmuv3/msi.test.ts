// SPDX-License-Identifier: MIT
// MSIs of an SMMU: of CMD_SYNC, the event queue and GERROR. Expected values are bits of
// registers and commands from the specification, not from our tables.

import { beforeEach, describe, expect, it } from 'vitest';
import { SMMU_AT_STATS, STAT_MSIS } from '../../../assembly/layout/smmu-memory.ts';
import { GUEST_ID_REGISTERS, PhysicalSmmu, VirtualSmmu } from '../../../devices/smmuv3/index.ts';
import { sync, writeCommand } from '../../../devices/tables/index.ts';
import { DeviceBus, FakeHost } from '../../../devices/testing/index.ts';
import { createHostMemory, smmuBase, Unit } from '../../../devices/unit/index.ts';
import { checkedModules } from '../../support/findings.ts';
import { HostRam } from '../../support/host-ram.ts';
import { TestViommuBackend } from '../../support/viommu-backend.ts';
import {
  backend,
  bus,
  enable,
  expectDone,
  GERROR_LINE,
  host,
  issue,
  memory,
  RING,
  setUp,
} from './guest-board.ts';

const IRQ = 1;
const WORD = 0x80050004;
const GERROR = 0x60;
const GERRORN = 0x64;
const modules = await checkedModules();

beforeEach(setUp);

/** The 64-bit word around WORD: its upper half is for the MSI. */
const around = () => memory.load64(WORD - 4);

/** An access of another thread, for which the next CMD_SYNC has to wait. */
function accessInFlight(hostMemory: WebAssembly.Memory): Unit['core'] {
  const { core } = new Unit({ modules, hostMemory, thread: 2 });
  core.accessBegin();
  return core;
}

describe('CMD_SYNC with CS = IRQ on the command queue of a guest', () => {
  it('writes 32 bits of MSIDATA to MSIADDR and nothing else', () => {
    memory.store64(WORD - 4, 0x1111_1111_2222_2222n);
    enable();
    issue(sync(IRQ, { address: WORD, data: 0xdeadbeef }));
    expectDone();
    expect(around()).toBe(0xdead_beef_2222_2222n);
    expect(
      new Int32Array(backend.hostMemory.buffer)[(smmuBase(0) + SMMU_AT_STATS + STAT_MSIS) >> 2],
    ).toBe(1);
  });

  it('may overwrite the command itself, as in Linux, and the queue continues after it', () => {
    enable();
    for (let n = 0; n < 20; n++) {
      const entry = RING + 16 * (n % 8);
      issue(sync(IRQ, { address: entry, data: 0 }));
      expect(memory.load64(entry) & 0xffffffffn).toBe(0n);
    }
    expectDone();
  });

  it('waits for accesses in flight, and then signals the command as read', () => {
    enable();
    const other = accessInFlight(backend.hostMemory);
    issue(sync(IRQ, { address: WORD, data: 7 }));
    host.poll();
    expect([around(), bus.read32(0x9c)]).toEqual([0n, 0]);
    writeCommand(memory, RING, 0, sync(IRQ, { address: WORD + 0x100, data: 9 }));
    other.accessEnd();
    host.poll();
    expectDone();
    expect([around(), memory.load64(WORD + 0xfc)]).toEqual([0x7_0000_0000n, 0n]);
  });

  it.each([
    ['beyond RAM', 0x7000_0000],
    ['another machine’s window of the physical address map', 2 * 2 ** 32 + WORD],
  ])('to an address that is not RAM (%s) is complete, and MSI_CMDQ_ABT_ERR', (_, address) => {
    enable();
    issue(sync(IRQ, { address, data: 7 }));
    expect([
      bus.read32(0x9c),
      bus.read32(GERROR) ^ bus.read32(GERRORN),
      host.pulses(GERROR_LINE),
    ]).toEqual([1, 0x10, 1]);
    // The error does not prevent later ones from being sent.
    issue(sync(IRQ, { address: WORD, data: 5 }));
    expect([bus.read32(0x9c), around()]).toEqual([2, 0x5_0000_0000n]);
    bus.write32(GERRORN, 0x10);
    expectDone();
  });

  it('that was awaited and whose address is not RAM is reported in the same way', () => {
    enable();
    const other = accessInFlight(backend.hostMemory);
    issue(sync(IRQ, { address: 0x7000_0000, data: 7 }), sync());
    expect(bus.read32(0x9c)).toBe(0);
    other.accessEnd();
    host.poll();
    expect([bus.read32(0x9c), bus.read32(GERROR)]).toEqual([2, 0x10]);
  });

  it('has no signal with MSIADDR 0, and uses 48 bits of the address if OAS has 48 bits', () => {
    enable();
    issue(sync(IRQ, { address: 0, data: 7 }), sync(IRQ, { address: 2 ** 48 + WORD, data: 3 }));
    expectDone();
    expect(around()).toBe(0x3_0000_0000n);
  });

  it.each([0, 2])('CS = %i writes nothing', (cs) => {
    enable();
    issue(sync(cs, { address: WORD, data: 7 }));
    expectDone();
    expect(around()).toBe(0n);
  });

  it('does not exist without IDR0.MSI, nor do the MSI registers', () => {
    const quiet = new FakeHost();
    const device = new VirtualSmmu({
      backend: new TestViommuBackend(modules, quiet),
      idRegisters: { ...GUEST_ID_REGISTERS, idr0: GUEST_ID_REGISTERS.idr0 & ~0x2000 },
    });
    device.attach(quiet);
    device.reset();
    const registers = new DeviceBus(device);
    const view = new DataView(quiet.guestMemory.buffer, quiet.ramOffset);
    sync(IRQ, { address: WORD, data: 7 }).forEach((word, i) => {
      view.setUint32(0x2000 + 4 * i, word, true);
    });
    registers.write64(0x90, BigInt(RING + 3));
    registers.write32(0x20, 8);
    registers.write32(0x98, 1);
    expect([registers.read32(0x9c), view.getUint32(WORD - 0x80000000, true)]).toEqual([1, 0]);
    for (const offset of [0x68, 0x70, 0x74, 0xb0, 0xb8, 0xbc]) {
      registers.write32(offset, 0xffffffff);
      expect(registers.read32(offset)).toBe(0);
    }
  });
});

describe('MSIs of the event queue and of GERROR', () => {
  const EVENT_WORD = 0x80050100;
  const ERROR_WORD = 0x80050200;
  const word = (address: number) => Number(memory.load64(address) & 0xffffffffn);

  /** IRQ_CFG0 to 2 of the event queue and of GERROR, data 0x21 and 0x22. */
  function configure(events: number, errors: number): void {
    bus.write64(0xb0, BigInt(events));
    bus.write32(0xb8, 0x21);
    bus.write32(0xbc, 0x1);
    bus.write64(0x68, BigInt(errors));
    bus.write32(0x70, 0x22);
  }

  /** A transaction of a stream whose STE is not valid: C_BAD_STE. */
  function fault(): void {
    backend.dma(8, 0x10000);
    backend.forwardEvents();
  }

  it('are written when the queue is no longer empty, and when an error becomes active', () => {
    configure(EVENT_WORD, ERROR_WORD);
    enable();
    fault();
    expect([word(EVENT_WORD), word(ERROR_WORD), host.pulses(0)]).toEqual([0x21, 0, 1]);
    memory.store64(EVENT_WORD, 0n);
    // Not empty any more: no new interrupt.
    fault();
    expect([word(EVENT_WORD), host.pulses(0)]).toEqual([0, 1]);
    issue(new Uint32Array([0xff, 0, 0, 0]));
    expect([word(ERROR_WORD), bus.read32(GERROR)]).toEqual([0x22, 1]);
  });

  it('are lost while IRQ_CTRL has them disabled', () => {
    configure(EVENT_WORD, ERROR_WORD);
    enable();
    bus.write32(0x50, 0);
    fault();
    issue(new Uint32Array([0xff, 0, 0, 0]));
    bus.write32(0x50, 5);
    expect([word(EVENT_WORD), word(ERROR_WORD), host.pulses(0), host.pulses(1)]).toEqual([
      0, 0, 0, 0,
    ]);
  });

  it('that are aborted make their error active, which GERROR’s own MSI announces', () => {
    configure(0x7000_0000, ERROR_WORD);
    enable();
    fault();
    expect([bus.read32(GERROR), word(ERROR_WORD), bus.read32(0x100a8)]).toEqual([0x20, 0x22, 1]);
  });

  it('an aborted MSI of GERROR is MSI_GERROR_ABT_ERR, without another try', () => {
    configure(0x7000_0000, 0x7000_0000);
    enable();
    fault();
    // The line was pulsed for MSI_EVENTQ_ABT_ERR, but not for MSI_GERROR_ABT_ERR.
    expect([bus.read32(GERROR), host.pulses(GERROR_LINE)]).toEqual([0xa0, 1]);
    bus.write32(GERRORN, 0xa0);
    expect(bus.read32(GERROR) ^ bus.read32(GERRORN)).toBe(0);
  });

  it('registers do not change while their interrupt is enabled', () => {
    configure(EVENT_WORD, ERROR_WORD);
    enable();
    configure(0x80050300, 0x80050400);
    bus.write32(0xb8, 5);
    expect([bus.read32(0xb0), bus.read32(0xb8), bus.read32(0x68), bus.read32(0x70)]).toEqual([
      EVENT_WORD,
      0x21,
      ERROR_WORD,
      0x22,
    ]);
  });
});

describe('the physical SMMU', () => {
  it('writes the MSIs of its queues to host RAM, and reports those that go nowhere', () => {
    const platform = new FakeHost({ ramGpa: 0, ramSize: 0x100000 });
    const hostMemory = createHostMemory({ ramSize: 0x100000 });
    const unit = new Unit({ modules, hostMemory, thread: 0 });
    const ram = new HostRam(hostMemory);
    const device = new PhysicalSmmu({ unit, smmuIndex: 0 });
    device.attach(platform);
    device.reset();
    const registers = new DeviceBus(device);
    registers.write64(0x90, 0x4003n);
    registers.write32(0x20, 8);
    writeCommand(ram, 0x4000, 0, sync(IRQ, { address: 0x5004, data: 0x77 }));
    writeCommand(ram, 0x4000, 1, sync(IRQ, { address: 0x10_0000, data: 0x77 }));
    registers.write32(0x98, 1);
    expect([ram.load64(0x5000), registers.read32(0x9c), registers.read32(GERROR)]).toEqual([
      0x77_0000_0000n,
      1,
      0,
    ]);
    // The device's host sends the MSIs that the drain cannot write; here nothing receives
    // them.
    for (let i = 0; i < 16; i += 8) platform.memory.store64(0x4010 + i, ram.load64(0x4010 + i));
    registers.write32(0x98, 2);
    expect([registers.read32(0x9c), registers.read32(GERROR)]).toEqual([2, 0x10]);
  });
});
