/**
 * The files that one has just sent, at hand for the message that they become: it shows them without fetching what was uploaded a moment ago.
 * By `client_id`, which an outgoing message and what it becomes share. The oldest go first, and with them their object URLs.
 */
import { useEffect, useState } from "react";

const MOST = 24;

export interface OwnFile {
  url: string;
  type: string;
}

const files = new Map<string, OwnFile>();

export function keepOwnFile(clientId: string, blob: Blob, type: string): OwnFile {
  const there = files.get(clientId);
  if (there !== undefined) return there;
  const file = { url: URL.createObjectURL(blob), type };
  files.set(clientId, file);
  for (const [oldest, old] of files) {
    if (files.size <= MOST) break;
    URL.revokeObjectURL(old.url);
    files.delete(oldest);
  }
  return file;
}

/** A file that was sent from here not long ago. */
export const ownFile = (clientId: string): OwnFile | null => files.get(clientId) ?? null;

/** An object URL for as long as it is shown. */
export function useObjectUrl(blob: Blob | null | undefined): string | null {
  const [url, setUrl] = useState<string | null>(null);
  useEffect(() => {
    if (!blob) return setUrl(null);
    const made = URL.createObjectURL(blob);
    setUrl(made);
    return () => URL.revokeObjectURL(made);
  }, [blob]);
  return url;
}
