// SPDX-License-Identifier: MIT
// Registers that vCPUs on threads of their own access without an exit: no posted write is
// lost, duplicated or late, and an access that cannot be posted takes an exit.

import { describe, expect, it } from 'vitest';
import {
  ARM64_MMIO_ADDRESS,
  ARM64_MMIO_SIZE,
  ARM64_VCPU_SIZE,
} from '../../../../assembly/layout/arm64-state.ts';
import {
  PL011_FR,
  PL011_FR_RXFE,
  PL011_IMSC,
  PL011_INT_TX,
  PL011_RIS,
} from '../../../../assembly/layout/pl011-registers.ts';
import type { Arm64Exports } from '../../../../assembly/load.ts';
import { Pl011 } from '../../../../devices/pl011/index.ts';
import { maskInWord } from '../../../../devices/plugin/index.ts';
import { postedConsole } from '../../../../vmm/boards/virt/posted-console.ts';
import { Arm64Block } from '../../../../vmm/vcpu/arm64/arm64-block.ts';
import type { Arm64Board } from '../../../../vmm/vcpu/arm64/arm64-board.ts';
import type { Arm64HostTime } from '../../../../vmm/vcpu/arm64/arm64-host-time.ts';
import { Arm64Parallel } from '../../../../vmm/vcpu/arm64/arm64-parallel.ts';
import { PostedClient, PostedServer } from '../../../../vmm/vcpu/arm64/posted-registers.ts';
import type { VcpuHost } from '../../../../vmm/vcpu/index.ts';

const DATA = 0x1000;
const FLAGS = 0x1018;
/** The size of the ring. */
const ENTRIES = 4096;

function vcpuOf(server: PostedServer) {
  const pages = ARM64_VCPU_SIZE / 0x10000 + 1;
  const memory = new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
  return { client: new PostedClient(server.memory), block: new Arm64Block(memory, 0) };
}

/** Both sides, and the block of a vCPU. */
function sides(value: () => number | undefined = () => 0x90) {
  const written: number[] = [];
  const registers = {
    writeAt: DATA,
    readAt: FLAGS,
    write: (one: number) => {
      written.push(one);
    },
  };
  const server = new PostedServer({ ...registers, value });
  const { client, block } = vcpuOf(server);
  const access = (address: number, isWrite: boolean, value = 0n, size = 4) => {
    block.setLong(ARM64_MMIO_ADDRESS, BigInt(address));
    block.setWord(ARM64_MMIO_SIZE, size);
    block.mmioValue = value;
    return client.access(block, isWrite);
  };
  return {
    server,
    written,
    post: (value: number) => access(DATA, true, BigInt(value)),
    /** The value that is read; undefined for an exit. */
    read: (size = 4) => (access(FLAGS, false, 0xeen, size) ? block.mmioValue : undefined),
    access,
  };
}

describe('posted registers', () => {
  it('are written in order, each write once, when the server polls', () => {
    const { server, written, post } = sides();
    server.serve();
    expect([post(0x161), post(0x62)]).toEqual([true, true]);
    expect(written).toEqual([]);
    server.serve();
    server.serve();
    expect(written).toEqual([0x61, 0x62]);
  });

  it('take exits while the ring is full, and are posted again after a poll, however often', () => {
    const { server, written, post } = sides();
    server.serve();
    for (let round = 0; round < 3; round++) {
      // The ring begins at another entry each time.
      for (let i = 0; i < ENTRIES; i++) expect(post(i + round)).toBe(true);
      expect(post(0)).toBe(false);
      server.serve();
      expect(written.splice(0)).toEqual(
        Array.from({ length: ENTRIES }, (_, i) => (i + round) & 0xff),
      );
      expect(post(7)).toBe(true);
      server.serve();
      expect(written.splice(0)).toEqual([7]);
    }
  });

  it('have an exit while another vCPU posts', () => {
    const { server, post } = sides();
    server.serve();
    const words = new Int32Array(server.memory.buffer);
    words[0] = 1;
    expect(post(1)).toBe(false);
    words[0] = 0;
    expect(post(1)).toBe(true);
  });

  it('are read as of the last poll, by the size of the access', () => {
    let value = 0x190;
    const { server, read } = sides(() => value);
    expect(read()).toBeUndefined();
    server.serve();
    expect([read(), read(2), read(1)]).toEqual([0x190n, 0x190n, 0x90n]);
    value = 0x80;
    expect(read()).toBe(0x190n);
    server.serve();
    expect(read()).toBe(0x80n);
  });

  it('have exits while they are closed, and where there is no value', () => {
    let value: number | undefined = 1;
    const { server, read, post } = sides(() => value);
    server.serve();
    server.close();
    expect([read(), post(1)]).toEqual([undefined, false]);
    value = undefined;
    server.serve();
    expect([read(), post(1)]).toEqual([undefined, false]);
    value = 1;
    server.serve();
    expect([read(), post(1)]).toEqual([1n, true]);
  });

  it('are two, for accesses of 32 bits at most', () => {
    const { server, access, written } = sides();
    server.serve();
    expect(access(DATA, false)).toBe(false);
    expect(access(FLAGS, true)).toBe(false);
    expect(access(DATA + 1, true)).toBe(false);
    expect(access(DATA, true, 1n, 8)).toBe(false);
    expect(access(FLAGS, false, 0n, 8)).toBe(false);
    server.serve();
    expect(written).toEqual([]);
  });

  it('lose nothing when a write makes the server poll again, as a vCPU posts more', () => {
    const written: number[] = [];
    const server: PostedServer = new PostedServer({
      writeAt: DATA,
      readAt: FLAGS,
      write: (one) => {
        if (written.length > 5) throw new Error('it goes on and on');
        written.push(one);
        if (one === 1) Atomics.store(words, 1, 4);
        server.serve();
      },
      value: () => 0,
    });
    const words = new Int32Array(server.memory.buffer);
    server.serve();
    words.set([1, 2, 3, 4], 4);
    words[1] = 3;
    server.serve();
    expect(written).toEqual([1, 2, 3, 4]);
  });

  it('are empty, and can be posted again, after a reset', () => {
    const { server, written, post, read } = sides();
    server.serve();
    post(1);
    // The thread of a vCPU was terminated while it posted.
    new Int32Array(server.memory.buffer)[0] = 1;
    server.reset();
    expect(read()).toBeUndefined();
    server.serve();
    expect(written).toEqual([]);
    expect(post(2)).toBe(true);
    server.serve();
    expect(written).toEqual([2]);
  });
});

describe('a call of a vCPU to the thread of its machine', () => {
  it('is executed after all posted writes', () => {
    const order: string[] = [];
    const tell = (what: string) => {
      order.push(what);
    };
    const posted = new PostedServer({
      writeAt: DATA,
      readAt: FLAGS,
      write: (one) => tell(`write ${one}`),
      value: () => 0,
    });
    posted.serve();
    const { block, client } = vcpuOf(posted);
    const post = (value: bigint) => {
      block.setLong(ARM64_MMIO_ADDRESS, BigInt(DATA));
      block.setWord(ARM64_MMIO_SIZE, 4);
      block.mmioValue = value;
      return client.access(block, true);
    };
    const bus = {
      isMapped: () => true,
      read: () => {
        tell('read');
        return 0;
      },
      high: 0,
    };
    const gate = { enter: () => undefined, leave: () => undefined, threw: () => undefined };
    const board = {
      interrupts: {},
      hypercall: () => {
        tell('hypercall');
        return { what: 'return', x0: 0n };
      },
    };
    // The effects of a call on them.
    const { mmio, hypercall } = new Arm64Parallel({
      blocks: [block],
      host: { bus, gate } as unknown as VcpuHost,
      board: board as unknown as Arm64Board,
      exports: {} as unknown as Arm64Exports,
      time: {} as unknown as Arm64HostTime,
      posted,
      affinityOf: () => 0,
      forgetCode: () => undefined,
    }).callsOf(0);
    expect([post(1n), post(2n)]).toEqual([true, true]);
    mmio(0);
    post(3n);
    hypercall();
    expect(order).toEqual(['write 1', 'write 2', 'read', 'write 3', 'hypercall']);
  });
});

describe('the console of the board', () => {
  const UART = 0x900_0000;

  it('is its UART: bytes go out, flags are UARTFR', () => {
    const printed: number[] = [];
    const uart = new Pl011({ onOutput: (bytes) => printed.push(...bytes) });
    const console = postedConsole(uart, UART);
    expect([console.writeAt, console.readAt]).toEqual([UART, UART + PL011_FR]);
    console.write(0x41);
    expect(printed).toEqual([0x41]);
    const empty = maskInWord(PL011_FR_RXFE);
    expect((console.value() ?? 0) & empty).toBe(empty);
    uart.receive(Uint8Array.of(1));
    expect((console.value() ?? empty) & empty).toBe(0);
    // The byte is still there.
    expect((console.value() ?? empty) & empty).toBe(0);
  });

  it('has exits while somebody waits for interrupts of transmission', () => {
    const uart = new Pl011({ onOutput: () => undefined });
    const console = postedConsole(uart, UART);
    const access = { region: 0, offset: PL011_IMSC, size: 4, vcpu: 0, hi: 0 } as const;
    uart.write({ ...access, lo: maskInWord(PL011_INT_TX) });
    expect(console.value()).toBeUndefined();
    uart.write({ ...access, lo: 0 });
    expect(console.value()).toBeDefined();
    console.write(1);
    const status = { ...access, offset: PL011_RIS, lo: 0 };
    uart.read(status);
    expect(status.lo & maskInWord(PL011_INT_TX)).not.toBe(0);
  });
});
