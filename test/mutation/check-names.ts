// SPDX-License-Identifier: MIT
// Names of checks of the toys' reports.

/** A check without the machine whose it is. */
export const plainName = (name: string): string =>
  name.replace(/^(vm\d+|vcmdq|ecmdq|overlay|arm64): /, '');

/** One check for each machine, or each pair of them. */
export const kindOf = (name: string): string =>
  plainName(name)
    .replace(/^\w+ ran to its end$/, 'vm0 ran to its end')
    .replace(/vm\d lost nothing/, 'vm1 lost nothing');
