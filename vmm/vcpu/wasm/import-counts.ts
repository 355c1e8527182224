// SPDX-License-Identifier: MIT
// Counts calls of a guest's imports at its import object, independently of the exit
// counter: a report that compares the two detects when one of them does not count.

import {
  ABI_AREA_SIZE,
  ABI_INVALIDATING_CMDQ,
  ABI_INVALIDATING_DIRECT,
} from '../../../assembly/layout/guest-abi.ts';
import type { WasmImports } from '../../../assembly/load.ts';
import type { ImportCalls } from '../guest.ts';
import { invalidatingWord } from './abi-words.ts';
import { importModule, importObject } from './guest-imports.ts';

type Call = (...args: unknown[]) => unknown;

/** Counts the JavaScript functions that the vCPUs of a guest call. */
export class ImportCounts implements ImportCalls {
  readonly #info: Int32Array;
  /** By the guest's mark: none, ABI_INVALIDATING_DIRECT, ABI_INVALIDATING_CMDQ. */
  readonly #byMark = new Float64Array(3);

  constructor(memory: WebAssembly.Memory) {
    this.#info = new Int32Array(memory.buffer, 0, ABI_AREA_SIZE / 4);
  }

  get total(): number {
    return this.#byMark.reduce((sum, count) => sum + count);
  }

  get duringDirect(): number {
    return this.#byMark[ABI_INVALIDATING_DIRECT] ?? 0;
  }

  get duringCmdq(): number {
    return this.#byMark[ABI_INVALIDATING_CMDQ] ?? 0;
  }

  /**
   * The import object of a vCPU, with each call of a JavaScript function counted.
   * @param inside what stays inside WebAssembly: its calls never leave the guest.
   */
  counted(imports: WasmImports, vcpu: number, inside: readonly unknown[]): WasmImports {
    const wrapped = importObject();
    for (const [name, functions] of Object.entries(imports)) {
      const target = importModule(wrapped, name);
      for (const [key, value] of Object.entries(functions)) {
        const leaves = typeof value === 'function' && !inside.includes(value);
        target[key] = leaves ? this.#wrap(value as Call, vcpu) : value;
      }
    }
    return wrapped;
  }

  /**
   * By number of arguments: V8 need not build argument lists, and a transport has to know
   * how many to pass.
   */
  #wrap(call: Call, vcpu: number): Call {
    const info = this.#info;
    const at = invalidatingWord(vcpu);
    const byMark = this.#byMark;
    const count = () => {
      const mark = info[at] ?? 0;
      const known = mark === ABI_INVALIDATING_DIRECT || mark === ABI_INVALIDATING_CMDQ ? mark : 0;
      byMark[known] = (byMark[known] ?? 0) + 1;
    };
    switch (call.length) {
      case 0:
        return () => {
          count();
          return call();
        };
      case 1:
        return (a) => {
          count();
          return call(a);
        };
      case 2:
        return (a, b) => {
          count();
          return call(a, b);
        };
      default: {
        const any: Call = (...args) => {
          count();
          return call(...args);
        };
        return Object.defineProperty(any, 'length', { value: call.length });
      }
    }
  }
}
