// A host in a worker, accessed through a proxy: not even a guest that never yields blocks this
// thread. `npm install vsmmu comlink`, then `node host-in-worker.mjs`.

import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { proxy, transferHandlers, wrap } from 'comlink';
import nodeEndpoint from 'comlink/dist/esm/node-adapter.mjs';
import { toyGuest } from 'vsmmu/guest';

// As in the worker: values with this name are proxies of objects that stay in the worker.
transferHandlers.set('live', transferHandlers.get('proxy'));

const worker = new Worker(new URL('./host-worker.mjs', import.meta.url));
const RemoteHost = wrap(nodeEndpoint(worker)); // in a page: wrap(worker)

// The API, with an await before every call and property.
const host = await RemoteHost.create({ vintfs: 4 });
const machine = await host.createMachine({
  guest: toyGuest.href, // options are copied: strings and bytes, but no URL and no function
  args: ['path=direct', 'rounds=1'],
  transport: 'mailbox', // the worker starts workers for the vCPUs
});
let lines = 0;
const unlisten = await machine.on(
  'output',
  proxy((bytes) => {
    lines += new TextDecoder().decode(bytes).split('\n').length - 1;
  }),
);
await machine.boot();
console.log(await machine.wait());
const { exits } = await machine.statistics;
// A listener has its own channel: its last events may arrive after the result of `wait`.
for (let i = 0; lines <= 5 && i < 500; i++) await sleep(10);
console.log(`${lines > 5}: lines of the console; ${exits.total > 0}: exits`);
await unlisten();

// Errors keep their message, but lose their class and code.
console.log(await host.createMachine({ guset: 'x' }).catch(({ message }) => message));

await host.destroy();
await worker.terminate();
