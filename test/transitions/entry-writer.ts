// SPDX-License-Identifier: MIT
// How a driver that knows which bits of an STE or CD are in use changes it while the SMMU
// may read it at any time: first the bits that the present configuration ignores, then
// the one doubleword that changes the configuration, then the rest; each step is followed
// by its CFGI and CMD_SYNC. When more than one used doubleword changes, V is cleared
// first (IHI 0070 section 3.21.3.1; the order is Linux's).

/** Doublewords of a structure, lowest first. */
export type Image = readonly bigint[];

export interface Layout {
  /** The bits that a structure's own configuration uses. */
  used(image: Image): Image;
  /** Bits that may change at any time between the two, although they are used. */
  safe(from: Image, to: Image): Image;
}

export interface Writes {
  /** The stores of each step, in order. */
  readonly steps: readonly (readonly (readonly [index: number, value: bigint])[])[];
  /** V is set throughout. */
  readonly hitless: boolean;
}

const V = 1n;

function changes(from: Image, to: Image): (readonly [number, bigint])[] {
  return to.flatMap((value, i) => (value === from[i] ? [] : [[i, value] as const]));
}

/** The steps from one image to another. `valid` is the V bit in doubleword 0. */
export function writesOf(layout: Layout, from: Image, to: Image, valid = V): Writes {
  const safe = layout.safe(from, to);
  const usedNow = layout.used(from).map((bits, i) => bits & ~(safe[i] ?? 0n));
  const usedThen = layout.used(to);
  const prepared = from.map(
    (value, i) => (value & (usedNow[i] ?? 0n)) | ((to[i] ?? 0n) & ~(usedNow[i] ?? 0n)),
  );
  const critical = to.flatMap((value, i) =>
    ((prepared[i] ?? 0n) & (usedThen[i] ?? 0n)) === value ? [] : [i],
  );
  const images: Image[] = [];
  if (critical.length === 1) {
    // Bits that only the old one uses are kept until the end.
    const kept = from.map((value, i) =>
      critical.includes(i) ? value : (prepared[i] ?? 0n) | (value & (usedNow[i] ?? 0n)),
    );
    images.push(
      kept,
      kept.map((value, i) => (critical.includes(i) ? (to[i] ?? 0n) : value)),
      to,
    );
  } else if (critical.length === 0) {
    images.push(to);
  } else {
    const invalid = from.map((value, i) => (i === 0 ? value & ~valid : value));
    images.push(
      invalid,
      to.map((value, i) => (i === 0 ? (invalid[0] ?? 0n) : value)),
      to,
    );
  }
  const steps: (readonly [number, bigint])[][] = [];
  let at = from;
  for (const image of images) {
    const stores = changes(at, image);
    if (stores.length > 0) steps.push(stores);
    at = image;
  }
  return { steps, hitless: images.every(([dw0 = 0n]) => (dw0 & valid) !== 0n) };
}
