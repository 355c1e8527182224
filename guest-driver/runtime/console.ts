// SPDX-License-Identifier: MIT
// The console: WASI fd_write on standard output, fd_read on standard input, and the PL011
// for output before anything else works.

import { ABI_KIND_PL011 } from '../../assembly/layout/guest-abi';
import { PL011_DR, PL011_FR, PL011_FR_TXFF } from '../../assembly/layout/pl011-registers';
import { deviceGpa, findDevice } from './device-table';
import { bitsOf } from './guest-fields';
import { read32, write32 } from './mmio';
import { putByte, textLength, textStart, truncateText } from './text';
import { fd_read, fd_write } from './wasi_snapshot_preview1';

const STDIN = 0;
const STDOUT = 1;
/** One WASI ciovec (offset, length) and the word for the number of bytes written. */
const IOVEC: usize = memory.data(16, 8);
const WRITTEN: usize = IOVEC + 8;
const INPUT: usize = memory.data(8, 8);
/** Reads of FR before a character is dropped: a full FIFO must not hang the guest. */
const TRANSMIT_POLLS = 1000;

/** Writes the line buffer and a newline to standard output, and empties it. */
export function flushLine(): void {
  putByte(10);
  store<u32>(IOVEC, <u32>textStart());
  store<u32>(IOVEC, <u32>textLength(), 4);
  fd_write(STDOUT, IOVEC, 1, WRITTEN);
  truncateText(0);
}

/**
 * Writes the line buffer and a newline to the UART, and empties it. Nothing is written
 * when the board has no UART.
 */
export function flushLineToUart(): void {
  const uart = findDevice(ABI_KIND_PL011);
  putByte(10);
  if (uart != 0) {
    const gpa = deviceGpa(uart);
    for (let i: usize = 0; i < textLength(); i++) {
      for (
        let polls = 0;
        polls < TRANSMIT_POLLS && bitsOf(read32(gpa + PL011_FR), PL011_FR_TXFF) != 0;
        polls++
      );
      write32(gpa + PL011_DR, load<u8>(textStart() + i));
    }
  }
  truncateText(0);
}

/** The next byte of the input, -1 when there is none. */
export function readByte(): i32 {
  store<u32>(IOVEC, <u32>INPUT);
  store<u32>(IOVEC, 1, 4);
  store<u32>(WRITTEN, 0);
  if (fd_read(STDIN, IOVEC, 1, WRITTEN) != 0 || load<u32>(WRITTEN) == 0) return -1;
  return load<u8>(INPUT);
}
