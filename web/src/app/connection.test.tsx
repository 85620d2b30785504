import { act, renderHook } from "@testing-library/react";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { ConnectionState } from "@/realtime/realtime";
import { shownConnection, UNNOTICED_MS, useShownConnection } from "./connection";

describe("what is shown of a connection", () => {
  test.each<[ConnectionState, ReturnType<typeof shownConnection>]>([
    [{ status: "online" }, null],
    [{ status: "signed-out" }, null],
    [{ status: "offline" }, { kind: "offline" }],
    [{ status: "catching-up" }, { kind: "catching-up" }],
    [{ status: "connecting", retryAt: null }, { kind: "connecting" }],
    [
      { status: "connecting", retryAt: 4_001 },
      { kind: "retry", inSeconds: 4 },
    ],
    [{ status: "connecting", retryAt: 900 }, { kind: "connecting" }],
  ])("%j", (state, shown) => {
    expect(shownConnection(state, 1_000)).toEqual(shown);
  });
});

describe("over time", () => {
  beforeEach(() => {
    vi.useFakeTimers({ now: 0 });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  const watch = (first: ConnectionState) =>
    renderHook(({ state }: { state: ConnectionState }) => useShownConnection(state), {
      initialProps: { state: first },
    });

  test("an interruption that is over at once is not spoken of", () => {
    const { result, rerender } = watch({ status: "online" });
    rerender({ state: { status: "connecting", retryAt: null } });
    act(() => vi.advanceTimersByTime(UNNOTICED_MS - 1));
    expect(result.current).toBeNull();
    rerender({ state: { status: "online" } });
    act(() => vi.advanceTimersByTime(UNNOTICED_MS));
    expect(result.current).toBeNull();
  });

  test("one that lasts is, whatever it passes through, and goes with its end", () => {
    const { result, rerender } = watch({ status: "connecting", retryAt: null });
    act(() => vi.advanceTimersByTime(UNNOTICED_MS / 2));
    rerender({ state: { status: "connecting", retryAt: 60_000 } });
    act(() => vi.advanceTimersByTime(UNNOTICED_MS / 2));
    expect(result.current).toMatchObject({ kind: "retry" });
    rerender({ state: { status: "catching-up" } });
    expect(result.current).toEqual({ kind: "catching-up" });
    rerender({ state: { status: "online" } });
    expect(result.current).toBeNull();
  });

  test("the seconds count down", () => {
    const { result } = watch({ status: "connecting", retryAt: 10_000 });
    act(() => vi.advanceTimersByTime(2_000));
    expect(result.current).toEqual({ kind: "retry", inSeconds: 8 });
    act(() => vi.advanceTimersByTime(5_000));
    expect(result.current).toEqual({ kind: "retry", inSeconds: 3 });
  });
});
