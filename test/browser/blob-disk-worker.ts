// SPDX-License-Identifier: MIT
// A worker with a Blob as a disk: it reads a range of it, and one that includes what it
// has written.

import { BlobDisk, CopyOnWriteDisk } from '../../dist/vmm/api/index.js';

interface Asked {
  readonly blob: Blob;
  readonly offset: number;
  readonly length: number;
}

globalThis.onmessage = ({ data: { blob, offset, length } }: MessageEvent<Asked>) => {
  const disk = new BlobDisk(blob);
  const over = new CopyOnWriteDisk(disk);
  over.write(offset, Uint8Array.of(0xee));
  const read = (from: typeof disk | typeof over) => {
    const bytes = new Uint8Array(length);
    from.read(offset, bytes);
    return [...bytes];
  };
  globalThis.postMessage({ size: over.size, below: read(disk), over: read(over) });
};
