// SPDX-License-Identifier: MIT

/**
 * True in Node.js, Bun and Deno, where workers are those of node:worker_threads. Modules
 * that only they have are loaded with `process.getBuiltinModule`: bundlers for pages
 * resolve every `import('node:…')`, or refuse it.
 */
export const IN_NODE = typeof process === 'object' && process.versions?.node !== undefined;
