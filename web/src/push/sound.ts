/** The sound of a message: two soft notes, made here, so that there is no file to load. */

/** Hertz, and when each begins in seconds. */
const NOTES: readonly [frequency: number, at: number][] = [
  [659.25, 0],
  [987.77, 0.09],
];
const LASTS_S = 0.32;
const VOLUME = 0.12;

let context: AudioContext | null = null;

/** Plays it if the browser lets a page that somebody has used make sounds; it does nothing else than that. */
export async function playChime(): Promise<void> {
  if (typeof AudioContext === "undefined") return;
  context ??= new AudioContext();
  if (context.state === "suspended") {
    // Not before somebody has used the page: it stays pending then, and the sound of a message long gone must not follow.
    const resumed = await Promise.race([
      context.resume().then(() => true),
      new Promise<boolean>((resolve) => setTimeout(resolve, 250, false)),
    ]);
    if (!resumed) return;
  }
  const now = context.currentTime;
  for (const [frequency, at] of NOTES) {
    const tone = new OscillatorNode(context, { type: "sine", frequency });
    const gain = new GainNode(context, { gain: 0 });
    gain.gain.setValueAtTime(0, now + at);
    gain.gain.linearRampToValueAtTime(VOLUME, now + at + 0.012);
    gain.gain.exponentialRampToValueAtTime(0.0001, now + at + LASTS_S);
    tone.connect(gain).connect(context.destination);
    tone.start(now + at);
    tone.stop(now + at + LASTS_S);
  }
}
