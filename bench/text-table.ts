// SPDX-License-Identifier: MIT
// Tables in plain text.

/**
 * Formats columns of equal width: the first as wide as necessary and left-aligned, the
 * others right-aligned.
 */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [head, ...rows];
  const widths = head.map((_, column) =>
    Math.max(...lines.map((line) => line[column]?.length ?? 0)),
  );
  const format = (line: readonly string[]) =>
    line
      .map((cell, column) =>
        column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart((widths[column] ?? 0) + 2),
      )
      .join('');
  return lines.map((line) => format(line).trimEnd()).join('\n');
}
