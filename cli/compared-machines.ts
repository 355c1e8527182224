// SPDX-License-Identifier: MIT
// Further machines that `--path all` compares with those of the toy.

/** Machines that run the toy on paths which the other machines of `--path all` do not have. */
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

/** Including the arm64 toy. */
export const MOST_COMPARED = COMPARED.length + 1;
