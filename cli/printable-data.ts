// SPDX-License-Identifier: MIT
// Makes data of guests, plugins and files safe for the command's output: they choose their names.

import { printable } from '../devices/plugin/index.ts';

/** Maximum number of characters of one text; details of checks are sentences. */
const MOST = 1000;

/** The same data, with terminal controls and line ends escaped in each string and key. */
export function printableData<T>(value: T): T {
  if (typeof value === 'string') return printable(value, MOST) as T;
  if (Array.isArray(value)) return value.map(printableData) as T;
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, one]) => [printable(key), printableData(one as unknown)]),
  ) as T;
}
