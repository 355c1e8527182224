// SPDX-License-Identifier: MIT

import { type ChromeTrace, TraceCounts, type TraceSummary } from '../../vmm/trace/index.ts';

/** The summary of a whole trace. */
export function summaryOf({ traceEvents, otherData }: ChromeTrace): TraceSummary {
  const counts = new TraceCounts();
  for (const event of traceEvents) counts.add(event);
  return counts.summary(otherData.lost);
}
