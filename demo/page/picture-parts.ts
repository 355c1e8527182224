// SPDX-License-Identifier: MIT
// What is drawn of a picture: a part for each machine, and for what they share.

import { render } from 'lit-html';
import type { Picture } from '../protocol.ts';
import { element } from './element.ts';
import type { Part } from './painter.ts';
import { machine } from './queues.ts';
import { paintTlb, side } from './side.ts';
import type { TlbPages } from './tlb-pages.ts';

export function pictureParts(picture: Picture, tlbPages: TlbPages): readonly Part[] {
  const { vms, tlb, pages } = picture;
  const places = element('machines');
  while (places.childElementCount > vms.length) places.lastElementChild?.remove();
  while (places.childElementCount < vms.length) places.append(document.createElement('div'));
  const sides = element('side');
  return [
    ...vms.map((vm, i) => () => render(machine(vm), places.children[i] as HTMLElement)),
    () => render(side(picture), sides),
    () => paintTlb(sides, tlb),
    () => tlbPages.show(document.getElementById('pages'), pages),
  ];
}
