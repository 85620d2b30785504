import { screen, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { beforeAll, describe, expect, test, vi } from "vitest";
import { aChat, fakeRealtime } from "@/testing/realtime";
import { renderPage } from "@/testing/render";
import { useLanguage } from "@/testing/translations";
import { Layout } from "./Layout";
import { placeOf } from "./place";

vi.mock("@/chat/ChatList", () => ({ ChatList: () => <p>list of chats</p> }));
vi.mock("@/chat/Conversation", () => ({
  Conversation: (props: { chatId: string }) => <p>chat {props.chatId}</p>,
}));
vi.mock("@/channels/ChatInfo", () => ({ ChatInfo: () => <p>about the chat</p> }));

beforeAll(() => useLanguage("en"));

function open(path: string, { narrow = false, realtime = fakeRealtime() } = {}) {
  vi.stubGlobal("matchMedia", (query: string) => ({
    matches: narrow && query.includes("760"),
    addEventListener: () => undefined,
    removeEventListener: () => undefined,
  }));
  return renderPage(<Layout place={placeOf(path)} />, { path, realtime });
}

describe("on a wide screen", () => {
  test("rail, list and conversation stand side by side, and what is about the chat beside them", async () => {
    open("/chats/c1/info");
    expect(screen.getByRole("navigation", { name: "Main" })).toBeTruthy();
    expect(within(screen.getByRole("region", { name: "Chats" })).getByText("list of chats")).toBeTruthy();
    expect(within(screen.getByRole("main")).getByText("chat c1")).toBeTruthy();
    expect(await within(screen.getByRole("complementary")).findByText("about the chat")).toBeTruthy();
  });

  test("the rail says where one is, and how many chats wait", () => {
    const chats = new Map([
      ["c1", aChat({ id: "c1", unread: 3 })],
      ["c2", aChat({ id: "c2", unread: 2, muted: true })],
      ["c3", aChat({ id: "c3" })],
    ]);
    open("/", { realtime: fakeRealtime({ chats }) });
    const link = screen.getByRole("link", { current: "page" });
    expect(link.textContent).toContain("1 unread chat");
    expect(link.textContent).toContain("Chats");
  });
});

describe("on a narrow screen", () => {
  test("there is one pane, and it is the main one for those who hear the page", () => {
    open("/", { narrow: true });
    expect(within(screen.getByRole("main")).getByText("list of chats")).toBeTruthy();
    expect(screen.getByRole("navigation", { name: "Main" })).toBeTruthy();
  });

  test("a conversation has all of it; the list behind cannot be reached", () => {
    open("/chats/c1", { narrow: true });
    expect(screen.queryByRole("navigation")).toBeNull();
    expect(within(screen.getByRole("main")).getByText("chat c1")).toBeTruthy();
    expect(screen.getByText("list of chats").closest("[inert]")).not.toBeNull();
  });
});

test("an address that is none says so, and leads home", async () => {
  const { history } = open("/somewhere/else");
  await userEvent.click(screen.getByRole("button", { name: "To your chats" }));
  expect(history.at(-1)).toBe("/");
});

test("one who does not want to wait for the connection asks for the next try", async () => {
  vi.useFakeTimers({ shouldAdvanceTime: true });
  const realtime = fakeRealtime({ connection: { status: "connecting", retryAt: Date.now() + 60_000 } });
  open("/", { realtime });
  await vi.advanceTimersByTimeAsync(1_100);
  screen.getByText(/Next try in (59|60) seconds/);
  screen.getByRole("button", { name: "Try now" }).click();
  expect(realtime.calls).toContainEqual(["connectNow"]);
  vi.useRealTimers();
});
