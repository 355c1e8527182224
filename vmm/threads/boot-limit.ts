// SPDX-License-Identifier: MIT
// Instantiating a guest on a thread of its own runs its code: a start function, and `vsmmu_abi` where that is one. Neither has to return.

import { type GuestBinary, instantiationError } from '../vcpu/wasm/index.ts';

/** How long it may take. */
const LIMIT_MS = 10_000;
/** Counted while this thread has its turns: a thread that it has not listened to is not late. */
const TURN_MS = 100;

/**
 * Waits for a thread that instantiates a guest.
 * @param loaded when it can begin: what comes before does not count.
 * @param terminate ends the thread: what is waited for then rejects.
 * @param signal ends the thread when it is aborted.
 * @param binary what is instantiated.
 * @throws {GuestImageError} when it takes too long.
 */
export async function bootWithin<T>(
  loaded: Promise<void>,
  boot: () => Promise<T>,
  terminate: () => Promise<void>,
  signal: AbortSignal,
  binary: GuestBinary = 'guest',
): Promise<T> {
  // Nobody waits for it where the signal has been aborted before.
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
