/** Saving a file, under its name, without leaving the page: what the object store answers is never shown as a page of its own. */
import type { QueryClient } from "@tanstack/react-query";
import { distrust, locate, type MediaFile } from "./mediaUrl";

export interface DownloadOptions {
  /** 0 to 1; not told where the object store does not say how much there is. */
  onProgress?: (progress: number) => void;
  signal?: AbortSignal;
}

/**
 * Fetches a file and has the browser save it.
 *
 * @param filename for files whose name the server does not know
 * @throws ApiError, TypeError without a connection
 */
export async function download(
  queries: QueryClient,
  mediaId: string,
  filename: string,
  options: DownloadOptions = {},
): Promise<void> {
  const { blob, file } = await fetchFile(queries, mediaId, options);
  save(blob, file.filename ?? filename);
}

/** The bytes of a file, and what is known of it. @throws ApiError, TypeError without a connection */
export async function fetchFile(
  queries: QueryClient,
  mediaId: string,
  options: DownloadOptions = {},
): Promise<{ blob: Blob; file: MediaFile }> {
  const file = await locate(queries, mediaId);
  let answer = await fetch(file.url, { ...(options.signal && { signal: options.signal }) });
  if (answer.status === 403) {
    await distrust(queries, mediaId);
    answer = await fetch((await locate(queries, mediaId)).url);
  }
  if (!answer.ok) throw new TypeError(`the object store answered ${answer.status}`);
  return { blob: await whole(answer, file, options.onProgress), file };
}

/** Octets whatever the file says it is: nothing is to be opened instead of saved. */
async function whole(
  answer: Response,
  file: MediaFile,
  onProgress: DownloadOptions["onProgress"],
): Promise<Blob> {
  const type = "application/octet-stream";
  if (answer.body === null) return new Blob([await answer.arrayBuffer()], { type });
  const pieces: Uint8Array<ArrayBuffer>[] = [];
  let loaded = 0;
  const reader = answer.body.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return new Blob(pieces, { type });
    pieces.push(value);
    loaded += value.byteLength;
    if (file.size > 0) onProgress?.(Math.min(1, loaded / file.size));
  }
}

export function save(blob: Blob, filename: string): void {
  const url = URL.createObjectURL(blob);
  const link = document.createElement("a");
  link.href = url;
  link.download = filename;
  link.click();
  // The browser reads it after this task.
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}
