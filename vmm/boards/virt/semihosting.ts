// SPDX-License-Identifier: MIT
// Semihosting (Arm's Semihosting for AArch32 and AArch64, 2.0): requests of a bare-metal
// program to its emulator. It can exit with a status, and print.

import { joinBytes } from '../../../devices/plugin/join-bytes.ts';
import type { HypercallResult, SemihostingCall } from '../../vcpu/arm64/index.ts';

const SYS_WRITEC = 0x03;
const SYS_WRITE0 = 0x04;
const SYS_EXIT = 0x18;
const SYS_EXIT_EXTENDED = 0x20;

/** The reason of a normal exit, with the status as subcode; others are failures. */
const ADP_STOPPED_APPLICATION_EXIT = 0x20026n;
/** Reasons have numbers in this range (section 7.6). */
const REASONS_FIRST = 0x20000n;
const REASONS_LAST = 0x20026n;
const FAILED = 1;
/** Maximum length of a string without a terminator. */
const MOST_TEXT = 0x10000;

const MINUS_ONE = { what: 'return', x0: 0xffff_ffff_ffff_ffffn } as const;

/**
 * Copies memory from the call's parameter on.
 * @param endOf index of the byte that ends it, -1 when there is none.
 * @returns less than `length` bytes before such a byte, or before an address that EL1
 *   cannot read.
 */
function copy(
  { parameter, read }: SemihostingCall,
  length: number,
  endOf: (bytes: Uint8Array) => number = () => -1,
): Uint8Array<ArrayBuffer> {
  const copies: Uint8Array[] = [];
  let size = 0;
  while (size < length) {
    // Only the copy is examined: another vCPU may change the original.
    const bytes = read(BigInt.asUintN(64, parameter + BigInt(size)), length - size)?.slice();
    if (!bytes) break;
    const end = endOf(bytes);
    copies.push(end < 0 ? bytes : bytes.subarray(0, end));
    size += copies.at(-1)?.length ?? 0;
    if (end >= 0) break;
  }
  return joinBytes(copies);
}

/**
 * Both calls take a block of two words, the reason and a subcode. A reason in place of
 * the block's address, as in AArch32's SYS_EXIT, is accepted too: no block can be at such
 * an address.
 */
function exit(call: SemihostingCall): HypercallResult {
  const { parameter, operation } = call;
  const block = copy(call, 16);
  if (block.length < 16) {
    const isReason = parameter >= REASONS_FIRST && parameter <= REASONS_LAST;
    if (operation !== SYS_EXIT || !isReason) return MINUS_ONE;
    return { what: 'off', code: parameter === ADP_STOPPED_APPLICATION_EXIT ? 0 : FAILED };
  }
  const view = new DataView(block.buffer);
  const reason = view.getBigUint64(0, true);
  if (reason !== ADP_STOPPED_APPLICATION_EXIT) return { what: 'off', code: FAILED };
  return { what: 'off', code: view.getInt32(8, true) };
}

/**
 * Executes a call. Calls that are not implemented return -1.
 * @param print receives bytes for the console.
 */
export function callSemihosting(
  call: SemihostingCall,
  print: (bytes: Uint8Array<ArrayBuffer>) => void,
): HypercallResult {
  switch (call.operation) {
    case SYS_EXIT:
    case SYS_EXIT_EXTENDED:
      return exit(call);
    case SYS_WRITEC: {
      const byte = copy(call, 1);
      if (byte.length > 0) print(byte);
      break;
    }
    case SYS_WRITE0:
      print(copy(call, MOST_TEXT, (bytes) => bytes.indexOf(0)));
      break;
    default:
      return MINUS_ONE;
  }
  // They return nothing: X0 is unchanged.
  return { what: 'return', x0: BigInt(call.operation) };
}
