import { UploadError } from "../upload";
import { encode } from "./canvas";

/** The middle of a picture as a square JPEG. @throws UploadError for what is no picture */
export async function squared(file: Blob, edge: number): Promise<Blob> {
  let bitmap: ImageBitmap;
  try {
    bitmap = await createImageBitmap(file, { imageOrientation: "from-image" });
  } catch {
    throw new UploadError("unsupported_media_type", "this is not a picture that can be shown");
  }
  try {
    const side = Math.min(bitmap.width, bitmap.height);
    const size = Math.min(side, edge);
    const canvas = document.createElement("canvas");
    canvas.width = size;
    canvas.height = size;
    const context = canvas.getContext("2d");
    if (context === null) throw new Error("this browser draws no pictures");
    context.imageSmoothingQuality = "high";
    context.fillStyle = "#fff";
    context.fillRect(0, 0, size, size);
    const [left, top] = [(bitmap.width - side) / 2, (bitmap.height - side) / 2];
    context.drawImage(bitmap, left, top, side, side, 0, 0, size, size);
    return await encode(canvas, "image/jpeg", 0.9);
  } finally {
    bitmap.close();
  }
}
