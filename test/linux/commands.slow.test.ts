// SPDX-License-Identifier: MIT
// The commands of the initial RAM disk with missing, surplus and wrong arguments, and the exit status of `vsmmu boot linux --run`.

import { describe, expect, it, test, vi } from 'vitest';
import type { Report } from '../../cli/report.ts';
import { boot } from '../support/linux-boot.ts';
import { startVsmmu, vsmmuProcess } from '../support/vsmmu-command.ts';

const BENCH = 'usage: bench THREADS MILLISECONDS GRANULE, numbers from 1 to 1024, 300000, 1024';
const BYPASS = 'usage: bypass Y, bypass N';
const LEND = 'usage: lend FUNCTION, for example lend 0000:00:03.0';
const BAD_COMMAND = 'usage: bad-command LVCMDQ..., numbers from 0 to 127';
const DMA = 'usage: dma IOVA COUNT, numbers below 2^32';
const KEXEC = 'usage: kexec IMAGE INITRD FILE';
const OWN_VCMDQ = 'usage: own-vcmdq FILE, own-vcmdq FILE ats';

/** Commands, the one line that each prints, and its exit status. */
const REFUSED: readonly (readonly [command: string, line: string, status: number])[] = [
  ['bench', BENCH, 2],
  ['bench 1 20', BENCH, 2],
  ['bench 1 20 1 1', BENCH, 2],
  ['bench x 20 1', BENCH, 2],
  ['bench 0 20 1', BENCH, 2],
  ['bench 1025 20 1', BENCH, 2],
  ['bench 1 0 1', BENCH, 2],
  ['bench 1 300001 1', BENCH, 2],
  ['bench 1 20 1025', BENCH, 2],
  ['bypass', BYPASS, 2],
  ['bypass Q', BYPASS, 2],
  ['bypass Y N', BYPASS, 2],
  ['lend', LEND, 2],
  ["lend ''", LEND, 2],
  ['lend 0000:00:03.0 0000:00:04.0', LEND, 2],
  ['lend 0000:00:1f.0', 'lend: there is no PCIe function 0000:00:1f.0', 1],
  ['state now', 'usage: state', 2],
  ['checksum', 'usage: checksum FILE', 2],
  ['checksum /init /init', 'usage: checksum FILE', 2],
  ['checksum /missing', 'checksum: cannot open /missing: no such file (errno 2)', 1],
  ['checksum /', 'checksum: cannot read /: a directory (errno 21)', 1],
  ['dma', DMA, 2],
  ['dma 0x1000', DMA, 2],
  ['dma 0x100000000 1', DMA, 2],
  ['dma 0x1000 1 1', DMA, 2],
  ['bad-command', BAD_COMMAND, 2],
  ['bad-command x', BAD_COMMAND, 2],
  ['bad-command 128', BAD_COMMAND, 2],
  ['bad-command 7', 'bad-command: LVCMDQ 7 is not in use', 1],
  ['bad-command 0 127', 'bad-command: LVCMDQ 127 is not in use', 1],
  ['kexec', KEXEC, 2],
  ['kexec /init /init', KEXEC, 2],
  ['kexec /missing /init /init', 'kexec: cannot open /missing: no such file (errno 2)', 1],
  ['kexec /init /init /init', 'kexec: /init: a command line is one line of at most 2047 bytes', 2],
  ['own-vcmdq', OWN_VCMDQ, 2],
  ['own-vcmdq /missing at', OWN_VCMDQ, 2],
  [
    'own-vcmdq /missing',
    'own-vcmdq: cannot open /missing: no such file (errno 2): lend 0000:00:03.0 offers that function as a file',
    1,
  ],
  [
    'own-vcmdq /init',
    'own-vcmdq: cannot perform VFIO_DEVICE_BIND_IOMMUFD: not a file for this call (errno 25): only files of /dev/vfio/devices are functions',
    1,
  ],
];

/** Boots with commands in pieces that fit into a kernel's command line, and returns what each has printed. */
async function outputs(commands: readonly string[]): Promise<string[]> {
  const seen: string[] = [];
  for (let first = 0; first < commands.length; first += 20) {
    const some = commands.slice(first, first + 20);
    const { console } = await boot(some.map((one) => `${one}; echo END $?`).join('; '));
    const printed = console.replace(/^\[ .*\n/gm, '');
    seen.push(...printed.split(/(?<=^END \d+)\n/m).slice(0, some.length));
  }
  return seen;
}

test('commands with wrong arguments print one line, and have a status', async () => {
  const seen = await outputs(REFUSED.map(([command]) => command));
  expect(seen).toEqual(REFUSED.map(([, line, status]) => `${line}\nEND ${status}`));
});

test('commands that work have status 0', async () => {
  const works = ['bench 1 5 1', 'bypass Y', 'bypass N', 'state', 'checksum /init', 'dma 0x1000 0'];
  for (const seen of await outputs(works)) expect(seen).toMatch(/END 0$/);
});

test('kunit has a status by the results in the kernel’s log', async () => {
  const log = (line: string) => `echo '${line}' >/dev/kmsg`;
  const commands = [
    'kunit',
    `${['1..3', '    not ok 1 inner', 'ok 1 good', 'not ok 2 bad'].map(log).join('; ')}; kunit good`,
    `${log('ok 3 skipped # SKIP')}; kunit`,
    'kunit good skipped',
    'kunit good none',
  ];
  const { console } = await boot(commands.map((one) => `${one}; echo END $?`).join('; '));
  expect(
    console
      .replace(/^(\[ .*|1\.\.3| {4}not ok 1 inner)\n/gm, '')
      .split('\n')
      .slice(0, 12),
  ).toEqual([
    "kunit: the kernel's log has no results: KUnit runs with kunit.enable=1 kunit.autorun=1",
    'END 1',
    'ok good',
    "kunit: the kernel's log lacks some results: boot with log_buf_len=8M",
    'END 1',
    ...['ok good', 'not ok bad', 'ok skipped', 'END 1'],
    ...['ok good', 'ok skipped', 'END 0'],
  ]);
  expect(console).toContain('ok good\nkunit: there is no suite none\nEND 1\n');
});

test('commands for a CMDQV say that there is none', async () => {
  const { console } = await boot('bad-command 0; echo $?; bypass Y; echo $?', '', {
    path: 'overlay',
  });
  expect(console).toContain(
    'bad-command: there is no CMDQV\n1\nbypass: the kernel uses no CMDQV\n1\n',
  );
});

describe('vsmmu boot linux --run', () => {
  const run = (commands: string, ...options: string[]) =>
    vsmmuProcess('boot', 'linux', '--append', 'quiet', '--run', commands, ...options);

  it.each([
    ['true', 0],
    ['false', 1],
    ['exit 3', 3],
    ['lend', 2],
    ['if', 2],
    ['false; true', 0],
    ['kill -9 $$', 0],
    ["sh -c 'kill -9 $$'", 137],
    // A line without an end that is longer than a console line is kept.
    ['dd if=/dev/zero bs=3000 count=1 2>/dev/null; false', 1],
    ["echo 'no newline, vsmmu.run ended with status 1, '; false", 1],
  ])('has status 0 only if the commands have: %s', async (commands, inner) => {
    const { status, stdout } = await run(commands, '--json');
    const { ok, checks } = JSON.parse(stdout) as Report;
    expect(checks).toContainEqual({
      name: 'the commands of --run',
      ok: inner === 0,
      detail: `status ${inner}`,
    });
    expect([status, ok]).toEqual([inner === 0 ? 0 : 1, inner === 0]);
  });

  it('is a line of the report, as it is one of its checks', async () => {
    const { stdout } = await run('true');
    expect(stdout).toMatch(
      /\n {2}ok {4}the commands of --run: status 0\n {2}ok {4}vm0 ran to its end\n/,
    );
    expect(stdout).toMatch(/\nChecks {3}2 of 2 hold\n/);
  });

  it('sees the status on a virtio console', async () => {
    const options = ['--append', 'quiet console=hvc0', '--pcie', 'console', '--quiet'];
    const { status, stdout } = await run('exit 4', ...options);
    expect([status, stdout]).toEqual([1, '  FAIL  the commands of --run: status 4\n']);
  });

  it.each(['', ' \t'])('refuses %j', async (commands) => {
    const { status, stderr } = await run(commands);
    expect(status).toBe(2);
    expect(stderr).toMatch(/^vsmmu: .*--run.*\n$/);
  });
});

describe('a shell without a terminal', () => {
  it.each([
    ['no input', '', /^(?!.*shown)/s],
    ['commands', "echo 'shown' 7\nexit\n", /^(# )?shown 7\r?$/m],
    ['no exit', "echo 'shown' 8\n", /^(# )?shown 8\r?$/m],
    ['no end of the last line', "echo 'shown' 9", /shown 9\r?$/m],
    ['a program that reads to the end', 'cat\nshown 10\n', /^(# )?shown 10\r?\n(# )?shown 10\r?$/m],
  ])('gets all of its input and its end: %s', async (_, input, expected) => {
    const { child, output } = startVsmmu('boot', 'linux', '--append', 'quiet');
    child.stdin.end(input);
    try {
      await vi.waitFor(() => expect(child.exitCode).toBe(0), { timeout: 60_000, interval: 100 });
      expect(output.stdout).toMatch(expected);
      expect(output.stderr).toBe('');
    } finally {
      child.kill();
    }
  });
});
