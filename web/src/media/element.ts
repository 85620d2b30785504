/** What a browser's media elements tell of a file. */

const LOADING_MS = 20_000;

/** This browser can make nothing of a file. */
export class Unshowable extends Error {
  override name = "Unshowable";
}

/** Waits for an event of an element, or its `error`. @throws Unshowable */
export function happens(
  media: HTMLMediaElement,
  name: string,
  enough: () => boolean = () => true,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const end = new AbortController();
    const settle = (outcome: () => void) => {
      end.abort();
      clearTimeout(timer);
      outcome();
    };
    const timer = setTimeout(() => settle(() => reject(new Unshowable())), LOADING_MS);
    const { signal } = end;
    media.addEventListener(name, () => enough() && settle(resolve), { signal });
    media.addEventListener("error", () => settle(() => reject(new Unshowable())), { signal });
  });
}

/** In seconds. Recordings by a browser do not say how long they are until they have been searched to the end. @throws Unshowable */
export async function knownDuration(media: HTMLMediaElement): Promise<number> {
  if (Number.isFinite(media.duration)) return media.duration;
  const known = happens(media, "durationchange", () => Number.isFinite(media.duration));
  media.currentTime = 1e9;
  await known;
  const { duration } = media;
  media.currentTime = 0;
  return duration;
}

/** How long a sound file is, in milliseconds. @throws Unshowable */
export async function soundLength(blob: Blob): Promise<number> {
  const url = URL.createObjectURL(blob);
  const audio = document.createElement("audio");
  try {
    const loaded = happens(audio, "loadedmetadata");
    audio.preload = "metadata";
    audio.src = url;
    await loaded;
    return Math.round((await knownDuration(audio)) * 1_000);
  } finally {
    audio.removeAttribute("src");
    URL.revokeObjectURL(url);
  }
}
