// The WASI functions that a machine serves itself, whatever library serves the rest: console output as it is written, input that never
// blocks, sleeping, exit codes, the machine's clock, and random numbers. (The library that is used otherwise buffers output until the
// guest has ended, traps in poll_oneoff, and hides exit codes.)

import { GuestExit } from './guest-errors.ts';
import type { WasiOptions } from './wasi-host.ts';

// errno values of wasi_snapshot_preview1.
const SUCCESS = 0;
const EFAULT = 21;
const EINVAL = 28;

const STDIN = 0;
const STDOUT = 1;
const STDERR = 2;
const CLOCK_REALTIME = 0;
const IOVEC_SIZE = 8;
const SUBSCRIPTION_SIZE = 48;
const SUBSCRIPTION_TAG = 8;
const EVENT_SIZE = 32;
const EVENT_TYPE = 10;
/** getRandomValues takes no more at once. */
const RANDOM_CHUNK = 65536;

type FdTransfer = (fd: number, iovs: number, count: number, done: number) => number;

export interface ConsoleFunctions {
  readonly fd_write: FdTransfer;
  readonly fd_read: FdTransfer;
  readonly poll_oneoff: (
    subscriptions: number,
    events: number,
    count: number,
    stored: number,
  ) => number;
  readonly proc_exit: (code: number) => never;
  readonly clock_time_get: (id: number, precision: bigint, time: number) => number;
  readonly random_get: (buffer: number, length: number) => number;
}

/** `fallback` serves the file descriptors that are not the console. */
export function consoleFunctions(
  memory: WebAssembly.Memory,
  options: WasiOptions,
  fallback: { readonly fd_write: FdTransfer; readonly fd_read: FdTransfer },
): ConsoleFunctions {
  let bytes = new Uint8Array(memory.buffer);
  let view = new DataView(memory.buffer);
  const inside = (address: number, length: number) => {
    // The memory of a command may have grown.
    if (memory.buffer !== bytes.buffer) {
      bytes = new Uint8Array(memory.buffer);
      view = new DataView(memory.buffer);
    }
    return length <= bytes.length && address >>> 0 <= bytes.length - length;
  };

  /** Start and length of each buffer of a vector; undefined when anything of it lies outside guest memory. */
  function buffers(iovs: number, count: number): { start: number; length: number }[] | undefined {
    if (!inside(iovs, (count >>> 0) * IOVEC_SIZE)) return undefined;
    const found = Array.from({ length: count >>> 0 }, (_, i) => {
      const at = (iovs >>> 0) + i * IOVEC_SIZE;
      return { start: view.getUint32(at, true), length: view.getUint32(at + 4, true) };
    });
    return found.every(({ start, length }) => inside(start, length)) ? found : undefined;
  }

  return {
    fd_write(fd, iovs, count, written) {
      if (fd !== STDOUT && fd !== STDERR) return fallback.fd_write(fd, iovs, count, written);
      const parts = inside(written, 4) ? buffers(iovs, count) : undefined;
      if (!parts) return EFAULT;
      // A copy: the guest may go on writing, and decoders refuse shared memory.
      for (const { start, length } of parts)
        options.onOutput(fd === STDOUT ? 'stdout' : 'stderr', bytes.slice(start, start + length));
      view.setUint32(
        written >>> 0,
        parts.reduce((sum, { length }) => sum + length, 0),
        true,
      );
      return SUCCESS;
    },

    fd_read(fd, iovs, count, read) {
      if (fd !== STDIN) return fallback.fd_read(fd, iovs, count, read);
      const parts = inside(read, 4) ? buffers(iovs, count) : undefined;
      if (!parts) return EFAULT;
      let total = 0;
      for (const { start, length } of parts) {
        const input = options.readInput(length).subarray(0, length);
        bytes.set(input, start);
        total += input.length;
        if (input.length < length) break;
      }
      view.setUint32(read >>> 0, total, true);
      return SUCCESS;
    },

    /** Every subscription is ready at once: an inline guest cannot sleep without stopping its host. */
    poll_oneoff(subscriptions, events, count, stored) {
      if (count === 0) return EINVAL;
      const fits =
        inside(subscriptions, (count >>> 0) * SUBSCRIPTION_SIZE) &&
        inside(events, (count >>> 0) * EVENT_SIZE) &&
        inside(stored, 4);
      if (!fits) return EFAULT;
      for (let i = 0; i < count >>> 0; i++) {
        const subscription = (subscriptions >>> 0) + i * SUBSCRIPTION_SIZE;
        const event = (events >>> 0) + i * EVENT_SIZE;
        const userData = view.getBigUint64(subscription, true);
        const type = view.getUint8(subscription + SUBSCRIPTION_TAG);
        bytes.fill(0, event, event + EVENT_SIZE);
        view.setBigUint64(event, userData, true);
        view.setUint8(event + EVENT_TYPE, type);
      }
      view.setUint32(stored >>> 0, count >>> 0, true);
      return SUCCESS;
    },

    proc_exit(code) {
      throw new GuestExit(code);
    },

    clock_time_get(id, _precision, time) {
      if (!inside(time, 8)) return EFAULT;
      const ns =
        id === CLOCK_REALTIME
          ? BigInt(Date.now()) * 1_000_000n
          : BigInt(Math.trunc(options.nowNs()));
      view.setBigUint64(time >>> 0, ns, true);
      return SUCCESS;
    },

    random_get(buffer, length) {
      if (!inside(buffer, length >>> 0)) return EFAULT;
      for (let done = 0; done < length >>> 0; done += RANDOM_CHUNK) {
        const chunk = new Uint8Array(Math.min(RANDOM_CHUNK, (length >>> 0) - done));
        options.random(chunk);
        bytes.set(chunk, (buffer >>> 0) + done);
      }
      return SUCCESS;
    },
  };
}
