// SPDX-License-Identifier: MIT
// The files and directories of a machine by their names. They are those that the library has, which tells
// how it went with each of them; here is what is found in bounded time: contents, and what a directory has.

import type { FileContents } from './file-contents.ts';
import { encode } from './wasi-paths.ts';

const FIRST_INODE = 1;
/** Of "." and "..", which come first. */
const DOT_COOKIES = 2;

export class TreeEntry {
  readonly parent: TreeEntry | undefined;
  readonly name: string;
  readonly nameBytes: Uint8Array;
  readonly depth: number;
  readonly inode: number;
  /** Undefined of a directory. */
  readonly contents: FileContents | undefined;
  /** Where it is in the list of its directory. */
  readonly cookie: number;
  /** Descriptors that lead to it. */
  openings = 0;
  readonly #children = new Map<string, TreeEntry>();
  #cookies = DOT_COOKIES;

  constructor(
    place:
      | { readonly parent: TreeEntry; readonly name: string; readonly inode: number }
      | undefined,
    contents: FileContents | undefined,
  ) {
    this.parent = place?.parent;
    this.name = place?.name ?? '';
    this.nameBytes = encode(this.name);
    this.inode = place?.inode ?? FIRST_INODE;
    this.depth = place ? place.parent.depth + 1 : 0;
    this.cookie = place ? ++place.parent.#cookies : 0;
    this.contents = contents;
    if (place) place.parent.#children.set(place.name, this);
  }

  get isDirectory(): boolean {
    return this.contents === undefined;
  }

  get isEmpty(): boolean {
    return this.#children.size === 0;
  }

  /** In the order in which they were made. */
  get children(): Iterable<TreeEntry> {
    return this.#children.values();
  }

  /** What names lead to from here. */
  find(names: readonly string[]): TreeEntry | undefined {
    let found: TreeEntry | undefined = this;
    for (const name of names) if (found) found = found.#children.get(name);
    return found;
  }

  remove(): void {
    if (this.parent) this.parent.#children.delete(this.name);
  }
}
