// Structures as people write them: 64-bit doublewords of 16 hexadecimal digits, the lowest first.

const DIGITS = 16;

/**
 * The 32-bit words of doublewords in hexadecimal, lowest first.
 * @throws {RangeError} naming the first that is not 16 hexadecimal digits.
 */
export function wordsOfHex(doublewords: readonly string[]): number[] {
  return doublewords.flatMap((text) => {
    if (!/^[0-9a-f]{16}$/i.test(text))
      throw new RangeError(`${text} is not ${DIGITS} hexadecimal digits`);
    return [text.slice(DIGITS / 2), text.slice(0, DIGITS / 2)].map((half) =>
      Number.parseInt(half, 16),
    );
  });
}

/** The same the other way round: doublewords in hexadecimal of 32-bit words. */
export function hexOfWords(words: ArrayLike<number>): string[] {
  const digits = (word: number | undefined) =>
    ((word ?? 0) >>> 0).toString(16).padStart(DIGITS / 2, '0');
  return Array.from(
    { length: words.length / 2 },
    (_, i) => digits(words[2 * i + 1]) + digits(words[2 * i]),
  );
}
