// SPDX-License-Identifier: MIT
// A finished program ends, even if it does not end its threads.

import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { PROJECT } from '../../support/project.ts';

const HEAD = `
  import { readFile } from 'node:fs/promises';
  const built = (path) => import(new URL('file://${PROJECT}/dist/' + path));
  const { createToyMachine } = await built('vmm/boards/toy/toy-board.js');
  const { VmHost } = await built('vmm/nested/index.js');
  const { loadGuestImage } = await built('vmm/vcpu/wasm/index.js');
  const { ExitServer, SideCore } = await built('vmm/threads/index.js');
  const image = await loadGuestImage(await readFile('${PROJECT}/dist/guest-driver/toy.wasm'));
  const host = await VmHost.create();
  const exits = new ExitServer();
  const side = await SideCore.start(host, { vmm: exits.buffer });
  const toy = createToyMachine({ host, name: 'vm0', image, exits, args: ['toy', 'vms=1', 'rounds=1', 'warmup=0'],
    onOutput: () => undefined, checkpoint: { onPhase: () => undefined, onResult: () => undefined } });
  await side.attach(toy);
  await toy.machine.boot();
`;

const program = (tail: string) =>
  promisify(execFile)(process.execPath, ['--input-type=module', '--eval', HEAD + tail], {
    timeout: 100_000,
  });

describe('a Node.js program', () => {
  it('ends by itself with a machine and a side core that were not destroyed', async () => {
    const { stdout } = await program("console.log('booted', toy.machine.status);");
    expect(stdout).toBe('booted running\n');
  });

  it('stays alive while its machine runs', async () => {
    const { stdout } = await program(`
      while (toy.machine.status === 'running') await toy.machine.run();
      console.log('done', toy.machine.status);`);
    expect(stdout).toBe('done off\n');
  });
});
