// SPDX-License-Identifier: MIT
// The sanitizer in tests: hosts and harnesses created with it, and their findings. A
// finding that a test does not read itself is unexpected (expect-no-findings.ts).

import {
  type HotModules,
  loadHotModules,
  loadSeparateModules,
  type SeparateModules,
} from '../../assembly/load.ts';
import type { Finding } from '../../vmm/inspect/sanitizer/index.ts';

const sources = new Set<() => readonly Finding[]>();

/** `take` decides about all suspects, and returns the findings since its last call. */
export function watchFindings(take: () => readonly Finding[]): void {
  sources.add(take);
}

/** Findings that no test has read; the sources are removed. */
export function untakenFindings(): string[] {
  const texts = [...sources].flatMap((take) => take().map(({ text }) => text));
  sources.clear();
  return texts;
}

/** The hot modules with the sanitizer. */
export function checkedModules(): Promise<HotModules> {
  return loadHotModules({}, { checked: true });
}

/** The same as separate modules, for tests that replace a part of a unit. */
export function separateCheckedModules(): Promise<SeparateModules> {
  return loadSeparateModules({}, { checked: true });
}

interface HostLike {
  readonly findings: readonly Finding[];
  reportSuspects?(): void;
}

/** Findings of a host, of the API or the model, since the last call. */
const taken = new WeakMap<HostLike, number>();
export function takeFindings(host: HostLike): readonly Finding[] {
  host.reportSuspects?.();
  const found = host.findings.slice(taken.get(host) ?? 0);
  taken.set(host, host.findings.length);
  return found;
}

/** A host with the sanitizer, of the API or the model, from sources or built. */
export async function checkedHost<H extends HostLike, O extends object>(
  type: { create(options: O & { iotlbCheck: boolean }): Promise<H> },
  options?: O,
): Promise<H> {
  const host = await type.create({ iotlbCheck: true, ...(options as O) });
  watchFindings(() => takeFindings(host));
  return host;
}
