// SPDX-License-Identifier: MIT

/**
 * True in Node.js, Bun and Deno, where workers are those of node:worker_threads. What only they have is asked of
 * `process.getBuiltinModule`: bundlers for pages resolve every `import('node:…')`, or refuse it.
 */
export const IN_NODE = typeof process === 'object' && process.versions?.node !== undefined;
