// SPDX-License-Identifier: MIT
// Names of checks of the toys' reports.

/** The name of a check without its machine. */
export const plainName = (name: string): string =>
  name.replace(/^(vm\d+|vcmdq|ecmdq|overlay|arm64): /, '');

/** One check for each machine, or each pair of machines. */
export const kindOf = (name: string): string =>
  plainName(name)
    .replace(/^\w+ ran to its end$/, 'vm0 ran to its end')
    .replace(/vm\d lost nothing/, 'vm1 lost nothing');
