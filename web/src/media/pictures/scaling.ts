/** How large pictures are sent and shown. */
import type { Size } from "../content";

/** The longest side of a photograph that is sent: sharp on any screen, a tenth of what a camera makes. */
export const PHOTO_EDGE = 2560;
/** The server takes no larger number, and no canvas holds it. */
export const MOST_PIXELS = 100_000;

/** The size within the box at the same proportions. Never larger than it was, never less than a pixel. */
export function within(size: Size, box: Size): Size {
  const scale = Math.min(1, box.width / size.width, box.height / size.height);
  return {
    width: Math.max(1, Math.round(size.width * scale)),
    height: Math.max(1, Math.round(size.height * scale)),
  };
}

/** As `within`, with the longest side given. */
export const fitEdge = (size: Size, edge: number): Size => within(size, { width: edge, height: edge });

/**
 * The box that a picture has in a conversation, known before anything of it is loaded. Extreme proportions are cut, so that a
 * panorama is not a line; small pictures are not blown up, but keep room for what is drawn over them.
 */
export function bubbleBox(size: Size, most: Size = { width: 330, height: 380 }, least = 120): Size {
  const proportion = Math.min(2.6, Math.max(0.42, size.width / size.height));
  const width = Math.max(least, Math.min(most.width, size.width, most.height * proportion));
  return { width: Math.round(width), height: Math.round(Math.max(width / proportion, least / 2)) };
}

/** Whether a photograph is made anew before it is sent. */
export function tooLarge(size: Size): boolean {
  return Math.max(size.width, size.height) > PHOTO_EDGE;
}
