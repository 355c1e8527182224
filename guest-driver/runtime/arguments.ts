// SPDX-License-Identifier: MIT
// The guest's arguments (WASI args): words of the form "key=value".

import { args_get, args_sizes_get } from './wasi_snapshot_preview1';

const MAX_ARGUMENTS: u32 = 16;
const BUFFER_SIZE: u32 = 2048;
const SIZES: usize = memory.data(8, 8);
const POINTERS: usize = memory.data(64, 8);
const BUFFER: usize = memory.data(2048, 8);
/** One word: number of arguments. */
const COUNT: usize = memory.data(8, 8);

/**
 * Fetches the arguments from the host.
 * @returns false when they do not fit: the guest then has none.
 */
export function readArguments(): bool {
  store<u32>(COUNT, 0);
  if (args_sizes_get(SIZES, SIZES + 4) != 0) return true;
  const count = load<u32>(SIZES);
  if (count > MAX_ARGUMENTS || load<u32>(SIZES, 4) > BUFFER_SIZE) return false;
  if (args_get(POINTERS, BUFFER) == 0) store<u32>(COUNT, count);
  return true;
}

/** True when the NUL-terminated text at an offset starts with `prefix`. */
function startsWith(text: usize, prefix: string): bool {
  const characters = changetype<usize>(prefix);
  for (let i = 0; i < prefix.length; i++) {
    if (load<u8>(text + i) != <u8>load<u16>(characters + ((<usize>i) << 1))) return false;
  }
  return true;
}

/**
 * Offset of the value of the argument that starts with `prefix` ("rounds="), 0 when there
 * is none.
 */
function valueOf(prefix: string): usize {
  const count = load<u32>(COUNT);
  for (let i: u32 = 0; i < count; i++) {
    const argument = load<u32>(POINTERS + (i << 2));
    if (startsWith(argument, prefix)) return argument + prefix.length;
  }
  return 0;
}

/**
 * Memory offset of the NUL-terminated value after `prefix`, 0 when there is no such
 * argument.
 */
export function argumentText(prefix: string): usize {
  return valueOf(prefix);
}

/** The number after `prefix`, or `otherwise`. */
export function numberArgument(prefix: string, otherwise: u32): u32 {
  const text = valueOf(prefix);
  if (text == 0 || load<u8>(text) == 0) return otherwise;
  let value: u32 = 0;
  for (let i: usize = 0; load<u8>(text + i) != 0; i++) {
    const digit = <u32>load<u8>(text + i) - 48;
    if (digit > 9) return otherwise;
    value = value * 10 + digit;
  }
  return value;
}

/** True when the argument that starts with `prefix` has exactly this value. */
export function argumentIs(prefix: string, value: string): bool {
  const text = valueOf(prefix);
  return text != 0 && startsWith(text, value) && load<u8>(text + value.length) == 0;
}
