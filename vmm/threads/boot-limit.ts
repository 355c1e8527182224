// SPDX-License-Identifier: MIT
// Time limit of an instantiation on a separate thread, which runs the guest's code: a
// start function, and `vsmmu_abi` if it is a function. Neither has to return.

import { type GuestBinary, instantiationError } from '../vcpu/wasm/index.ts';

/** The time limit. */
const LIMIT_MS = 10_000;
/**
 * Time is counted in turns of this thread, so that a delay of this thread does not count
 * for the guest.
 */
const TURN_MS = 100;

/**
 * Waits for a thread that instantiates a guest.
 * @param loaded when it can begin: time before does not count.
 * @param terminate ends the thread: the waiting promise then rejects.
 * @param signal ends the thread when it is aborted.
 * @param binary the guest that is instantiated.
 * @throws {GuestImageError} when it takes too long.
 */
export async function bootWithin<T>(
  loaded: Promise<void>,
  boot: () => Promise<T>,
  terminate: () => Promise<void>,
  signal: AbortSignal,
  binary: GuestBinary = 'guest',
): Promise<T> {
  // It has no other handler when the signal was aborted before.
  loaded.catch(() => undefined);
  let ended: { readonly reason: unknown } | undefined;
  const end = (reason: unknown) => {
    ended ??= { reason };
    terminate().catch(() => undefined);
  };
  const abort = () => end(signal.reason);
  let turns = 0;
  let timer: ReturnType<typeof setInterval> | undefined;
  const count = () => {
    if (++turns < LIMIT_MS / TURN_MS) return;
    const late = `its start function, or vsmmu_abi, has not returned within ${LIMIT_MS / 1000} s`;
    end(instantiationError(late, binary));
  };
  signal.addEventListener('abort', abort, { once: true });
  try {
    signal.throwIfAborted();
    await loaded;
    timer = setInterval(count, TURN_MS);
    return await boot();
  } catch (error) {
    throw ended ? ended.reason : error;
  } finally {
    clearInterval(timer);
    signal.removeEventListener('abort', abort);
  }
}
