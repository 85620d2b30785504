import { act, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { ApiError } from "@/api/client";
import { SessionOver } from "@/auth/session";
import { RealtimeError } from "@/realtime/realtime";
import { renderPage } from "@/testing/render";
import { useLanguage } from "@/testing/translations";
import { Announcements, announce, confirm, ErrorText, Questions, Toasts, toast, told } from ".";
import { toasts } from "./toasting";

beforeAll(() => useLanguage("en"));
beforeEach(() => toasts.setState({ shown: [] }));

const refused = (code: string, retryAfterMs: number | null = null) =>
  new ApiError(400, code, "in the server's words", new Map(), retryAfterMs);

describe("an error", () => {
  test.each([
    [refused("forbidden"), "You are not allowed to do that here."],
    [refused("something_new"), "Something has gone wrong. Please try again."],
    [refused("rate_limited", 7_000), "That was too often. Please try again in 7 seconds."],
    [refused("rate_limited", 600_000), "That was too often. Please try again in 10 minutes."],
    [new RealtimeError("timeout", ""), "The server took too long to answer. Please try again."],
    [new SessionOver(), "You are not signed in any more. Please sign in again."],
    [new TypeError("Failed to fetch"), "The server cannot be reached. Please try again."],
    ["thrown", "Something has gone wrong. Please try again."],
  ])("%s is said in words", (error, words) => {
    renderPage(<ErrorText error={error} />);
    expect(screen.getByRole("alert").textContent).toBe(words);
  });

  test("can be tried again where that can help", async () => {
    const retry = vi.fn();
    const { rerender } = renderPage(<ErrorText error={refused("unavailable")} onRetry={retry} />);
    await userEvent.click(screen.getByRole("button", { name: "Try again" }));
    expect(retry).toHaveBeenCalledOnce();
    rerender(<ErrorText error={refused("forbidden")} onRetry={retry} />);
    expect(screen.queryByRole("button")).toBeNull();
  });

  test("is nothing when there is none", () => {
    renderPage(<ErrorText error={null} />);
    expect(screen.queryByRole("alert")).toBeNull();
  });

  test("that the server dates has its date", () => {
    expect(told(refused("rate_limited", 5))).toEqual({
      problem: "rate_limited",
      retryAfterMs: 5,
      retryable: true,
    });
  });
});

describe("a question", () => {
  test("is answered by its button", async () => {
    renderPage(<Questions />);
    let answer: Promise<boolean> | undefined;
    act(() => {
      answer = confirm({ title: "Delete it?", body: "For good.", action: "Delete", danger: true });
    });
    const dialog = await screen.findByRole("alertdialog", { name: "Delete it?" });
    expect(dialog.textContent).toContain("For good.");
    await userEvent.click(screen.getByRole("button", { name: "Delete" }));
    expect(await answer).toBe(true);
    expect(screen.queryByRole("alertdialog")).toBeNull();
  });

  test("is answered no by Escape, and the next one follows", async () => {
    renderPage(<Questions />);
    let answers: Promise<boolean>[] = [];
    act(() => {
      answers = [confirm({ title: "First?", action: "Yes" }), confirm({ title: "Second?", action: "Yes" })];
    });
    await screen.findByRole("alertdialog", { name: "First?" });
    await userEvent.keyboard("{Escape}");
    expect(await answers[0]).toBe(false);
    await screen.findByRole("alertdialog", { name: "Second?" });
    await userEvent.click(screen.getByRole("button", { name: "Yes" }));
    expect(await answers[1]).toBe(true);
  });
});

describe("a toast", () => {
  test("does what it offers, and goes", async () => {
    const undo = vi.fn();
    renderPage(<Toasts />);
    act(() => toast("Chat muted", { action: { label: "Undo", onPress: undo } }));
    await userEvent.click(screen.getByRole("button", { name: "Undo" }));
    expect(undo).toHaveBeenCalledOnce();
    expect(screen.queryByText("Chat muted")).toBeNull();
  });

  test("never stands beside more than two others, nor twice", () => {
    renderPage(<Toasts />);
    act(() => {
      for (const text of ["one", "two", "three", "four", "four"]) toast(text);
    });
    expect(toasts.getState().shown.map(({ text }) => text)).toEqual(["two", "three", "four"]);
  });
});

test("what is said twice is heard twice", () => {
  const { container } = renderPage(<Announcements />);
  act(() => announce("Ann is typing"));
  const first = container.querySelector('[aria-live="polite"]')?.textContent;
  act(() => announce("Ann is typing"));
  const second = container.querySelector('[aria-live="polite"]')?.textContent;
  expect(first).toBe("Ann is typing");
  expect(second?.trim()).toBe("Ann is typing");
  expect(second).not.toBe(first);
});
