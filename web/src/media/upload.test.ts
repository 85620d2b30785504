import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { api } from "@/api/client";
import type { Attachment } from "@/realtime/realtime";
import { UploadError, uploadAttachment } from "./upload";

vi.mock("@/auth/session");

/** The object store's side: what has been sent, and how it is answered. */
class FakeRequest {
  static all: FakeRequest[] = [];
  status = 0;
  sent: Blob | null = null;
  readonly headers: Record<string, string> = {};
  readonly upload = { onprogress: null as ((event: { loaded: number; total: number }) => void) | null };
  onload: (() => void) | null = null;
  onerror: (() => void) | null = null;
  onabort: (() => void) | null = null;
  method = "";
  url = "";
  constructor() {
    FakeRequest.all.push(this);
  }
  open(method: string, url: string) {
    [this.method, this.url] = [method, url];
  }
  setRequestHeader(name: string, value: string) {
    this.headers[name] = value;
  }
  send(blob: Blob) {
    this.sent = blob;
  }
  abort() {
    this.onabort?.();
  }
  answer(status: number) {
    this.status = status;
    this.onload?.();
  }
}

const TARGET = {
  method: "PUT",
  url: "https://store.example/uploads/m1?signature",
  headers: { "Content-Type": "image/png" },
  expires_at: "2026-01-01T00:15:00.000Z",
};
const attachment: Attachment = {
  blob: new Blob(["12345"]),
  kind: "image",
  contentType: "image/png",
  filename: "a.png",
};

function server(status: number, body: unknown) {
  const response = new Response(null, { status });
  return vi
    .spyOn(api, "POST")
    .mockResolvedValue((status < 300 ? { data: body, response } : { error: body, response }) as never);
}
const put = () => vi.waitFor(() => FakeRequest.all[0] ?? Promise.reject(new Error("nothing is put yet")));

beforeEach(() => {
  FakeRequest.all = [];
  vi.stubGlobal("XMLHttpRequest", FakeRequest);
});
afterEach(() => vi.unstubAllGlobals());

describe("an upload", () => {
  it("asks where to, and sends the file there with exactly those headers", async () => {
    const asked = server(201, { media_id: "m1", upload: TARGET });
    const progress: number[] = [];
    const uploading = uploadAttachment(attachment, { onProgress: (share) => progress.push(share) });
    const request = await put();
    expect(asked).toHaveBeenCalledWith("/api/v1/media/uploads", {
      body: { kind: "image", content_type: "image/png", size: 5, filename: "a.png" },
    });
    expect(request).toMatchObject({
      method: "PUT",
      url: TARGET.url,
      headers: TARGET.headers,
      sent: attachment.blob,
    });
    request.upload.onprogress?.({ loaded: 2, total: 5 });
    request.answer(200);
    expect(await uploading).toEqual({ media_id: "m1" });
    expect(progress).toEqual([0.4]);
  });

  it("can be stopped while it is on its way", async () => {
    server(201, { media_id: "m1", upload: TARGET });
    const stop = new AbortController();
    const uploading = uploadAttachment(attachment, { signal: stop.signal });
    await put();
    stop.abort(new Error("changed my mind"));
    await expect(uploading).rejects.toThrow("changed my mind");
  });

  it.each([
    [422, { code: "invalid", errors: [{ field: "size", message: "must be at most 3" }] }, "too_large", false],
    [
      422,
      { code: "invalid", errors: [{ field: "content_type", message: "no" }] },
      "unsupported_media_type",
      false,
    ],
    [422, { code: "invalid", errors: [{ field: "filename", message: "no" }] }, "invalid", false],
    [429, { code: "rate_limited", retry_after_ms: 60_000 }, "rate_limited", true],
    [503, { code: "unavailable" }, "unavailable", true],
  ])("that is refused with %i says why", async (status, body, code, passing) => {
    server(status, body);
    const error = await uploadAttachment(attachment).catch((refusal: unknown) => refusal);
    expect(error).toBeInstanceOf(UploadError);
    expect(error).toMatchObject({ code, passing });
  });

  it.each([
    [403, "invalid"],
    [503, "unavailable"],
  ])("that the object store answers %i is %s", async (status, code) => {
    server(201, { media_id: "m1", upload: TARGET });
    const uploading = uploadAttachment(attachment);
    (await put()).answer(status);
    await expect(uploading).rejects.toMatchObject({ code });
  });

  it("without a connection can be tried again", async () => {
    server(201, { media_id: "m1", upload: TARGET });
    const uploading = uploadAttachment(attachment);
    (await put()).onerror?.();
    await expect(uploading).rejects.toMatchObject({ code: "offline", passing: true });
  });

  it("of nothing asks nobody", async () => {
    const asked = server(201, {});
    await expect(uploadAttachment({ ...attachment, blob: new Blob([]) })).rejects.toMatchObject({
      code: "invalid",
    });
    expect(asked).not.toHaveBeenCalled();
  });
});
