// SPDX-License-Identifier: MIT
// The package as installed by its users: packed, and installed in an empty folder.

import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { PROJECT } from './project.ts';

export const run = promisify(execFile);

/** npm of the Node.js that runs the tests. */
const NPM = process.platform === 'win32' ? 'npm.cmd' : 'npm';

export interface PackedFile {
  readonly path: string;
  readonly size: number;
}

export interface Packed {
  /** Folder with the package in its node_modules. */
  readonly folder: string;
  readonly tarball: string;
  readonly files: readonly PackedFile[];
  /** Bytes of the tarball, and of its files. */
  readonly size: number;
  readonly unpackedSize: number;
  remove(): Promise<void>;
}

/** Packs the built package and installs it, with its dependencies, in a new folder. */
export async function installPacked(): Promise<Packed> {
  const folder = await mkdtemp(join(tmpdir(), 'vsmmu-package-'));
  // The Node.js that runs this may differ from the one on the PATH: its programs come
  // first.
  const env = { ...process.env, PATH: `${dirname(process.execPath)}:${process.env.PATH}` };
  // The tests' build is packed; `prepack` would build it again.
  const pack = ['pack', '--json', '--ignore-scripts', '--pack-destination', folder];
  const { stdout } = await run(NPM, pack, { cwd: PROJECT, env });
  const [packed] = JSON.parse(stdout) as {
    filename: string;
    files: PackedFile[];
    size: number;
    unpackedSize: number;
  }[];
  if (!packed) throw new Error('nothing was packed');
  const tarball = join(folder, packed.filename);
  await writeFile(join(folder, 'package.json'), JSON.stringify({ private: true, type: 'module' }));
  await run(NPM, ['install', '--no-audit', '--no-fund', '--prefer-offline', tarball], {
    cwd: folder,
    env,
  });
  return { ...packed, folder, tarball, remove: () => rm(folder, { recursive: true }) };
}
