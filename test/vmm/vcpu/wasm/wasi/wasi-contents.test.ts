// SPDX-License-Identifier: MIT
// The contents of a guest's files and directories: bytes at positions, holes, and the
// order of a list.

import { describe, expect, it } from 'vitest';
import {
  ALL_RIGHTS,
  CREATE,
  DATA,
  DIRECTORY,
  EEXIST,
  EINVAL,
  EISDIR,
  END_OF_FILE,
  ENOENT,
  ENOSPC,
  ENOTDIR,
  ENOTEMPTY,
  EPERM,
  EXCLUSIVE,
  FROM_HERE,
  files,
  IOVEC,
  RESULT,
  RIGHT_READ,
  RIGHT_WRITE,
  ROOT,
  SUCCESS,
  TYPE_DIRECTORY,
  TYPE_FILE,
} from '../../../../support/wasi-files.ts';

describe('the files of a guest', () => {
  it("are written at the guest's positions, and have zeros where it wrote nothing", async () => {
    const { functions, view, put, open, write, read, seek, stat, text, iovec } = await files();
    const { fd } = open('a');
    put(DATA, 'hello files');
    write(fd, 11);
    expect([seek(fd, -5n, END_OF_FILE), seek(fd, -2n, FROM_HERE)]).toEqual([6, 4]);
    put(DATA, '--');
    expect([write(fd, 2), seek(fd, 0n), read(fd, 20)]).toEqual([2, 0, 'hell--files']);
    expect([stat('a').size, seek(fd, 0n, FROM_HERE)]).toEqual([11, 11]);
    // After the end, across pages of the implementation.
    for (const [offset, length] of [
      [2 ** 14 - 1, 3],
      [3 * 2 ** 14, 2 ** 14 + 5],
    ] as const) {
      new Uint8Array(view.buffer).fill(0x78, DATA, DATA + length);
      iovec(IOVEC, DATA, length);
      expect(functions.fd_pwrite(fd, IOVEC, 1, BigInt(offset), RESULT)).toBe(SUCCESS);
      expect(view.getUint32(RESULT, true)).toBe(length);
      expect(stat('a').size).toBe(offset + length);
    }
    expect(seek(fd, 0n, FROM_HERE)).toBe(11);
    const all = `hell--files${'\0'.repeat(2 ** 14 - 12)}xxx${'\0'.repeat(2 ** 15 - 2)}${'x'.repeat(2 ** 14 + 5)}`;
    seek(fd, 0n);
    new Uint8Array(view.buffer).fill(0xff, DATA, DATA + 2 ** 17);
    let found = read(fd, 7);
    for (let more = read(fd, 2 ** 15); more !== ''; more = read(fd, 2 ** 15)) found += more;
    expect(found).toBe(all);
    // Truncated bytes do not reappear when the file grows again.
    expect(functions.fd_filestat_set_size(fd, 5n)).toBe(SUCCESS);
    expect(functions.fd_allocate(fd, 2n, 10n)).toBe(SUCCESS);
    expect([seek(fd, 0n), read(fd, 20)]).toEqual([0, `hell-${'\0'.repeat(7)}`]);
    expect(functions.fd_filestat_set_size(fd, BigInt(2 ** 17))).toBe(SUCCESS);
    iovec(IOVEC, DATA, 2 ** 14);
    expect(functions.fd_pread(fd, IOVEC, 1, BigInt(3 * 2 ** 14), RESULT)).toBe(SUCCESS);
    expect(text(DATA, 2 ** 14)).toBe('\0'.repeat(2 ** 14));
  });

  it('have no position before their start, or beyond the range of a number', async () => {
    const { functions, open, seek, iovec, view } = await files();
    const { fd } = open('a');
    expect([seek(fd, -1n), seek(fd, 1n << 62n), seek(fd, -1n, END_OF_FILE)]).toEqual([
      -EINVAL,
      -EINVAL,
      -EINVAL,
    ]);
    expect([seek(fd, 0n, 3), seek(fd, 0n, -1)]).toEqual([-EINVAL, -EINVAL]);
    iovec(IOVEC, DATA, 1);
    for (const offset of [-1n, 1n << 31n]) {
      expect(functions.fd_pread(fd, IOVEC, 1, offset, RESULT)).toBe(SUCCESS);
      expect(view.getUint32(RESULT, true)).toBe(0);
      expect(functions.fd_pwrite(fd, IOVEC, 1, offset, RESULT)).toBe(ENOSPC);
    }
    expect(seek(fd, 0n, FROM_HERE)).toBe(0);
  });

  it('are one for all descriptors, each of which has a position, rights and flags', async () => {
    const { functions, view, put, path, open, write, read, seek } = await files();
    const openFor = (rights: bigint, fdflags = 0) => {
      const opened = functions.path_open(ROOT, 0, ...path('a'), 0, rights, 0n, fdflags, RESULT);
      expect(opened).toBe(SUCCESS);
      return view.getUint32(RESULT, true);
    };
    const rightsOf = (fd: number) => {
      expect(functions.fd_fdstat_get(fd, RESULT)).toBe(SUCCESS);
      return view.getBigUint64(RESULT + 8, true);
    };
    const first = open('a').fd;
    const [reader, writer, appender] = [
      openFor(RIGHT_READ),
      openFor(RIGHT_WRITE),
      openFor(ALL_RIGHTS, 1),
    ];
    put(DATA, '123456');
    expect([write(first, 6), write(writer, 2), write(appender, 1)]).toEqual([6, 2, 1]);
    expect([read(reader, 3), read(reader, 99)]).toEqual(['123', '4561']);
    expect([write(reader, 1), rightsOf(reader)]).toEqual([-EPERM, RIGHT_READ]);
    expect(functions.fd_read(writer, IOVEC, 1, RESULT)).toBe(EPERM);
    expect(functions.fd_filestat_set_size(reader, 0n)).toBe(EPERM);
    expect(functions.fd_allocate(reader, 0n, 0n)).toBe(EPERM);
    // The flag is cleared, and the right to write.
    put(DATA, '--');
    expect(functions.fd_fdstat_set_flags(appender, 0)).toBe(SUCCESS);
    expect([seek(appender, 1n), write(appender, 2), seek(reader, 0n)]).toEqual([1, 2, 0]);
    expect(read(reader, 99)).toBe('1--4561');
    expect(functions.fd_fdstat_set_rights(appender, RIGHT_READ, 0n)).toBe(SUCCESS);
    expect([rightsOf(appender), write(appender, 1)]).toEqual([RIGHT_READ, -EPERM]);
    expect([functions.fd_close(first), read(reader, 1), seek(reader, 0n)]).toEqual([0, '', 0]);
    expect(read(reader, 4)).toBe('1--4');
  });

  it('are listed with their kinds and inodes, from a cookie on, as many as fit', async () => {
    const { functions, view, path, open, stat, text, unlink } = await files();
    for (const name of ['first', 'gone', 'second']) functions.fd_close(open(name).fd);
    expect(functions.path_create_directory(ROOT, ...path('third'))).toBe(SUCCESS);
    unlink('gone');
    const list = (fd: number, cookie: bigint, room: number) => {
      expect(functions.fd_readdir(fd, DATA, room, cookie, RESULT)).toBe(SUCCESS);
      const used = view.getUint32(RESULT, true);
      const found: { next: bigint; inode: bigint; type: number; name: string }[] = [];
      for (let at = DATA; at + 24 <= DATA + used; ) {
        const length = view.getUint32(at + 16, true);
        found.push({
          next: view.getBigUint64(at, true),
          inode: view.getBigUint64(at + 8, true),
          type: view.getUint8(at + 20),
          name: text(at + 24, Math.min(length, DATA + used - at - 24)),
        });
        at += 24 + length;
      }
      return { used, found };
    };
    const all = list(ROOT, 0n, 4096).found;
    expect(all.map(({ name, type }) => [name, type])).toEqual([
      ['.', TYPE_DIRECTORY],
      ['..', TYPE_DIRECTORY],
      ['first', TYPE_FILE],
      ['second', TYPE_FILE],
      ['third', TYPE_DIRECTORY],
    ]);
    for (const { name, inode, type } of all) {
      if (name !== '..') expect(stat(name), name).toMatchObject({ inode, type });
    }
    const second = all.find(({ name }) => name === 'second')?.next ?? 0n;
    expect(list(ROOT, second, 4096).found).toEqual(all.slice(-1));
    expect(list(ROOT, 1n << 63n, 4096)).toEqual({ used: 0, found: [] });
    // Full: there is more.
    expect(list(ROOT, 0n, 24 + 1 + 24 + 2 + 24 + 3)).toMatchObject({
      used: 78,
      found: [{ name: '.' }, { name: '..' }, { name: 'fir' }],
    });
    expect(list(ROOT, 0n, 30)).toMatchObject({ used: 30, found: [{ name: '.' }] });
    const third = open('third', DIRECTORY).fd;
    expect(list(third, 0n, 100).found.map(({ name, inode }) => [name, inode])).toEqual([
      ['.', stat('third').inode],
      ['..', stat('.').inode],
    ]);
    expect(functions.fd_readdir(open('first', 0).fd, DATA, 100, 0n, RESULT)).toBe(ENOTDIR);
  });

  it('are what they were made as', async () => {
    const { functions, path, open, write, unlink, seek } = await files();
    const mkdir = (name: string) => functions.path_create_directory(ROOT, ...path(name));
    const rmdir = (name: string) => functions.path_remove_directory(ROOT, ...path(name));
    expect([mkdir('d'), mkdir('d'), mkdir('.'), open('d/a').errno]).toEqual([0, EEXIST, EEXIST, 0]);
    expect([mkdir('d/a'), mkdir('d/a/b'), mkdir('x/b')]).toEqual([EEXIST, ENOTDIR, ENOENT]);
    expect([open('d/a/b').errno, open('x/b').errno]).toEqual([ENOTDIR, ENOENT]);
    expect(open('d/a', CREATE | EXCLUSIVE).errno).toBe(EEXIST);
    expect(open('e', CREATE | DIRECTORY).errno).toBe(EINVAL);
    expect(open('d/a', DIRECTORY).errno).toBe(ENOTDIR);
    expect([unlink('d'), rmdir('d/a'), rmdir('d'), rmdir('.')]).toEqual([
      EISDIR,
      ENOTDIR,
      ENOTEMPTY,
      EINVAL,
    ]);
    expect([unlink('x'), rmdir('x')]).toEqual([ENOENT, ENOENT]);
    const { fd } = open('d', DIRECTORY);
    expect([write(fd, 1), seek(fd, 0n), functions.fd_tell(fd, RESULT)]).toEqual([
      -EISDIR,
      -EISDIR,
      EISDIR,
    ]);
  });
});
