/** The ground of a story that is words alone. The same for everybody and while it is written: it comes of the words. */
export const GROUNDS = 8;

export function groundOf(text: string): number {
  let hash = 7;
  for (const character of text.trim()) hash = (hash * 31 + (character.codePointAt(0) ?? 0)) % 1_000_003;
  return hash % GROUNDS;
}

/** Short words are large. */
export function sizeOf(text: string): "xl" | "l" | "m" | "s" {
  const length = [...text].length;
  if (length <= 40) return "xl";
  if (length <= 120) return "l";
  return length <= 320 ? "m" : "s";
}
