/** Drawing pictures anew: smaller, upright, and without anything that a camera has written into them. */
import type { Size } from "../content";
import { fitEdge } from "./scaling";

/** The server takes no more in `thumbnail`; as base64, which is a third longer, it stays below even so. */
export const THUMBNAIL_CHARS = 12_288;

export interface Step {
  edge: number;
  quality: number;
}

/** A stand-in for a picture, blurred where the picture is on its way, and shown as it is in small squares: about 3 KB. */
export const PLACEHOLDER: readonly Step[] = [
  { edge: 120, quality: 0.5 },
  { edge: 80, quality: 0.5 },
  { edge: 40, quality: 0.6 },
  { edge: 24, quality: 0.5 },
  { edge: 12, quality: 0.4 },
];
/** What is shown of a video until it is played. */
export const POSTER: readonly Step[] = [
  { edge: 320, quality: 0.6 },
  { edge: 240, quality: 0.5 },
  { edge: 160, quality: 0.5 },
  ...PLACEHOLDER,
];

/** The first of the steps whose result is small enough; `null` if none is. */
export async function firstThatFits(
  steps: readonly Step[],
  make: (step: Step) => Promise<string>,
  most: number = THUMBNAIL_CHARS,
): Promise<string | null> {
  for (const step of steps) {
    const made = await make(step);
    if (made.length > 0 && made.length <= most) return made;
  }
  return null;
}

/** A small preview of whatever can be drawn, in base64. */
export function thumbnailOf(
  source: CanvasImageSource,
  size: Size,
  steps: readonly Step[],
): Promise<string | null> {
  return firstThatFits(steps, async ({ edge, quality }) =>
    base64(await encode(draw(source, fitEdge(size, edge), "#fff"), "image/jpeg", quality)),
  );
}

/** @param ground shows through where the picture does not cover; for types without transparency. */
export function draw(source: CanvasImageSource, size: Size, ground?: string): HTMLCanvasElement {
  const canvas = document.createElement("canvas");
  canvas.width = size.width;
  canvas.height = size.height;
  const context = canvas.getContext("2d");
  if (context === null) throw new Error("this browser draws no pictures");
  context.imageSmoothingQuality = "high";
  if (ground !== undefined) {
    context.fillStyle = ground;
    context.fillRect(0, 0, size.width, size.height);
  }
  context.drawImage(source, 0, 0, size.width, size.height);
  return canvas;
}

export function encode(canvas: HTMLCanvasElement, type: string, quality?: number): Promise<Blob> {
  return new Promise((resolve, reject) => {
    canvas.toBlob(
      (blob) => (blob === null ? reject(new Error("the picture cannot be encoded")) : resolve(blob)),
      type,
      quality,
    );
  });
}

export async function base64(blob: Blob): Promise<string> {
  const bytes = new Uint8Array(await blob.arrayBuffer());
  let binary = "";
  for (const byte of bytes) binary += String.fromCharCode(byte);
  return btoa(binary);
}

/** Whether anything shows through, as far as a small copy tells. */
export function hasTransparency(source: CanvasImageSource, size: Size): boolean {
  const small = fitEdge(size, 64);
  const pixels = draw(source, small).getContext("2d")?.getImageData(0, 0, small.width, small.height).data;
  if (pixels === undefined) return true;
  for (let index = 3; index < pixels.length; index += 4) if ((pixels[index] as number) < 250) return true;
  return false;
}
