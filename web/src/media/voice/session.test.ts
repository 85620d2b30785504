import { describe, expect, it, vi } from "vitest";
import { MicrophoneError, type Recorder, type record } from "./microphone";
import { draftOf, LEAST_MS, Session } from "./session";

const TAKE = { blob: new Blob(["x"]), type: "audio/webm", durationMs: 4_000, waveform: [1, 2] };

function aRecorder(durationMs = TAKE.durationMs) {
  const recorder = {
    elapsedMs: () => durationMs,
    levels: () => [0.5],
    pause: vi.fn(),
    resume: vi.fn(),
    finish: vi.fn(async () => ({ ...TAKE, durationMs })),
    discard: vi.fn(),
  } satisfies Recorder;
  let end: () => void = () => undefined;
  const begin: typeof record = async (_, onEnd) => {
    end = onEnd;
    return recorder;
  };
  return { recorder, begin, end: () => end() };
}

describe("a recording", () => {
  it("is sent as it is, with its length and waveform", async () => {
    const { begin } = aRecorder();
    const session = new Session(begin);
    await session.start();
    const draft = await session.draft();
    expect(draft?.content).toEqual({ duration_ms: 4_000, waveform: [1, 2] });
    expect(draft?.attachment).toMatchObject({ kind: "audio", contentType: "audio/webm" });
  });
  it("can be heard before, and sent then, and is ended once", async () => {
    const { begin, recorder } = aRecorder();
    const session = new Session(begin);
    await session.start();
    await session.review();
    expect(session.state.getState().phase).toBe("review");
    expect(await session.draft()).not.toBeNull();
    expect(recorder.finish).toHaveBeenCalledTimes(1);
  });
  it("too short is nothing", async () => {
    const { begin } = aRecorder(LEAST_MS - 1);
    const session = new Session(begin);
    await session.start();
    expect(await session.draft()).toBeNull();
  });
  it("that the microphone ends is kept, to be sent", async () => {
    const { begin, end } = aRecorder();
    const session = new Session(begin);
    await session.start();
    end();
    await vi.waitFor(() => expect(session.state.getState().phase).toBe("review"));
  });
  it("that is thrown away before it began is ended when it does", async () => {
    const { begin, recorder } = aRecorder();
    const session = new Session(begin);
    const starting = session.start();
    session.discard();
    await starting;
    expect(recorder.discard).toHaveBeenCalled();
    expect(session.state.getState().phase).toBe("starting");
  });
  it("that cannot be made says why", async () => {
    const session = new Session(async () => {
      throw new MicrophoneError("denied");
    });
    await session.start();
    expect(session.state.getState()).toMatchObject({ phase: "failed", problem: "denied" });
  });
});

it("a voice note has a name of its own", () => {
  expect(draftOf(TAKE, new Date("2026-01-02T03:04:05Z")).attachment?.filename).toBe(
    "audio 2026-01-02 03-04-05.webm",
  );
});
