// SPDX-License-Identifier: MIT
// The built command: in a process of its own, as started by a user, or in one process for
// all commands of a test process.

import { type ChildProcess, fork, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** The command's main module. */
export const MAIN = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));
const COMMAND_LINE = new URL('../../dist/cli/command-line.js', import.meta.url).href;
const HOST = fileURLToPath(new URL('./command-host.mjs', import.meta.url));

export interface Outcome {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

interface ProcessOutcome extends Outcome {
  /** Number of pieces of output, in order of arrival. */
  readonly pieces: number;
}

/** Starts the command as a process whose end the caller brings about. */
export function startVsmmu(...args: string[]) {
  const child = spawn(process.execPath, [MAIN, ...args]);
  const output = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (text: string) => {
      output[name] += text;
    });
  }
  return { child, output };
}

/**
 * Runs the command as a process: for exit statuses, streams, signals, --timeout, and a
 * sample of everything else.
 */
export function vsmmuProcess(...args: string[]): Promise<ProcessOutcome> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [MAIN, ...args]);
    const output = { stdout: '', stderr: '' };
    let pieces = 0;
    for (const name of ['stdout', 'stderr'] as const) {
      child[name].setEncoding('utf8').on('data', (text: string) => {
        output[name] += text;
        pieces++;
      });
    }
    child.on('error', reject);
    child.on('close', (status) => resolve({ status, ...output, pieces }));
  });
}

type Reply =
  | { readonly outcome: Outcome; readonly left: readonly string[] }
  | { readonly crash: string };

/** Executes one command line at a time. */
interface Host {
  readonly process: ChildProcess;
  answer: ((reply: Reply) => void) | undefined;
}

let host: Host | undefined;
let last: Promise<unknown> = Promise.resolve();

function startHost(): Host {
  // No input: a pipe that a command has read would stay open until the end of the process.
  const process = fork(HOST, [COMMAND_LINE], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  const started: Host = { process, answer: undefined };
  started.process.on('message', (reply: Reply) => started.answer?.(reply));
  started.process.on('exit', (status) => {
    started.answer?.({ crash: `the process ended with ${status}` });
    if (host === started) host = undefined;
  });
  return started;
}

async function ask(args: readonly string[]): Promise<Outcome> {
  host ??= startHost();
  const { process } = host;
  const reply = await new Promise<Reply>((resolve) => {
    if (host) host.answer = resolve;
    process.send(args);
  });
  if ('crash' in reply) throw new Error(`vsmmu ${args.join(' ')}: ${reply.crash}`);
  // As a process, such a command would not end by itself.
  if (reply.left.length > 0)
    throw new Error(`vsmmu ${args.join(' ')} has left running: ${reply.left.join(', ')}`);
  return reply.outcome;
}

/**
 * Runs the command in the shared process, one at a time.
 * @throws when the command throws, or leaves something running that would keep its
 *   process alive.
 */
export async function vsmmu(...args: string[]): Promise<Outcome> {
  const turn = last.then(() => ask(args));
  last = turn.catch(() => undefined);
  return await turn;
}
