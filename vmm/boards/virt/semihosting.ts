// SPDX-License-Identifier: MIT
// Semihosting (Arm's Semihosting for AArch32 and AArch64, 2.0): requests of a bare-metal
// program to its emulator. It can exit with a status, and print.

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

function word({ read }: SemihostingCall, address: bigint): bigint | undefined {
  let value = 0n;
  for (let i = 7n; i >= 0n; i--) {
    const byte = read(BigInt.asUintN(64, address + i));
    if (byte === undefined) return undefined;
    value = (value << 8n) | BigInt(byte);
  }
  return value;
}

/**
 * Both calls take a block of two words, the reason and a subcode. A reason in place of
 * the block's address, as in AArch32's SYS_EXIT, is accepted too: no block can be at such
 * an address.
 */
function exit(call: SemihostingCall): HypercallResult {
  const { parameter, operation } = call;
  const reason = word(call, parameter);
  const subcode = word(call, parameter + 8n);
  if (reason === undefined || subcode === undefined) {
    const isReason = parameter >= REASONS_FIRST && parameter <= REASONS_LAST;
    if (operation !== SYS_EXIT || !isReason) return MINUS_ONE;
    return { what: 'off', code: parameter === ADP_STOPPED_APPLICATION_EXIT ? 0 : FAILED };
  }
  if (reason !== ADP_STOPPED_APPLICATION_EXIT) return { what: 'off', code: FAILED };
  return { what: 'off', code: Number(BigInt.asIntN(32, subcode)) };
}

function text({ parameter, read }: SemihostingCall): Uint8Array<ArrayBuffer> {
  const bytes: number[] = [];
  while (bytes.length < MOST_TEXT) {
    const byte = read(BigInt.asUintN(64, parameter + BigInt(bytes.length)));
    if (byte === undefined || byte === 0) break;
    bytes.push(byte);
  }
  return Uint8Array.from(bytes);
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
      const byte = call.read(call.parameter);
      if (byte !== undefined) print(Uint8Array.of(byte));
      break;
    }
    case SYS_WRITE0:
      print(text(call));
      break;
    default:
      return MINUS_ONE;
  }
  // They return nothing: X0 is unchanged.
  return { what: 'return', x0: BigInt(call.operation) };
}
