// SPDX-License-Identifier: MIT
// The functions of WASI other than those of file descriptors: arguments, environment,
// clocks, random numbers, sleeping, exit.

import { GuestExit } from '../guest-errors.ts';
import { EBADF, EFAULT, EINVAL, ENOSYS, SUCCESS } from './wasi-errno.ts';
import type { WasiOptions } from './wasi-host.ts';
import { MAX_CALL_BYTES, sizeOf, type WasiMemory } from './wasi-memory.ts';

const CLOCK_REALTIME = 0;
const CLOCK_MONOTONIC = 1;
/**
 * Resolution of the system's time in JavaScript, and of its monotonic time in pages with
 * the coarsest clock. Nanoseconds.
 */
const RESOLUTION = { [CLOCK_REALTIME]: 1_000_000n, [CLOCK_MONOTONIC]: 5_000n } as const;

/**
 * Maximum number of subscriptions that one call answers; the program asks for the others
 * again.
 */
const MAX_SUBSCRIPTIONS = 512;
const SUBSCRIPTION_SIZE = 48;
const SUBSCRIPTION_TAG = 8;
const TAG_CLOCK = 0;
/** Offset in a subscription of its clock or file descriptor. */
const SUBSCRIPTION_ABOUT = 16;
const EVENT_SIZE = 32;
const EVENT_ERRNO = 8;
const EVENT_TYPE = 10;

/** Maximum number of bytes of one getRandomValues. */
const RANDOM_CHUNK = 65536;

const isClock = (id: number): id is keyof typeof RESOLUTION =>
  id === CLOCK_REALTIME || id === CLOCK_MONOTONIC;

/** Strings in the format of a program, each with a terminating zero. */
function zeroTerminated(strings: readonly string[]): readonly Uint8Array[] {
  return strings.map((text) => new TextEncoder().encode(`${text}\0`));
}

/**
 * A pair of functions: one returns the number and total size of the strings, the other
 * one the strings.
 */
function stringList(memory: WasiMemory, strings: readonly Uint8Array[]) {
  const size = sizeOf(strings);
  return {
    sizes(count: number, bytes: number): number {
      if (!(memory.inside(count, 4) && memory.inside(bytes, 4))) return EFAULT;
      memory.view.setUint32(count >>> 0, strings.length, true);
      memory.view.setUint32(bytes >>> 0, size, true);
      return SUCCESS;
    },
    get(pointers: number, buffer: number): number {
      if (!(memory.inside(pointers, 4 * strings.length) && memory.inside(buffer, size)))
        return EFAULT;
      let at = buffer >>> 0;
      for (const [i, bytes] of strings.entries()) {
        memory.view.setUint32((pointers >>> 0) + 4 * i, at, true);
        memory.write(at, bytes);
        at += bytes.length;
      }
      return SUCCESS;
    },
  };
}

/** @param isOpen returns whether a file descriptor is open. */
export function programFunctions(
  memory: WasiMemory,
  options: WasiOptions,
  isOpen: (fd: number) => boolean,
) {
  const args = stringList(memory, zeroTerminated(options.args));
  const environment = stringList(
    memory,
    zeroTerminated(Object.entries(options.env).map(([name, value]) => `${name}=${value}`)),
  );

  return {
    args_sizes_get: args.sizes,
    args_get: args.get,
    environ_sizes_get: environment.sizes,
    environ_get: environment.get,

    clock_res_get(id: number, resolution: number): number {
      if (!isClock(id)) return ENOSYS;
      if (!memory.inside(resolution, 8)) return EFAULT;
      memory.view.setBigUint64(resolution >>> 0, RESOLUTION[id], true);
      return SUCCESS;
    },

    clock_time_get(id: number, _precision: bigint, time: number): number {
      if (!isClock(id)) return ENOSYS;
      if (!memory.inside(time, 8)) return EFAULT;
      const ns =
        id === CLOCK_REALTIME
          ? BigInt(Date.now()) * 1_000_000n
          : BigInt(Math.trunc(options.nowNs()));
      memory.view.setBigUint64(time >>> 0, ns, true);
      return SUCCESS;
    },

    random_get(buffer: number, length: number): number {
      if (!memory.inside(buffer, length >>> 0)) return EFAULT;
      if (length >>> 0 > MAX_CALL_BYTES) return EINVAL;
      for (let done = 0; done < length; done += RANDOM_CHUNK) {
        const chunk = new Uint8Array(Math.min(RANDOM_CHUNK, length - done));
        options.random(chunk);
        memory.write((buffer >>> 0) + done, chunk);
      }
      return SUCCESS;
    },

    /**
     * Every subscription is ready at once: an inline guest cannot sleep without blocking
     * its host.
     */
    poll_oneoff(subscriptions: number, events: number, count: number, stored: number): number {
      if (count === 0) return EINVAL;
      const fits =
        memory.inside(subscriptions, (count >>> 0) * SUBSCRIPTION_SIZE) &&
        memory.inside(events, (count >>> 0) * EVENT_SIZE) &&
        memory.inside(stored, 4);
      if (!fits) return EFAULT;
      const answered = Math.min(count >>> 0, MAX_SUBSCRIPTIONS);
      for (let i = 0; i < answered; i++) {
        const subscription = (subscriptions >>> 0) + i * SUBSCRIPTION_SIZE;
        const type = memory.view.getUint8(subscription + SUBSCRIPTION_TAG);
        const about = memory.view.getUint32(subscription + SUBSCRIPTION_ABOUT, true);
        const errno =
          type === TAG_CLOCK
            ? isClock(about)
              ? SUCCESS
              : ENOSYS
            : isOpen(about)
              ? SUCCESS
              : EBADF;
        const userdata = memory.view.getBigUint64(subscription, true);
        const event = (events >>> 0) + i * EVENT_SIZE;
        memory.clear(event, EVENT_SIZE);
        memory.view.setBigUint64(event, userdata, true);
        memory.view.setUint16(event + EVENT_ERRNO, errno, true);
        memory.view.setUint8(event + EVENT_TYPE, type);
      }
      memory.view.setUint32(stored >>> 0, answered, true);
      return SUCCESS;
    },

    sched_yield: () => SUCCESS,
    proc_exit(code: number): never {
      throw new GuestExit(code);
    },
    // There are no signals, no sockets, and advice has no effect.
    proc_raise: () => ENOSYS,
    fd_advise: () => ENOSYS,
    sock_accept: () => ENOSYS,
    sock_recv: () => ENOSYS,
    sock_send: () => ENOSYS,
    sock_shutdown: () => ENOSYS,
  };
}
