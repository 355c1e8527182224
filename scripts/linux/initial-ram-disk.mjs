// SPDX-License-Identifier: MIT
// An initial RAM disk: klibc's shell and tools, which contain no floating-point
// instruction, and an init.

import { readFileSync } from 'node:fs';
import { DebianSuite, filesBelow } from './debian-packages.mjs';

const KLIBC = { suite: 'forky', pattern: '^(klibc-utils|libklibc)$' };
const FOLDERS = ['dev', 'proc', 'sys', 'bin', 'lib', 'usr', 'usr/lib'];
const FOLDER = 0o40755;
const PROGRAM = 0o100755;

const FILE = 0o100644;

/**
 * An archive of the format newc (Linux:
 * Documentation/driver-api/early-userspace/buffer-format.rst).
 */
class Archive {
  /** @type {Buffer[]} */
  #parts = [];
  #count = 0;

  /** @param {string} name @param {number} mode @param {Uint8Array} [data] */
  add(name, mode, data = new Uint8Array()) {
    const fields = [++this.#count, mode, 0, 0, 1, 0, data.length, 0, 0, 0, 0, name.length + 1, 0];
    const hex = fields.map((field) => field.toString(16).padStart(8, '0')).join('');
    this.#pad(Buffer.from(`070701${hex}${name}\0`));
    this.#pad(Buffer.from(data));
  }

  /** @param {Buffer} bytes */
  #pad(bytes) {
    this.#parts.push(bytes, Buffer.alloc(-bytes.length & 3));
  }

  get bytes() {
    this.add('TRAILER!!!', 0);
    return Buffer.concat(this.#parts);
  }
}

/**
 * @param {string} init text of the script that the kernel starts.
 * @param {Readonly<Record<string, Uint8Array>>} programs further files of /bin, by name.
 */
export function initialRamDisk(init, programs = {}) {
  const archive = new Archive();
  for (const folder of FOLDERS) archive.add(folder, FOLDER);
  const debian = new DebianSuite(KLIBC.suite, 'arm64');
  const roots = debian.search(KLIBC.pattern).map((name) => debian.unpacked(name));
  for (const file of roots.flatMap(filesBelow)) {
    const program = /\/klibc\/bin\/(\w+)$/.exec(file)?.[1];
    const library = /\/(klibc-[\w-]+\.so)$/.exec(file)?.[1];
    if (program) archive.add(`bin/${program}`, PROGRAM, readFileSync(file));
    // Its interpreter is searched in one of the two places, depending on the version.
    if (library)
      for (const folder of ['lib', 'usr/lib'])
        archive.add(`${folder}/${library}`, PROGRAM, readFileSync(file));
  }
  for (const [name, bytes] of Object.entries(programs)) archive.add(`bin/${name}`, PROGRAM, bytes);
  archive.add('init', PROGRAM, Buffer.from(init));
  return archive.bytes;
}

/**
 * An archive of files in the root folder, to append to an initial RAM disk.
 * @param {Readonly<Record<string, Uint8Array>>} files
 */
export function furtherFiles(files) {
  const archive = new Archive();
  for (const [name, bytes] of Object.entries(files)) archive.add(name, FILE, bytes);
  return archive.bytes;
}
