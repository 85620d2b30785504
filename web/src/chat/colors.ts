/** Names of senders in groups have colours, always the same one for the same person. */
export const COLORS = 8;

export function colorOf(userId: string): number {
  let hash = 0;
  for (const character of userId) hash = (Math.imul(hash, 31) + (character.codePointAt(0) ?? 0)) | 0;
  return (hash >>> 0) % COLORS;
}
