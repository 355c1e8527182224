// SPDX-License-Identifier: MIT
// A worker that has a Blob for a disk: it reads a range of it, and of one over it that it has written to.

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
