/** True in Node.js, where workers are those of node:worker_threads. */
export const IN_NODE = typeof process === 'object' && process.versions?.node !== undefined;
