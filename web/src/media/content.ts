/** What messages of each type contain, as this side reads it: others may have written anything, so each value is looked at before it is shown. */

type Raw = Readonly<Record<string, unknown>>;

export interface Size {
  width: number;
  height: number;
}

export interface Picture extends Size {
  caption: string;
  /** A tiny preview, as a `data:` URL. */
  thumbnail: string | null;
  durationMs: number | null;
}

export interface Recording {
  durationMs: number;
  /** Loudness over time, 0 to 255. */
  waveform: readonly number[];
}

export interface DocumentFile {
  filename: string;
  size: number;
  caption: string;
}

export interface Place {
  lat: number;
  lng: number;
  /** Metres. */
  accuracy: number | null;
  /** Milliseconds since the epoch; of what is, or was, a live location. */
  liveUntil: number | null;
}

/** Characters that turn the direction of what follows: with them "cod.exe" is read as "exe.doc". */
const TURNING = /[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;
const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/;

const text = (value: unknown): string => (typeof value === "string" ? value : "");
const number = (value: unknown): number | null =>
  typeof value === "number" && Number.isFinite(value) ? value : null;

export function picture(content: Raw): Picture {
  return {
    width: Math.max(1, number(content.width) ?? 4),
    height: Math.max(1, number(content.height) ?? 3),
    caption: text(content.caption),
    thumbnail: thumbnailUrl(content.thumbnail),
    durationMs: number(content.duration_ms),
  };
}

/** A preview as a URL that nothing but a picture can come of. */
export function thumbnailUrl(base64: unknown): string | null {
  if (typeof base64 !== "string" || !BASE64.test(base64)) return null;
  return `data:${base64.startsWith("UklGR") ? "image/webp" : "image/jpeg"};base64,${base64}`;
}

export function recording(content: Raw): Recording {
  const values = Array.isArray(content.waveform) ? content.waveform : [];
  return {
    durationMs: Math.max(0, number(content.duration_ms) ?? 0),
    waveform: values.map((value) => Math.min(255, Math.max(0, number(value) ?? 0))),
  };
}

export function documentFile(content: Raw): DocumentFile {
  return {
    filename: text(content.filename).replace(TURNING, ""),
    size: Math.max(0, number(content.size) ?? 0),
    caption: text(content.caption),
  };
}

/** `null` for what is on no map. */
export function place(content: Raw): Place | null {
  const lat = number(content.lat);
  const lng = number(content.lng);
  if (lat === null || lng === null || Math.abs(lat) > 90 || Math.abs(lng) > 180) return null;
  const until = Date.parse(text(content.live_until));
  return { lat, lng, accuracy: number(content.accuracy), liveUntil: Number.isNaN(until) ? null : until };
}
