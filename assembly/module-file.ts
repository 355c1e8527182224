// SPDX-License-Identifier: MIT
// The files of the hot modules: fetches or reads them, compiles them, and checks that
// each is the expected module.

import { EnvironmentError } from './environment-error.ts';
import { fetchReason } from './fetch-reason.ts';
import { fileUrl } from './file-place.ts';
import { IN_NODE } from './in-node.ts';
import { PACKAGE_VERSION } from './package-version.ts';

/** Custom section that identifies a module (scripts/stamp-wasm.mjs). */
const STAMP = 'vsmmu';
const WASM_TYPE = 'application/wasm';

/**
 * @throws {Error} when it is another module, or one of another version: the modules share
 *   memory layouts.
 */
function checkStamp(module: WebAssembly.Module, name: string): void {
  const [section] = WebAssembly.Module.customSections(module, STAMP);
  const stamp = section && new TextDecoder().decode(section);
  const wanted = `${name} of vsmmu ${PACKAGE_VERSION}`;
  if (stamp !== wanted) throw new Error(`it is ${stamp ?? 'another module'}, not ${wanted}`);
}

async function compileBytes(
  bytes: ArrayBuffer | Uint8Array<ArrayBuffer>,
  of = '',
): Promise<WebAssembly.Module> {
  try {
    return await WebAssembly.compile(bytes);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new Error(`it is not a WebAssembly module${of}: ${reason}`, { cause });
  }
}

async function fetchModule(url: URL): Promise<WebAssembly.Module> {
  const response = await fetch(url);
  const { ok, status, statusText, headers } = response;
  if (!ok) throw new Error(`the server answers ${status} ${statusText}`.trim());
  const type = headers.get('content-type') ?? '';
  // Many servers do not know the type, and compileStreaming refuses other types.
  if (type === WASM_TYPE) return await WebAssembly.compileStreaming(response);
  // The server of a single-page app may answer with its page in place of a missing file.
  const of = type === '' ? '' : `, the server answers ${type}`;
  return await compileBytes(await response.arrayBuffer(), of);
}

async function readModule(url: URL): Promise<WebAssembly.Module> {
  if (!IN_NODE || url.protocol !== 'file:') return await fetchModule(url);
  const { readFile } = process.getBuiltinModule('node:fs/promises');
  return await compileBytes(new Uint8Array(await readFile(url)));
}

/**
 * The reason why a file could not be loaded, in one line: `fetch` has it in the cause of
 * its error.
 */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return (fetchReason(error) ?? error.message).replace(/\s*\n[\s\S]*/, '');
}

/**
 * Compiles one of the hot modules.
 * @param place its URL or path.
 * @param name the module that it has to be: "smmu-core".
 * @throws {EnvironmentError} `no-module` when it cannot be loaded, or is another one.
 */
export async function compileModule(
  place: string | URL,
  name: string,
): Promise<WebAssembly.Module> {
  let url = String(place);
  try {
    const file = fileUrl(place);
    url = file.href;
    const module = await readModule(file);
    checkStamp(module, name);
    return module;
  } catch (cause) {
    // A URL that contains the module itself is shortened in the message.
    const shown = url.length > 200 ? `${url.slice(0, 200)}…` : url;
    const message = `the WebAssembly module ${shown} cannot be loaded: ${reasonOf(cause)}`;
    throw new EnvironmentError('no-module', message, { cause, url });
  }
}
