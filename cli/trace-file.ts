// SPDX-License-Identifier: MIT
// Writes --trace FILE, and reads such files; they are compressed if their names end in .gz.

import { constants, createReadStream, renameSync, writeSync } from 'node:fs';
import { access, type FileHandle, open, realpath, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { pipeline, Readable, type Transform } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { createGunzip, createGzip, gzipSync } from 'node:zlib';
import {
  type ChromeTrace,
  chromeTrace,
  type Host,
  type HostInspection,
  type Trace,
} from '../vmm/api/index.ts';
import { fileReason } from '../vmm/api/regular-file.ts';
import { isGzip } from '../vmm/boot/index.ts';
import { type ChromeEvent, readChromeTrace } from '../vmm/trace/index.ts';
import { requireFile, UsageError, writeReason } from './cli-error.ts';
import type { RunStream } from './run-output.ts';

/** Number of events written at a time. */
const LINES = 10_000;
/** Bytes read at a time. */
const READ_BYTES = 2 ** 20;

/** End of the name of a compressed file. */
const COMPRESSED = '.gz';

/** The text of a file, one event per line: hundreds of megabytes do not fit in one string. */
function* piecesOf({ traceEvents, ...rest }: ChromeTrace): Generator<string> {
  yield '{"traceEvents":[\n';
  for (let i = 0; i < traceEvents.length; i += LINES) {
    const lines = traceEvents.slice(i, i + LINES).map((event) => JSON.stringify(event));
    const more = i + LINES < traceEvents.length;
    yield `${lines.join(',\n')}${more ? ',\n' : '\n'}`;
  }
  yield `],${JSON.stringify(rest).slice(1)}\n`;
}

/** Iterates over the output of a transform, and fails if the source or the transform fails. */
function through(
  source: Readable | AsyncIterable<Uint8Array>,
  transform: Transform,
): AsyncIterable<Uint8Array> {
  pipeline(source, transform, () => undefined);
  return transform;
}

/** The bytes of a trace file, decompressed if necessary. */
async function* bytesOf(file: string): AsyncGenerator<Uint8Array> {
  const chunks: AsyncIterator<Uint8Array, undefined> = createReadStream(file, {
    highWaterMark: READ_BYTES,
  })[Symbol.asyncIterator]();
  const first = await chunks.next();
  if (first.done) return;
  const all = (async function* () {
    yield first.value;
    yield* { [Symbol.asyncIterator]: () => chunks };
  })();
  if (isGzip(first.value)) yield* through(all, createGunzip());
  else yield* all;
}

const codeOf = (error: unknown) => (error as NodeJS.ErrnoException).code;

/** The file to which a path leads, through links; undefined if there is none. */
async function existing(path: string) {
  try {
    return await stat(path, { bigint: true });
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/** @throws {UsageError} if the run reads the same file, under any name. */
async function refuseInputs(path: string, inputs: readonly string[]): Promise<void> {
  const file = await existing(path);
  if (!file) return;
  for (const input of inputs) {
    const name = input.startsWith('file:') ? fileURLToPath(input) : input;
    const read = await existing(name).catch(() => undefined);
    if (read?.dev === file.dev && read.ino === file.ino)
      throw new UsageError(`cannot write ${path}: the run reads it`);
  }
}

/**
 * A trace is written to a second file in the same folder, which replaces the first when it is
 * complete. If the target is not a regular file, it is written directly.
 */
async function placesOf(path: string): Promise<{ file: string; partial: string | undefined }> {
  const found = await existing(path);
  if (found && !found.isFile()) return { file: path, partial: undefined };
  if (found) await access(path, constants.W_OK);
  const file = found ? await realpath(path) : path;
  return { file, partial: join(dirname(file), `.${basename(file)}.${process.pid}.partial`) };
}

/** Time between two attempts to write to a FIFO that is full. */
const FULL_MS = 5;

const isFull = (error: unknown) => codeOf(error) === 'EAGAIN';

/**
 * Opens a target that is not a regular file so that nothing waits: opening a FIFO that nothing
 * reads would never end, and writing to a full one would keep the process from ending.
 */
async function openDirectly(file: string): Promise<FileHandle> {
  try {
    return await open(file, constants.O_WRONLY | constants.O_NONBLOCK);
  } catch (error) {
    if (codeOf(error) === 'ENXIO' && (await stat(file)).isFIFO())
      throw new UsageError(`cannot write ${file}: it is a FIFO that nothing reads`);
    throw error;
  }
}

const bytesIn = (piece: string | Uint8Array) =>
  typeof piece === 'string' ? Buffer.from(piece) : piece;

/** Writes all of a piece; the event loop runs while a FIFO is full. */
async function writeAll(handle: FileHandle, piece: string | Uint8Array): Promise<void> {
  const bytes = bytesIn(piece);
  for (let done = 0; done < bytes.length; )
    try {
      done += (await handle.write(bytes, done)).bytesWritten;
    } catch (error) {
      if (!isFull(error)) throw error;
      await sleep(FULL_MS);
    }
}

/** As `writeAll`, but before it returns; the thread may be terminated while a FIFO is full. */
function writeAllNow(fd: number, piece: string | Uint8Array): void {
  const bytes = bytesIn(piece);
  const never = new Int32Array(new SharedArrayBuffer(4));
  for (let done = 0; done < bytes.length; )
    try {
      done += writeSync(fd, bytes, done);
    } catch (error) {
      if (!isFull(error)) throw error;
      Atomics.wait(never, 0, 0, FULL_MS);
    }
}

export class TraceFile {
  readonly #path: string;
  readonly #file: string;
  readonly #handle: FileHandle;
  #begun = false;
  #over = false;
  /** The incomplete file; undefined if the target is written directly. */
  readonly partial: string | undefined;

  /**
   * Opens the file before anything runs; an existing file does not change until the trace is
   * complete.
   * @param inputs files that the run reads.
   * @throws {UsageError} if the file cannot be written, or is one of `inputs`.
   */
  static async create(path: string, inputs: readonly string[]): Promise<TraceFile> {
    try {
      await refuseInputs(path, inputs);
      const { file, partial } = await placesOf(path);
      const handle = await (partial === undefined ? openDirectly(file) : open(partial, 'w'));
      return new TraceFile(path, file, handle, partial);
    } catch (error) {
      if (error instanceof UsageError) throw error;
      throw new UsageError(`cannot write ${path}: ${writeReason(error)}`);
    }
  }

  private constructor(path: string, file: string, handle: FileHandle, partial: string | undefined) {
    this.#path = path;
    this.#file = file;
    this.#handle = handle;
    this.partial = partial;
  }

  /** @throws {UsageError} if the file cannot be written; an existing file is then unchanged. */
  async write(trace: Trace, host: HostInspection): Promise<void> {
    this.#begun = true;
    const { records, lost } = trace.read();
    const text = Readable.from(piecesOf(chromeTrace(records, lost, host)));
    const pieces = this.#path.endsWith(COMPRESSED) ? through(text, createGzip()) : text;
    try {
      for await (const piece of pieces as AsyncIterable<string | Uint8Array>)
        await writeAll(this.#handle, piece);
      await this.#handle.close();
      if (this.partial !== undefined) await rename(this.partial, this.#file);
      this.#over = true;
    } catch (error) {
      await this.discard();
      throw new UsageError(`cannot write ${this.#path}: ${writeReason(error)}`);
    }
  }

  /**
   * As `write`, but before it returns: for a thread that does not return to its event
   * loop and is terminated next. Does nothing if the file is already being written. If it
   * cannot be written, a line on `stderr` reports this.
   */
  writeLast(host: Host, stderr: RunStream): void {
    if (this.#begun || this.#over || !host.trace) return;
    this.#begun = true;
    const { fd } = this.#handle;
    try {
      const { records, lost } = host.trace.read();
      const pieces = piecesOf(chromeTrace(records, lost, host.inspect()));
      if (this.#path.endsWith(COMPRESSED))
        writeAllNow(fd, gzipSync(Buffer.concat([...pieces].map((piece) => Buffer.from(piece)))));
      else for (const piece of pieces) writeAllNow(fd, piece);
      if (this.partial !== undefined) renameSync(this.partial, this.#file);
      this.#over = true;
    } catch (error) {
      stderr.write(`vsmmu: cannot write ${this.#path}: ${writeReason(error)}\n`);
    }
  }

  /** Removes an incomplete file. */
  async discard(): Promise<void> {
    if (this.#over) return;
    this.#over = true;
    await this.#handle.close().catch(() => undefined);
    if (this.partial !== undefined) await rm(this.partial, { force: true });
  }
}

/**
 * Reads a trace file of any size.
 * @param onEvent called with each event.
 * @returns everything except the events.
 * @throws {UsageError} if the file is not a trace.
 */
export async function readTrace(
  file: string,
  onEvent: (event: ChromeEvent) => void = () => undefined,
): Promise<ChromeTrace['otherData']> {
  await requireFile(file);
  try {
    return await readChromeTrace(bytesOf(file), onEvent);
  } catch (error) {
    throw new UsageError(`${file} is not a trace: ${fileReason(error).split('\n')[0]}`);
  }
}
