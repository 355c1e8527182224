// SPDX-License-Identifier: MIT
// `vsmmu boot --arch arm64`: machines that boot a kernel, and what ends one that does not end itself.

import { isatty } from 'node:tty';
import { isMainThread } from 'node:worker_threads';
import type { VirtioConsole } from '../devices/virtio/index.ts';
import {
  type Board,
  type Machine,
  type MachineOptions,
  type StaleInstruction,
  serveGdb,
  type VirtBoardOptions,
  virtBoard,
} from '../vmm/api/index.ts';
import { namedImageError, readSource } from '../vmm/api/sources.ts';
import type { Check } from '../vmm/report/checks.ts';
import type { BootSettings } from './boot-settings.ts';
import { UsageError } from './cli-error.ts';
import { readConsole } from './console-input.ts';
import { ConsoleLines } from './console-lines.ts';
import { refuseOptions } from './refuse-options.ts';

const STDIN = 0;
/** A run that is supervised has no standard input: it is in a worker. */
const HAS_INPUT = isMainThread;

/** Disks and PCIe functions of one machine. */
type Plugged = Pick<VirtBoardOptions, 'disks' | 'pcie'>;

/** Options of other guests, which mean nothing to a kernel. */
const OTHERS = [
  'secondary',
  'experiment',
  'args',
  'env',
  'allowGc',
  'queues',
  'smmus',
  'btm',
  'iommu',
] as const satisfies readonly (keyof BootSettings)[];

/** Options of kernels, which mean nothing to other guests. */
const OWN = [
  'initrd',
  'append',
  'translate',
  'disks',
  'pcie',
  'role',
  'msi',
  'semihosting',
  'testdev',
  'gdb',
  'gdbWait',
  'icacheCheck',
] as const satisfies readonly (keyof BootSettings)[];

/** A kernel that owns its SMMU has nobody above it that would lend it a CMDQ, or decide on its errors. */
function checkHostRole({ overlay, path, onQueueError }: BootSettings): void {
  if (overlay || path === 'overlay')
    throw new UsageError("--role host excludes the overlay path, which is a guest's");
  if (onQueueError !== undefined)
    throw new UsageError(
      '--role host excludes --on-queue-error: a kernel that owns its queues handles their errors',
    );
}

function checkDebugger({ gdb, gdbWait = false, vms = 1 }: BootSettings): void {
  if (gdb !== undefined && vms > 1)
    throw new UsageError('--gdb is for one machine: it excludes --vms');
  if (gdb === undefined && gdbWait)
    throw new UsageError('--gdb-wait goes with --gdb: nobody would let the machine go on');
}

/**
 * Serves GDB where the settings ask for it, and says where.
 * @returns a function that ends it.
 */
export async function serveDebugger(
  machine: Machine,
  { gdb, gdbWait }: BootSettings,
): Promise<() => Promise<void>> {
  if (gdb === undefined) return () => Promise.resolve();
  const server = await serveGdb(machine, { port: gdb, halted: gdbWait ?? false });
  const waits = gdbWait ? ', which it waits for' : '';
  process.stderr.write(`GDB${waits}: target remote 127.0.0.1:${server.port}\n`);
  return () => server.close();
}

/** What looks at vCPUs between two turns of all of them. */
function checkThreads({ gdb, icacheCheck }: BootSettings): void {
  if (gdb !== undefined)
    throw new UsageError('--gdb is for vCPUs that take turns: it excludes --transport mailbox');
  if (icacheCheck)
    throw new UsageError(
      '--check-icache is for vCPUs that take turns: it excludes --transport mailbox',
    );
}

/** The same board, whose errors about the initrd begin with its path. */
function withNamedInitrd(board: Board, initrd: string | undefined): Board {
  return {
    ...board,
    create: (options) =>
      board.create(options).catch((error: unknown) => {
        throw namedImageError(error, { initrd });
      }),
  };
}

/**
 * What a machine of a run has as a kernel, with what it is plugged into; nothing for other guests.
 * @param onStale takes what --check-icache finds.
 * @throws {UsageError} when options do not go together.
 * @throws {GuestImageError} when the initrd cannot be read.
 */
export async function kernelOptions(
  settings: BootSettings,
  onStale: (found: StaleInstruction) => void,
): Promise<(plugged: Plugged) => Partial<MachineOptions>> {
  const {
    arch = 'wasm',
    initrd,
    append,
    role,
    msi,
    translate,
    semihosting,
    testdev,
    icacheCheck = false,
  } = settings;
  if (arch !== 'arm64') {
    refuseOptions(settings, OWN, 'is for kernels: it goes with --arch arm64');
    return () => ({});
  }
  refuseOptions(settings, OTHERS, 'is not for kernels: it excludes --arch arm64');
  if (role === 'host') checkHostRole(settings);
  if (settings.transport === 'mailbox') checkThreads(settings);
  if (settings.disks !== undefined && (settings.vms ?? 1) > 1)
    throw new UsageError('--disk is for one machine: it excludes --vms');
  checkDebugger(settings);
  const ramDisk = initrd === undefined ? undefined : await readSource(initrd, 'initrd');
  const sleep = HAS_INPUT && isatty(STDIN) ? 'wait' : 'skip';
  const onStaleInstruction = icacheCheck ? onStale : undefined;
  return (plugged) => {
    const board = virtBoard({
      initrd: ramDisk,
      append,
      sleep,
      ...plugged,
      role,
      msi,
      translate,
      semihosting,
      testdev,
      onStaleInstruction,
    });
    return { board: withNamedInitrd(board, initrd) };
  };
}

/** With `--check-icache`: no instruction was executed that the instruction cache may not have seen. */
export function staleChecks(found: readonly StaleInstruction[]): Check[] {
  const name = 'sanitizer: no forgotten IC or ISB';
  if (found.length === 0) return [{ name, ok: true, detail: '' }];
  return found.map(({ text }) => ({ name, ok: false, detail: text }));
}

/**
 * Connects standard input with a machine's console, where this thread has it.
 * @param hvc its virtio console, which takes it in place of the PL011.
 * @returns a function that ends it.
 */
export function connectConsole(
  machine: Machine,
  hvc: Pick<VirtioConsole, 'receive'> | undefined,
): () => void {
  if (!HAS_INPUT) {
    machine.endInput();
    return () => undefined;
  }
  if (hvc) machine.endInput();
  return readConsole(process.stdin, {
    input: (bytes) => (hvc ? hvc.receive(bytes) : machine.write(bytes)),
    end: () => machine.endInput(),
    quit: () => {
      machine.stop('ended by Ctrl-A X').catch(process.emitWarning);
    },
    say: (text) => process.stderr.write(text),
  });
}

/** What Linux says, and then spins for ever. */
const PANIC = 'Kernel panic - not syncing: ';
/** Of a line longer than this only the beginning is looked at. */
const LINE_BYTES = 1024;

/**
 * Looks for what a kernel says that cannot go on.
 * @param onPanic told why not.
 * @returns takes what it prints on one console.
 */
export function panicWatch(onPanic: (why: string) => void): (bytes: Uint8Array) => void {
  const lines = new ConsoleLines(LINE_BYTES, (line) => {
    const at = line.indexOf(PANIC);
    if (at >= 0) onPanic(line.slice(at));
  });
  return (bytes) => lines.receive(bytes);
}
