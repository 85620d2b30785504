import { act, screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { beforeAll, describe, expect, it, vi } from "vitest";
import type { RealtimeState } from "@/realtime/realtime";
import { giveSizes } from "@/testing/layout";
import { aChat, aMessage, aPerson, fakeRealtime } from "@/testing/realtime";
import { renderPage } from "@/testing/render";
import { useLanguage } from "@/testing/translations";
import { ChatList } from "./ChatList";

// Typing as a person does takes long where many things run at once.
vi.setConfig({ testTimeout: 60_000 });

beforeAll(async () => {
  giveSizes();
  await useLanguage("en");
});

const CHATS = [
  aChat({
    id: "c1",
    pinned: true,
    unread: 3,
    last_message: aMessage({ type: "image", content: { width: 1, height: 1 } }),
  }),
  aChat({
    id: "c2",
    type: "group",
    title: "Tour",
    muted: true,
    last_message: aMessage({ chat_id: "c2", content: { text: "<b>bring</b> water" } }),
  }),
  aChat({
    id: "c3",
    type: "group",
    title: "Work",
    last_message: aMessage({ chat_id: "c3", sender_id: "u1", content: { text: "done" } }),
    deliveredByAll: 1,
    readByAll: 1,
  }),
];

function open(part: Partial<RealtimeState> = {}, path = "/") {
  const client = fakeRealtime({
    chats: new Map(CHATS.map((chat) => [chat.id, chat])),
    people: new Map([["u2", aPerson({ id: "u2", name: "Ben" })]]),
    ...part,
  });
  client.keepDraftText("c3", "half a thought");
  return { client, page: renderPage(<ChatList />, { path, realtime: client }), user: userEvent.setup() };
}

/** All of them: a virtual list shows more when it has been measured. */
const rows = () =>
  waitFor(() => {
    const shown = screen.getAllByRole("link");
    expect(shown).toHaveLength(3);
    return shown;
  });
const links = () => screen.getAllByRole("link").map((link) => link.getAttribute("href"));

describe("the list of chats", () => {
  it("shows what came last, by whom, what is unread, muted and pinned, and what one is writing", async () => {
    open();
    const [ben, tour, work] = await rows();
    const says = (link: HTMLElement | undefined) => link?.textContent ?? "";
    expect(says(ben)).toMatch(/Ben.*Photo.*Pinned.*3 unread messages/u);
    expect(says(tour)).toMatch(/Tour.*Muted.*Ben:.*<b>bring<\/b> water/u);
    expect(says(work)).toMatch(/Work.*Draft:.*half a thought/u);
  });

  it("finds by name, and says so when there is none", async () => {
    const { user } = open();
    await user.type(await screen.findByRole("searchbox"), "TOU");
    expect(links()).toEqual(["/chats/c2"]);
    await user.type(screen.getByRole("searchbox"), "x");
    expect(screen.getByText("No chat is called “TOUx”.")).toBeTruthy();
    await user.click(screen.getByRole("button", { name: "Show all chats" }));
    expect(links()).toHaveLength(3);
  });

  it("shows the unread ones alone, or the groups", async () => {
    const { user } = open();
    await user.click(await screen.findByRole("button", { name: "Unread" }));
    expect(links()).toEqual(["/chats/c1"]);
    await user.click(screen.getByRole("button", { name: "Groups" }));
    expect(links()).toEqual(["/chats/c2", "/chats/c3"]);
  });

  it("is one stop for the tabulator, at the chat that is open, and is walked through with arrows", async () => {
    const { user } = open({}, "/chats/c2");
    const [, tour, work] = await rows();
    expect(tour?.getAttribute("aria-current")).toBe("page");
    expect(screen.getAllByRole("link").filter(({ tabIndex }) => tabIndex === 0)).toEqual([tour]);
    tour?.focus();
    await user.keyboard("{ArrowDown}");
    expect(document.activeElement).toBe(work);
  });

  it("shows who is typing, in groups by name", async () => {
    const { client } = open();
    await rows();
    act(() => client.state.setState({ typing: new Map([["c2", ["u2"]]]) }));
    expect(screen.getByText("Ben is typing")).toBeTruthy();
  });

  it("opens a menu by the Delete key, which marks as read", async () => {
    const { client, user } = open();
    (await rows())[0]?.focus();
    await user.keyboard("{Delete}");
    const menu = await screen.findByRole("menu", { name: "What you can do with Ben" });
    expect(within(menu).queryByText("Leave group")).toBeNull();
    await user.click(within(menu).getByText("Mark as read"));
    expect(client.calls).toContainEqual(["markRead", "c1", 0]);
  });

  it("is a skeleton until it is known what there is, and then says that there is nothing", async () => {
    const { client } = open({ opened: false, chats: new Map(), chatOrder: [] });
    expect(await screen.findByText("Loading your chats")).toBeTruthy();
    act(() => client.state.setState({ opened: true }));
    expect(screen.getByText("No chats yet")).toBeTruthy();
  });
});
