// SPDX-License-Identifier: MIT
// The WASI of a guest, composed by its imports: the machine's console for every program,
// and files for those that open some.

import { MODULE_WASI, type WasiFunction } from '../import-types.ts';
import { EBADF } from './wasi-errno.ts';
import { WasiFiles } from './wasi-files.ts';
import type { WasiFactory, WasiHost } from './wasi-host.ts';
import { WasiLibrary } from './wasi-library.ts';
import { WasiMemory } from './wasi-memory.ts';
import { programFunctions } from './wasi-program.ts';
import { isStream, streamFunctions } from './wasi-streams.ts';

type WasiCall = (...args: (number | bigint)[]) => number;
type WasiCalls = Readonly<Partial<Record<WasiFunction, WasiCall>>>;

const NO_WASI: WasiHost = { functions: {}, dispose: () => undefined };

/** Opening a file requires one of these. */
const OPENS_FILES = /^(path|fd_prestat)_/;

/** A function by its first argument: a descriptor of the console, or another one. */
function byDescriptor(stream: WasiCall, file: WasiCall | undefined): WasiCall {
  return (fd = 0, ...rest) => {
    if (isStream(Number(fd))) return stream(fd, ...rest);
    return file ? file(fd, ...rest) : EBADF;
  };
}

/**
 * The WASI of one guest.
 * @param module its imports determine whether the library for files is loaded.
 */
export const createWasi: WasiFactory = async (module, memory, options): Promise<WasiHost> => {
  const imported = WebAssembly.Module.imports(module)
    .filter((one) => one.module === MODULE_WASI)
    .map(({ name }) => name);
  if (imported.length === 0) return NO_WASI;
  const guest = new WasiMemory(memory);
  const library = imported.some((name) => OPENS_FILES.test(name))
    ? await WasiLibrary.create()
    : undefined;
  const files = library && new WasiFiles(guest, library);
  const streams = streamFunctions(guest, options);
  const program = programFunctions(
    guest,
    options,
    (fd) => isStream(fd) || (files?.isOpen(fd) ?? false),
  );
  const ofProgram = program as unknown as WasiCalls;
  const ofStreams = streams as unknown as WasiCalls;
  const ofFiles = files?.functions ?? {};
  const servedBy = (name: WasiFunction) =>
    ofProgram[name] ??
    (ofStreams[name] ? byDescriptor(ofStreams[name], ofFiles[name]) : ofFiles[name]);
  return {
    functions: Object.fromEntries(
      imported.flatMap((name) => {
        const call = servedBy(name as WasiFunction);
        return call ? [[name, call]] : [];
      }),
    ),
    dispose: () => files?.dispose(),
  };
};
