// SPDX-License-Identifier: MIT

/**
 * Places of the workers' programs, unless they are next to the library's own files: for
 * bundlers and pages that move them.
 */
export interface WorkerUrls {
  /** vcpu-worker.js */
  readonly vcpu?: string | URL | undefined;
  /** drain-worker.js */
  readonly drain?: string | URL | undefined;
}
