// SPDX-License-Identifier: MIT

import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import {
  cfgiAll,
  contextDescriptor,
  PageTable,
  S1_READ_WRITE,
  stage1Ste,
  sync,
  tlbiNhVa,
  writeCd,
  writeCommand,
  writeSte,
} from '../../devices/tables/index.ts';
import { TickerDevice } from '../../docs/examples/ticker-device.ts';
import { checkedModules } from '../support/findings.ts';
import { DOORBELL, SecondHost } from './second-host.ts';

const modules = await checkedModules();

// Addresses of the devices on the host, and the registers as known to the guest's driver.
const SMMU = 0x10000000;
const CMDQV = 0x11000000;
const LVCMDQ = CMDQV + 0x30000;
const STREAM = 3;
const ASID = 5;
const IOVA = 0x40000000;
const PAGES = 8;

/**
 * The guest: enables the SMMU and VINTF 0, maps a buffer for its device, unmaps it and
 * invalidates it in one batch.
 */
class Guest {
  readonly #host: SecondHost;
  readonly #table: PageTable;
  readonly #ring: number;
  #prod = 0;

  constructor(host: SecondHost) {
    this.#host = host;
    this.#table = new PageTable(host, { stage: 1 });
    this.#ring = host.allocate(16 << 6, 16 << 6);
  }

  bootSmmu(): void {
    const host = this.#host;
    const cd = host.allocate(64, 64);
    const streams = host.allocate(64 << 4, 64 << 4);
    const commands = host.allocate(16 << 4, 16 << 4);
    writeCd(
      host,
      cd,
      0,
      contextDescriptor({ asid: ASID, lower: { ttb: this.#table.root, inputBits: 48 } }),
    );
    writeSte(host, streams, STREAM, stage1Ste({ contextPtr: cd }));
    this.#table.map(IOVA, 0x100000, PAGES * 0x1000, S1_READ_WRITE);
    host.write64(SMMU + 0x080, BigInt(streams));
    host.write32(SMMU + 0x088, 4);
    host.write64(SMMU + 0x090, BigInt(commands | 4));
    host.write32(SMMU + 0x020, 0x8);
    writeCommand(host, commands, 0, cfgiAll());
    writeCommand(host, commands, 1, sync());
    host.write32(SMMU + 0x098, 2);
    expect(host.read32(SMMU + 0x09c)).toBe(2);
    host.write32(SMMU + 0x020, 0x9);
    expect(host.read32(SMMU + 0x024)).toBe(0x9);
  }

  bootCmdqv(): void {
    const host = this.#host;
    expect(host.read32(CMDQV + 0x0004)).toBe(0x4011);
    host.write32(CMDQV + 0x1000, (1 << 17) | 1);
    expect(host.read32(CMDQV + 0x1000) >>> 17).toBe(1);
    host.write32(CMDQV + 0x0200, 1);
    host.write64(LVCMDQ + 0x10000, BigInt(this.#ring | 6));
    host.write32(LVCMDQ + 0x08, 1);
    expect(host.read32(LVCMDQ + 0x0c)).toBe(1);
  }

  unmap(): void {
    this.#table.unmap(IOVA, PAGES * 0x1000);
  }

  invalidate(): void {
    for (let page = 0; page < PAGES; page++)
      this.#put(tlbiNhVa(0, ASID, { address: IOVA + page * 0x1000 }));
    this.#put(sync());
    this.#host.write32(LVCMDQ + 0x04, this.#prod);
  }

  #put(command: Uint32Array): void {
    writeCommand(this.#host, this.#ring, this.#prod++, command);
  }

  /** Like Linux: replaces the command by a CMD_SYNC, then sets GERRORN := GERROR. */
  skipBadCommand(): void {
    writeCommand(this.#host, this.#ring, this.#host.read32(LVCMDQ + 0x00) & 0x3f, sync());
    this.#host.write32(LVCMDQ + 0x14, this.#host.read32(LVCMDQ + 0x10));
  }

  submit(command: Uint32Array): void {
    this.#put(command);
    this.#host.write32(LVCMDQ + 0x04, this.#prod);
  }
}

function booted(): { host: SecondHost; guest: Guest } {
  const host = new SecondHost(modules);
  const guest = new Guest(host);
  guest.bootSmmu();
  guest.bootCmdqv();
  return { host, guest };
}

describe('a host that is not the VMM', () => {
  it('uses only the device package', () => {
    const source = readFileSync(new URL('./second-host.ts', import.meta.url), 'utf8');
    const imports = [...source.matchAll(/from '([^']*)'/g)].map(([, path]) => path ?? '');
    expect(imports.length).toBeGreaterThan(0);
    for (const path of imports) expect(path).toMatch(/^\.\.\/\.\.\/(devices\/|assembly\/load\.ts)/);
  });

  it('assigns its guest an SMMU and a CMDQV whose VCMDQ drains a batch of TLBI and CMD_SYNC', () => {
    const { host, guest } = booted();
    const reached = () =>
      Array.from({ length: PAGES }, (_, page) => host.reaches(STREAM, IOVA + page * 0x1000));
    expect(reached()).toEqual(Array(PAGES).fill(true));
    guest.unmap();
    expect(reached()).toEqual(Array(PAGES).fill(true));
    guest.invalidate();
    expect(host.read32(LVCMDQ + 0x00)).toBe(PAGES + 1);
    expect(reached()).toEqual(Array(PAGES).fill(false));
    expect(host.interrupts).toEqual([]);
  });

  it('delivers the interrupt of a bad command, and the guest continues after it', () => {
    const { host, guest } = booted();
    guest.submit(Uint32Array.of(0xff, 0, 0, 0));
    host.idle();
    expect(host.interrupts).toEqual(['cmdqv 0']);
    expect([host.read32(CMDQV + 0x0014), host.read32(LVCMDQ + 0x00)]).toEqual([1, 0x01000000]);
    guest.skipBadCommand();
    expect([host.read32(CMDQV + 0x0014), host.read32(LVCMDQ + 0x00)]).toEqual([0, 1]);
  });

  it('hosts a device with a timer, MSIs and narrow registers', () => {
    const TICKER = 0x12000000;
    const host = new SecondHost(modules);
    host.plug(new TickerDevice(), TICKER);
    host.write8(TICKER + 4, 0x21);
    host.write64(TICKER + 8, BigInt(DOORBELL));
    host.write32(TICKER, 0x201);
    expect([0, 1, 2, 3].map((byte) => host.read8(TICKER + byte))).toEqual([1, 2, 0, 0]);
    host.now = 513_000 - 1;
    host.idle();
    expect(host.msis).toEqual([]);
    host.now++;
    host.idle();
    host.idle();
    expect([host.msis, host.read32(TICKER + 0x10)]).toEqual([['ticker 0x8020040 0x21'], 1]);
    host.write32(TICKER, 0);
    host.now *= 10;
    host.idle();
    expect(host.read32(TICKER + 0x10)).toBe(1);
  });
});
