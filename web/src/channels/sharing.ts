/** Handing a text or link on: by the system's own sheet where there is one, else by the clipboard. */

export const canShare = (): boolean => typeof navigator.share === "function";

/** What became of it: `closed` when somebody has closed the sheet again, `failed` when neither way is open. */
export type Shared = "shared" | "copied" | "closed" | "failed";

export async function copy(text: string): Promise<Shared> {
  try {
    await navigator.clipboard.writeText(text);
    return "copied";
  } catch {
    return "failed";
  }
}

export async function share(data: { text: string; url: string }): Promise<Shared> {
  if (!canShare()) return copy(`${data.text} ${data.url}`.trim());
  try {
    await navigator.share(data);
    return "shared";
  } catch (error) {
    return error instanceof DOMException && error.name === "AbortError" ? "closed" : copy(data.url);
  }
}
