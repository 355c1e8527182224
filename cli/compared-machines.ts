// SPDX-License-Identifier: MIT
// What `--path all` of the toy compares beside its own machines.

/** Machines that run the toy beside the others, to compare `--path all` with what it has not got itself. */
export const COMPARED = [
  { name: 'vcmdq', path: 'direct', names: {}, options: { queues: 'vcmdq', overlay: false } },
  {
    name: 'ecmdq',
    path: 'direct',
    names: { direct: 'ecmdq' },
    options: { queues: 'ecmdq', overlay: false },
  },
  {
    name: 'overlay',
    path: 'overlay',
    names: { trapped: 'overlay' },
    options: { queues: 'vcmdq', overlay: true },
  },
] as const;

/** With the arm64 toy; the host has what one of them needs to spare. */
export const MOST_COMPARED = COMPARED.length + 1;
