/** Files on their way to the object store: the node says where to, and sees nothing of the bytes. */
import { ApiError, api, ok } from "@/api/client";
import type { Attachment } from "@/realtime/realtime";
import type { components } from "@/types/openapi";

type MediaKind = components["schemas"]["MediaKind"];
type Target = components["schemas"]["UploadTarget"];

/** Why a file was not uploaded, in the server's words for problems. What is `passing` may be tried again as it is; the rest needs another file. */
export type UploadProblem =
  | "too_large"
  | "unsupported_media_type"
  | "invalid"
  | "rate_limited"
  | "offline"
  | "unavailable";

export class UploadError extends Error {
  override name = "UploadError";
  constructor(
    readonly code: UploadProblem,
    message: string,
    readonly retryAfterMs: number | null = null,
  ) {
    super(message);
  }

  get passing(): boolean {
    return this.code === "offline" || this.code === "unavailable" || this.code === "rate_limited";
  }
}

export interface UploadOptions {
  /** 0 to 1. */
  onProgress?: (progress: number) => void;
  /** Aborting rejects with the signal's reason. */
  signal?: AbortSignal;
}

/**
 * Uploads the file of a message.
 *
 * @throws UploadError
 */
export async function uploadAttachment(
  attachment: Attachment,
  options: UploadOptions = {},
): Promise<{ media_id: string }> {
  const { blob, kind, contentType, filename } = attachment;
  return { media_id: await upload(blob, kind, contentType, filename, options) };
}

/** Uploads anything that one of the server's kinds is for; the `media_id`. @throws UploadError */
export async function upload(
  blob: Blob,
  kind: MediaKind,
  contentType: string,
  filename: string | null,
  options: UploadOptions = {},
): Promise<string> {
  const { signal, onProgress } = options;
  signal?.throwIfAborted();
  if (blob.size === 0) throw new UploadError("invalid", "the file is empty");
  const body = { kind, content_type: contentType, size: blob.size, filename };
  let answer: components["schemas"]["UploadAnswer"];
  try {
    answer = await ok(api.POST("/api/v1/media/uploads", { body, ...(signal && { signal }) }));
  } catch (error) {
    signal?.throwIfAborted();
    throw begun(error);
  }
  await put(answer.upload, blob, onProgress, signal);
  return answer.media_id;
}

function begun(error: unknown): unknown {
  if (!(error instanceof ApiError)) return error instanceof TypeError ? offline() : error;
  if (error.status === 429) return new UploadError("rate_limited", error.message, error.retryAfterMs);
  if (error.status >= 500) return new UploadError("unavailable", error.message, error.retryAfterMs);
  if (error.fields.has("size")) return new UploadError("too_large", error.message);
  if (error.fields.has("content_type")) return new UploadError("unsupported_media_type", error.message);
  return error.status === 422 ? new UploadError("invalid", error.message) : error;
}

const offline = () => new UploadError("offline", "there is no connection to the server");

/** XMLHttpRequest, because `fetch` does not tell how far an upload has come. */
function put(
  target: Target,
  blob: Blob,
  onProgress: UploadOptions["onProgress"],
  signal: AbortSignal | undefined,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    const abort = () => request.abort();
    const settle = (outcome: () => void) => {
      signal?.removeEventListener("abort", abort);
      outcome();
    };
    request.open(target.method, target.url);
    for (const [name, value] of Object.entries(target.headers)) request.setRequestHeader(name, value);
    request.upload.onprogress = ({ loaded, total }) => onProgress?.(total > 0 ? loaded / total : 0);
    request.onload = () => {
      const { status } = request;
      if (status >= 200 && status < 300) return settle(resolve);
      const code = status >= 500 || status === 429 ? "unavailable" : "invalid";
      return settle(() => reject(new UploadError(code, `the object store answered ${status}`)));
    };
    request.onerror = () => settle(() => reject(offline()));
    request.ontimeout = request.onerror;
    request.onabort = () => settle(() => reject(signal?.reason ?? new DOMException("aborted", "AbortError")));
    signal?.addEventListener("abort", abort);
    if (signal?.aborted) return request.onabort?.(new ProgressEvent("abort"));
    request.send(blob);
  });
}
