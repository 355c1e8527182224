// SPDX-License-Identifier: MIT
// Calls of WASI with meaningful arguments, and now and then with arbitrary ones: file
// descriptors that a run has opened, paths of files that it may have created, vectors and
// buffers in memory and beyond it.

import type { Random } from '../../devices/testing/index.ts';
import type { GuestFunction } from './call-guest.ts';

const MIB = 2 ** 20;
/** Addresses of vectors, subscriptions and results, followed by the paths. */
const DATA = 0x200000;
const DATA_WORDS = 0x1000;
const PATHS = DATA + 4 * DATA_WORDS;
const PATH_TEXTS = [
  ...['a', 'b', 'c', 'd', 'd/a', 'd/b', 'd/e', 'd/e/f', 'link', 'link/a', 'loop', 'loop/loop'],
  ...['', '.', '..', '/', '//', 'a/', '/a', '/d/a', './a', 'd/../a', '../../x', '../etc/passwd'],
  ...['/etc/passwd', 'file\0name', '\0', 'é\ud800', 'x'.repeat(300), 'y/'.repeat(2000)],
];
const BYTES = PATH_TEXTS.map((text) => new TextEncoder().encode(text));
/** A path that is not UTF-8. */
BYTES.push(Uint8Array.of(0xff, 0xc0, 0x2f, 0x61));

/** Descriptors that exist from the beginning: the console's and the directory. */
const OPEN_AT_FIRST = 4;
const ALL_RIGHTS = 0x1fffffffn;

/**
 * Kinds of a function's arguments, in order: f a descriptor; p a path, v a vector, b a
 * buffer (two arguments each); r the address of a result; s flags or another small
 * number; i 64 bits; R rights. Functions that are not listed get arguments of their
 * types.
 */
const SHAPES: Readonly<Record<string, string>> = {
  fd_advise: 'fiis',
  fd_allocate: 'fii',
  fd_close: 'f',
  fd_datasync: 'f',
  fd_fdstat_get: 'fr',
  fd_fdstat_set_flags: 'fs',
  fd_fdstat_set_rights: 'fRR',
  fd_filestat_get: 'fr',
  fd_filestat_set_size: 'fi',
  fd_filestat_set_times: 'fiis',
  fd_pread: 'fvir',
  fd_prestat_get: 'fr',
  fd_prestat_dir_name: 'fb',
  fd_pwrite: 'fvir',
  fd_read: 'fvr',
  fd_readdir: 'fbir',
  fd_renumber: 'ff',
  fd_seek: 'fisr',
  fd_sync: 'f',
  fd_tell: 'fr',
  fd_write: 'fvr',
  path_create_directory: 'fp',
  path_filestat_get: 'fspr',
  path_filestat_set_times: 'fspiis',
  path_link: 'fspfp',
  path_open: 'fspsRRsr',
  path_readlink: 'fpbr',
  path_remove_directory: 'fp',
  path_rename: 'fpfp',
  path_symlink: 'pfp',
  path_unlink_file: 'fp',
};

type Value = number | bigint;

/** The calls of one run for a guest with this much memory. */
export class WasiCallMaker {
  readonly #random: Random;
  readonly #memory: number;
  #opened = 0;

  constructor(random: Random, memory: number) {
    this.#random = random;
    this.#memory = memory;
  }

  /** Fills the part of guest memory to which the calls point. */
  fill(memory: ArrayBufferLike): void {
    const random = this.#random;
    const words = new Uint32Array(memory, DATA, DATA_WORDS);
    // Alternating address and length: vectors, and the first words of subscriptions.
    for (let i = 0; i < DATA_WORDS; i += 2) {
      const large = random.below(200) === 0;
      words[i] =
        random.below(50) === 0 ? random.word() : large ? 0 : DATA + random.below(DATA_WORDS * 4);
      words[i + 1] =
        random.below(50) === 0 ? this.#far() : large ? random.below(2 * MIB) : random.below(300);
    }
    let at = PATHS;
    for (const bytes of BYTES) {
      new Uint8Array(memory).set(bytes, at);
      at += bytes.length;
    }
  }

  /** The arguments of a call. */
  argumentsOf({ name, params }: GuestFunction): readonly Value[] {
    const shape = SHAPES[name];
    if (name === 'path_open') this.#opened++;
    const meant = shape ? [...shape].flatMap((kind) => this.#meant(kind)) : [];
    return params.map((type, i) => {
      const value = meant[i];
      if (value !== undefined && this.#random.below(30) > 0) return value;
      return type === 'i64' ? this.#wide() : this.#any();
    });
  }

  #meant(kind: string): Value[] {
    const random = this.#random;
    const place = () => DATA + 8 * random.below(DATA_WORDS / 2);
    switch (kind) {
      case 'f':
        return [this.#descriptor()];
      case 'p': {
        const which = random.below(BYTES.length);
        const before = BYTES.slice(0, which).reduce((sum, { length }) => sum + length, 0);
        return [PATHS + before, BYTES[which]?.length ?? 0];
      }
      case 'v':
        return [place(), random.below(6)];
      case 'b':
        return [place(), random.below(400)];
      case 'r':
        return [place()];
      case 's':
        return [random.below(16)];
      case 'R':
        return [random.below(4) === 0 ? this.#wide() : ALL_RIGHTS];
      default:
        return [this.#wide()];
    }
  }

  /** The directory, a file that may be open, or one of the console. */
  #descriptor(): number {
    const random = this.#random;
    if (random.below(3) === 0) return OPEN_AT_FIRST - 1;
    return random.below(OPEN_AT_FIRST + Math.min(this.#opened, 200) + 1);
  }

  #far(): number {
    const far = [this.#memory + 1, 0x7fffffff, 0x80000000, 0xfffffff8, 0xffffffff];
    return this.#random.pick(far);
  }

  #any(): number {
    const random = this.#random;
    const memory = this.#memory;
    const edges = [0, 1, 4, 8, 0xff, 0xffff, 0x10000, memory - 4, memory - 1, memory];
    switch (random.below(8)) {
      case 0:
        return random.pick(edges);
      case 1:
        return this.#far();
      case 2:
        return random.below(64);
      case 3:
        return random.below(6);
      case 4:
        return PATHS + random.below(8192);
      default:
        return DATA + 8 * random.below(DATA_WORDS / 2);
    }
  }

  #wide(): bigint {
    const random = this.#random;
    const small = BigInt(random.below(200));
    switch (random.below(8)) {
      case 0:
        return (BigInt(random.word()) << 32n) | BigInt(random.word());
      case 1:
        return small * 100_000n;
      case 2:
        return BigInt.asUintN(64, -small);
      default:
        return small;
    }
  }
}
