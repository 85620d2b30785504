import { screen, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { beforeAll, describe, expect, it } from "vitest";
import type { Chat } from "@/realtime/realtime";
import { aChat, aChatView, aPerson, fakeRealtime } from "@/testing/realtime";
import { renderPage } from "@/testing/render";
import { refusal, serveRest } from "@/testing/rest";
import { useLanguage } from "@/testing/translations";
import { Questions } from "@/ui";
import { ChatInfo } from "./ChatInfo";
import { InvitePage } from "./InvitePage";

beforeAll(() => useLanguage("en"));

const member = (user_id: string, role: "owner" | "admin" | "member") => ({
  user_id,
  role,
  joined_at: "2026-01-01T12:00:00.000Z",
  delivered_seq: 0,
  read_seq: 0,
});

const PEOPLE = new Map([
  ["u2", aPerson({ id: "u2", name: "Ben" })],
  ["u3", aPerson({ id: "u3", name: "Chen" })],
]);

/** A group of Ann (oneself), Ben, its owner or a member, and Chen, an admin. */
function group(changed: Partial<Chat>) {
  const chat = aChat({
    id: "c1",
    type: "group",
    title: "Trip",
    member_count: 3,
    my_role: "owner",
    ...changed,
  });
  const realtime = fakeRealtime({ chats: new Map([["c1", chat]]), people: PEOPLE });
  const items = [member("u3", "admin"), member("u2", "member"), member("u1", chat.my_role)];
  const asked = serveRest({
    "GET /api/v1/chats/c1/members": () => ({ body: { items, next: null } }),
    "PUT /api/v1/chats/c1/members/u2": () => ({ body: member("u2", "admin") }),
    "DELETE /api/v1/chats/c1/members/u2": () => ({}),
    "PATCH /api/v1/chats/c1": () => ({ body: aChatView({ id: "c1", type: "group", title: "Trip to Rome" }) }),
    "PUT /api/v1/chats/c1/mute": () => ({}),
  });
  const page = renderPage(
    <>
      <ChatInfo chatId="c1" onClose={() => undefined} />
      <Questions />
    </>,
    { path: "/chats/c1/info", realtime },
  );
  return { realtime, asked, page };
}

async function menuOf(name: string): Promise<string[]> {
  await userEvent.click(await screen.findByRole("button", { name: `What to do with ${name}` }));
  return (await screen.findAllByRole("menuitem")).map((item) => item.textContent ?? "");
}

describe("the info of a group", () => {
  it("offers its owner everything", async () => {
    group({});
    expect(await menuOf("Ben")).toEqual(["Send a message", "Make admin", "Remove"]);
    await userEvent.keyboard("{Escape}");
    expect(await menuOf("Chen")).toEqual(["Send a message", "Dismiss as admin", "Remove"]);
    await userEvent.keyboard("{Escape}");
    for (const name of ["Leave the group", "Delete the group for all", "Change the name", "Add", "Invite"])
      expect(screen.getByRole("button", { name })).toBeTruthy();
  });

  it("offers an admin what admins may", async () => {
    group({ my_role: "admin" });
    expect(await menuOf("Ben")).toEqual(["Send a message", "Remove"]);
    await userEvent.keyboard("{Escape}");
    expect(await menuOf("Chen")).toEqual(["Send a message"]);
    await userEvent.keyboard("{Escape}");
    expect(screen.queryByRole("button", { name: "Delete the group for all" })).toBeNull();
  });

  it("offers a member neither names, nor links, nor other members' places", async () => {
    group({ my_role: "member" });
    expect(await menuOf("Ben")).toEqual(["Send a message"]);
    await userEvent.keyboard("{Escape}");
    for (const name of ["Change the name", "Add", "Invite", "Delete the group for all"])
      expect(screen.queryByRole("button", { name })).toBeNull();
  });

  it("makes somebody an admin", async () => {
    const { asked } = group({});
    await menuOf("Ben");
    await userEvent.click(screen.getByRole("menuitem", { name: "Make admin" }));
    await expect
      .poll(() => asked.find(({ call }) => call.startsWith("PUT"))?.body)
      .toEqual({ role: "admin" });
  });

  it("removes somebody when one is sure", async () => {
    const { asked } = group({});
    await menuOf("Ben");
    await userEvent.click(screen.getByRole("menuitem", { name: "Remove" }));
    const question = await screen.findByRole("alertdialog");
    expect(asked.some(({ call }) => call.startsWith("DELETE"))).toBe(false);
    await userEvent.click(within(question).getByRole("button", { name: "Remove" }));
    await expect
      .poll(() => asked.some(({ call }) => call === "DELETE /api/v1/chats/c1/members/u2"))
      .toBe(true);
  });

  it("hears of changes while it is open", async () => {
    const { realtime } = group({});
    await screen.findByRole("button", { name: "What to do with Chen" });
    const change = { chat_id: "c1", rev: 9, by: "u1" };
    realtime.emit({
      name: "MEMBER_CHANGED",
      payload: { ...change, user_id: "u3", role: null },
      missed: false,
    });
    await expect.poll(() => screen.queryByText("Chen")).toBeNull();
    realtime.emit({
      name: "MEMBER_CHANGED",
      payload: { ...change, user_id: "u2", role: "admin" },
      missed: false,
    });
    expect(await screen.findByText("Admin")).toBeTruthy();
  });

  it("is renamed", async () => {
    const { realtime, asked } = group({});
    await userEvent.click(screen.getByRole("button", { name: "Change the name" }));
    await userEvent.type(
      await screen.findByRole("textbox", { name: "Name of the group" }),
      " to Rome{Enter}",
    );
    await expect.poll(() => realtime.calls.some(([name]) => name === "adopt")).toBe(true);
    expect(asked.find(({ call }) => call.startsWith("PATCH"))?.body).toEqual({ title: "Trip to Rome" });
  });

  it("is muted for as long as one chooses", async () => {
    const { asked } = group({});
    await userEvent.click(screen.getByRole("button", { name: "Mute" }));
    await userEvent.click(await screen.findByRole("menuitem", { name: "Always" }));
    await expect.poll(() => asked.find(({ call }) => call.endsWith("/mute"))?.body).toEqual({ until: null });
  });
});

describe("an invitation", () => {
  const news = { type: "channel", title: "News", member_count: 12, expires_at: null };
  const preview = { body: { ...news, chat_id: null } };

  it("shows where it leads, and lets one in", async () => {
    serveRest({
      "GET /api/v1/invites/i1.secret": () => preview,
      "POST /api/v1/invites/i1.secret/join": () => ({
        status: 201,
        body: aChatView({ id: "c7", type: "channel" }),
      }),
    });
    const realtime = fakeRealtime();
    const { history } = renderPage(<InvitePage token="i1.secret" />, { path: "/invite/i1.secret", realtime });
    expect((await screen.findByRole("heading", { level: 2 })).textContent).toBe("News");
    expect(screen.getByText("Channel, 12 members")).toBeTruthy();
    await userEvent.click(screen.getByRole("button", { name: "Join the channel" }));
    await expect.poll(() => history.at(-1)).toBe("/chats/c7");
  });

  it("opens the chat for whoever is in it already, and joins nothing", async () => {
    const asked = serveRest({
      "GET /api/v1/invites/i1.secret": () => ({ body: { ...news, chat_id: "c7" } }),
    });
    const path = "/invite/i1.secret";
    const { history } = renderPage(<InvitePage token="i1.secret" />, { path, realtime: fakeRealtime() });
    expect(await screen.findByText("You are in this channel already.")).toBeTruthy();
    expect(screen.queryByRole("button", { name: /Join/ })).toBeNull();
    await userEvent.click(screen.getByRole("button", { name: "Open chat" }));
    await expect.poll(() => history.at(-1)).toBe("/chats/c7");
    expect(asked.map(({ call }) => call)).toEqual(["GET /api/v1/invites/i1.secret"]);
  });

  it("says that a link does not work", async () => {
    serveRest({ "GET /api/v1/invites/i1.secret": () => refusal(404, "not_found") });
    renderPage(<InvitePage token="i1.secret" />, { realtime: fakeRealtime() });
    expect(await screen.findByText("This link does not work")).toBeTruthy();
  });

  it.each([
    [403, "forbidden", "This link does not let you in"],
    [409, "conflict", "The group is full"],
    [404, "not_found", "This link does not work"],
  ])("says why one is not let in: %s", async (status, code, words) => {
    serveRest({
      "GET /api/v1/invites/i1.secret": () => preview,
      "POST /api/v1/invites/i1.secret/join": () => refusal(status, code),
    });
    renderPage(<InvitePage token="i1.secret" />, { realtime: fakeRealtime() });
    await userEvent.click(await screen.findByRole("button", { name: "Join the channel" }));
    expect(await screen.findByText(words)).toBeTruthy();
  });
});
