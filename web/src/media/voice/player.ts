/** Plays recordings, one at a time, also while the message that it belongs to is scrolled away. */
import { createStore } from "zustand/vanilla";
import { leaveFloor, takeFloor } from "../floor";

export interface Track {
  /** The same for the same recording, wherever it is shown. */
  key: string;
  /** Where it can be had now. `again`: the last answer did not work. */
  locate: (again: boolean) => Promise<string>;
  durationMs: number;
}

export interface Playback {
  key: string | null;
  status: "idle" | "loading" | "playing" | "paused" | "failed";
  positionMs: number;
  error: unknown;
  rate: number;
}

export const RATES = [1, 1.5, 2] as const;
const STORED = "voice-rate";

export const nextRate = (rate: number): number =>
  RATES[(RATES.indexOf(rate as (typeof RATES)[number]) + 1) % RATES.length] as number;

function storedRate(): number {
  const rate = Number(localStorage.getItem(STORED));
  return (RATES as readonly number[]).includes(rate) ? rate : 1;
}

export class Player {
  readonly state = createStore<Playback>(() => ({
    key: null,
    status: "idle",
    positionMs: 0,
    error: null,
    rate: storedRate(),
  }));
  private audio: HTMLAudioElement | null = null;
  private track: Track | null = null;
  private frame = 0;
  /** The URL was refused once since the track began. */
  private renewed = false;

  constructor(private readonly makeAudio: () => HTMLAudioElement = () => new Audio()) {}

  toggle(track: Track): void {
    const { key, status } = this.state.getState();
    if (key === track.key && (status === "playing" || status === "loading")) this.pause();
    else void this.play(track);
  }

  async play(track: Track): Promise<void> {
    const same = this.track?.key === track.key;
    const { status, positionMs } = this.state.getState();
    takeFloor(this.pause);
    if (same && this.audio !== null && status === "paused") {
      await this.start(this.audio);
      return;
    }
    this.track = track;
    this.renewed = false;
    const from = same && positionMs < track.durationMs ? positionMs : 0;
    this.state.setState({ key: track.key, status: "loading", positionMs: from, error: null });
    await this.load(track, from, false);
  }

  readonly pause = (): void => {
    leaveFloor(this.pause);
    this.audio?.pause();
    if (this.state.getState().status !== "idle") this.state.setState({ status: "paused" });
  };

  /** Of a track that is not played, the place at which it will begin. */
  seek(track: Track, positionMs: number): void {
    const to = Math.min(Math.max(0, positionMs), track.durationMs);
    if (this.track?.key !== track.key) {
      this.pause();
      this.unload();
      this.track = track;
      this.renewed = false;
      this.state.setState({ key: track.key, status: "idle", positionMs: to, error: null });
      return;
    }
    this.state.setState({ positionMs: to });
    if (this.audio !== null) this.audio.currentTime = to / 1_000;
  }

  setRate(rate: number): void {
    localStorage.setItem(STORED, String(rate));
    this.state.setState({ rate });
    if (this.audio !== null) this.audio.playbackRate = rate;
  }

  private async load(track: Track, fromMs: number, again: boolean): Promise<void> {
    this.unload();
    let url: string;
    try {
      url = await track.locate(again);
    } catch (error) {
      if (this.track === track) this.fail(error);
      return;
    }
    const { status } = this.state.getState();
    if (this.track !== track || status === "paused") return;
    const audio = this.makeAudio();
    this.audio = audio;
    audio.onended = () => this.ended(track);
    audio.onerror = () => void this.refused(track);
    audio.src = url;
    audio.currentTime = fromMs / 1_000;
    await this.start(audio);
  }

  private async start(audio: HTMLAudioElement): Promise<void> {
    audio.playbackRate = this.state.getState().rate;
    try {
      await audio.play();
    } catch (error) {
      // Paused before it began, or `onerror` tells more.
      if (this.audio === audio && audio.error === null && !isAbort(error)) this.fail(error);
      return;
    }
    if (this.audio !== audio) return;
    this.state.setState({ status: "playing" });
    this.follow(audio);
  }

  private follow(audio: HTMLAudioElement): void {
    cancelAnimationFrame(this.frame);
    const look = () => {
      if (this.audio !== audio || audio.paused) return;
      this.state.setState({ positionMs: audio.currentTime * 1_000 });
      this.frame = requestAnimationFrame(look);
    };
    this.frame = requestAnimationFrame(look);
  }

  private ended(track: Track): void {
    if (this.track !== track) return;
    this.unload();
    leaveFloor(this.pause);
    this.state.setState({ status: "idle", positionMs: 0 });
  }

  /** The URL may have expired: once more with another, from where it was. */
  private async refused(track: Track): Promise<void> {
    if (this.track !== track) return;
    if (this.renewed) return this.fail(new Error("the recording cannot be played"));
    this.renewed = true;
    const { positionMs } = this.state.getState();
    this.state.setState({ status: "loading" });
    await this.load(track, positionMs, true);
  }

  private fail(error: unknown): void {
    this.unload();
    leaveFloor(this.pause);
    this.state.setState({ status: "failed", error });
  }

  private unload(): void {
    cancelAnimationFrame(this.frame);
    const { audio } = this;
    if (audio === null) return;
    this.audio = null;
    audio.onended = null;
    audio.onerror = null;
    audio.pause();
    audio.removeAttribute("src");
  }
}

const isAbort = (error: unknown): boolean => error instanceof DOMException && error.name === "AbortError";

export const player = new Player();
