import { act, fireEvent, screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { signedIn, signedOut } from "@/auth/session";
import { type Chat, type History, type Outgoing, RealtimeError } from "@/realtime/realtime";
import { giveSizes } from "@/testing/layout";
import { aChat, aMessage, aPerson, aUser, EMPTY_HISTORY, fakeRealtime } from "@/testing/realtime";
import { renderPage } from "@/testing/render";
import { useLanguage } from "@/testing/translations";
import type { MessageView } from "@/types/socket";
import { Announcements } from "@/ui";
import { Conversation } from "./Conversation";

const SESSION = {
  user: aUser({ id: "u1" }),
  device_id: "d1",
  access_token: "token",
  access_expires_at: new Date(Date.now() + 900_000).toISOString(),
  refresh_token: "refresh",
};

afterEach(() => {
  vi.unstubAllGlobals();
  signedOut();
});

// Typing as a person does takes long where many things run at once.
vi.setConfig({ testTimeout: 60_000 });

beforeAll(async () => {
  giveSizes();
  await useLanguage("en");
});

const THREE = [
  aMessage({ seq: 1, content: { text: "*Hi* <img src=x onerror=alert(1)> https://example.org/a_b" } }),
  aMessage({ seq: 2, sender_id: "u1", content: { text: "mine" } }),
  aMessage({ seq: 3, content: { text: "third" } }),
];

async function open(part: Partial<Chat> = {}, history: Partial<History> = {}, draft = "") {
  const messages: readonly MessageView[] = history.messages ?? THREE;
  const chat = aChat({ last_seq: messages.length, ...part });
  const client = fakeRealtime({
    me: aUser({ id: "u1" }),
    chats: new Map([["c1", chat]]),
    people: new Map([["u2", aPerson({ id: "u2", name: "Ben" })]]),
    histories: new Map([["c1", { ...EMPTY_HISTORY, ...history, messages }]]),
  });
  if (draft !== "") client.keepDraftText("c1", draft);
  renderPage(
    <>
      <Conversation chatId="c1" />
      <Announcements />
    </>,
    { path: "/chats/c1", realtime: client },
  );
  await screen.findByRole("list", { name: "Messages" });
  return { client, user: userEvent.setup() };
}

const field = () => screen.getByRole<HTMLTextAreaElement>("textbox", { name: "Write a message" });
const row = async (text: string) => {
  const found = (await screen.findAllByText(text)).find((each) => each.closest("[role=listitem]") !== null);
  const item = found?.closest<HTMLElement>("[role=listitem]");
  if (!item) throw new Error(`no message ${text}`);
  return item;
};

describe("a conversation", () => {
  it("shows what people wrote as text, with formatting and safe links", async () => {
    await open();
    const first = (await screen.findByText("Hi")).closest<HTMLElement>("[role=listitem]");
    expect(first).toHaveProperty("textContent", expect.stringContaining("<img src=x onerror=alert(1)>"));
    expect(first?.querySelector("img[src=x]")).toBeNull();
    expect(first?.querySelector("strong")?.textContent).toBe("Hi");
    const link = within(first as HTMLElement).getByRole("link");
    expect(link.getAttribute("href")).toBe("https://example.org/a_b");
    expect(link.getAttribute("rel")).toContain("noopener");
  });

  it("makes links of no other kinds", async () => {
    const text = "javascript:alert(1) data:text/html,x vbscript://example.org/x ftp://example.org/x";
    await open({}, { messages: [aMessage({ seq: 1, content: { text } })] });
    const [item] = await screen.findAllByRole("listitem");
    expect(item?.textContent).toContain(text);
    const links = item === undefined ? [] : within(item).queryAllByRole("link");
    expect(
      links.map((link) => link.getAttribute("href")).filter((href) => !href?.startsWith("https://")),
    ).toEqual([]);
  });

  it("sends what is written with Enter, and shows it at once", async () => {
    const { client, user } = await open();
    await user.type(field(), "  hello{Enter}");
    expect(client.calls).toContainEqual(["send", "c1", { type: "text", content: { text: "hello" } }]);
    expect(field().value).toBe("");
    expect(client.draftText("c1")).toBe("");
    expect(await row("hello")).toBeTruthy();
  });

  it("breaks the line with Shift+Enter, and sends nothing that is blank", async () => {
    const { client, user } = await open();
    await user.type(field(), " {Enter}a{Shift>}{Enter}{/Shift}b");
    expect(field().value).toBe(" a\nb");
    expect(client.calls.some(([name]) => name === "send")).toBe(false);
  });

  it("keeps what is being written, and has it again", async () => {
    const { client, user } = await open({}, {}, "begun ");
    await user.type(field(), "here");
    expect(client.draftText("c1")).toBe("begun here");
  });

  it("does not send more than the server takes, and says by how much it is too long", async () => {
    const { client, user } = await open();
    fireEvent.change(field(), { target: { value: "😀".repeat(8_193) } });
    expect(screen.getByText("1 character too many")).toBeTruthy();
    await user.type(field(), "{Enter}");
    expect(client.calls.some(([name]) => name === "send")).toBe(false);
    expect(field().value.length).toBe(16_386);
  });

  it("is walked through and acted on with the keyboard", async () => {
    const { client, user } = await open();
    await row("third");
    await user.click(field());
    await user.keyboard("{ArrowUp}");
    expect(document.activeElement).toBe(await row("third"));
    await user.keyboard("{ArrowUp}");
    expect(document.activeElement).toBe(await row("mine"));
    await user.keyboard("{ArrowDown}r");
    expect(document.activeElement).toBe(field());
    await user.type(field(), "yes{Enter}");
    expect(client.calls).toContainEqual([
      "send",
      "c1",
      { type: "text", content: { text: "yes" }, replyTo: 3 },
    ]);
    await user.type(field(), "again{Enter}");
    expect(client.calls.at(-1)?.[0]).not.toBe("edit");
    expect(client.calls).toContainEqual(["send", "c1", { type: "text", content: { text: "again" } }]);
  });

  it("changes one's own message; what was being written waits, and nothing is lost when it is refused", async () => {
    const { client, user } = await open({}, {}, "unfinished");
    await row("mine");
    (await row("mine")).focus();
    await user.keyboard("e");
    expect(field().value).toBe("mine");
    client.refuse("edit", new RealtimeError("forbidden", "no"));
    await user.clear(field());
    await user.type(field(), "better{Enter}");
    expect(client.calls).toContainEqual(["edit", "c1", 2, { text: "better" }]);
    expect(await screen.findByRole("alert")).toBeTruthy();
    expect(field().value).toBe("better");
    expect(client.draftText("c1")).toBe("unfinished");
    await user.type(field(), "{Enter}");
    await waitFor(() => expect(field().value).toBe("unfinished"));
  });

  it("does not let others' messages be changed", async () => {
    const { user } = await open();
    (await row("third")).focus();
    await user.keyboard("e");
    expect(field().value).toBe("");
  });

  it("offers to try a failed message again or to discard it", async () => {
    const failed: Outgoing = {
      clientId: "f1",
      chatId: "c1",
      draft: { type: "text", content: { text: "did not go" } },
      createdAt: "2026-01-02T12:00:00.000Z",
      status: "failed",
      progress: 0,
      error: { code: "forbidden", message: "not allowed" },
    };
    const { client, user } = await open({}, { outgoing: [failed] });
    const item = await row("did not go");
    expect(within(item).getByText(/not allowed/u)).toBeTruthy();
    await user.click(within(item).getByRole("button", { name: "Try again" }));
    expect(client.calls).toContainEqual(["retry", "f1"]);
  });

  it("has ticks in words, a deleted message as such, and an edited one marked", async () => {
    await open(
      { deliveredByAll: 2, readByAll: 1 },
      {
        messages: [
          aMessage({ seq: 1, sender_id: "u1", content: { text: "seen" } }),
          aMessage({
            seq: 2,
            sender_id: "u1",
            content: { text: "there" },
            edited_at: "2026-01-01T13:00:00.000Z",
          }),
          aMessage({ seq: 3, sender_id: "u1", content: { text: "gone out" } }),
          aMessage({ seq: 4, content: {}, deleted: true }),
        ],
      },
    );
    expect(within(await row("seen")).getByText("Read")).toBeTruthy();
    expect(within(await row("there")).getByText("Delivered")).toBeTruthy();
    expect(within(await row("there")).getByText("edited")).toBeTruthy();
    expect(within(await row("gone out")).getByText("Sent")).toBeTruthy();
    expect(await row("This message was deleted")).toBeTruthy();
  });

  it("says what one has read when it is on the screen and the window is looked at, not before", async () => {
    const focus = vi.spyOn(document, "hasFocus").mockReturnValue(false);
    const { client } = await open({ read_seq: 1, unread: 2 });
    await row("third");
    await act(() => new Promise((resolve) => requestAnimationFrame(resolve)));
    expect(client.calls.some(([name]) => name === "markRead")).toBe(false);
    focus.mockReturnValue(true);
    fireEvent.focus(window);
    expect(client.calls).toContainEqual(["markRead", "c1", 3]);
  });

  it("tells those who hear the page what comes, by whom", async () => {
    const { client } = await open();
    act(() =>
      client.emit({
        name: "MESSAGE_SENT",
        payload: { message: aMessage({ seq: 4, content: { text: "*new* one" } }) },
        missed: false,
      }),
    );
    expect(await screen.findByText("Ben: new one")).toBeTruthy();
  });

  it("has no composer for whom one has blocked, until they are unblocked", async () => {
    const asked: string[] = [];
    vi.stubGlobal("fetch", async (request: Request) => {
      asked.push(`${request.method} ${new URL(request.url).pathname}`);
      if (request.method === "DELETE") return new Response(null, { status: 204 });
      return Response.json({
        items: [{ user_id: "u2", created_at: "2026-01-01T12:00:00.000Z" }],
        next: null,
      });
    });
    signedIn(SESSION);
    const { user } = await open();
    expect(await screen.findByText("You have blocked Ben.")).toBeTruthy();
    expect(screen.queryByRole("textbox")).toBeNull();
    await user.click(screen.getByRole("button", { name: "Unblock" }));
    expect(await screen.findByRole("textbox", { name: "Write a message" })).toBeTruthy();
    expect(asked).toContain("DELETE /api/v1/users/u2/block");
  });

  it("has no composer where one may only read", async () => {
    await open({ type: "channel", title: "News", my_role: "member" });
    expect(screen.getByText("Only admins can post in this channel.")).toBeTruthy();
    expect(screen.queryByRole("textbox")).toBeNull();
  });
});
