// SPDX-License-Identifier: MIT
// Detects the features of this environment.

import { hasMultiMemory } from '../../assembly/load.ts';
import { coreCount, IN_NODE } from '../threads/index.ts';
import { GUEST_ABI_VERSION, PLUGIN_INTERFACE_VERSION, VERSION } from './version.ts';

/** A feature that is available, or the reason why not. */
export interface Capability {
  readonly available: boolean;
  /**
   * One line: what is missing, and how to change it, if possible. Absent when the feature
   * is available.
   */
  readonly reason?: string;
}

/** Result of `probe`. */
export interface Probe {
  readonly versions: {
    readonly vsmmu: string;
    readonly guestAbi: number;
    readonly pluginInterface: number;
  };
  /** "Node.js 20.20.2", "Bun 1.4.5", "Deno 2.9.6", or the browser's own name. */
  readonly runtime: string;
  /**
   * Number of threads that this computer, or this program's share of it, runs in
   * parallel.
   */
  readonly cores: number;
  /**
   * WebAssembly with shared memory and vector instructions, which everything requires.
   */
  readonly webAssembly: Capability;
  /**
   * Modules with several memories: the hot code of a unit is then a single, faster
   * module.
   */
  readonly multiMemory: Capability;
  /** Memory can be shared between threads. A page has to be cross-origin isolated. */
  readonly isolation: Capability;
  /** Transport `mailbox` and drain `thread`. */
  readonly threads: Capability;
}

/**
 * (module (memory 1 1 shared) (func (drop (i8x16.splat (i32.atomic.load (i32.const
 * 0))))))
 */
const NEEDED = Uint8Array.from([
  ...[
    0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00, 0x01, 0x04, 0x01, 0x60, 0x00, 0x00, 0x03, 0x02,
    0x01, 0x00,
  ],
  ...[0x05, 0x04, 0x01, 0x03, 0x01, 0x01, 0x0a, 0x0d, 0x01, 0x0b, 0x00],
  ...[0x41, 0x00, 0xfe, 0x10, 0x02, 0x00, 0xfd, 0x0f, 0x1a, 0x0b],
]);

const AVAILABLE: Capability = { available: true };
const missing = (reason: string): Capability => ({ available: false, reason });

function webAssembly(): Capability {
  if (typeof WebAssembly !== 'object') return missing('there is no WebAssembly here');
  return WebAssembly.validate(NEEDED)
    ? AVAILABLE
    : missing('this WebAssembly lacks shared memory, atomics or vector instructions');
}

function multiMemory(): Capability {
  return typeof WebAssembly === 'object' && hasMultiMemory()
    ? AVAILABLE
    : missing(
        'this WebAssembly has one memory for each module: units are slower, of separate modules',
      );
}

function isolation(): Capability {
  if (typeof SharedArrayBuffer === 'function') return AVAILABLE;
  return missing(
    'the page is not cross-origin isolated: serve it with Cross-Origin-Opener-Policy: ' +
      'same-origin and Cross-Origin-Embedder-Policy: require-corp',
  );
}

/** The first Deno whose event loop reacts to `Atomics.notify` (denoland/deno#14786). */
const WAKING_DENO = [2, 7, 6];

/** True when a version is older than another. */
function isBefore(version: string, other: readonly number[]): boolean {
  const parts = version.split('.').map((part) => Number.parseInt(part, 10));
  const at = other.findIndex((part, i) => parts[i] !== part);
  return at >= 0 && (parts[at] ?? 0) < (other[at] ?? 0);
}

function threads(isolated: Capability): Capability {
  if (!isolated.available) return isolated;
  if (!IN_NODE && typeof Worker !== 'function')
    return missing('workers cannot be started from here');
  if (typeof Atomics.waitAsync !== 'function') return missing('there is no Atomics.waitAsync here');
  const deno = IN_NODE ? process.versions.deno : undefined;
  return deno !== undefined && isBefore(deno, WAKING_DENO)
    ? missing(`Atomics.waitAsync does not wake in Deno ${deno}: ${WAKING_DENO.join('.')} does`)
    : AVAILABLE;
}

/** Bun and Deno also report the version of Node.js that they emulate. */
function runtime(): string {
  if (!IN_NODE) return navigator.userAgent;
  const { bun, deno, node } = process.versions;
  if (bun !== undefined) return `Bun ${bun}`;
  return deno === undefined ? `Node.js ${node}` : `Deno ${deno}`;
}

/**
 * Detects the features of this environment, without starting anything.
 *
 * @example
 * ```js
 * import { probe } from 'vsmmu';
 *
 * const { threads, versions } = await probe();
 * console.log(`vsmmu ${versions.vsmmu}, threads: ${threads.available ? 'yes' : threads.reason}`);
 * ```
 */
export function probe(): Promise<Probe> {
  const isolated = isolation();
  return Promise.resolve({
    versions: {
      vsmmu: VERSION,
      guestAbi: GUEST_ABI_VERSION,
      pluginInterface: PLUGIN_INTERFACE_VERSION,
    },
    runtime: runtime(),
    cores: coreCount(),
    webAssembly: webAssembly(),
    multiMemory: multiMemory(),
    isolation: isolated,
    threads: threads(isolated),
  });
}
