/** Messages of nothing but a few emoji are shown large. */
const MOST = 3;
const EMOJI = /\p{Emoji_Presentation}|\p{Extended_Pictographic}\uFE0F|[0-9#*]\uFE0F?\u20E3/u;
const segmenter = new Intl.Segmenter(undefined, { granularity: "grapheme" });

/** How many emoji a text is made of; 0 if there is anything else, or too many. */
export function emojiOnly(text: string): number {
  const trimmed = text.trim();
  // The longest emoji are families and flags of sub-regions: what is longer is looked at no further.
  if (trimmed === "" || trimmed.length > MOST * 30) return 0;
  let count = 0;
  for (const { segment } of segmenter.segment(trimmed)) {
    if (/^\s+$/u.test(segment)) continue;
    if (!EMOJI.test(segment)) return 0;
    count += 1;
    if (count > MOST) return 0;
  }
  return count;
}
