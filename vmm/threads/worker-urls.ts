// SPDX-License-Identifier: MIT

/**
 * Where the workers' programs lie when it is not beside the library's own files: for bundlers and
 * pages that want them elsewhere.
 */
export interface WorkerUrls {
  /** vcpu-worker.js */
  readonly vcpu?: string | URL | undefined;
  /** drain-worker.js */
  readonly drain?: string | URL | undefined;
}
