// SPDX-License-Identifier: MIT
// The parts of v86 that the adapter uses (https://github.com/copy/v86, npm package `v86`,
// an optional peer): its internal interface for devices, which the package's own types
// omit. From version 0.5.462; missing parts are reported by name.

import type { InterruptLine } from '../../devices/plugin/index.ts';

/** IRQs of its interrupt controller. */
export const V86_IRQS = 16;

/** The CPU of an emulator, with the members that v86's own devices use. */
export interface V86Cpu {
  /** RAM, a view of `wasm_memory` at a 4 KiB boundary. */
  readonly mem8: Uint8Array;
  readonly wasm_memory: WebAssembly.Memory;
  /** The handler of 8-bit reads for each block of 128 KiB; undefined for RAM. */
  readonly memory_map_read8?: readonly unknown[];
  /** v86's own devices; `svga_memory` is the frame buffer. */
  readonly devices?: { readonly vga?: { readonly svga_memory?: Uint8Array } };
  readonly io: {
    /**
     * Registers handlers for a range of physical addresses, both ends at multiples of 128
     * KiB. Addresses may be passed as signed numbers.
     */
    mmap_register(
      address: number,
      size: number,
      read8: (address: number) => number,
      write8: (address: number, value: number) => void,
      read32: (address: number) => number,
      write32: (address: number, value: number) => void,
    ): void;
  };
  /** Asserts an IRQ. */
  device_raise_irq(irq: number): void;
  /** Deasserts it. */
  device_lower_irq(irq: number): void;
}

/** The loop around the CPU. */
export interface V86Loop {
  readonly cpu: V86Cpu;
  /**
   * Runs the CPU for about a millisecond, or less when it halts, and schedules the next
   * call.
   */
  do_tick(): void;
}

/** An IRQ as an interrupt line. */
export function irqLine(cpu: V86Cpu, irq: number): InterruptLine {
  return {
    pulse() {
      cpu.device_raise_irq(irq);
      cpu.device_lower_irq(irq);
    },
    setLevel: (asserted) => (asserted ? cpu.device_raise_irq(irq) : cpu.device_lower_irq(irq)),
  };
}

function member(object: unknown, name: string, type: string): unknown {
  const value =
    typeof object === 'object' && object !== null
      ? (object as Record<string, unknown>)[name]
      : undefined;
  if (typeof value !== type || value === null)
    throw new TypeError(`emulator must be a v86 emulator that has loaded: it has no ${name}`);
  return value;
}

/**
 * The internals of an emulator.
 * @param emulator An instance of v86's class `V86`, after its event "emulator-loaded".
 * @throws {TypeError} when it is something else.
 */
export function loopOf(emulator: object): V86Loop {
  const loop = member(emulator, 'v86', 'object');
  const cpu = member(loop, 'cpu', 'object');
  member(loop, 'do_tick', 'function');
  for (const name of ['mem8', 'wasm_memory']) member(cpu, name, 'object');
  for (const name of ['device_raise_irq', 'device_lower_irq']) member(cpu, name, 'function');
  member(member(cpu, 'io', 'object'), 'mmap_register', 'function');
  return loop as V86Loop;
}
