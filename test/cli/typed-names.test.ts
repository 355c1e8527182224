// SPDX-License-Identifier: MIT

import { expect, it } from 'vitest';
import { asTyped } from '../../cli/typed-names.ts';

it.each([
  ['vintfs is 1, of which one is lent', '--vintfs is 1, of which one is lent'],
  ['hostRam must be more than 1 MiB', '--host-ram must be more than 1 MiB'],
  ['allowGc needs transport mailbox', '--allow-gc needs --transport mailbox'],
  ['vcmdqs must be as many as vintfs, 16', '--vcmdqs must be as many as --vintfs, 16'],
  ['vcpus of 2 need secondary, a program', '--vcpus of 2 need --secondary, a program'],
  ['memory must be a multiple of 2 MiB', '--memory must be a multiple of 2 MiB'],
  ['directMaps must be true', '--no-direct-maps must be true'],
  // Ordinary words stay, and so does a flag's correct name.
  ['the memory must be there', 'the memory must be there'],
  ['device memory is not a device', 'device memory is not a device'],
  ['--vintfs is 1', '--vintfs is 1'],
  ['guest must be a path', 'guest must be a path'],
  ['toString must be none', 'toString must be none'],
])('an option is called as it is typed: %s', (message, line) => {
  expect(asTyped(message)).toBe(line);
});
