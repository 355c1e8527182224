// SPDX-License-Identifier: MIT
// Library files that are missing or wrong: the error for each, regardless of how the file
// is named.

import { execFile } from 'node:child_process';
import { copyFile, cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join, relative } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type GuestImageError, Host, type HostOptions, type ModuleUrls, virtBoard } from 'vsmmu';
import { loadHotModules } from 'vsmmu/devices';
import { hasMultiMemory } from '../../assembly/load.ts';
import { PROJECT } from '../support/project.ts';
import { reactor } from '../support/wat.ts';

const IDLE = reactor('(func $run (param i32) (result i32) (i32.const 0))');
const ASSEMBLY = join(PROJECT, 'dist/assembly');
const PAGE = '<!doctype html><title>an app</title>';

/**
 * By the names of `wasmUrl`: the module, and another one with nearly the same imports.
 */
const FILES: Readonly<Record<keyof ModuleUrls, readonly [own: string, other: string]>> = {
  guestPort: ['guest-port', 'guest-port-private'],
  privateGuestPort: ['guest-port-private', 'guest-port'],
  smmuCore: ['smmu-core', 'smmu-core-checked'],
  checkedSmmuCore: ['smmu-core-checked', 'smmu-core'],
  vcmdqDrain: ['vcmdq-drain', 'smmu-core'],
  smmuUnit: ['smmu-unit', 'smmu-unit-private'],
  privateSmmuUnit: ['smmu-unit-private', 'smmu-unit'],
  checkedSmmuUnit: ['smmu-unit-checked', 'smmu-unit'],
  privateCheckedSmmuUnit: ['smmu-unit-checked-private', 'smmu-unit-checked'],
  arm64: ['arm64', 'gicv3'],
  gicv3: ['gicv3', 'arm64'],
  amdIommu: ['amd-iommu', 'smmu-core'],
  amdUnit: ['amd-unit', 'amd-unit-private'],
  privateAmdUnit: ['amd-unit-private', 'amd-unit'],
};
/** The files that this engine loads: units of one module need multi-memory. */
const NAMES = (Object.keys(FILES) as (keyof ModuleUrls)[]).filter(
  (name) => hasMultiMemory() || !name.endsWith('Unit'),
);
/** A module that every host of this engine loads. */
const CORE = hasMultiMemory() ? 'smmuUnit' : 'smmuCore';
const [CORE_FILE] = FILES[CORE];

let folder: string;
let server: Server;
let origin: string;
/** Paths that were requested from the server. */
const asked: string[] = [];
beforeAll(async () => {
  // Below the project: a copy of the package finds its dependencies there.
  await mkdir(join(PROJECT, 'build'), { recursive: true });
  folder = await mkdtemp(join(PROJECT, 'build/files-'));
  for (const name of NAMES) {
    const [own] = FILES[name];
    const bytes = await readFile(join(ASSEMBLY, `${own}.wasm`));
    await copyFile(join(ASSEMBLY, `${own}.wasm`), join(folder, `${own}.wasm`));
    await writeFile(join(folder, `half-${own}.wasm`), bytes.subarray(0, bytes.length / 2));
  }
  await writeFile(join(folder, 'text.wasm'), 'not a module');
  await writeFile(join(folder, 'page.wasm'), PAGE);
  server = createServer(async ({ url = '' }, response) => {
    asked.push(url);
    const file = await readFile(join(folder, url)).catch(() => undefined);
    // Like the server of a single-page app.
    const type = file ? 'application/wasm' : 'text/html; charset=utf-8';
    response.writeHead(200, { 'content-type': type }).end(file ?? PAGE);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(async () => {
  server.close();
  await rm(folder, { recursive: true });
});

/** The error for a file with this name. */
async function said(name: keyof ModuleUrls, place: string | URL): Promise<unknown> {
  const wasmUrl = { [name]: place };
  const options: HostOptions = name.toLowerCase().includes('amd')
    ? { iommu: 'amd', wasmUrl }
    : { iotlbCheck: name.toLowerCase().includes('checked'), wasmUrl };
  const host = await Host.create(options).catch((e) => e);
  if (!(host instanceof Host)) return host;
  const machine = await host
    .createMachine({ guest: IDLE, board: virtBoard() })
    .catch((error: unknown) => error);
  expect(host.machines).toEqual([]);
  await host.destroy();
  return machine;
}

const refused = (url: string, reason: RegExp) => ({
  name: 'EnvironmentError',
  code: 'no-module',
  url,
  message: expect.stringMatching(reason),
});

describe('a module that is another file', () => {
  it.each(NAMES)('%s is refused by its URL, with the reason', async (name) => {
    const [own, other] = FILES[name];
    const cases: [file: string, reason: RegExp][] = [
      ['text.wasm', /is not a WebAssembly module|expected magic/],
      ['page.wasm', /is not a WebAssembly module|expected magic/],
      [`half-${own}.wasm`, /@\+\d+/],
      [`${other}.wasm`, new RegExp(`it is ${other} of vsmmu \\S+, not ${own} of vsmmu`)],
    ];
    for (const [file, reason] of cases) {
      const path = join(folder, file);
      const url = pathToFileURL(path).href;
      expect(await said(name, path)).toMatchObject(refused(url, reason));
      expect(await said(name, new URL(url))).toMatchObject(refused(url, reason));
      const served = `${origin}/${file}`;
      expect(await said(name, served)).toMatchObject(refused(served, reason));
    }
    const missing = `${origin}/missing.wasm`;
    expect(await said(name, missing)).toMatchObject(
      refused(missing, /the server answers text\/html/),
    );
  });

  it('is refused by loadHotModules as by a host', async () => {
    const url = `${origin}/smmu-core.wasm`;
    await expect(loadHotModules({ vcmdqDrain: url })).rejects.toMatchObject(
      refused(url, /it is smmu-core of vsmmu/),
    );
  });

  it('is refused where the package has it, one of another version too', async () => {
    await cp(join(PROJECT, 'dist'), join(folder, 'dist'), { recursive: true });
    await copyFile(join(PROJECT, 'package.json'), join(folder, 'package.json'));
    await writeFile(
      join(folder, 'try.mjs'),
      `const { Host } = await import('./dist/vmm/api/index.js');
       await Host.create().catch(({ name, code, url, message }) =>
         console.log(JSON.stringify({ name, code, url, message })));`,
    );
    const path = join(folder, `dist/assembly/${CORE_FILE}.wasm`);
    const url = pathToFileURL(path).href;
    const bytes = await readFile(path);
    const stamp = bytes.lastIndexOf('of vsmmu ') + 'of vsmmu '.length;
    const old = Buffer.concat([bytes.subarray(0, stamp), Buffer.from('0.0.1')]);
    const cases: [Buffer, RegExp][] = [
      [Buffer.from(PAGE), /is not a WebAssembly module/],
      [bytes.subarray(0, 1000), /is not a WebAssembly module/],
      [IDLE as Buffer, new RegExp(`it is another module, not ${CORE_FILE} of vsmmu`)],
      [old, new RegExp(`it is ${CORE_FILE} of vsmmu 0\\.0\\.1, not`)],
    ];
    for (const [other, reason] of cases) {
      await writeFile(path, other);
      const { stdout } = await promisify(execFile)(process.execPath, [join(folder, 'try.mjs')]);
      expect(JSON.parse(stdout)).toEqual(refused(url, reason));
    }
  });

  it("is not a guest, and the server's response tells why", async () => {
    const host = await Host.create();
    const guest = `${origin}/guest.wasm`;
    const error: GuestImageError = await host.createMachine({ guest }).catch((e) => e);
    expect([error.name, error.code, error.message]).toEqual([
      'GuestImageError',
      'unreadable',
      `cannot read ${guest}: the server answers text/html; charset=utf-8`,
    ]);
    await host.destroy();
  });
});

describe('a place of a file', () => {
  it.each([
    ['guest-port', 'guest-port-private', 'amd-iommu'],
    ['amd-unit', 'amd-unit-private'],
  ])('is taken by a host with an AMD IOMMU: %s and what belongs to it', async (...files) => {
    if (files[0] === 'amd-unit' && !hasMultiMemory()) return;
    const named = files.map((file) => {
      const [name] = Object.entries(FILES).find(([, [own]]) => own === file) ?? [];
      return [name, `${origin}/${file}.wasm`];
    });
    asked.length = 0;
    // Files of an SMMU are not loaded: one list serves both kinds of host.
    const wasmUrl = { ...Object.fromEntries(named), smmuUnit: `${origin}/no.wasm` };
    const host = await Host.create({ iommu: 'amd', wasmUrl });
    expect(asked.toSorted()).toEqual(files.map((file) => `/${file}.wasm`).toSorted());
    const guest = reactor('(func $run (param i32) (result i32) (i32.const 2))');
    const machine = await host.createMachine({ guest });
    await machine.boot();
    expect((await machine.wait()).status).toBe('off');
    await host.destroy();
  });

  it('is a path from the working directory, for modules and workers alike', async () => {
    const here = (file: string) => relative(process.cwd(), join(folder, file));
    const host = await Host.create({
      wasmUrl: { [CORE]: here(`${CORE_FILE}.wasm`) },
      workerUrl: { vcpu: here('nowhere.js'), drain: here('nowhere.js') },
    });
    const url = pathToFileURL(join(folder, 'nowhere.js')).href;
    const machine = await host.createMachine({ guest: IDLE, transport: 'mailbox' });
    await expect(machine.boot()).rejects.toMatchObject({ code: 'no-worker', url });
    await expect(host.createMachine({ guest: IDLE, drain: 'thread' })).rejects.toMatchObject({
      code: 'no-worker',
      url,
    });
    await host.destroy();
    await expect(Host.create({ wasmUrl: { [CORE]: here('nowhere.wasm') } })).rejects.toMatchObject({
      url: pathToFileURL(join(folder, 'nowhere.wasm')).href,
    });
  });

  it.each<[object, string]>([
    [{ wasmUrl: { smmuUnit: 5 } }, 'wasmUrl.smmuUnit must be a URL or a path, not 5'],
    [{ wasmUrl: { arm64: '' } }, 'wasmUrl.arm64 must be a URL or a path, not ""'],
    [{ wasmUrl: { gicv3: {} } }, 'wasmUrl.gicv3 must be a URL or a path, not {}'],
    [{ wasmUrl: [] }, 'wasmUrl must be an object, not []'],
    [{ workerUrl: { vcpu: 'http://' } }, 'workerUrl.vcpu must be a URL or a path, not "http://"'],
    [{ workerUrl: { drain: null } }, 'workerUrl.drain must be a URL or a path, not null'],
  ])('%j is refused in one line', async (options, message) => {
    await expect(Host.create(options)).rejects.toMatchObject({ name: 'OptionsError', message });
  });
});
