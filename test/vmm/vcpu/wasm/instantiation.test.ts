// SPDX-License-Identifier: MIT
// Guests that an engine compiles but does not instantiate: an error of the image, in one
// line.

import { describe, expect, it } from 'vitest';
import { importModule, importObject } from '../../../../vmm/vcpu/wasm/guest-imports.ts';
import { GuestImageError } from '../../../../vmm/vcpu/wasm/index.ts';
import { smallMachine } from '../../../support/small-machine.ts';
import { assemble, GUEST_PAGES, reactor } from '../../../support/wat.ts';

const RUN = '(func $run (param i32) (result i32) (i32.const 2))';

async function refusal(machine: Promise<{ boot(): Promise<void> }>): Promise<string> {
  const booted = (await machine).boot();
  const error: unknown = await booted.then(() => undefined).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(GuestImageError);
  const { code, message } = error as GuestImageError;
  expect(message).not.toContain('\n');
  return `${code}: ${message}`;
}

const guest = (body: string) => smallMachine({ guest: reactor(`${RUN} ${body}`) });

const secondary = (body: string, pages = GUEST_PAGES) =>
  WebAssembly.compile(
    assemble(`(module (import "env" "memory" (memory ${pages} ${pages} shared))
      (func (export "vsmmu_secondary") (param i32 i32)) ${body})`),
  );

it('a guest gets import objects without a prototype', async () => {
  let seen: WebAssembly.Imports = {};
  const machine = await smallMachine({
    guest: reactor(RUN, '(import "vsmmu" "clock_ns" (func (result f64)))'),
    instantiate: (module, imports) => {
      seen = imports as WebAssembly.Imports;
      return WebAssembly.instantiate(module, seen);
    },
  });
  await machine.boot();
  expect(Object.keys(seen).toSorted()).toEqual(['env', 'vsmmu']);
  for (const object of [seen, ...Object.values(seen)])
    expect(Object.getPrototypeOf(object)).toBeNull();
  // Its keys are chosen by the guest: none of them is a property of another object.
  const made = importObject();
  importModule(made, '__proto__').get = machine.memory;
  expect(Object.keys(made)).toEqual(['__proto__']);
  expect('get' in Object.prototype).toBe(false);
});

describe('a guest that cannot be instantiated', () => {
  it.each([
    ['data out of bounds', `(data (i32.const ${GUEST_PAGES * 65536 - 1}) "ab")`],
    ['elements out of bounds', '(table 1 1 funcref) (elem (i32.const 1) $run)'],
    ['a start function that traps', '(func $start unreachable) (start $start)'],
  ])('is an error of its image: %s', async (_, body) => {
    expect(await refusal(guest(body))).toMatch(
      /^not-instantiable: the guest cannot be instantiated: \S/,
    );
  });

  it('may have ended itself', async () => {
    const exits = reactor(
      `${RUN} (func $start (call $exit (i32.const 7))) (start $start)`,
      '(import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))',
    );
    expect(await refusal(smallMachine({ guest: exits }))).toBe(
      'not-instantiable: the guest cannot be instantiated: the guest ended with code 7',
    );
  });

  it('states its version in a value that has none here', async () => {
    const vector = assemble(`(module
      (import "env" "memory" (memory ${GUEST_PAGES} ${GUEST_PAGES} shared))
      (global $abi v128 (v128.const i32x4 1 1 1 1)) ${RUN} (func $init)
      (export "vsmmu_abi" (global $abi)) (export "_initialize" (func $init))
      (export "vsmmu_run" (func $run)))`);
    expect(await refusal(smallMachine({ guest: vector }))).toMatch(/^abi-version: /);
  });

  it.each([
    ['a memory of another size', secondary('', GUEST_PAGES + 1)],
    ['a start function that traps', secondary('(func $start unreachable) (start $start)')],
  ])('may be the program of the secondary vCPUs: %s', async (_, program) => {
    const machine = smallMachine({ guest: reactor(RUN), vcpus: 2, secondary: await program });
    expect(await refusal(machine)).toMatch(/^not-instantiable: /);
  });
});
