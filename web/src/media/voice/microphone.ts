/** Recording what is said: through MediaRecorder, with how loud it is as it goes. */
import { soundLength, Unshowable } from "../element";
import { bareType } from "../files";
import { loudness, toWaveform } from "./waveform";

export interface Take {
  blob: Blob;
  type: string;
  durationMs: number;
  waveform: number[];
}

export type MicrophoneProblem = "denied" | "missing" | "busy" | "unsupported";

export class MicrophoneError extends Error {
  override name = "MicrophoneError";
  constructor(readonly problem: MicrophoneProblem) {
    super(`nothing can be recorded: ${problem}`);
  }
}

/** The first that the browser can: Opus in WebM is played everywhere by now and half the size of AAC. */
const TYPES = ["audio/webm;codecs=opus", "audio/mp4;codecs=mp4a.40.2", "audio/mp4", "audio/ogg;codecs=opus"];
const BITS_PER_SECOND = 32_000;
const LEVEL_EVERY_MS = 60;
/** Longer ones are ended: they could not be sent. */
export const MOST_MS = 60 * 60_000;

export interface Recorder {
  /** How long it has been recording, pauses left out. */
  elapsedMs(): number;
  /** How loud it was, 0 to 1, oldest first. */
  levels(): readonly number[];
  pause(): void;
  resume(): void;
  /** Ends it. `null` if nothing was recorded. */
  finish(): Promise<Take | null>;
  /** Ends it, and nothing of it is kept. */
  discard(): void;
}

/** Begins to record. @throws MicrophoneError */
export async function record(onLevel: () => void, onEnd: () => void): Promise<Recorder> {
  if (typeof MediaRecorder === "undefined" || navigator.mediaDevices === undefined)
    throw new MicrophoneError("unsupported");
  const type = TYPES.find((each) => MediaRecorder.isTypeSupported(each));
  if (type === undefined) throw new MicrophoneError("unsupported");
  const stream = await microphone();
  const recorder = new MediaRecorder(stream, { mimeType: type, audioBitsPerSecond: BITS_PER_SECOND });
  const meter = new Meter(stream);
  const pieces: Blob[] = [];
  let before = 0;
  let since: number | null = performance.now();
  const elapsedMs = () => before + (since === null ? 0 : performance.now() - since);

  const ended = new Promise<void>((resolve) =>
    recorder.addEventListener("stop", () => resolve(), { once: true }),
  );
  recorder.addEventListener("dataavailable", ({ data }) => {
    if (data.size > 0) pieces.push(data);
  });
  // The microphone was unplugged, or somebody has taken the permission away.
  for (const track of stream.getTracks()) track.addEventListener("ended", onEnd, { once: true });
  const timer = setInterval(() => {
    if (since === null) return;
    meter.look();
    onLevel();
    if (elapsedMs() >= MOST_MS) onEnd();
  }, LEVEL_EVERY_MS);
  recorder.start(1_000);

  const hold = () => {
    before = elapsedMs();
    since = null;
  };
  const close = async () => {
    hold();
    clearInterval(timer);
    if (recorder.state !== "inactive") recorder.stop();
    for (const track of stream.getTracks()) track.stop();
    await Promise.all([ended, meter.close()]);
  };

  return {
    elapsedMs,
    levels: () => meter.levels,
    pause() {
      if (recorder.state !== "recording") return;
      recorder.pause();
      hold();
    },
    resume() {
      if (recorder.state !== "paused") return;
      recorder.resume();
      since = performance.now();
    },
    async finish() {
      await close();
      const blob = new Blob(pieces, { type: bareType(type) });
      if (blob.size === 0) return null;
      return {
        blob,
        type: bareType(type),
        durationMs: await length(blob, before),
        waveform: toWaveform(meter.levels),
      };
    },
    discard: () => void close(),
  };
}

async function microphone(): Promise<MediaStream> {
  try {
    return await navigator.mediaDevices.getUserMedia({
      audio: { echoCancellation: true, noiseSuppression: true, autoGainControl: true },
    });
  } catch (error) {
    const name = error instanceof DOMException ? error.name : "";
    if (name === "NotAllowedError" || name === "SecurityError") throw new MicrophoneError("denied");
    if (name === "NotFoundError" || name === "OverconstrainedError") throw new MicrophoneError("missing");
    throw new MicrophoneError("busy");
  }
}

/** What was recorded is a little shorter or longer than the clock says; a player needs to know exactly. */
const length = (blob: Blob, clockMs: number): Promise<number> =>
  soundLength(blob).catch((error: unknown) => {
    if (error instanceof Unshowable) return Math.round(clockMs);
    throw error;
  });

class Meter {
  readonly levels: number[] = [];
  private readonly context = new AudioContext();
  private readonly analyser = this.context.createAnalyser();
  private readonly samples: Float32Array<ArrayBuffer>;

  constructor(stream: MediaStream) {
    this.analyser.fftSize = 2_048;
    this.samples = new Float32Array(this.analyser.fftSize);
    this.context.createMediaStreamSource(stream).connect(this.analyser);
  }

  look(): void {
    this.analyser.getFloatTimeDomainData(this.samples);
    this.levels.push(loudness(this.samples));
  }

  async close(): Promise<void> {
    await this.context.close();
  }
}
