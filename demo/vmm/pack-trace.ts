// SPDX-License-Identifier: MIT
// A trace as a file: Chrome's trace event format, compressed.

import { chromeTrace, type Host } from 'vsmmu';

/** Events per piece of text, so that no string contains all of them. */
const EVENTS = 4096;

/** @throws {Error} when the host keeps none. */
export async function packTrace(host: Host): Promise<Uint8Array<ArrayBuffer>> {
  if (!host.trace) throw new Error('no trace is kept');
  const { records, lost } = host.trace.read();
  const { traceEvents, ...rest } = chromeTrace(records, lost, host.inspect());
  const pieces = ['{"traceEvents":[\n'];
  for (let i = 0; i < traceEvents.length; i += EVENTS) {
    const more = i + EVENTS < traceEvents.length;
    const lines = traceEvents.slice(i, i + EVENTS).map((event) => JSON.stringify(event));
    pieces.push(lines.join(',\n'), more ? ',\n' : '\n');
  }
  pieces.push(`],${JSON.stringify(rest).slice(1)}`);
  const packed = new Blob(pieces).stream().pipeThrough(new CompressionStream('gzip'));
  return new Uint8Array(await new Response(packed).arrayBuffer());
}
