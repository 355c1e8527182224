import { describe, expect, it } from 'vitest';
import { GuestExit } from '../../../../vmm/vcpu/wasm/index.ts';
import { consoleFunctions } from '../../../../vmm/vcpu/wasm/wasi-console.ts';

const EFAULT = 21;
const PAGES = 1;

function setUp(input = '', maximum = PAGES) {
  const memory = new WebAssembly.Memory({ initial: PAGES, maximum, shared: true });
  const view = new DataView(memory.buffer);
  const output: [string, string][] = [];
  let rest = new TextEncoder().encode(input);
  const fallbackCalls: number[] = [];
  const fallback = (fd: number) => {
    fallbackCalls.push(fd);
    return 8;
  };
  const functions = consoleFunctions(
    memory,
    {
      args: [],
      env: {},
      onOutput: (stream, bytes) => output.push([stream, new TextDecoder().decode(bytes)]),
      readInput: (most) => {
        const taken = rest.slice(0, most);
        rest = rest.slice(most);
        return taken;
      },
      random: (target) => crypto.getRandomValues(target),
      nowNs: () => 5_000_000_000.75,
    },
    { fd_write: fallback, fd_read: fallback },
  );
  const put = (at: number, text: string) =>
    new Uint8Array(memory.buffer).set(new TextEncoder().encode(text), at);
  const iovec = (at: number, start: number, length: number) => {
    view.setUint32(at, start, true);
    view.setUint32(at + 4, length, true);
  };
  return {
    functions,
    memory,
    view,
    output,
    fallbackCalls,
    put,
    iovec,
    text: (at: number, length: number) =>
      new TextDecoder().decode(new Uint8Array(memory.buffer).slice(at, at + length)),
  };
}

describe('console functions of WASI', () => {
  it('stream output as it is written', () => {
    const { functions, view, output, put, iovec } = setUp();
    put(100, 'hello world');
    iovec(0, 100, 6);
    iovec(8, 106, 5);
    expect(functions.fd_write(1, 0, 2, 200)).toBe(0);
    expect(view.getUint32(200, true)).toBe(11);
    expect(functions.fd_write(2, 8, 1, 200)).toBe(0);
    expect(output).toEqual([
      ['stdout', 'hello '],
      ['stdout', 'world'],
      ['stderr', 'world'],
    ]);
  });

  it('write from memory that has grown, and to it', () => {
    const { functions, memory, output, put, text } = setUp('input', 3);
    memory.grow(1);
    const start = PAGES * 65536;
    put(start + 100, 'grown');
    const grown = new DataView(memory.buffer);
    grown.setUint32(start, start + 100, true);
    grown.setUint32(start + 4, 5, true);
    expect(functions.fd_write(1, start, 1, start + 200)).toBe(0);
    expect([output, grown.getUint32(start + 200, true)]).toEqual([[['stdout', 'grown']], 5]);
    memory.grow(1);
    expect(functions.fd_read(0, start, 1, 3 * 65536 - 4)).toBe(0);
    expect(text(start + 100, 5)).toBe('input');
    expect(functions.fd_read(0, start, 1, 3 * 65536 - 3)).toBe(EFAULT);
  });

  it('leave other descriptors to the library', () => {
    const { functions, fallbackCalls } = setUp();
    expect(functions.fd_write(5, 0, 0, 0)).toBe(8);
    expect(functions.fd_read(6, 0, 0, 0)).toBe(8);
    expect(fallbackCalls).toEqual([5, 6]);
  });

  it('read what input there is, and nothing at its end', () => {
    const { functions, view, iovec, text } = setUp('abcde');
    iovec(0, 100, 3);
    iovec(8, 110, 8);
    expect(functions.fd_read(0, 0, 2, 200)).toBe(0);
    expect([view.getUint32(200, true), text(100, 3), text(110, 2)]).toEqual([5, 'abc', 'de']);
    expect(functions.fd_read(0, 0, 2, 200)).toBe(0);
    expect(view.getUint32(200, true)).toBe(0);
  });

  it('refuse addresses outside guest memory, whatever the sums come to', () => {
    const { functions, output, iovec } = setUp();
    const end = PAGES * 65536;
    iovec(0, end - 2, 3);
    iovec(8, 0xffffffff, 2);
    for (const iovs of [0, 8, end - 4, -1])
      expect(functions.fd_write(1, iovs, 1, 200)).toBe(EFAULT);
    iovec(0, 0, 1);
    expect(functions.fd_write(1, 0, 0x7fffffff, 200)).toBe(EFAULT);
    expect(functions.fd_write(1, 0, -1, 200)).toBe(EFAULT);
    expect(functions.fd_write(1, 0, 1, end - 3)).toBe(EFAULT);
    expect(functions.random_get(end - 1, 2)).toBe(EFAULT);
    expect(functions.random_get(0, -1)).toBe(EFAULT);
    expect(functions.clock_time_get(1, 0n, end - 7)).toBe(EFAULT);
    expect(functions.poll_oneoff(0, end - 31, 1, 200)).toBe(EFAULT);
    expect(functions.poll_oneoff(0, 0, -1, 200)).toBe(EFAULT);
    expect(output).toEqual([]);
  });

  it('tell the time of the machine, and do not sleep', () => {
    const { functions, view } = setUp();
    expect(functions.clock_time_get(1, 0n, 80)).toBe(0);
    expect(view.getBigUint64(80, true)).toBe(5_000_000_000n);
    view.setBigUint64(1000, 77n, true);
    view.setBigUint64(1000 + 24, 3_600_000_000_000n, true);
    expect(functions.poll_oneoff(1000, 2000, 1, 200)).toBe(0);
    expect([
      view.getUint32(200, true),
      view.getBigUint64(2000, true),
      view.getUint16(2008, true),
    ]).toEqual([1, 77n, 0]);
    expect(functions.poll_oneoff(1000, 2000, 0, 200)).toBe(28);
  });

  it('fill buffers larger than the source of random numbers gives at once', () => {
    const { functions, view } = setUp();
    expect(functions.random_get(0, 65536)).toBe(0);
    const zeros = Array.from({ length: 8192 }, (_, i) => view.getBigUint64(8 * i, true)).filter(
      (word) => word === 0n,
    );
    expect(zeros.length).toBeLessThan(3);
  });

  it('end the guest with its code', () => {
    const { functions } = setUp();
    expect(() => functions.proc_exit(7)).toThrow(GuestExit);
    expect(() => functions.proc_exit(7)).toThrow(expect.objectContaining({ code: 7 }));
  });
});
