// SPDX-License-Identifier: MIT
// Data of guests, plugins and files, for the command's own output: a name in it may be anything.

import { printable } from '../devices/plugin/index.ts';

/** Characters of one text that are shown: details of checks are sentences. */
const MOST = 1000;

/** The same data, each text and each key in it made harmless to a terminal and to the lines of the output. */
export function printableData<T>(value: T): T {
  if (typeof value === 'string') return printable(value, MOST) as T;
  if (Array.isArray(value)) return value.map(printableData) as T;
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, one]) => [printable(key), printableData(one as unknown)]),
  ) as T;
}
