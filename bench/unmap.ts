// SPDX-License-Identifier: MIT
// The DMA unmap benchmark of the Grace patches: page tables, TLBI, CMD_SYNC, on several
// threads, with one shared queue and with a queue for each. For the host's kernel on
// VCMDQs of its own VINTF, and for a guest on lent ones.

import { endingAll } from './endings.ts';
import { type BenchMachine, startThreadedMachine } from './machines.ts';
import { median } from './measure.ts';
import { startUnmapHost, type UnmapHost } from './unmap-host.ts';

/** One unmap on each of the threads at once; medians over the rounds. */
export interface UnmapRow {
  readonly who: 'host' | 'guest, its vCPUs drain' | 'guest, a side core drains';
  readonly threads: number;
  readonly pages: number;
  /** Nanoseconds of an unmap with one queue, and with a queue for each thread. */
  readonly shared: number;
  readonly own: number;
  /**
   * The part for TLBI and CMD_SYNC, which a guest cannot time, because reading its clock
   * is an exit.
   */
  readonly sharedInvalidation: number | undefined;
  readonly ownInvalidation: number | undefined;
}

/** Times in nanoseconds. */
interface UnmapTimes {
  readonly unmap: number;
  readonly invalidation?: number;
}

const THREADS = [1, 2];
const MOST_THREADS = 2;
const PAGES = [1, 16];
/** Unmaps of a host thread in a round. */
const HOST_UNMAPS = 2048;
/**
 * A sample of the guest takes a millisecond or more, because reading its clock is an
 * exit.
 */
const GUEST_SAMPLES = 4;
const GUEST_LOG2_UNMAPS = 12;
/** Warm-up rounds exclude the JIT compilers' work. */
const WARM_UP = 3;

type Series = Pick<UnmapRow, 'who' | 'threads' | 'pages'> & {
  shared: UnmapTimes[];
  own: UnmapTimes[];
};

const mean = (values: readonly number[]) =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

async function measureGuest(
  machine: BenchMachine,
  threads: number,
  queues: number,
  pages: number,
): Promise<UnmapTimes> {
  const { samples } = await machine.measure({
    path: 'direct',
    vcpus: threads,
    queues,
    batch: pages,
    log2batches: GUEST_LOG2_UNMAPS,
    samples: GUEST_SAMPLES,
    tables: true,
  });
  return { unmap: mean(samples) };
}

async function measureHost(
  host: UnmapHost,
  threads: number,
  queues: number,
  pages: number,
): Promise<UnmapTimes> {
  const times = await host.measure({ threads, queues, pages, unmaps: HOST_UNMAPS });
  const each = (ms: readonly number[]) => (mean(ms) * 1e6) / HOST_UNMAPS;
  return {
    unmap: each(times.map(({ unmap }) => unmap)),
    invalidation: each(times.map(({ invalidation }) => invalidation)),
  };
}

/**
 * Measures all variants in turn, with shared and own queues next to each other in each
 * round.
 */
export async function measureUnmap(rounds: number): Promise<readonly UnmapRow[]> {
  const seriesOf = (who: UnmapRow['who']): Series[] =>
    THREADS.flatMap((threads) =>
      PAGES.map((pages) => ({ who, threads, pages, shared: [], own: [] })),
    );
  const [onHost, doorbell, side] = [
    seriesOf('host'),
    seriesOf('guest, its vCPUs drain'),
    seriesOf('guest, a side core drains'),
  ];
  await endingAll(async (ending) => {
    const host = ending(await startUnmapHost(MOST_THREADS));
    const machine = ending(await startThreadedMachine(MOST_THREADS));
    for (let round = -WARM_UP; round < rounds; round++) {
      const take = async (
        all: readonly Series[],
        measureOne: (threads: number, queues: number, pages: number) => Promise<UnmapTimes>,
      ) => {
        for (const { threads, pages, shared, own } of all) {
          const one = await measureOne(threads, 1, pages);
          const each = await measureOne(threads, threads, pages);
          if (round < 0) continue;
          shared.push(one);
          own.push(each);
        }
      };
      const inGuest = (threads: number, queues: number, pages: number) =>
        measureGuest(machine, threads, queues, pages);
      await take(onHost, (threads, queues, pages) => measureHost(host, threads, queues, pages));
      await take(doorbell, inGuest);
      await machine.withDrainThread(() => take(side, inGuest));
    }
  });
  const unmapOf = (times: readonly UnmapTimes[]) => median(times.map(({ unmap }) => unmap));
  const invalidationOf = (times: readonly UnmapTimes[]) => {
    const timed = times.flatMap(({ invalidation }) => invalidation ?? []);
    return timed.length > 0 ? median(timed) : undefined;
  };
  return [...onHost, ...doorbell, ...side].map(({ shared, own, ...what }) => ({
    ...what,
    shared: unmapOf(shared),
    own: unmapOf(own),
    sharedInvalidation: invalidationOf(shared),
    ownInvalidation: invalidationOf(own),
  }));
}
