// SPDX-License-Identifier: MIT
// The contents of a file, in pages: the cost of a write is independent of the file's
// size, and a hole costs nothing.

const PAGE_SIZE = 2 ** 14;

type Page = Uint8Array<ArrayBuffer>;

/**
 * Free pages of one machine's former files, for later ones: the machine allocates its
 * maximum once.
 */
export class PagePool {
  readonly #free: Page[] = [];

  /** A page of zeros. */
  acquire(): Page {
    return this.#free.pop()?.fill(0) ?? new Uint8Array(PAGE_SIZE);
  }

  release(page: Page): void {
    this.#free.push(page);
  }
}

export class FileContents {
  readonly #pool: PagePool;
  /** Holes are undefined. After the size there are only zeros. */
  readonly #pages: (Page | undefined)[] = [];
  #size = 0;

  constructor(pool: PagePool) {
    this.#pool = pool;
  }

  get size(): number {
    return this.#size;
  }

  /** Copies the contents from `at` on. @returns how many bytes. */
  read(at: number, target: Uint8Array): number {
    const length = Math.max(0, Math.min(target.length, this.#size - at));
    for (let done = 0; done < length; ) {
      const offset = (at + done) % PAGE_SIZE;
      const part = Math.min(length - done, PAGE_SIZE - offset);
      const page = this.#pages[Math.floor((at + done) / PAGE_SIZE)];
      if (page) target.set(page.subarray(offset, offset + part), done);
      else target.fill(0, done, done + part);
      done += part;
    }
    return length;
  }

  /** Overwrites the contents at `at`, and extends the file if that is beyond its end. */
  write(at: number, source: Uint8Array): void {
    if (source.length === 0) return;
    this.resize(Math.max(this.#size, at + source.length));
    for (let done = 0; done < source.length; ) {
      const offset = (at + done) % PAGE_SIZE;
      const part = source.subarray(done, done + PAGE_SIZE - offset);
      const index = Math.floor((at + done) / PAGE_SIZE);
      const page = this.#pages[index] ?? this.#pool.acquire();
      this.#pages[index] = page;
      page.set(part, offset);
      done += part.length;
    }
  }

  /** Bytes that are cut off are zero when the file is extended again. */
  resize(size: number): void {
    const count = Math.ceil(size / PAGE_SIZE);
    while (this.#pages.length > count) {
      const page = this.#pages.pop();
      if (page) this.#pool.release(page);
    }
    while (this.#pages.length < count) this.#pages.push(undefined);
    if (size < this.#size) this.#pages[Math.floor(size / PAGE_SIZE)]?.fill(0, size % PAGE_SIZE);
    this.#size = size;
  }
}
