import { describe, expect, it, vi } from "vitest";
import { isShowing, openChat, pressPath } from "./clients";
import type { Answer, Question } from "./messages";

/** A page as a worker sees it, which answers what it is asked, or does not. */
function aPage({ focused = false, showing }: { focused?: boolean; showing?: string }) {
  return {
    focused,
    focus: vi.fn(async () => undefined),
    navigate: vi.fn(async () => null),
    postMessage: vi.fn((question: Question, [port]: MessagePort[] = []) => {
      if (showing === undefined) return;
      const shows = question.type === "OPEN" || (question.type === "SHOWING" && question.chatId === showing);
      port?.postMessage({ showing: shows } satisfies Answer);
    }),
  };
}

function withPages(...pages: ReturnType<typeof aPage>[]) {
  const openWindow = vi.fn(async () => null);
  return { clients: { matchAll: async () => pages, openWindow } as unknown as Clients, openWindow };
}

describe("whether somebody looks at a chat", () => {
  it("is told by the page that has the focus", async () => {
    const { clients } = withPages(aPage({ showing: "c1" }), aPage({ focused: true, showing: "c2" }));
    expect(await isShowing(clients, "c2")).toBe(true);
    expect(await isShowing(clients, "c1")).toBe(false);
  });

  it("is no when no page is open, or the one that is does not answer", async () => {
    expect(await isShowing(withPages().clients, "c1")).toBe(false);
    expect(await isShowing(withPages(aPage({ focused: true })).clients, "c1")).toBe(false);
  });
});

describe("a notification that is pressed", () => {
  it("brings a page that is open to the front, at the chat", async () => {
    const [behind, front] = [aPage({}), aPage({ focused: true, showing: "c0" })];
    const { clients, openWindow } = withPages(behind, front);
    await openChat(clients, "c/1");
    expect(front.focus).toHaveBeenCalled();
    expect(front.postMessage).toHaveBeenCalledWith({ type: "OPEN", path: "/chats/c%2F1" }, [
      expect.any(MessagePort),
    ]);
    expect(front.navigate).not.toHaveBeenCalled();
    expect(behind.focus).not.toHaveBeenCalled();
    expect(openWindow).not.toHaveBeenCalled();
  });

  it("leads a page on that is being loaded, and does not listen yet", async () => {
    const page = aPage({});
    await openChat(withPages(page).clients, "c1");
    expect(page.focus).toHaveBeenCalled();
    expect(page.navigate).toHaveBeenCalledWith("/chats/c1");
  });

  it("leaves a page in front that it has no say over", async () => {
    const page = aPage({});
    page.navigate.mockRejectedValue(new TypeError("not controlled"));
    await openChat(withPages(page).clients, "c1");
    expect(page.focus).toHaveBeenCalled();
  });

  it("opens the app where none is", async () => {
    const { clients, openWindow } = withPages();
    await openChat(clients, "c1");
    expect(openWindow).toHaveBeenCalledWith("/chats/c1");
    expect(pressPath(null)).toBe("/");
  });
});
