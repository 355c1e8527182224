// SPDX-License-Identifier: MIT
// WASI for a console program: streams, arguments, clocks, random numbers. None of it uses
// a library, and every call is bounded.

import { describe, expect, it, vi } from 'vitest';
import { GuestExit } from '../../../../../vmm/vcpu/wasm/index.ts';
import { wasiOf } from '../../../../support/wasi.ts';

vi.mock('@wasmer/wasi', () => {
  throw new Error('a console program needs no library');
});

const SUCCESS = 0;
const EBADF = 8;
const EFAULT = 21;
const EINVAL = 28;
const ENOSYS = 52;
const ENOTSUP = 58;
const ESPIPE = 70;
const MIB = 2 ** 20;
/** Maximum number of bytes per call. */
const MOST = 2 ** 16;

const NAMES = [
  ...['args_get', 'args_sizes_get', 'environ_get', 'environ_sizes_get', 'clock_res_get'],
  ...['clock_time_get', 'fd_close', 'fd_fdstat_get', 'fd_filestat_get', 'fd_read', 'fd_renumber'],
  ...['fd_seek', 'fd_tell', 'fd_write', 'poll_oneoff', 'proc_exit', 'random_get', 'sched_yield'],
  ...['proc_raise', 'fd_advise', 'sock_accept', 'sock_recv', 'sock_send', 'sock_shutdown'],
];

function setUp(input = '', options: Parameters<typeof wasiOf>[1] = {}) {
  let rest = new TextEncoder().encode(input);
  return wasiOf(NAMES, {
    readInput: (most) => {
      const taken = rest.slice(0, most);
      rest = rest.slice(most);
      return taken;
    },
    ...options,
  });
}

describe('console functions of WASI', () => {
  it('stream output as it is written', async () => {
    const { functions, view, output, put, iovec } = await setUp();
    put(100, 'hello world');
    iovec(0, 100, 6);
    iovec(8, 106, 5);
    expect(functions.fd_write?.(1, 0, 2, 200)).toBe(SUCCESS);
    expect(view.getUint32(200, true)).toBe(11);
    expect(functions.fd_write?.(2, 8, 1, 200)).toBe(SUCCESS);
    expect(output).toEqual([
      ['stdout', 'hello world'],
      ['stderr', 'world'],
    ]);
  });

  it('write from memory that has grown, and to it', async () => {
    const { functions, memory, output, put, text } = await setUp('input', { maximum: 3 });
    memory.grow(1);
    const start = 65536;
    put(start + 100, 'grown');
    const grown = new DataView(memory.buffer);
    grown.setUint32(start, start + 100, true);
    grown.setUint32(start + 4, 5, true);
    expect(functions.fd_write?.(1, start, 1, start + 200)).toBe(SUCCESS);
    expect([output, grown.getUint32(start + 200, true)]).toEqual([[['stdout', 'grown']], 5]);
    memory.grow(1);
    expect(functions.fd_read?.(0, start, 1, 3 * 65536 - 4)).toBe(SUCCESS);
    expect(text(start + 100, 5)).toBe('input');
    expect(functions.fd_read?.(0, start, 1, 3 * 65536 - 3)).toBe(EFAULT);
  });

  it('have no other descriptors, and close their own', async () => {
    const { functions, output } = await setUp();
    for (const fd of [3, 5, -1, 0x7fffffff]) {
      expect(functions.fd_write?.(fd, 0, 0, 0)).toBe(EBADF);
      expect(functions.fd_fdstat_get?.(fd, 0)).toBe(EBADF);
      expect(functions.fd_close?.(fd)).toBe(EBADF);
    }
    expect([functions.fd_write?.(0, 0, 0, 0), functions.fd_read?.(1, 0, 0, 0)]).toEqual([
      EBADF,
      EBADF,
    ]);
    expect([functions.fd_close?.(1), functions.fd_close?.(1)]).toEqual([SUCCESS, EBADF]);
    expect(functions.fd_write?.(1, 0, 0, 0)).toBe(EBADF);
    expect(functions.fd_write?.(2, 0, 0, 0)).toBe(SUCCESS);
    expect(output).toEqual([]);
  });

  it('are streams: character devices without a place in them', async () => {
    const { functions, view } = await setUp();
    expect(functions.fd_fdstat_get?.(1, 64)).toBe(SUCCESS);
    expect([view.getUint8(64), view.getBigUint64(72, true)]).toEqual([2, (1n << 6n) | (1n << 27n)]);
    expect(functions.fd_filestat_get?.(0, 128)).toBe(SUCCESS);
    expect([view.getUint8(144), view.getBigUint64(160, true)]).toEqual([2, 0n]);
    expect([functions.fd_seek?.(1, 0n, 0, 64), functions.fd_tell?.(1, 64)]).toEqual([
      ESPIPE,
      ESPIPE,
    ]);
    expect(functions.fd_renumber?.(1, 2)).toBe(ENOTSUP);
  });

  it('read the available input, and nothing at its end', async () => {
    const { functions, view, iovec, text } = await setUp('abcde');
    iovec(0, 100, 3);
    iovec(8, 110, 8);
    expect(functions.fd_read?.(0, 0, 2, 200)).toBe(SUCCESS);
    expect([view.getUint32(200, true), text(100, 3), text(110, 2)]).toEqual([5, 'abc', 'de']);
    expect(functions.fd_read?.(0, 0, 2, 200)).toBe(SUCCESS);
    expect(view.getUint32(200, true)).toBe(0);
  });

  it('refuse addresses outside guest memory, even if sums overflow', async () => {
    const { functions, output, iovec } = await setUp('', { args: ['a'], env: { B: 'c' } });
    const end = 65536;
    iovec(0, end - 2, 3);
    iovec(8, 0xffffffff, 2);
    for (const iovs of [0, 8, end - 4, -1])
      expect(functions.fd_write?.(1, iovs, 1, 200)).toBe(EFAULT);
    iovec(0, 0, 1);
    for (const count of [0x7fffffff, -1])
      expect(functions.fd_write?.(1, 0, count, 200)).toBe(EFAULT);
    const calls: [string, ...(number | bigint)[]][] = [
      ['fd_write', 1, 0, 1, end - 3],
      ['random_get', end - 1, 2],
      ['random_get', 0, -1],
      ['clock_time_get', 1, 0n, end - 7],
      ['clock_res_get', 1, end - 7],
      ['poll_oneoff', 0, end - 31, 1, 200],
      ['poll_oneoff', 0, 0, -1, 200],
      ['fd_fdstat_get', 1, end - 23],
      ['fd_filestat_get', 1, end - 63],
      ['args_sizes_get', end - 3, 0],
      ['args_sizes_get', 0, end - 3],
      ['args_get', end - 3, 0],
      ['args_get', 0, end - 1],
      ['environ_get', 0, end - 3],
    ];
    for (const [name, ...args] of calls)
      expect(functions[name]?.(...args), `${name} ${args}`).toBe(EFAULT);
    expect(output).toEqual([]);
  });

  it('return arguments and environment as a program expects them', async () => {
    const { functions, view, text } = await setUp('', {
      args: ['prog', 'größe'],
      env: { LANG: 'C', EMPTY: '' },
    });
    expect(functions.args_sizes_get?.(0, 4)).toBe(SUCCESS);
    expect([view.getUint32(0, true), view.getUint32(4, true)]).toEqual([2, 13]);
    expect(functions.args_get?.(16, 100)).toBe(SUCCESS);
    expect([view.getUint32(16, true), view.getUint32(20, true), text(100, 13)]).toEqual([
      100,
      105,
      'prog\0größe\0',
    ]);
    expect(functions.environ_sizes_get?.(0, 4)).toBe(SUCCESS);
    expect(functions.environ_get?.(16, 200)).toBe(SUCCESS);
    expect([view.getUint32(0, true), text(200, view.getUint32(4, true))]).toEqual([
      2,
      'LANG=C\0EMPTY=\0',
    ]);
  });

  it('return the time of the machine, and do not sleep', async () => {
    const { functions, view } = await setUp();
    expect(functions.clock_time_get?.(1, 0n, 80)).toBe(SUCCESS);
    expect(view.getBigUint64(80, true)).toBe(5_000_000_000n);
    expect(functions.clock_res_get?.(0, 80)).toBe(SUCCESS);
    expect(view.getBigUint64(80, true)).toBe(1_000_000n);
    // A clock, an unknown clock, input, and a file that is not open.
    const wanted = [
      { tag: 0, about: 1 },
      { tag: 0, about: 2 },
      { tag: 1, about: 0 },
      { tag: 2, about: 9 },
    ];
    for (const [i, { tag, about }] of wanted.entries()) {
      view.setBigUint64(1000 + 48 * i, 77n + BigInt(i), true);
      view.setUint8(1000 + 48 * i + 8, tag);
      view.setUint32(1000 + 48 * i + 16, about, true);
      view.setBigUint64(1000 + 48 * i + 24, 3_600_000_000_000n, true);
    }
    expect(functions.poll_oneoff?.(1000, 2000, 4, 200)).toBe(SUCCESS);
    expect(view.getUint32(200, true)).toBe(4);
    const events = wanted.map((_, i) => [
      view.getBigUint64(2000 + 32 * i, true),
      view.getUint16(2008 + 32 * i, true),
      view.getUint8(2010 + 32 * i),
    ]);
    expect(events).toEqual([
      [77n, SUCCESS, 0],
      [78n, ENOSYS, 0],
      [79n, SUCCESS, 1],
      [80n, EBADF, 2],
    ]);
    expect(functions.poll_oneoff?.(1000, 2000, 0, 200)).toBe(EINVAL);
  });

  it('name what is missing', async () => {
    const { functions } = await setUp();
    for (const id of [2, 3, 4, -1])
      expect([functions.clock_time_get?.(id, 0n, 80), functions.clock_res_get?.(id, 80)]).toEqual([
        ENOSYS,
        ENOSYS,
      ]);
    for (const name of ['proc_raise', 'fd_advise', 'sock_accept', 'sock_recv', 'sock_send'])
      expect(functions[name]?.(1, 0, 0, 0), name).toBe(ENOSYS);
    expect([functions.sock_shutdown?.(1, 0), functions.sched_yield?.()]).toEqual([ENOSYS, SUCCESS]);
  });

  it('fill buffers with random numbers', async () => {
    const { functions, view } = await setUp('', { pages: 2 });
    expect(functions.random_get?.(32, 65536)).toBe(SUCCESS);
    const words = Array.from({ length: 8192 }, (_, i) => view.getBigUint64(32 + 8 * i, true));
    expect(words.filter((word) => word === 0n).length).toBeLessThan(3);
    expect([view.getBigUint64(24, true), view.getBigUint64(65568, true)]).toEqual([0n, 0n]);
  });

  it('end the guest with its code', async () => {
    const { functions } = await setUp();
    expect(() => functions.proc_exit?.(7)).toThrow(GuestExit);
    expect(() => functions.proc_exit?.(7)).toThrow(expect.objectContaining({ code: 7 }));
  });
});

describe('a call of WASI is bounded', () => {
  /** 64 pages: 4 MiB. */
  const large = (input = '') => setUp(input, { pages: 64 });

  it('in buffers: the first 512 of a vector are written, in one piece', async () => {
    const { functions, view, output, iovec } = await large();
    const count = 100_000;
    for (let i = 0; i < count; i++) iovec(MIB + 8 * i, i, 1);
    expect(functions.fd_write?.(1, MIB, count, 3 * MIB)).toBe(SUCCESS);
    expect([view.getUint32(3 * MIB, true), output.length, output[0]?.[1].length]).toEqual([
      512, 1, 512,
    ]);
  });

  it('in bytes: 64 KiB are written or read, the rest is left', async () => {
    const { functions, view, output, iovec } = await large('x'.repeat(2 * MOST));
    iovec(0, 64, MOST - 10);
    iovec(8, 64, 3 * MOST);
    iovec(16, 64, 3 * MIB);
    expect(functions.fd_write?.(1, 0, 3, 32)).toBe(SUCCESS);
    expect([view.getUint32(32, true), output[0]?.[1].length]).toEqual([MOST, MOST]);
    expect(functions.fd_read?.(0, 8, 1, 32)).toBe(SUCCESS);
    expect(view.getUint32(32, true)).toBe(MOST);
    expect(view.getUint8(64 + MOST - 1)).toBe(120);
    expect(view.getUint8(64 + MOST)).toBe(0);
  });

  it('in subscriptions: 512 are answered', async () => {
    const { functions, view } = await large();
    expect(functions.poll_oneoff?.(0, 2 * MIB, 20_000, 4)).toBe(SUCCESS);
    expect(view.getUint32(4, true)).toBe(512);
  });

  it('in random bytes: more than 64 KiB is refused', async () => {
    const { functions } = await large();
    expect(functions.random_get?.(0, MOST)).toBe(SUCCESS);
    expect(functions.random_get?.(0, MOST + 1)).toBe(EINVAL);
  });
});
