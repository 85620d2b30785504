const COLOURS = 8;

/** Two letters at most: of the first and the last word, in any script; emoji and signs are left out. */
export function initialsOf(name: string): string {
  const words = name
    .split(/\s+/u)
    .map((word) => word.match(/[\p{L}\p{N}]\p{M}*/u)?.[0])
    .filter((letter) => letter !== undefined);
  const [first, last] = [words[0], words.length > 1 ? words.at(-1) : undefined];
  if (first === undefined) return name.trim() === "" ? "" : "#";
  // Two Arabic letters would be joined to something that is no word.
  if (last === undefined || /\p{Script=Arabic}/u.test(first)) return first.toLocaleUpperCase();
  return (first + last).toLocaleUpperCase();
}

/** Which of the colours a name has: the same everywhere, always. */
export function hueOf(name: string): number {
  let sum = 0;
  for (const char of name) sum = (sum * 31 + (char.codePointAt(0) ?? 0)) % 65_521;
  return sum % COLOURS;
}
