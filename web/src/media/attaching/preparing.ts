/** From a file that somebody chose to what is sent: measured, made smaller where that loses nothing that is seen, with a preview. */
import type { Attachment, Draft } from "@/realtime/realtime";
import type { Size } from "../content";
import { happens, knownDuration, soundLength, Unshowable } from "../element";
import { isSendable, kindOf, nameFor, renamed } from "../files";
import { isAnimated } from "../pictures/animation";
import { draw, encode, hasTransparency, PLACEHOLDER, POSTER, thumbnailOf } from "../pictures/canvas";
import { fitEdge, MOST_PIXELS, PHOTO_EDGE, tooLarge } from "../pictures/scaling";
import { waveformOf } from "../voice/waveform";

const JPEG_QUALITY = 0.86;
/** Bytes that tell whether a picture moves. */
const HEAD_BYTES = 4_096;
/** Sound that is longer than this when decoded has no waveform: it would fill the memory. */
const DECODED_BYTES = 25 * 2 ** 20;

/** The file as a message without a caption. What cannot be shown is sent as a document. */
export async function prepare(file: File): Promise<Draft> {
  const kind = kindOf(file.type);
  try {
    if (kind === "image") return await preparePicture(file);
    if (kind === "video") return await prepareVideo(file);
    if (kind === "audio") return await prepareAudio(file);
  } catch (error) {
    if (!(error instanceof Unshowable)) throw error;
  }
  return prepareDocument(file);
}

export function prepareDocument(file: File): Draft {
  const filename = file.name === "" ? nameFor("document", file.type, new Date()) : file.name.slice(0, 255);
  return {
    type: "document",
    content: { filename, size: file.size },
    attachment: attach(file, "document", file.type || "application/octet-stream", filename),
  };
}

async function preparePicture(file: File): Promise<Draft> {
  const bitmap = await decode(file);
  try {
    const size = { width: bitmap.width, height: bitmap.height };
    const thumbnail = await thumbnailOf(bitmap, size, PLACEHOLDER);
    const made = await anew(file, bitmap, size);
    const content = { ...made.size, ...(thumbnail !== null && { thumbnail }) };
    const filename = renamed(file.name || nameFor("image", made.blob.type, new Date()), made.blob.type);
    return { type: "image", content, attachment: attach(made.blob, "image", made.blob.type, filename) };
  } finally {
    bitmap.close();
  }
}

async function decode(file: File): Promise<ImageBitmap> {
  try {
    return await createImageBitmap(file, { imageOrientation: "from-image" });
  } catch {
    throw new Unshowable();
  }
}

/** Drawn anew, and with that without where and with what it was taken; but what moves stays as it is. */
async function anew(file: File, bitmap: ImageBitmap, size: Size): Promise<{ blob: Blob; size: Size }> {
  const head = new Uint8Array(await file.slice(0, HEAD_BYTES).arrayBuffer());
  if (isAnimated(head) && isSendable("image", file.type) && Math.max(size.width, size.height) <= MOST_PIXELS)
    return { blob: file, size };
  const target = fitEdge(size, PHOTO_EDGE);
  // Screenshots and drawings stay exact; photographs that somebody has saved as PNG are not.
  const exact = file.type === "image/png" && (!tooLarge(size) || hasTransparency(bitmap, size));
  if (exact) return { blob: await encode(draw(bitmap, target), "image/png"), size: target };
  if (hasTransparency(bitmap, size))
    return { blob: await encode(draw(bitmap, target), "image/webp", JPEG_QUALITY), size: target };
  return { blob: await encode(draw(bitmap, target, "#fff"), "image/jpeg", JPEG_QUALITY), size: target };
}

async function prepareVideo(file: File): Promise<Draft> {
  const url = URL.createObjectURL(file);
  const video = document.createElement("video");
  video.muted = true;
  video.playsInline = true;
  video.preload = "auto";
  try {
    const loaded = happens(video, "loadeddata");
    video.src = url;
    await loaded;
    const size = { width: video.videoWidth, height: video.videoHeight };
    if (size.width === 0 || size.height === 0) throw new Unshowable();
    const duration = await knownDuration(video);
    // The very first frame is often black.
    const sought = happens(video, "seeked");
    video.currentTime = Math.min(1, duration / 4);
    await sought;
    const thumbnail = await thumbnailOf(video, size, POSTER);
    return {
      type: "video",
      content: {
        ...size,
        duration_ms: Math.min(86_400_000, Math.round(duration * 1_000)),
        ...(thumbnail !== null && { thumbnail }),
      },
      attachment: attach(file, "video", file.type, file.name || nameFor("video", file.type, new Date())),
    };
  } finally {
    video.removeAttribute("src");
    video.load();
    URL.revokeObjectURL(url);
  }
}

async function prepareAudio(file: File): Promise<Draft> {
  const { durationMs, waveform } = await heard(file);
  return {
    type: "audio",
    content: { duration_ms: durationMs, ...(waveform !== null && { waveform }) },
    attachment: attach(file, "audio", file.type, file.name || nameFor("audio", file.type, new Date())),
  };
}

/** How long a sound file is, and its waveform unless it is very long. */
async function heard(file: Blob): Promise<{ durationMs: number; waveform: number[] | null }> {
  if (file.size <= DECODED_BYTES) {
    const context = new OfflineAudioContext(1, 1, 16_000);
    try {
      const sound = await context.decodeAudioData(await file.arrayBuffer());
      return {
        durationMs: Math.round(sound.duration * 1_000),
        waveform: waveformOf(sound.getChannelData(0)),
      };
    } catch {
      throw new Unshowable();
    }
  }
  return { durationMs: Math.min(86_400_000, await soundLength(file)), waveform: null };
}

const attach = (blob: Blob, kind: Attachment["kind"], contentType: string, filename: string): Attachment => ({
  blob,
  kind,
  contentType,
  filename,
});
