// --trace FILE, and the files that it has written.

import { type FileHandle, open, readFile } from 'node:fs/promises';
import {
  type ChromeTrace,
  chromeTrace,
  type HostInspection,
  type Trace,
} from '../vmm/api/index.ts';
import { checkTrace } from '../vmm/trace/index.ts';
import { UsageError } from './cli-error.ts';

/** Events that are written at once. */
const LINES = 10_000;

export class TraceFile {
  readonly #file: FileHandle;

  /**
   * Opens the file before anything runs.
   * @throws {UsageError} when it cannot be written.
   */
  static async create(path: string): Promise<TraceFile> {
    try {
      return new TraceFile(await open(path, 'w'));
    } catch (error) {
      throw new UsageError(`cannot write ${path}: ${(error as NodeJS.ErrnoException).code}`);
    }
  }

  private constructor(file: FileHandle) {
    this.#file = file;
  }

  async write(trace: Trace, host: HostInspection): Promise<void> {
    const { records, lost } = trace.read();
    const { traceEvents, ...rest } = chromeTrace(records, lost, host);
    // One event a line: a file of hundreds of megabytes is no single string.
    await this.#file.write('{"traceEvents":[\n');
    const lines = traceEvents.map((event) => JSON.stringify(event));
    for (let i = 0; i < lines.length; i += LINES) {
      await this.#file.write(
        `${lines.slice(i, i + LINES).join(',\n')}${i + LINES < lines.length ? ',\n' : '\n'}`,
      );
    }
    await this.#file.write(`],${JSON.stringify(rest).slice(1)}\n`);
    await this.#file.close();
  }
}

/**
 * Reads a trace file.
 * @throws {UsageError} when it is none.
 */
export async function readTrace(file: string): Promise<ChromeTrace> {
  try {
    return checkTrace(JSON.parse(await readFile(file, 'utf8')));
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') throw new UsageError(`cannot read ${file}: no such file`);
    throw new UsageError(`${file} is no trace: ${code ?? message.split('\n')[0]}`);
  }
}
