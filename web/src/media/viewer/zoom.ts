/** Looking at a picture closely. `x` and `y` are by how many px its middle is off the middle of the screen. */
import type { Size } from "../content";

export interface Zoom {
  scale: number;
  x: number;
  y: number;
}

export const WHOLE: Zoom = { scale: 1, x: 0, y: 0 };
const MOST = 8;
/** Nearly whole is whole. */
const SNAP = 1.04;

/** Nearer or further, with what is under `point` (from the middle of the screen) staying there. */
export function zoomed(
  zoom: Zoom,
  factor: number,
  point: { x: number; y: number },
  picture: Size,
  screen: Size,
): Zoom {
  const scale = Math.min(MOST, zoom.scale * factor);
  if (scale < SNAP) return WHOLE;
  const change = scale / zoom.scale;
  return within(
    { scale, x: point.x - (point.x - zoom.x) * change, y: point.y - (point.y - zoom.y) * change },
    picture,
    screen,
  );
}

export function panned(zoom: Zoom, by: { x: number; y: number }, picture: Size, screen: Size): Zoom {
  return within({ ...zoom, x: zoom.x + by.x, y: zoom.y + by.y }, picture, screen);
}

/** No further than its edge is at the edge of the screen; what is smaller than the screen stays in the middle. */
function within(zoom: Zoom, picture: Size, screen: Size): Zoom {
  const room = (size: number, most: number) => Math.max(0, (size * zoom.scale - most) / 2);
  const clamp = (value: number, most: number) => Math.min(most, Math.max(-most, value)) + 0;
  return {
    scale: zoom.scale,
    x: clamp(zoom.x, room(picture.width, screen.width)),
    y: clamp(zoom.y, room(picture.height, screen.height)),
  };
}

/** How large a picture is when all of it is seen. */
export function contained(picture: Size, screen: Size): Size {
  const scale = Math.min(screen.width / picture.width, screen.height / picture.height, 1);
  return { width: picture.width * scale, height: picture.height * scale };
}
