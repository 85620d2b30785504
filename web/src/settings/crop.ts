/** Which square of a picture is shown, and how it moves. */

export interface Crop {
  /** The square's middle, in parts of the picture's width and height. */
  x: number;
  y: number;
  /** 1: as large as it can be. */
  zoom: number;
}

export interface Square {
  left: number;
  top: number;
  side: number;
}

export const WHOLE: Crop = { x: 0.5, y: 0.5, zoom: 1 };
export const MOST_ZOOM = 4;

const between = (value: number, low: number, high: number) => Math.min(Math.max(value, low), high);

/** The square in the picture's own pixels: always within it. */
export function squareOf(crop: Crop, width: number, height: number): Square {
  const side = Math.min(width, height) / between(crop.zoom, 1, MOST_ZOOM);
  return {
    side,
    left: between(crop.x * width - side / 2, 0, width - side),
    top: between(crop.y * height - side / 2, 0, height - side),
  };
}

/** The crop with the picture pushed by so much, in parts of the square's side; it stops at the picture's edges. */
export function pushed(crop: Crop, dx: number, dy: number, width: number, height: number): Crop {
  const { left, top, side } = squareOf(crop, width, height);
  const x = between(left - dx * side, 0, width - side) + side / 2;
  const y = between(top - dy * side, 0, height - side) + side / 2;
  return { zoom: crop.zoom, x: x / width, y: y / height };
}

/** The crop at another zoom, about the same middle. */
export function zoomed(crop: Crop, zoom: number): Crop {
  return { ...crop, zoom: between(zoom, 1, MOST_ZOOM) };
}
