// SPDX-License-Identifier: MIT
// The parts of a drawing with the machines and what they share.

import { render } from 'lit-html';
import type { Frame, Picture } from '../protocol.ts';
import { element } from './element.ts';
import { markEvent } from './event-panel.ts';
import type { Seen } from './in-view.ts';
import { markLooks } from './look-places.ts';
import type { Part } from './painter.ts';
import { machine } from './queues.ts';
import { paintTlb, side } from './side.ts';
import type { TlbPages } from './tlb-pages.ts';

/** What is highlighted in a picture. */
export interface PointedOut {
  /** The event that is shown, if any. */
  readonly frame: Frame | undefined;
  readonly experiment: string;
}

export function pictureParts(
  picture: Picture,
  tlbPages: TlbPages,
  { frame, experiment }: PointedOut,
  seen: Seen,
): readonly Part[] {
  const { vms, tlb, pages } = picture;
  const places = element('machines');
  while (places.childElementCount > vms.length) places.lastElementChild?.remove();
  while (places.childElementCount < vms.length) places.append(document.createElement('div'));
  const sides = element('side');
  // It has no box of its own.
  const isSideSeen = sides.childElementCount === 0 || [...sides.children].filter(seen).length > 0;
  const sideParts = [
    () => render(side(picture), sides),
    () => paintTlb(sides, tlb),
    () => tlbPages.show(document.getElementById('pages'), pages),
  ];
  return [
    ...vms.flatMap((vm, i) => {
      const place = places.children[i] as HTMLElement;
      return seen(place) ? [() => render(machine(vm), place)] : [];
    }),
    ...(isSideSeen ? sideParts : []),
    () => {
      markEvent(frame);
      markLooks(experiment);
    },
  ];
}
