// SPDX-License-Identifier: MIT
// Guest binaries that are almost valid: sections combined at random, then bytes changed,
// cut, repeated or moved. Each is accepted, or refused by a GuestImageError in one
// harmless line; an accepted one has one memory, env.memory, and the engine's allocations
// for it are bounded.

import { Random } from '../../../devices/testing/index.ts';
import {
  GuestImageError,
  loadGuestImage,
  loadSecondaryProgram,
} from '../../../vmm/vcpu/wasm/index.ts';
import {
  binary,
  command,
  IMPORT_MEMORY,
  leb,
  name,
  type Parts,
  section,
  vector,
} from '../../support/wasm-bytes.ts';
import { ensure, ensureHarmlessLine, type Fuzzer, type FuzzTarget } from '../target.ts';

type Bytes = Uint8Array<ArrayBuffer>;

/** Binaries per run. */
const OPERATIONS = 200;
const MOST_MESSAGE = 600;
const NAMES = ['env', 'memory', 'vsmmu', 'wasi_snapshot_preview1', 'mmio_read32', 'fd_write'];
const ODD_NAMES = [
  '__proto__',
  'constructor',
  'get',
  '',
  '\u001b[2J',
  '\ufeffenv',
  'x'.repeat(300),
];
const VALUE_TYPES = [0x7f, 0x7e, 0x7d, 0x7c, 0x7b, 0x70, 0x6f];
const SIZES = [0, 1, 2, 32, 0x7f, 0x80, 65_535, 65_536, 65_537, 10_000_000, 0x7fffffff, 0xffffffff];

const times = <T>(count: number, make: () => T): T[] => Array.from({ length: count }, make);

class ImageMaker {
  readonly #random: Random;

  constructor(random: Random) {
    this.#random = random;
  }

  #chance(percent: number): boolean {
    return this.#random.below(100) < percent;
  }

  #name(): number[] {
    return name(this.#random.pick(this.#chance(80) ? NAMES : ODD_NAMES));
  }

  #size(): number[] {
    return leb(this.#chance(60) ? this.#random.below(40) : this.#random.pick(SIZES));
  }

  #limits(): number[] {
    const flags = this.#chance(80) ? 0x01 : this.#random.below(10);
    return [flags, ...this.#size(), ...(flags & 1 ? this.#size() : [])];
  }

  #type(): number[] {
    if (this.#chance(10)) {
      const forms = [
        [0x5f, 0x01, 0x7f, 0x01],
        [0x5e, 0x7f, 0x01],
        [0x4e, 0x01, 0x50, 0x00, 0x5e, 0x7f, 0x01],
        [0x60, 0x01, 0x6e, 0x00],
      ];
      return this.#random.pick(forms);
    }
    const values = () =>
      vector(...times(this.#random.below(4), () => [this.#random.pick(VALUE_TYPES)]));
    return [0x60, ...values(), ...values()];
  }

  #import(): number[] {
    const kinds = [
      () => [0x00, this.#random.below(6)],
      () => [0x01, 0x70, ...this.#limits()],
      () => [0x02, 0x03, ...this.#size(), ...this.#size()],
      () => [0x03, this.#random.pick(VALUE_TYPES), this.#random.below(3)],
      () => [0x04, 0x00, this.#random.below(6)],
    ];
    return [...this.#name(), ...this.#name(), ...this.#random.pick(kinds)()];
  }

  #expression(): number[] {
    const forms = [
      [0x41, ...this.#size(), 0x0b],
      [0x23, this.#random.below(3), 0x0b],
      [0xd0, 0x70, 0x0b],
      [0x10, 0x00, 0x0b],
      [0x41, 0x00],
    ];
    return this.#chance(85) ? [0x41, 0x00, 0x0b] : this.#random.pick(forms);
  }

  /** A section of a kind that a command does not have. */
  #section(): { readonly place: 'before' | 'between' | 'after'; readonly bytes: number[] } {
    const some = (make: () => number[]) => vector(...times(1 + this.#random.below(3), make));
    const kinds = [
      {
        place: 'before',
        bytes: () =>
          section(
            4,
            some(() => [0x70, ...this.#limits()]),
          ),
      },
      {
        place: 'before',
        bytes: () =>
          section(
            5,
            some(() => this.#limits()),
          ),
      },
      {
        place: 'before',
        bytes: () =>
          section(
            13,
            some(() => [0x00, this.#random.below(6)]),
          ),
      },
      {
        place: 'before',
        bytes: () =>
          section(
            6,
            some(() => [this.#random.pick(VALUE_TYPES), 0x00, ...this.#expression()]),
          ),
      },
      { place: 'between', bytes: () => section(8, [this.#random.below(3)]) },
      {
        place: 'between',
        bytes: () =>
          section(
            9,
            some(() => [0x00, ...this.#expression(), ...this.#size(), 0x00]),
          ),
      },
      { place: 'between', bytes: () => section(12, this.#size()) },
      {
        place: 'after',
        bytes: () =>
          section(
            11,
            some(() => [0x00, ...this.#expression(), ...this.#size()]),
          ),
      },
      { place: 'after', bytes: () => section(0, [...this.#name(), ...this.#size()]) },
    ] as const;
    const { place, bytes } = this.#random.pick(kinds);
    return { place, bytes: bytes() };
  }

  #whole(): Bytes {
    const imports = times(this.#random.below(3), () => this.#import());
    const functions = imports.filter((bytes) => bytes.includes(0x00)).length;
    const sections = times(this.#random.below(3), () => this.#section());
    const at = (wanted: string) =>
      sections.filter(({ place }) => place === wanted).map(({ bytes }) => bytes);
    const parts: Parts = {
      types: times(this.#random.below(3), () => this.#type()),
      imports: this.#chance(95) ? [IMPORT_MEMORY, ...imports] : imports,
      functions: this.#chance(90) ? functions : this.#random.below(5),
      before: at('before'),
      between: at('between'),
      after: at('after'),
    };
    return this.#chance(97) ? command(parts) : binary(...sections.map(({ bytes }) => bytes));
  }

  /** Some bytes changed, cut off, repeated, or moved to another place. */
  #damaged(bytes: Bytes): Bytes {
    const at = this.#random.below(bytes.length);
    const length = 1 + this.#random.below(8);
    switch (this.#random.below(6)) {
      case 0:
        return bytes.slice(0, at);
      case 1:
        return Uint8Array.from([...bytes.subarray(0, at + length), ...bytes.subarray(at)]);
      case 2:
        return Uint8Array.from([...bytes.subarray(0, at), ...bytes.subarray(at + length)]);
      default: {
        const changed = bytes.slice();
        for (let left = 1 + this.#random.below(3); left > 0; left--)
          changed[this.#random.below(bytes.length)] = this.#chance(50)
            ? this.#random.word()
            : (changed[at] ?? 0) ^ (1 << this.#random.below(8));
        return changed;
      }
    }
  }

  make(): Bytes {
    const whole = this.#whole();
    return this.#chance(50) ? whole : this.#damaged(whole);
  }
}

const PROTOTYPE = Object.getOwnPropertyNames(Object.prototype).length;

class ImageFuzzer implements Fuzzer {
  async #load(bytes: Bytes, secondary: boolean): Promise<void> {
    try {
      if (secondary) {
        await loadSecondaryProgram(bytes);
        return;
      }
      const { module, initialPages, maximumPages } = await loadGuestImage(bytes);
      ensure(
        initialPages <= maximumPages && maximumPages <= 65_536,
        () => `accepted with ${initialPages} to ${maximumPages} pages`,
      );
      const memories = WebAssembly.Module.imports(module).filter(({ kind }) => kind === 'memory');
      ensure(
        memories.length === 1 && memories[0]?.module === 'env' && memories[0].name === 'memory',
        () => `accepted with the memories ${JSON.stringify(memories)}`,
      );
    } catch (error) {
      if (!(error instanceof GuestImageError)) throw error;
      const { message } = error;
      ensureHarmlessLine(message, MOST_MESSAGE);
    }
  }

  async run(seed: number): Promise<number> {
    const random = new Random(seed);
    const maker = new ImageMaker(random);
    // All at once: an engine compiles on threads of its own, and waiting for each would
    // take most of the time.
    const loads = times(OPERATIONS, async () => {
      const bytes = maker.make();
      try {
        await this.#load(bytes, random.below(4) === 0);
      } catch (cause) {
        throw new Error(`binary ${Buffer.from(bytes).toString('hex')}`, { cause });
      }
    });
    await Promise.all(loads);
    ensure(
      Object.getOwnPropertyNames(Object.prototype).length === PROTOTYPE,
      () => 'Object.prototype has changed',
    );
    return OPERATIONS;
  }
}

export const images: FuzzTarget = {
  name: 'images',
  create: () => Promise.resolve(new ImageFuzzer()),
};
