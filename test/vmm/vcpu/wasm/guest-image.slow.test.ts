// SPDX-License-Identifier: MIT

import { describe, expect, it } from 'vitest';
import {
  createGuestMemory,
  GuestImageError,
  type GuestImageFault,
  loadGuestImage,
} from '../../../../vmm/vcpu/wasm/index.ts';
import { assemble, GUEST_PAGES, reactor } from '../../../support/wat.ts';

const RUN = '(func $run (param i32) (result i32) (i32.const 2))';
const EXPORTS =
  '(global $abi i32 (i32.const 1)) (func $init) (export "vsmmu_abi" (global $abi)) (export "_initialize" (func $init))';

async function faultOf(bytes: Uint8Array<ArrayBuffer>): Promise<[GuestImageFault, string]> {
  try {
    await loadGuestImage(bytes);
  } catch (error) {
    expect(error).toBeInstanceOf(GuestImageError);
    const { code, message } = error as GuestImageError;
    expect(message).not.toContain('\n');
    return [code, message];
  }
  throw new Error('the image was accepted');
}

const withMemory = (limits: string, module = 'env', name = 'memory') =>
  assemble(`(module (import "${module}" "${name}" (memory ${limits})) ${EXPORTS} ${RUN}
    (export "memory" (memory 0)) (export "vsmmu_run" (func $run)))`);

describe('guest images', () => {
  it('accepts a reactor and a command', async () => {
    expect(await loadGuestImage(reactor(RUN))).toMatchObject({
      shape: 'reactor',
      initialPages: GUEST_PAGES,
      maximumPages: GUEST_PAGES,
    });
    const command = `(module (import "env" "memory" (memory 20 40 shared)) (func $s)
      (export "_start" (func $s)) (export "memory" (memory 0)))`;
    expect(await loadGuestImage(assemble(command))).toMatchObject({
      shape: 'command',
      initialPages: 20,
      maximumPages: 40,
    });
  });

  it('names what is wrong with anything else', async () => {
    expect(await faultOf(new TextEncoder().encode('#!/bin/sh'))).toEqual([
      'not-wasm',
      'not a WebAssembly binary',
    ]);
    expect((await faultOf(reactor(RUN).slice(0, 60)))[0]).toBe('invalid-wasm');
    const own = `(module (memory 32 32 shared) ${EXPORTS} ${RUN}
      (export "memory" (memory 0)) (export "vsmmu_run" (func $run)))`;
    expect((await faultOf(assemble(own)))[0]).toBe('no-memory-import');
    expect((await faultOf(withMemory('32 32 shared', 'host', 'ram')))[1]).toContain('host.ram');
    expect((await faultOf(withMemory('32 32')))[0]).toBe('memory-not-shared');
    expect((await faultOf(withMemory('32 64 shared')))[0]).toBe('memory-not-fixed');
    expect((await faultOf(withMemory('16 16 shared')))[0]).toBe('memory-too-small');
    const mute = `(module (import "env" "memory" (memory 32 32 shared)) ${EXPORTS} (export "memory" (memory 0)))`;
    expect(await faultOf(assemble(mute))).toEqual([
      'missing-export',
      'not a guest: it exports no function "vsmmu_run" (a reactor exports _initialize, vsmmu_run and vsmmu_abi, a command _start)',
    ]);
    const silent = `(module (import "env" "memory" (memory 32 32 shared)) (func $f)
      (func $run (param i32) (result i32) (i32.const 2))
      (export "_initialize" (func $f)) (export "vsmmu_run" (func $run)))`;
    expect(await faultOf(assemble(silent))).toEqual([
      'missing-export',
      'the guest exports no "vsmmu_abi": export it with the value 1',
    ]);
    expect((await faultOf(reactor(RUN, '(import "env" "abort" (func))')))[1]).toContain(
      'env.abort',
    );
    const misspelled = await faultOf(
      reactor(RUN, '(import "vsmmu" "mmio_read16" (func (param i32) (result i32)))'),
    );
    expect(misspelled[1]).toContain(
      'vsmmu.mmio_read16, which no machine provides: vsmmu has mmio_read32, mmio_write32',
    );
    expect(
      (
        await faultOf(
          reactor(`(data (i32.const 0x100000) "above") (data (i32.const 1024) "below") ${RUN}`),
        )
      )[1],
    ).toContain(
      "the guest has data at 0x400, in the ABI's first MiB: link it above (wasm-ld --global-base=1048576",
    );
  });

  it('gives a guest the memory that it requests', async () => {
    const image = await loadGuestImage(reactor(RUN));
    expect(createGuestMemory(image).buffer.byteLength).toBe(GUEST_PAGES * 65536);
    expect(createGuestMemory(image, 1000).buffer.byteLength).toBe(GUEST_PAGES * 65536);
    expect(() => createGuestMemory(image, GUEST_PAGES - 1)).toThrow(
      /too little memory: the guest needs 2 MiB/,
    );
    const grown = await loadGuestImage(
      assemble(
        `(module (import "env" "memory" (memory 20 40 shared)) (func $s)
          (export "_start" (func $s)) (export "memory" (memory 0)))`,
      ),
    );
    const limited = createGuestMemory(grown, 30);
    expect(limited.buffer.byteLength).toBe(30 * 65536);
    // The machine's memory is the limit, whatever the import declares.
    expect(() => limited.grow(1)).toThrow(RangeError);
    const free = createGuestMemory(grown);
    expect(free.grow(20)).toBe(20);
    expect(() => free.grow(1)).toThrow(RangeError);
  });
});
