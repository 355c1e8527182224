// SPDX-License-Identifier: MIT
// Terms in the page's texts explain themselves.

import { describe, expect, it } from 'vitest';
import { withTerms } from '../../demo/page/terms.ts';
import { TOUR } from '../../demo/tour.ts';
import { EXPERIMENTS } from '../../vmm/boards/index.ts';

/** The marked words of a text with their explanations. */
const marked = (text: string) =>
  withTerms(text).flatMap((part) =>
    typeof part === 'string' ? [] : [part.values.map((value) => String(value))],
  );
const words = (text: string) => marked(text).map(([, word]) => word);

describe('terms', () => {
  it('are marked once each, plurals too, and the text stays as it is', () => {
    const text = 'The TLBI of CD.ASET 0: two exits, no exit, one PTE, all VMIDs; TLBIs.';
    expect(words(text)).toEqual(['TLBI', 'CD.ASET', 'exits', 'PTE', 'VMIDs']);
    const back = withTerms(text).map((part) =>
      typeof part === 'string' ? part : String(part.values[1]),
    );
    expect(back.join('')).toBe(text);
    for (const [explains, word = ''] of marked(text))
      expect(explains?.toLowerCase()).toContain(word.replace(/s$/, '').toLowerCase());
  });

  it('are not found in longer names', () => {
    expect(words('CMDQ_PROD, VINTF_CONFIG.HYP_OWN, STEP, existing')).toEqual([]);
  });

  it.each(['PTE', 'F_TRANSLATION', 'CMD_SYNC', 'BTM', 'CD.ASET', 'IOTLB', 'TLBI'])(
    '%s explains itself in the experiments and the tour',
    (term) => {
      const texts = [
        ...EXPERIMENTS.flatMap(({ about, shows }) => [about, shows]),
        ...TOUR.flatMap(({ before, after }) => [before, after]),
      ].filter((text) => new RegExp(`(?<![\\w.])${term}(?![\\w.]\\w)`).test(text));
      for (const text of texts) expect(words(text).join(' '), text).toContain(term);
    },
  );
});
