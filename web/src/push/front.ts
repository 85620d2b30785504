/**
 * Which of several tabs speaks, and whether somebody is looking at any of them. Both by locks: a tab that crashes lets go of its own. A page that came
 * without TLS has none, and knows of itself alone.
 */

const FRONT = "tab-in-front";
const SPEAKER = "tab-that-notifies";

export const inFront = (): boolean => document.visibilityState === "visible" && document.hasFocus();

/** Says to the other tabs when this one is in front. Returns what ends it. */
export function watchFront(): () => void {
  let letGo: (() => void) | null = null;
  const look = () => {
    if (inFront() === (letGo !== null)) return;
    if (letGo !== null) {
      letGo();
      letGo = null;
      return;
    }
    if (navigator.locks === undefined) return;
    const held = new Promise<void>((resolve) => {
      letGo = resolve;
    });
    void navigator.locks.request(FRONT, { mode: "shared" }, () => held);
  };
  const events = ["focus", "blur", "pageshow"] as const;
  for (const name of events) window.addEventListener(name, look);
  document.addEventListener("visibilitychange", look);
  look();
  return () => {
    for (const name of events) window.removeEventListener(name, look);
    document.removeEventListener("visibilitychange", look);
    letGo?.();
  };
}

/** Whether any tab of the app is in front. */
export async function anyInFront(): Promise<boolean> {
  if (navigator.locks === undefined) return inFront();
  const { held } = await navigator.locks.query();
  return (held ?? []).some(({ name }) => name === FRONT);
}

/** One tab notifies, however many are open. Returns how to ask whether it is this one, and what ends it. */
export function beSpeaker(): { speaks: () => boolean; end: () => void } {
  if (navigator.locks === undefined) return { speaks: () => true, end: () => undefined };
  let speaks = false;
  const ended = new AbortController();
  let letGo: () => void = () => undefined;
  const held = new Promise<void>((resolve) => {
    letGo = resolve;
  });
  navigator.locks
    .request(SPEAKER, { signal: ended.signal }, () => {
      speaks = true;
      return held;
    })
    .catch((error: unknown) => {
      if (!ended.signal.aborted) throw error;
    });
  return {
    speaks: () => speaks,
    end() {
      speaks = false;
      letGo();
      ended.abort();
    },
  };
}
