/** Loudness over time, as a few bars: made while recording, drawn by the player. */

/** As many as are sent: more than a bubble has bars, few enough to weigh nothing. */
export const SENT_VALUES = 96;
/** What is quieter than this is silence and has no bar: the hiss of a microphone. */
const FLOOR_DB = -50;

/** How loud a piece of sound is, 0 to 1, as it is heard: from its samples between -1 and 1. */
export function loudness(samples: ArrayLike<number>): number {
  if (samples.length === 0) return 0;
  let sum = 0;
  for (let index = 0; index < samples.length; index += 1) sum += (samples[index] as number) ** 2;
  const decibels = 10 * Math.log10(sum / samples.length);
  return Math.min(1, Math.max(0, 1 - decibels / FLOOR_DB));
}

/** `count` values of `values`, each the loudest of its part; of fewer, each one more than once. */
export function resample(values: readonly number[], count: number): number[] {
  if (values.length === 0) return new Array<number>(count).fill(0);
  return Array.from({ length: count }, (_, index) => {
    const from = Math.floor((index * values.length) / count);
    const to = Math.max(from + 1, Math.floor(((index + 1) * values.length) / count));
    return values.slice(from, to).reduce((most, value) => Math.max(most, value), 0);
  });
}

/** Levels from 0 to 1 as a message holds them: whole numbers from 0 to 255, the loudest of a quiet recording raised. */
export function toWaveform(levels: readonly number[], most: number = SENT_VALUES): number[] {
  const peak = levels.reduce((loudest, level) => Math.max(loudest, level), 0);
  const scale = peak === 0 ? 0 : 255 / Math.max(peak, 0.25);
  return resample(levels, Math.min(most, Math.max(1, levels.length))).map((level) =>
    Math.min(255, Math.max(0, Math.round(level * scale))),
  );
}

/** The waveform of decoded sound. */
export function waveformOf(samples: Float32Array, most: number = SENT_VALUES): number[] {
  const length = Math.max(1, Math.floor(samples.length / most));
  const levels: number[] = [];
  for (let from = 0; from < samples.length && levels.length < most; from += length) {
    levels.push(loudness(samples.subarray(from, from + length)));
  }
  return toWaveform(levels, most);
}
