// SPDX-License-Identifier: MIT

import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import {
  GUEST_ABI_VERSION,
  Host,
  type OptionsError,
  PLUGIN_INTERFACE_VERSION,
  probe,
  VERSION,
  virtBoard,
} from 'vsmmu';
import { loadHotModules, Pl011 } from 'vsmmu/devices';
import { ABI_VERSION } from 'vsmmu/guest';
import { checkOptions } from '../../vmm/api/option-checks.ts';
import {
  HOST_SETTINGS,
  type HostSettings,
  MACHINE_SETTINGS,
  type MachineSettings,
} from '../../vmm/api/settings.ts';
import { reactor } from '../support/wat.ts';

const IDLE = reactor('(func $run (param i32) (result i32) (i32.const 0))');

const refusal = (entries: typeof HOST_SETTINGS | typeof MACHINE_SETTINGS, value: unknown) => {
  try {
    checkOptions(entries, value, 'the options');
    return 'accepted';
  } catch (error) {
    const { code, message } = error as OptionsError;
    return `${code}: ${message}`;
  }
};

describe('the schema of the options', () => {
  it('says of each wrong option what it must be', () => {
    const cases: [unknown, string][] = [
      [7, 'bad-option: the options must be an object, not 7'],
      [[], 'bad-option: the options must be an object, not []'],
      [{ vcpu: 2 }, 'unknown-option: there is no option "vcpu": did you mean "vcpus"?'],
      ...['constructor', 'toString', '__proto__'].map((name): [unknown, string] => [
        JSON.parse(`{ "${name}": 1 }`),
        `unknown-option: there is no option "${name}"; there are ${Object.keys(MACHINE_SETTINGS).join(', ')}`,
      ]),
      [{ vcpus: 0 }, 'bad-option: vcpus must be an integer from 1 to 8, not 0'],
      [{ vcpus: '2' }, 'bad-option: vcpus must be an integer from 1 to 8, not "2"'],
      [{ memory: 1.5 }, 'bad-option: memory must be an integer from 1 to 4096, not 1.5'],
      [{ transport: 'fast' }, 'bad-option: transport must be one of inline, mailbox, not "fast"'],
      [{ args: 'a b' }, 'bad-option: args must be a list of texts, not "a b"'],
      [{ args: ['a', 1] }, 'bad-option: args[1] must be text, not 1'],
      [{ env: { HOME: 1 } }, 'bad-option: env.HOME must be text, not 1'],
      ...['A=B', '=', '', 'A\0'].map((name): [unknown, string] => [
        { env: { A: 'b', [name]: 'c' } },
        `bad-option: env must have names without = and NUL, not ${name === 'A\0' ? '"A\\u0000"' : `"${name}"`}`,
      ]),
      [{ env: { A: 'b\0' } }, 'bad-option: env.A must be text without NUL, not "b\\u0000"'],
      [{ args: ['b\0'] }, 'bad-option: args[0] must be text without NUL, not "b\\u0000"'],
      [{ seed: -1 }, 'bad-option: seed must be an integer from 0 to 4294967295, not -1'],
      [{ directMaps: 'no' }, 'bad-option: directMaps must be true or false, not "no"'],
      [{ name: '' }, 'bad-option: name must not be empty'],
      ...([[], [0, 0], 1] as const).map((behind): [object, string] => [
        { behind },
        `bad-option: behind must be a list of ${behind === 1 ? '' : 'different '}numbers of SMMUs, not ${JSON.stringify(behind)}`,
      ]),
      [{ behind: [16] }, 'bad-option: behind[0] must be an integer from 0 to 15, not 16'],
    ];
    for (const [value, message] of cases) expect(refusal(MACHINE_SETTINGS, value)).toBe(message);
    expect(refusal(HOST_SETTINGS, { vintfs: 3 })).toBe(
      'bad-option: vintfs must be a power of two from 1 to 64, not 3',
    );
    for (const smmus of [0, 17, 1.5])
      expect(refusal(HOST_SETTINGS, { smmus })).toBe(
        `bad-option: smmus must be an integer from 1 to 16, not ${smmus}`,
      );
    expect(refusal(HOST_SETTINGS, { hostRam: 10n })).toBe(
      'bad-option: hostRam must be an integer from 1 to 1024, not bigint',
    );
  });

  it('accepts every option, by the name in the types', () => {
    const machine: Required<MachineSettings> = {
      name: 'm',
      memory: 32,
      vcpus: 1,
      transport: 'inline',
      drain: 'auto',
      args: ['a'],
      env: { A: 'b', 'a name': 'c=d' },
      allowGc: true,
      seed: 1,
      overlay: false,
      queues: 'ecmdq',
      directMaps: true,
      btm: false,
      behind: [1, 0],
    };
    const host: Required<HostSettings> = {
      iommu: 'amd',
      smmus: 2,
      vintfs: 16,
      vcmdqs: 32,
      hostRam: 16,
      idRegisters: 'grace',
      btm: true,
      iotlbCheck: true,
      traceLimit: 1000,
    };
    expect(checkOptions(MACHINE_SETTINGS, machine, '')).toEqual(machine);
    expect(checkOptions(HOST_SETTINGS, host, '')).toEqual(host);
    expect(Object.keys(MACHINE_SETTINGS)).toEqual(Object.keys(machine));
    expect(Object.keys(HOST_SETTINGS)).toEqual(Object.keys(host));
  });

  it('is that of Host.create and createMachine', async () => {
    await expect(Host.create({ vintfs: 5 })).rejects.toMatchObject({
      name: 'OptionsError',
      option: 'vintfs',
    });
    const host = await Host.create();
    await expect(host.createMachine({ guest: IDLE, vcpus: 9 })).rejects.toMatchObject({
      name: 'OptionsError',
      option: 'vcpus',
    });
    await expect(host.createMachine({ guest: IDLE, allowGc: true })).rejects.toMatchObject({
      name: 'OptionsError',
      option: 'allowGc',
    });
    await expect(host.createMachine({ guest: IDLE, vcpus: 2 })).rejects.toMatchObject({
      name: 'OptionsError',
      option: 'secondary',
    });
    await host.destroy();
  });
});

describe('other places of files', () => {
  it('loads modules and workers from the given places', async () => {
    const at = (name: string) => new URL(`../../dist/${name}`, import.meta.url);
    const wasmUrl = {
      smmuCore: at('assembly/smmu-core.wasm').href,
      guestPort: at('assembly/guest-port.wasm'),
    };
    const workerUrl = {
      vcpu: at('vmm/threads/vcpu-worker.js'),
      drain: at('vmm/threads/drain-worker.js').href,
    };
    const host = await Host.create({ wasmUrl, workerUrl });
    const modules = await loadHotModules(wasmUrl);
    expect(Object.keys(modules), 'separate ones are named, and no unit').toContain('vcmdqDrain');
    const again = await Host.create({ wasmModule: modules });
    const machine = await host.createMachine({
      guest: IDLE,
      transport: 'mailbox',
      drain: 'thread',
    });
    await machine.boot();
    await again.destroy();
    await host.destroy();
  });

  it.each([
    ['a file that is not there', new URL('./nowhere.wasm', import.meta.url).href, /ENOENT/],
    [
      'a page that says so',
      'data:text/html,<p>404',
      /cannot be loaded: it is not a Web.*text\/html/,
    ],
    ['a server that is not there', 'http://127.0.0.1:1/smmu-core.wasm', /fetch failed/],
  ])('names a module that cannot be loaded: %s', async (_, url, reason) => {
    const code = 'no-module';
    await expect(Host.create({ wasmUrl: { smmuCore: url } })).rejects.toMatchObject({
      name: 'EnvironmentError',
      code,
      url,
      message: expect.stringMatching(reason),
    });
    await expect(loadHotModules({ vcmdqDrain: url })).rejects.toMatchObject({
      name: 'EnvironmentError',
      code,
      url,
    });
    const host = await Host.create({ wasmUrl: { gicv3: url } });
    await expect(host.createMachine({ guest: IDLE, board: virtBoard() })).rejects.toMatchObject({
      name: 'EnvironmentError',
      code,
      url,
    });
    expect([host.machines, host.inspect().vms]).toEqual([[], []]);
    await host.destroy();
  });

  it.each([
    ['a file that is not there', new URL('./nowhere.js', import.meta.url).href],
    ['one that is no program', new URL('../../package.json', import.meta.url).href],
    ['one that throws', 'data:text/javascript,throw new Error("not ours")'],
  ])('names a worker that cannot be loaded, and gives everything back: %s', async (_, url) => {
    const missing = { name: 'EnvironmentError', code: 'no-worker', url };
    const host = await Host.create({ workerUrl: { vcpu: url, drain: url } });
    const machine = await host.createMachine({ guest: IDLE, transport: 'mailbox' });
    await expect(machine.boot()).rejects.toMatchObject(missing);
    await machine.destroy();
    const threaded = { guest: IDLE, drain: 'thread' } as const;
    await expect(host.createMachine(threaded)).rejects.toMatchObject(missing);
    expect([host.machines, host.inspect().vms]).toEqual([[], []]);
    await host.destroy();
  });
});

describe('versions', () => {
  it('are one everywhere', () => {
    const { version } = JSON.parse(
      readFileSync(new URL('../../package.json', import.meta.url), 'utf8'),
    ) as { version: string };
    expect(VERSION).toBe(version);
    expect(GUEST_ABI_VERSION).toBe(ABI_VERSION);
    expect(new Pl011({ onOutput: () => undefined }).interfaceVersion).toBe(
      PLUGIN_INTERFACE_VERSION,
    );
  });

  it('that do not fit are refused in one line', async () => {
    const host = await Host.create();
    const device = Object.assign(new Pl011({ onOutput: () => undefined }), {
      name: 'old',
      interfaceVersion: 0,
    });
    await expect(host.createMachine({ guest: IDLE, devices: [device] })).rejects.toThrow(
      `device old was written for version 0 of the plugin interface, this is version ${PLUGIN_INTERFACE_VERSION}`,
    );
    await host.destroy();
  });
});

describe('probe', () => {
  it.each([
    ['bun', '1.3.14', 'Bun 1.3.14', true],
    ['deno', '2.7.6', 'Deno 2.7.6', true],
    ['deno', '3.0.0-rc.1', 'Deno 3.0.0-rc.1', true],
    ['deno', '2.7.5', 'Deno 2.7.5', false],
    ['deno', '2.6.10', 'Deno 2.6.10', false],
  ])('knows %s %s, and whether threads work there', async (name, version, runtime, threads) => {
    const { versions } = process;
    Object.defineProperty(process, 'versions', { value: { ...versions, [name]: version } });
    try {
      const found = await probe();
      expect([found.runtime, found.threads.available]).toEqual([runtime, threads]);
    } finally {
      Object.defineProperty(process, 'versions', { value: versions });
    }
  });

  it('finds everything in Node.js', async () => {
    const found = await probe();
    expect(found.versions).toEqual({
      vsmmu: VERSION,
      guestAbi: GUEST_ABI_VERSION,
      pluginInterface: PLUGIN_INTERFACE_VERSION,
    });
    expect(found.runtime).toBe(`Node.js ${process.versions.node}`);
    expect(found.cores).toBeGreaterThan(0);
    for (const capability of [found.webAssembly, found.isolation, found.threads])
      expect(capability).toEqual({ available: true });
    const modules = await loadHotModules();
    expect(found.multiMemory.available).toBe('smmuUnit' in modules);
    if (!found.multiMemory.available) expect(found.multiMemory.reason).toContain('one memory');
  });

  it('says what a page without cross-origin isolation lacks, and what it can do about it', async () => {
    const { SharedArrayBuffer: shared } = globalThis;
    Reflect.deleteProperty(globalThis, 'SharedArrayBuffer');
    try {
      const { threads, isolation } = await probe();
      expect(isolation).toMatchObject({
        available: false,
        reason: expect.stringContaining('Cross-Origin-Opener-Policy'),
      });
      expect(threads).toEqual(isolation);
      const host = await Host.create();
      await expect(host.createMachine({ guest: IDLE, transport: 'mailbox' })).rejects.toMatchObject(
        { code: 'no-threads' },
      );
      const machine = await host.createMachine({ guest: IDLE });
      await machine.boot();
      await host.destroy();
    } finally {
      Object.assign(globalThis, { SharedArrayBuffer: shared });
    }
  });
});
