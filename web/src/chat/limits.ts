/** How long a text may be, in Unicode code points: as the server counts. */
export const MAX_TEXT = 8192;
/** From here on the rest is shown. */
export const NEAR = MAX_TEXT - 200;

/** Code points; quick for what is far from the limit, so that typing costs nothing. */
export function lengthOf(text: string): number {
  if (text.length <= NEAR) return text.length;
  let count = 0;
  for (const _ of text) count += 1;
  return count;
}
