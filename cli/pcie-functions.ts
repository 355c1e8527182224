// SPDX-License-Identifier: MIT
// Functions below the PCIe host bridge of a machine, as named by `--pcie`.

import { Random } from '../devices/bus/index.ts';
import { DmaEnginePci } from '../devices/dma-engine/index.ts';
import { type PcieFunction, PcieRootPort, PcieTestDevice } from '../devices/pcie/index.ts';
import { VirtioConsole, VirtioEntropy, VirtioPci } from '../devices/virtio/index.ts';
import { UsageError } from './cli-error.ts';
import { loopback, NetworkHub } from './network-hub.ts';

/** A word after any kind: the function is below its own root port. */
const PORT = 'port';

/** The functions of one machine. */
export interface MachineFunctions {
  readonly pcie: readonly PcieFunction[];
  /** hvc0, hvc1 and so on; the first one gets typed input. */
  readonly consoles: readonly VirtioConsole[];
}

/** The machine and option for which a function is created. */
interface Plug {
  /** Number of the machine in its run. */
  readonly machine: number;
  /** Number of the option. */
  readonly index: number;
  readonly words: ReadonlySet<string>;
  readonly hub: NetworkHub;
  readonly seed: number | undefined;
  readonly consoles: VirtioConsole[];
  readonly onOutput: PrintConsole;
}

/** Receives the output of a machine's virtio console with this number. */
export type PrintConsole = (console: number, bytes: Uint8Array<ArrayBuffer>) => void;

/** A kind of function: the words that may follow it, and a function that creates one. */
interface Kind {
  readonly words: readonly string[];
  make(name: string, plug: Plug): PcieFunction;
}

/** Random bytes for the function of the n-th option, derived from a seed. */
export function seededBytes(seed: number, index: number): (target: Uint8Array) => void {
  // Seeds of functions differ widely from each other and from the machine's own.
  const random = new Random(seed ^ Math.imul(index + 1, 0x85ebca6b));
  return (target) => {
    for (let i = 0; i < target.length; i++) target[i] = random.word();
  };
}

const KINDS: Readonly<Record<string, Kind>> = {
  rng: {
    words: [],
    make: (name, { seed, index }) =>
      new VirtioPci(
        name,
        new VirtioEntropy(seed === undefined ? undefined : seededBytes(seed, index)),
      ),
  },
  net: {
    words: ['hub'],
    make: (name, { machine, index, words, hub }) =>
      new VirtioPci(
        name,
        words.has('hub') ? hub.connect(machine, index) : loopback(machine, index),
      ),
  },
  console: {
    words: [],
    make: (name, { consoles, onOutput }) => {
      const number = consoles.length;
      const own = new VirtioConsole((bytes) => onOutput(number, bytes));
      consoles.push(own);
      return new VirtioPci(name, own);
    },
  },
  dma: { words: [], make: (name) => new DmaEnginePci(name) },
  testdev: { words: [], make: (name) => new PcieTestDevice(name) },
};

const NAMES = Object.keys(KINDS);

function parsed(option: string): { readonly kind: Kind; readonly words: ReadonlySet<string> } {
  const [name = '', ...words] = option.split(',');
  const kind = Object.hasOwn(KINDS, name) ? KINDS[name] : undefined;
  if (!kind) throw new UsageError(`--pcie ${option}: the kind must be one of ${NAMES.join(', ')}`);
  const known = [...kind.words, PORT];
  const [wrong] = words.filter((word, i) => !known.includes(word) || words.indexOf(word) !== i);
  if (wrong !== undefined)
    throw new UsageError(
      `--pcie ${option}: ${name} can be followed by ${known.join(' or ')}, once`,
    );
  return { kind, words: new Set(words) };
}

/**
 * Parses options `--pcie KIND[,WORD…]`.
 * @param seed of random numbers; undefined: random numbers of the system.
 * @returns a function that creates the functions of one machine.
 * @throws {UsageError} if an option is invalid.
 */
export function pcieFunctions(
  options: readonly string[],
  seed: number | undefined,
): (machine: number, onOutput: PrintConsole) => MachineFunctions {
  const plugs = options.map(parsed);
  const hub = new NetworkHub();
  return (machine, onOutput) => {
    const consoles: VirtioConsole[] = [];
    const pcie = plugs.map(({ kind, words }, index) => {
      const plug = { machine, index, words, hub, seed, consoles, onOutput };
      const one = kind.make(`pci-${options[index]?.split(',')[0]}${index}`, plug);
      return words.has(PORT) ? new PcieRootPort(`pci-port${index}`, [one]) : one;
    });
    return { pcie, consoles };
  };
}
