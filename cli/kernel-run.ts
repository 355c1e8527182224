// SPDX-License-Identifier: MIT
// `vsmmu boot --arch arm64`: machines that boot a kernel, and what ends a kernel that does not end
// itself.

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
import { refuseFlat } from './linux-kernel.ts';
import { refuseOptions } from './refuse-options.ts';
import { shellInput } from './shell-input.ts';

const STDIN = 0;
/** A supervised run is in a worker, and has no standard input. */
const HAS_INPUT = isMainThread;

/** Disks and PCIe functions of one machine. */
type Plugged = Pick<VirtBoardOptions, 'disks' | 'pcie'>;

/** Options of the standard board, which do not apply to the board virt. */
const OTHERS = [
  'secondary',
  'args',
  'env',
  'allowGc',
  'queues',
  'smmus',
  'btm',
  'iommu',
] as const satisfies readonly (keyof BootSettings)[];

/** Options of kernels, which do not apply to the toy, even as an arm64 program. */
const KERNELS = [
  'initrd',
  'append',
  'disks',
  'pcie',
  'semihosting',
  'testdev',
] as const satisfies readonly (keyof BootSettings)[];

/** Options of the board virt, which do not apply to other guests. */
const OWN = [
  ...KERNELS,
  'translate',
  'role',
  'msi',
  'gdb',
  'gdbWait',
  'icacheCheck',
] as const satisfies readonly (keyof BootSettings)[];

/** @throws {UsageError} for an option of kernels; the guest is the toy, on any board. */
export function refuseKernelOptions(settings: BootSettings): void {
  const { role, msi } = settings;
  const why =
    'is for arm64 kernels, which the toy is not: vsmmu boot linux, or vsmmu boot KERNEL --arch arm64';
  refuseOptions(settings, KERNELS, why);
  if (role === 'host') throw new UsageError(`--role host ${why}`);
  if (msi !== undefined && msi !== 'its') throw new UsageError(`--msi ${msi} ${why}`);
}

/** @throws {UsageError} for an option of another board. */
function refuseBoardOptions(settings: BootSettings): void {
  const { arch, guest } = settings;
  const isToy = guest === 'toy';
  if (arch === 'arm64') {
    const why = isToy ? 'without --arch arm64, the toy runs there' : 'a kernel runs on another one';
    refuseOptions(settings, OTHERS, `is for the standard board: ${why}`);
    return;
  }
  if (isToy) refuseKernelOptions(settings);
  const which = isToy ? 'the toy is one' : 'a kernel is one';
  refuseOptions(settings, OWN, `is for arm64 guests: with --arch arm64, ${which}`);
}

/** No host lends a CMDQ to a kernel that owns its SMMU, or decides about its errors. */
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
    throw new UsageError('--gdb-wait needs --gdb: otherwise nothing would continue the machine');
}

/**
 * Serves GDB if the settings ask for it, and prints the address.
 * @returns a function that ends the service.
 */
export async function serveDebugger(
  machine: Machine,
  { gdb, gdbWait }: BootSettings,
): Promise<() => Promise<void>> {
  if (gdb === undefined) return () => Promise.resolve();
  const server = await serveGdb(machine, { port: gdb, halted: gdbWait ?? false });
  const waits = gdbWait ? 'waiting for ' : '';
  process.stderr.write(`${waits}GDB: target remote 127.0.0.1:${server.port}\n`);
  return () => server.close();
}

/** Refuses options that need all vCPUs to stop between two turns. */
function checkThreads({ gdb, icacheCheck }: BootSettings): void {
  if (gdb !== undefined)
    throw new UsageError('--gdb is for vCPUs that take turns: it excludes --transport mailbox');
  if (icacheCheck)
    throw new UsageError(
      '--check-icache is for vCPUs that take turns: it excludes --transport mailbox',
    );
}

/**
 * The same board, but errors about the initrd begin with its path, and a flat binary is
 * refused where the kernel must be a Linux.
 * @param linux the path or URL of such a kernel; undefined: it need not be one.
 */
function withNamedFiles(
  board: Board,
  { initrd, linux }: { readonly initrd: string | undefined; readonly linux: string | undefined },
): Board {
  return {
    ...board,
    create: async (options) => {
      if (linux !== undefined) await refuseFlat(options.guest, linux);
      return await board.create(options).catch((error: unknown) => {
        throw namedImageError(error, { initrd });
      });
    },
  };
}

/**
 * Returns a function that makes the options of a machine with a kernel from its disks and PCIe
 * functions; for other guests, it returns no options.
 * @param onStale called with the findings of --check-icache.
 * @param linux the path or URL of a kernel that must be a Linux; undefined: it need not.
 * @throws {UsageError} if options exclude each other.
 * @throws {GuestImageError} if the initrd cannot be read.
 */
export async function kernelOptions(
  settings: BootSettings,
  onStale: (found: StaleInstruction) => void,
  linux: string | undefined,
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
  refuseBoardOptions(settings);
  if (arch !== 'arm64') return () => ({});
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
    return { board: withNamedFiles(board, { initrd, linux }) };
  };
}

/** With `--check-icache`: checks that no instruction was executed without the required maintenance. */
export function staleChecks(found: readonly StaleInstruction[]): Check[] {
  const name = 'sanitizer: no forgotten IC or ISB';
  if (found.length === 0) return [{ name, ok: true, detail: '' }];
  return found.map(({ text }) => ({ name, ok: false, detail: text }));
}

/**
 * Connects standard input to a machine's console, if this thread has standard input.
 * @param hvc the machine's virtio console, which gets the input instead of the PL011.
 * @param isShell whether a shell reads the input.
 * @returns a function that disconnects it.
 */
export function connectConsole(
  machine: Machine,
  hvc: Pick<VirtioConsole, 'receive'> | undefined,
  isShell = false,
): () => void {
  if (!HAS_INPUT) {
    machine.endInput();
    return () => undefined;
  }
  if (hvc) machine.endInput();
  const send = (bytes: Uint8Array) => (hvc ? hvc.receive(bytes) : machine.write(bytes));
  const shell = isShell && !isatty(STDIN) ? shellInput(machine, send) : undefined;
  const disconnect = readConsole(process.stdin, {
    input: shell?.input ?? send,
    end: shell?.end ?? (() => machine.endInput()),
    quit: () => {
      machine.stop('ended by Ctrl-A X').catch(process.emitWarning);
    },
    say: (text) => process.stderr.write(text),
  });
  return () => {
    shell?.stop();
    disconnect();
  };
}

/** Linux prints this, and then spins forever. */
const PANIC = 'Kernel panic - not syncing: ';
/** Only this many bytes at the start of a line are searched. */
const LINE_BYTES = 1024;

/** Name of the check of the commands' exit status. */
export const RUN_END = 'the commands of --run';
/** The last line of linux/init.sh after the commands of --run. */
const RUN_ENDED = /vsmmu\.run ended with status (\d+)$/;

/**
 * Searches the output of a kernel for a panic and for the end of the commands of --run.
 * @param onPanic called with the panic message.
 * @param onRunEnd called with a check of the commands' exit status; undefined: there are none.
 * @returns a function to call with the output of one console.
 */
export function kernelWatch(
  onPanic: (why: string) => void,
  onRunEnd: ((check: Check) => void) | undefined,
): (bytes: Uint8Array) => void {
  const lines = new ConsoleLines(LINE_BYTES, (line) => {
    const at = line.indexOf(PANIC);
    if (at >= 0) onPanic(line.slice(at));
    const status = RUN_ENDED.exec(line)?.[1];
    if (status !== undefined)
      onRunEnd?.({ name: RUN_END, ok: status === '0', detail: `status ${status}` });
  });
  return (bytes) => lines.receive(bytes);
}
