// SPDX-License-Identifier: MIT
// The files and directories of a machine by name. They are the same as in the library,
// which decides about each operation; this tree finds in bounded time what it contains:
// contents, and the entries of a directory.

import type { FileContents } from './file-contents.ts';
import { encode } from './wasi-paths.ts';

const FIRST_INODE = 1;
/** Cookies of "." and "..", which come first. */
const DOT_COOKIES = 2;

export class TreeEntry {
  readonly parent: TreeEntry | undefined;
  readonly name: string;
  readonly nameBytes: Uint8Array;
  readonly depth: number;
  readonly inode: number;
  /** Undefined for a directory. */
  readonly contents: FileContents | undefined;
  /** Its position in the list of its directory. */
  readonly cookie: number;
  /** Number of open descriptors of it. */
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

  /** In order of creation. */
  get children(): Iterable<TreeEntry> {
    return this.#children.values();
  }

  /** The entry at a path of names from here. */
  find(names: readonly string[]): TreeEntry | undefined {
    let found: TreeEntry | undefined = this;
    for (const name of names) if (found) found = found.#children.get(name);
    return found;
  }

  remove(): void {
    if (this.parent) this.parent.#children.delete(this.name);
  }
}
