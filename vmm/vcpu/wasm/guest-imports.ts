// SPDX-License-Identifier: MIT
// The import object of a guest: built only here, so that no JavaScript function reaches a
// guest without its exit counter.

import type { WasmImports } from '../../../assembly/load.ts';
import { printable } from '../../../devices/plugin/index.ts';
import { EXIT_KINDS, type ExitKind } from '../exit-counter.ts';
import type { ExitGate, VcpuHost } from '../vcpu.ts';
import { GuestImageError } from './guest-errors.ts';
import { IMPORT_TYPES, MODULE_VSMMU, MODULE_WASI, type VsmmuFunction } from './import-types.ts';
import { probeStack } from './stack-probe.ts';
import { exitOf } from './wasm-program.ts';
import type { FunctionType } from './wasm-types.ts';

type Call = (...args: never[]) => unknown;

/**
 * Names of the imports that stay inside WebAssembly if there is a drain: the doorbell,
 * and broadcast TLB maintenance.
 */
export const INSIDE_FUNCTIONS = ['doorbell', 'tlbi', 'dsb'] as const;
export type InsideCalls = Partial<Readonly<Record<(typeof INSIDE_FUNCTIONS)[number], Call>>>;

export interface GuestImportsOptions {
  readonly module: WebAssembly.Module;
  readonly memory: WebAssembly.Memory;
  readonly vcpu: number;
  /** The machine, which executes the calls. */
  readonly host: VcpuHost;
  readonly wasi: Readonly<Record<string, Call>>;
  /**
   * Exports of a Wasm instance: the imports that stay inside WebAssembly, by name.
   * Missing ones have no implementation.
   */
  readonly inside: InsideCalls;
}

interface GuestCall {
  readonly kind: ExitKind;
  readonly call: Call;
}

function vsmmuCalls({ host, vcpu }: GuestImportsOptions): Record<string, GuestCall> {
  const { bus, clock } = host;
  const calls: Record<VsmmuFunction, { kind: ExitKind; call: unknown }> = {
    mmio_read32: { kind: 'mmio', call: (gpa: number) => bus.read(gpa >>> 0, 4, vcpu) },
    mmio_write32: {
      kind: 'mmio',
      call: (gpa: number, value: number) => bus.write(gpa >>> 0, 4, value, 0, vcpu),
    },
    mmio_read64: {
      kind: 'mmio',
      call: (gpa: number) => {
        const lo = bus.read(gpa >>> 0, 8, vcpu);
        return (BigInt(bus.high) << 32n) | BigInt(lo);
      },
    },
    mmio_write64: {
      kind: 'mmio',
      call: (gpa: number, value: bigint) =>
        bus.write(
          gpa >>> 0,
          8,
          Number(value & 0xffffffffn),
          Number((value >> 32n) & 0xffffffffn),
          vcpu,
        ),
    },
    // Leaving the guest is the safe point at which the host does its work; a vCPU with
    // its own thread sleeps there.
    wait: { kind: 'wait', call: () => host.wait() },
    clock_ns: { kind: 'clock', call: () => clock.nowNs() },
    vcpu_start: {
      kind: 'wait',
      call: (target: number, argument: number) => host.startVcpu(target, { argument }),
    },
    // Without a drain a doorbell rings nothing, and broadcast maintenance affects no
    // SMMU; they are then exits like any others.
    doorbell: { kind: 'mmio', call: () => undefined },
    tlbi: { kind: 'mmio', call: () => undefined },
    dsb: { kind: 'mmio', call: () => 0n },
  };
  return calls as Record<string, GuestCall>;
}

/**
 * A call with its exit. By number of arguments: an exit takes some 10 ns only because V8
 * need not build argument lists.
 */
function counted(
  call: Call,
  arity: number,
  { kind, vcpu, gate }: { kind: number; vcpu: number; gate: ExitGate },
): Call {
  const inner = call as unknown as (...args: unknown[]) => unknown;
  switch (arity) {
    case 0:
      return () => {
        probeStack();
        gate.enter(vcpu, kind);
        try {
          const result = inner();
          gate.leave(vcpu, kind);
          return result;
        } catch (thrown) {
          throw gate.threw(exitOf(vcpu, thrown), thrown);
        }
      };
    case 1:
      return (a: unknown) => {
        probeStack();
        gate.enter(vcpu, kind);
        try {
          const result = inner(a);
          gate.leave(vcpu, kind);
          return result;
        } catch (thrown) {
          throw gate.threw(exitOf(vcpu, thrown), thrown);
        }
      };
    case 2:
      return (a: unknown, b: unknown) => {
        probeStack();
        gate.enter(vcpu, kind);
        try {
          const result = inner(a, b);
          gate.leave(vcpu, kind);
          return result;
        } catch (thrown) {
          throw gate.threw(exitOf(vcpu, thrown), thrown);
        }
      };
    default: {
      const any = (...args: unknown[]) => {
        probeStack();
        gate.enter(vcpu, kind);
        try {
          const result = inner(...args);
          gate.leave(vcpu, kind);
          return result;
        } catch (thrown) {
          throw gate.threw(exitOf(vcpu, thrown), thrown);
        }
      };
      // A transport has to know how many arguments to pass.
      return Object.defineProperty(any, 'length', { value: arity });
    }
  }
}

type ImportModule = WasmImports[string];

/**
 * An empty import object. Neither it nor the objects in it have a prototype: a guest
 * chooses their keys, and `__proto__` is a key like any other.
 */
export function importObject(): WasmImports {
  return Object.create(null) as WasmImports;
}

/** The module with a name in an import object, created when it is missing. */
export function importModule(imports: WasmImports, name: string): ImportModule {
  imports[name] ??= Object.create(null) as ImportModule;
  return imports[name];
}

/**
 * The imports that a guest's module requests.
 * @throws {GuestImageError} when it requests what no machine provides.
 */
export function guestImports(options: GuestImportsOptions): WasmImports {
  const { module, memory, vcpu, wasi } = options;
  const { gate } = options.host;
  const inside = new Map<string, Call | undefined>(Object.entries(options.inside));
  const vsmmu = vsmmuCalls(options);
  const imports = importObject();
  const counting = (call: Call, kind: ExitKind, { params }: FunctionType) =>
    counted(call, params.length, { kind: EXIT_KINDS.indexOf(kind), vcpu, gate });
  for (const { module: from, name, kind } of WebAssembly.Module.imports(module)) {
    const target = importModule(imports, from);
    const type = IMPORT_TYPES.get(from)?.get(name);
    const own = from === MODULE_VSMMU && Object.hasOwn(vsmmu, name) ? vsmmu[name] : undefined;
    const foreign = from === MODULE_WASI && Object.hasOwn(wasi, name) ? wasi[name] : undefined;
    if (kind === 'memory' && from === 'env' && name === 'memory') {
      target[name] = memory;
    } else if (from === MODULE_VSMMU && inside.get(name)) {
      target[name] = inside.get(name);
    } else if (own && type) {
      target[name] = counting(own.call, own.kind, type);
    } else if (foreign && type) {
      target[name] = counting(foreign, 'wasi', type);
    } else {
      throw new GuestImageError(
        'unknown-import',
        `the guest imports ${printable(`${from}.${name}`)}, which no machine provides`,
      );
    }
  }
  return imports;
}
