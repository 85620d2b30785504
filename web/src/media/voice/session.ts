/** One recording, from the press on the microphone until it is sent or thrown away. */
import { createStore } from "zustand/vanilla";
import type { Draft } from "@/realtime/realtime";
import { nameFor } from "../files";
import { MicrophoneError, type MicrophoneProblem, type Recorder, type record, type Take } from "./microphone";

export interface SessionState {
  phase: "starting" | "recording" | "paused" | "finishing" | "review" | "failed";
  elapsedMs: number;
  levels: readonly number[];
  take: Take | null;
  problem: MicrophoneProblem | null;
}

/** The last of them are drawn while it records. */
const DRAWN = 72;
/** What is shorter was a slip of the finger. */
export const LEAST_MS = 500;

export class Session {
  readonly state = createStore<SessionState>(() => ({
    phase: "starting",
    elapsedMs: 0,
    levels: [],
    take: null,
    problem: null,
  }));
  private recorder: Recorder | null = null;
  private over = false;

  constructor(private readonly begin: typeof record) {}

  async start(): Promise<void> {
    try {
      const recorder = await this.begin(
        () => this.look(),
        () => void this.review(),
      );
      if (this.over) return recorder.discard();
      this.recorder = recorder;
      this.state.setState({ phase: "recording" });
    } catch (error) {
      if (!(error instanceof MicrophoneError)) throw error;
      this.state.setState({ phase: "failed", problem: error.problem });
    }
  }

  pause(): void {
    this.recorder?.pause();
    if (this.phase === "recording") this.state.setState({ phase: "paused" });
  }

  resume(): void {
    this.recorder?.resume();
    if (this.phase === "paused") this.state.setState({ phase: "recording" });
  }

  /** Ends it, to be heard before it is sent. */
  async review(): Promise<void> {
    await this.finish();
  }

  /** Ends it. What it is to be sent as; `null` for what is too short to have been meant. */
  async draft(): Promise<Draft | null> {
    await this.finish();
    const { take } = this.state.getState();
    return take === null || take.durationMs < LEAST_MS ? null : draftOf(take, new Date());
  }

  discard(): void {
    this.over = true;
    this.recorder?.discard();
    this.recorder = null;
  }

  private get phase() {
    return this.state.getState().phase;
  }

  private look(): void {
    if (this.recorder === null) return;
    const levels = this.recorder.levels().slice(-DRAWN);
    this.state.setState({ elapsedMs: this.recorder.elapsedMs(), levels });
  }

  private async finish(): Promise<void> {
    const { recorder } = this;
    if (recorder === null) return;
    this.recorder = null;
    this.state.setState({ phase: "finishing" });
    const take = await recorder.finish();
    this.state.setState({ phase: "review", take, elapsedMs: take?.durationMs ?? 0 });
  }
}

export function draftOf(take: Take, at: Date): Draft {
  return {
    type: "audio",
    content: { duration_ms: take.durationMs, waveform: take.waveform },
    attachment: {
      blob: take.blob,
      kind: "audio",
      contentType: take.type,
      filename: nameFor("audio", take.type, at),
    },
  };
}
