// SPDX-License-Identifier: MIT
// Files of a guest: a library stores them, without access to a guest's pointers, and
// without more memory than a machine may have.

import { readFile } from 'node:fs/promises';
import { WASI } from '@wasmer/wasi';
import { afterAll, afterEach, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { smallMachine } from '../../../../support/small-machine.ts';
import { type WasiCall, wasiOf } from '../../../../support/wasi.ts';
import {
  ALL_RIGHTS,
  CREATE,
  DATA,
  EBADF,
  EBUSY,
  EFAULT,
  EILSEQ,
  EINVAL,
  EIO,
  EMFILE,
  ENAMETOOLONG,
  END,
  END_OF_FILE,
  ENOENT,
  ENOSPC,
  ENOTCAPABLE,
  ENOTSUP,
  type FileCall,
  files,
  IOVEC,
  MOST,
  PATH,
  RESULT,
  ROOT,
  SUCCESS,
  TRUNCATE,
} from '../../../../support/wasi-files.ts';
import { assemble } from '../../../../support/wat.ts';

/**
 * The library, which other files of this process have loaded already: therefore a patch
 * instead of a mock.
 */
const faulty = { instances: 0, trapInStat: false };
const { getImports } = WASI.prototype;

beforeAll(() => {
  WASI.prototype.getImports = function (module) {
    faulty.instances++;
    const imports = getImports.call(this, module) as Record<string, Record<string, WasiCall>>;
    const functions = imports.wasi_snapshot_preview1 ?? {};
    const { fd_filestat_get: stat } = functions;
    functions.fd_filestat_get = (fd = -1, at = 0) => {
      if (faulty.trapInStat) throw new WebAssembly.RuntimeError('unreachable');
      return stat?.(fd, at) ?? -1;
    };
    return imports;
  };
});

afterAll(() => {
  WASI.prototype.getImports = getImports;
});

const MIB = 2 ** 20;

describe('files of a guest', () => {
  it('are kept and found again', async () => {
    const { functions, view, put, path, open, write, read, unlink } = await files();
    const note = open('note.txt');
    expect([note.errno, note.fd]).toEqual([SUCCESS, 4]);
    put(DATA, 'hello files');
    expect(write(note.fd, 11)).toBe(11);
    expect(functions.fd_tell(note.fd, RESULT)).toBe(SUCCESS);
    expect(view.getBigUint64(RESULT, true)).toBe(11n);
    expect(functions.fd_seek(note.fd, 6n, 0, RESULT)).toBe(SUCCESS);
    expect(read(note.fd, 100)).toBe('files');
    expect(functions.fd_filestat_get(note.fd, RESULT)).toBe(SUCCESS);
    expect(view.getBigUint64(RESULT + 32, true)).toBe(11n);
    expect([functions.fd_close(note.fd), functions.fd_close(note.fd)]).toEqual([SUCCESS, EBADF]);
    expect(read(open('note.txt', 0).fd, 100)).toBe('hello files');
    expect(functions.path_create_directory(ROOT, ...path('sub'))).toBe(SUCCESS);
    expect(functions.path_filestat_get(ROOT, 0, ...path('sub'), RESULT)).toBe(SUCCESS);
    expect(view.getUint8(RESULT + 16)).toBe(3);
    expect(functions.path_remove_directory(ROOT, ...path('sub'))).toBe(SUCCESS);
    expect([unlink('other'), open('other', 0).errno]).toEqual([ENOENT, ENOENT]);
  });

  it('are below one directory, which a program finds open', async () => {
    const { functions, view, text, open } = await files();
    expect(functions.fd_prestat_get(ROOT, RESULT)).toBe(SUCCESS);
    expect([view.getUint32(RESULT, true), view.getUint32(RESULT + 4, true)]).toEqual([0, 1]);
    expect(functions.fd_prestat_dir_name(ROOT, RESULT, 1)).toBe(SUCCESS);
    expect(text(RESULT, 1)).toBe('/');
    expect(functions.fd_prestat_dir_name(ROOT, RESULT, 0)).toBe(ENAMETOOLONG);
    expect(functions.fd_prestat_get(4, RESULT)).toBe(EBADF);
    open('a');
    open('b');
    expect(functions.fd_readdir(ROOT, DATA, 1000, 0n, RESULT)).toBe(SUCCESS);
    expect(text(DATA, view.getUint32(RESULT, true)).replace(/[^a-z.]+/g, ' ')).toBe(' . .. a b');
    expect(functions.path_link(ROOT, 0, PATH, 1, ROOT, PATH, 1)).toBe(ENOTSUP);
    expect(functions.path_symlink(PATH, 1, ROOT, PATH, 1)).toBe(ENOTSUP);
    expect(functions.path_rename(ROOT, PATH, 1, ROOT, PATH, 1)).toBe(ENOTSUP);
  });

  it('move from one descriptor to another', async () => {
    const { functions, put, open, write, read } = await files();
    const [a, b] = [open('a').fd, open('b').fd];
    put(DATA, 'of a');
    write(a, 4);
    functions.fd_seek(a, 0n, 0, RESULT);
    expect(functions.fd_renumber(a, b)).toBe(SUCCESS);
    expect([read(b, 10), functions.fd_tell(a, RESULT)]).toEqual(['of a', EBADF]);
    expect(functions.fd_renumber(b, 1)).toBe(EBADF);
    expect([functions.fd_renumber(ROOT, b), functions.fd_renumber(b, ROOT)]).toEqual([
      ENOTSUP,
      ENOTSUP,
    ]);
    expect(functions.fd_renumber(b, 77)).toBe(EBADF);
  });

  it('use the current time, which the library cannot read', async () => {
    const { functions, path, open } = await files();
    const { fd } = open('a');
    expect(functions.fd_filestat_set_times(fd, 0n, 0n, 2 | 8)).toBe(SUCCESS);
    expect(functions.path_filestat_set_times(ROOT, 0, ...path('a'), 0n, 0n, 8)).toBe(SUCCESS);
    expect(functions.fd_tell(fd, RESULT)).toBe(SUCCESS);
  });

  it('have an instance of the library for guests that open some, and for no others', async () => {
    const before = faulty.instances;
    await wasiOf(['fd_write', 'fd_read', 'fd_close', 'fd_seek', 'fd_fdstat_get']);
    expect(faulty.instances).toBe(before);
    await wasiOf(['fd_prestat_get']);
    await wasiOf(['path_open']);
    expect(faulty.instances).toBe(before + 2);
  });
});

describe('a path', () => {
  it('has names only, even if one leads out of its directory', async () => {
    const { functions, memory, path, open } = await files();
    expect(functions.path_create_directory(ROOT, ...path('d'))).toBe(SUCCESS);
    for (const [name, flags, errno] of [
      ['./d/..//d/./a', CREATE, SUCCESS],
      ['/d/a', 0, SUCCESS],
      ['d/../a', 0, ENOENT],
    ] as const) {
      const opened = open(name, flags);
      expect(opened.errno, name).toBe(errno);
      if (errno === SUCCESS) expect(functions.fd_close(opened.fd)).toBe(SUCCESS);
    }
    for (const name of ['..', 'd/../..', '../etc/passwd', '/..'])
      expect(open(name).errno, name).toBe(ENOTCAPABLE);
    for (const name of ['', 'a\0b']) expect(open(name).errno, name).toBe(EINVAL);
    expect(functions.path_unlink_file(ROOT, ...path('d/a'))).toBe(SUCCESS);
    new Uint8Array(memory.buffer).set([0xff, 0x61], PATH);
    expect(functions.path_unlink_file(ROOT, PATH, 2)).toBe(EILSEQ);
  });

  it('is in at most 32 directories, each created separately', async () => {
    const { functions, view, path, open } = await files();
    const mkdir = (name: string, fd = ROOT) => functions.path_create_directory(fd, ...path(name));
    expect(mkdir('y/y')).toBe(ENOENT);
    expect(mkdir('y/'.repeat(2000))).toBe(ENAMETOOLONG);
    expect(mkdir('x'.repeat(256))).toBe(ENAMETOOLONG);
    // Regardless of the path by which the guest gets there.
    let fd = ROOT;
    for (let depth = 1; depth <= 32; depth++) {
      expect(mkdir('y', fd)).toBe(SUCCESS);
      const opened = functions.path_open(fd, 0, PATH, 1, 2, ALL_RIGHTS, ALL_RIGHTS, 0, RESULT);
      expect(opened).toBe(SUCCESS);
      fd = view.getUint32(RESULT, true);
    }
    expect(mkdir('y', fd)).toBe(ENAMETOOLONG);
    expect(open(`${'y/'.repeat(32)}a`).errno).toBe(ENAMETOOLONG);
  });
});

describe('what the library traps at', () => {
  it('is refused: values that mean nothing', async () => {
    const { functions, path, open } = await files();
    const { fd } = open('a');
    for (const flags of [1 | 2, 4 | 8, 16, -1]) {
      expect(functions.fd_filestat_set_times(fd, 0n, 0n, flags)).toBe(EINVAL);
      expect(functions.path_filestat_set_times(ROOT, 0, ...path('a'), 0n, 0n, flags)).toBe(EINVAL);
    }
    expect(functions.fd_tell(fd, RESULT)).toBe(SUCCESS);
  });

  it('is refused: what is open is not removed', async () => {
    const { functions, path, open, unlink } = await files();
    const { fd } = open('a');
    expect(unlink('a')).toBe(EBUSY);
    expect([functions.fd_close(fd), unlink('a')]).toEqual([SUCCESS, SUCCESS]);
    expect(functions.path_create_directory(ROOT, ...path('d'))).toBe(SUCCESS);
    const directory = open('d', 2);
    const remove = () => functions.path_remove_directory(ROOT, ...path('d'));
    expect([directory.errno, remove()]).toEqual([SUCCESS, EBUSY]);
  });
});

describe('pointers and lengths', () => {
  /** Arguments with each pointer of a function in turn outside memory. */
  const CASES: readonly (readonly [FileCall, ...(number | bigint | 'fd')[]])[] = [
    ['fd_fdstat_get', 'fd', END - 23],
    ['fd_filestat_get', 'fd', END - 63],
    ['fd_pread', 'fd', END - 4, 1, 0n, RESULT],
    ['fd_pread', 'fd', IOVEC, 1, 0n, END - 3],
    ['fd_prestat_get', ROOT, END - 7],
    ['fd_prestat_dir_name', ROOT, END, 1],
    ['fd_pwrite', 'fd', IOVEC, -1, 0n, RESULT],
    ['fd_pwrite', 'fd', IOVEC, 1, 0n, -1],
    ['fd_read', 'fd', -1, 1, RESULT],
    ['fd_read', 'fd', IOVEC + 8, 1, RESULT],
    ['fd_read', 'fd', IOVEC, 1, END - 2],
    ['fd_readdir', ROOT, END - 10, 11, 0n, RESULT],
    ['fd_readdir', ROOT, DATA, -1, 0n, RESULT],
    ['fd_readdir', ROOT, DATA, 10, 0n, END],
    ['fd_seek', 'fd', 0n, 0, END - 7],
    ['fd_tell', 'fd', -8],
    ['fd_write', 'fd', IOVEC + 8, 1, RESULT],
    ['fd_write', 'fd', IOVEC, 1, END - 3],
    ['path_create_directory', ROOT, END - 1, 2],
    ['path_filestat_get', ROOT, 0, -1, 2, RESULT],
    ['path_filestat_get', ROOT, 0, PATH, 1, END - 63],
    ['path_filestat_set_times', ROOT, 0, END, 1, 0n, 0n, 0],
    ['path_open', ROOT, 0, END, 1, 0, 0n, 0n, 0, RESULT],
    ['path_open', ROOT, 0, PATH, 1, 0, 0n, 0n, 0, END - 3],
    ['path_readlink', ROOT, END, 1, DATA, 10, RESULT],
    ['path_readlink', ROOT, PATH, 1, END, 10, RESULT],
    ['path_readlink', ROOT, PATH, 1, DATA, 10, END],
    ['path_remove_directory', ROOT, END, 1],
    ['path_unlink_file', ROOT, END - 1, 2],
  ];

  it('are in memory, or the call is refused', async () => {
    const { functions, open, iovec } = await files();
    const { fd } = open('a');
    iovec(IOVEC, DATA, 1);
    iovec(IOVEC + 8, END - 1, 2);
    for (const [name, ...args] of CASES) {
      const errno = functions[name](...args.map((arg) => (arg === 'fd' ? fd : arg)));
      expect(errno, `${name}(${args.join(', ')})`).toBe(EFAULT);
    }
    // And the library has not failed.
    expect(functions.fd_tell(fd, RESULT)).toBe(SUCCESS);
  });

  it('are bounded', async () => {
    const { functions, open, write, iovec, view } = await files();
    const { fd } = open('a');
    expect(write(fd, 3 * MIB)).toBe(MOST);
    expect(functions.fd_seek(fd, 0n, 0, RESULT)).toBe(SUCCESS);
    iovec(IOVEC, DATA, 3 * MIB);
    expect(functions.fd_read(fd, IOVEC, 1, RESULT)).toBe(SUCCESS);
    expect(view.getUint32(RESULT, true)).toBe(MOST);
    const name = DATA;
    expect(functions.path_create_directory(ROOT, name, 4097)).toBe(ENAMETOOLONG);
    expect(functions.path_open(ROOT, 0, name, -1, 0, 0n, 0n, 0, RESULT)).toBe(ENAMETOOLONG);
  });

  it('lead to descriptors that the guest has opened itself', async () => {
    const { functions } = await files();
    for (const fd of [4, 5, -1, 0x7fffffff]) {
      expect(functions.fd_tell(fd, RESULT)).toBe(EBADF);
      expect(functions.path_unlink_file(fd, PATH, 1)).toBe(EBADF);
    }
  });
});

describe('a machine', () => {
  it('has room for 64 MiB of files, and again what it removes', async () => {
    const { functions, open, write, seek, unlink } = await files();
    /** Writes at the end until nothing more is accepted. @returns whole MiB written. */
    const fill = (fd: number) => {
      seek(fd, 0n, END_OF_FILE);
      let written = 0;
      for (let more = write(fd, MIB); more > 0; more = write(fd, MIB)) written += more;
      expect(write(fd, 1)).toBe(-ENOSPC);
      return written / MIB;
    };
    const a = open('a').fd;
    expect(fill(a)).toBe(64);
    expect(functions.fd_allocate(a, 0n, BigInt(65 * MIB))).toBe(ENOSPC);
    expect(functions.fd_filestat_set_size(a, 1n << 62n)).toBe(ENOSPC);
    expect(functions.fd_allocate(a, -1n, 2n)).toBe(ENOSPC);
    // Shorter, then as long as possible again.
    expect(functions.fd_filestat_set_size(a, BigInt(10 * MIB))).toBe(SUCCESS);
    const b = open('b').fd;
    expect(fill(b)).toBe(54);
    // Bytes that are truncated when a file is opened, and removed files.
    expect(functions.fd_filestat_set_size(a, BigInt(9 * MIB))).toBe(SUCCESS);
    const cut = open('b', TRUNCATE);
    expect([cut.errno, functions.fd_close(cut.fd), functions.fd_close(b)]).toEqual([0, 0, 0]);
    expect(fill(a)).toBe(55);
    expect([functions.fd_close(a), unlink('a'), unlink('b')]).toEqual([0, 0, 0]);
    const c = open('c').fd;
    expect(functions.fd_allocate(c, 0n, BigInt(64 * MIB))).toBe(SUCCESS);
    expect(functions.fd_allocate(c, 0n, BigInt(64 * MIB + 1))).toBe(ENOSPC);
    // A hole also takes space, and a write is as long as the remaining space.
    expect(functions.fd_filestat_set_size(c, BigInt(MIB))).toBe(SUCCESS);
    seek(c, BigInt(64 * MIB - 10));
    expect([write(c, 100), write(c, 1)]).toEqual([10, -ENOSPC]);
    expect([functions.fd_close(c), unlink('c'), open('d').errno]).toEqual([0, 0, 0]);
  }, 60_000);

  it('has 1,024 files open at most, and the lowest descriptor that is free', async () => {
    const { functions, open } = await files();
    let last = open('a');
    while (last.errno === SUCCESS && last.fd < 5000) last = open('a');
    // The directory is one of them.
    expect([last.errno, last.fd]).toEqual([EMFILE, 3 + 1023]);
    expect([functions.fd_close(700), functions.fd_close(70)]).toEqual([SUCCESS, SUCCESS]);
    expect([open('a'), open('a'), open('a').errno]).toEqual([
      { errno: SUCCESS, fd: 70 },
      { errno: SUCCESS, fd: 700 },
      EMFILE,
    ]);
  });

  it('has 384 files and directories at most, and makes 3,500 directories in its life', async () => {
    const { functions, path, open, unlink } = await files();
    const mkdir = (name: string) => functions.path_create_directory(ROOT, ...path(name));
    const rmdir = (name: string) => functions.path_remove_directory(ROOT, ...path(name));
    const make = (i: number) => {
      if (i % 2) return mkdir(`d${i}`);
      const { errno, fd } = open(`f${i}`);
      if (errno === SUCCESS) functions.fd_close(fd);
      return errno;
    };
    for (let i = 0; i < 384; i++) expect(make(i)).toBe(SUCCESS);
    expect([make(384), make(385)]).toEqual([ENOSPC, ENOSPC]);
    expect([open('f2').errno, unlink('f4'), make(384)]).toEqual([SUCCESS, SUCCESS, SUCCESS]);
    expect(rmdir('d3')).toBe(SUCCESS);
    expect([make(385), make(386)]).toEqual([SUCCESS, ENOSPC]);
    for (let i = 193; i < 3500; i++) expect([rmdir('d1'), mkdir('d1')]).toEqual([0, 0]);
    expect([rmdir('d1'), mkdir('d1'), make(386)]).toEqual([SUCCESS, ENOSPC, SUCCESS]);
  });

  describe('of a library that traps', () => {
    afterEach(() => {
      faulty.trapInStat = false;
    });

    it('has EIO from it from then on, and no other machine has', async () => {
      const [first, second] = [await files(), await files()];
      const [one, other] = [first.open('a').fd, second.open('a').fd];
      faulty.trapInStat = true;
      expect(first.functions.fd_filestat_get(one, RESULT)).toBe(EIO);
      faulty.trapInStat = false;
      expect([first.open('b').errno, first.functions.fd_close(one)]).toEqual([EIO, EIO]);
      expect([first.write(one, 1), first.functions.fd_sync(one)]).toEqual([-EIO, EIO]);
      expect(first.functions.fd_renumber(one, one)).toBe(EIO);
      // Also for an existing name, for which no call of the library is needed.
      const { functions, path } = first;
      expect(functions.path_create_directory(ROOT, ...path('a'))).toBe(EIO);
      expect([first.open('a').errno, first.unlink('b')]).toEqual([EIO, EIO]);
      expect([second.write(other, 10), second.open('b').errno]).toEqual([10, SUCCESS]);
      first.dispose();
      second.dispose();
      const third = await files();
      expect(third.open('a').errno).toBe(SUCCESS);
      third.dispose();
    });

    it('leaves 256 file systems in its heap at most: then those that come have EIO', async () => {
      // A library of its own: what is lost stays lost, also for later files.
      vi.resetModules();
      onTestFinished(() => {
        vi.resetModules();
      });
      const { WasiLibrary } = await import('../../../../../vmm/vcpu/wasm/wasi/wasi-library.ts');
      /** Whether it had any file before it trapped. */
      const lose = async () => {
        const library = await WasiLibrary.create();
        const errno = library.call('fd_tell', ROOT + 1, 64);
        faulty.trapInStat = true;
        library.call('fd_filestat_get', ROOT + 1, 64);
        faulty.trapInStat = false;
        library.dispose();
        library.dispose();
        return errno !== EIO;
      };
      const good = await WasiLibrary.create();
      for (let i = 0; i < 256; i++) expect(await lose()).toBe(true);
      expect(await lose()).toBe(false);
      expect(good.call('fd_tell', ROOT + 1, 64)).not.toBe(EIO);
    });
  });

  it('releases the resources of its files', async () => {
    const rss = () => process.memoryUsage().rss / MIB;
    const fill = async () => {
      const { open, write, dispose } = await files();
      const { fd } = open('a');
      while (write(fd, MIB) > 0);
      dispose();
    };
    await fill();
    const before = rss();
    for (let i = 0; i < 2; i++) await fill();
    expect(rss() - before).toBeLessThan(70);
  }, 60_000);
});

it('a guest of the documentation keeps a note in a file', async () => {
  const guest = assemble(await readFile('docs/examples/files.wat', 'utf8'));
  let output = '';
  const machine = await smallMachine({
    guest,
    onOutput: (_stream, bytes) => {
      output += new TextDecoder().decode(bytes);
    },
  });
  await machine.boot();
  expect([machine.step(), machine.end, output]).toEqual([
    'off',
    { status: 'off', exitCode: 0 },
    'kept in a file\n',
  ]);
});
