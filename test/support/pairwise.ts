// SPDX-License-Identifier: MIT
// Pairwise choices of combinations: most bugs need one value, or two values together.

/** For each factor, its values. */
export type Factors<T> = { readonly [K in keyof T]: readonly T[K][] };

/** All combinations; the last factor varies fastest. */
export function combinations<T extends object>(factors: Factors<T>): T[] {
  const names = Object.keys(factors) as (keyof T)[];
  return names.reduce<Partial<T>[]>(
    (rows, name) =>
      rows.flatMap((row) => factors[name].map((value) => ({ ...row, [name]: value }))),
    [{}],
  ) as T[];
}

/** The pairs of values of two different factors in a combination, as strings. */
export function pairsOf(row: object): string[] {
  const values = Object.entries(row).map(([name, value]) => `${name}=${String(value)}`);
  return values.flatMap((one, i) => values.slice(i + 1).map((other) => `${one} ${other}`));
}

/**
 * A few combinations that contain each pair of values of two factors: always the one with
 * the most new pairs.
 */
export function pairwise<T extends object>(factors: Factors<T>): T[] {
  const rows = combinations(factors);
  const left = new Set(rows.flatMap(pairsOf));
  const chosen: T[] = [];
  while (left.size > 0) {
    const gains = rows.map((row) => pairsOf(row).filter((pair) => left.has(pair)).length);
    const [best] = rows.splice(gains.indexOf(Math.max(...gains)), 1);
    if (!best) break;
    chosen.push(best);
    for (const pair of pairsOf(best)) left.delete(pair);
  }
  return chosen;
}
