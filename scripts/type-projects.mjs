// SPDX-License-Identifier: MIT
// TypeScript projects that use the package like its users: for the check of its types
// with several compilers (check-types.mjs), and with the project's own (test/package).

/** Options of every such project: the package's own declarations are checked as well. */
const STRICT = {
  strict: true,
  skipLibCheck: false,
  exactOptionalPropertyTypes: true,
  noEmit: true,
};

/**
 * Compiler options, by the purpose of a project.
 * @type {Readonly<Record<string, object>>}
 */
export const PROJECTS = {
  // Node.js without the DOM's library.
  node: {
    ...STRICT,
    module: 'nodenext',
    target: 'es2022',
    lib: ['es2022'],
    types: ['node'],
  },
  // A page, with a bundler.
  dom: {
    ...STRICT,
    module: 'preserve',
    moduleResolution: 'bundler',
    target: 'es2022',
    lib: ['es2022', 'dom'],
    types: [],
  },
};

/**
 * The projects with the library of a later ECMAScript, whose buffers can grow and be
 * transferred: the declarations of memories have to be compatible with both.
 * @type {Readonly<Record<string, object>>}
 */
export const LATER_PROJECTS = Object.fromEntries(
  Object.entries(PROJECTS).map(([name, options]) => [
    `${name}, es2024`,
    { ...options, target: 'es2024', lib: ['es2024', ...(name === 'dom' ? ['dom'] : [])] },
  ]),
);

/** Each entry alone: its declarations must import everything that they need. */
const ENTRIES = [
  'vsmmu',
  ...['devices', 'guest', 'testing', 'iommufd', 'iommufd/mock', 'iommufd/smmu', 'v86'].map(
    (name) => `vsmmu/${name}`,
  ),
];

const MAIN = `import {
  CHECKPOINT_PHASE_ATTACK, Host, type Machine, type MachineEvents, OptionsError, probe, VERSION,
} from 'vsmmu';
import {
  defineDevice, type Device, type DeviceHost, type MmioAccess, PLUGIN_INTERFACE_VERSION, RegisterFile,
} from 'vsmmu/devices';
import { ABI_VERSION, toyGuest } from 'vsmmu/guest';
import { deviceContract } from 'vsmmu/testing';

export async function main(): Promise<number> {
  const host = await Host.create({ vintfs: 16 });
  const devices: Device[] = [];
  const machine: Machine = await host.createMachine({ guest: toyGuest, transport: 'inline', devices });
  machine.on('check', ({ name, ok }: MachineEvents['check']) => [name, ok]);
  machine.on('phase', ({ phase }) => phase === CHECKPOINT_PHASE_ATTACK);
  // @ts-expect-error There is no such event.
  machine.on('chekc', () => undefined);
  // @ts-expect-error There is no such transport.
  await host.createMachine({ guest: toyGuest, transport: 'fast' });
  const reader: ReadableStreamDefaultReader<Uint8Array> = machine.console.readable.getReader();
  const { value } = await reader.read();
  const pages: number = machine.memory.buffer.byteLength / 0x10000;
  // @ts-expect-error A memory has no such member.
  machine.memory.size;
  const own = new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
  const { threads, versions } = await probe();
  const code: string = new OptionsError('bad-option', 'x', 'y').code;
  await machine[Symbol.asyncDispose]();
  await host.destroy();
  const { exitCode } = await machine.wait();
  return (value?.length ?? 0) + own.grow(0) + exitCode + versions.guestAbi + ABI_VERSION +
    PLUGIN_INTERFACE_VERSION + Number(threads.available) + code.length + VERSION.length;
}
export const device = (): Device =>
  defineDevice({
    name: 'adder',
    kind: 'addr',
    busMaster: true,
    registers: {
      A: { offset: 0x0, writable: 0xffffffff },
      // @ts-expect-error There is no register of this name.
      SUM: { offset: 0x8, read: ({ A, AA }) => A + AA },
    },
    registers64: {
      TO: {
        offset: 0x10,
        writable: 1n,
        write: ({ TO }, { dma }) => dma.write(Number(TO), new Uint8Array(4)),
      },
    },
    reset: (values) => {
      values.A = 1;
    },
  });
export const kept: [typeof RegisterFile, typeof deviceContract, DeviceHost?, MmioAccess?] =
  [RegisterFile, deviceContract];
`;

/**
 * Sources by file name. Each is a separate program, so that no entry depends on another's
 * declarations.
 */
export const SOURCES = new Map([
  ['main.ts', MAIN],
  ...ENTRIES.map(
    (entry) =>
      /** @type {const} */ ([
        `${entry.replaceAll('/', '-')}.ts`,
        `import * as entry from '${entry}';\nexport const names = Object.keys(entry);\n`,
      ]),
  ),
]);
