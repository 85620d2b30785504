import { screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { beforeAll, describe, expect, it } from "vitest";
import { aChat, aChatView, aPerson, fakeRealtime } from "@/testing/realtime";
import { renderPage } from "@/testing/render";
import { refusal, serveRest } from "@/testing/rest";
import { useLanguage } from "@/testing/translations";
import { NewChat } from "./NewChat";

beforeAll(() => useLanguage("en"));
beforeAll(() => {
  // jsdom has no layout to scroll.
  Element.prototype.scrollIntoView = () => undefined;
});

const BEN = aPerson({ id: "u2", name: "Ben Fischer" });
const CHEN = aPerson({ id: "u3", name: "Chen Wei" });

function withContacts() {
  return fakeRealtime({
    chats: new Map([
      ["c2", aChat({ id: "c2", peer_id: "u2" })],
      ["c3", aChat({ id: "c3", peer_id: "u3" })],
    ]),
    people: new Map([
      ["u2", BEN],
      ["u3", CHEN],
    ]),
  });
}

function profile(id: string, name: string) {
  return {
    body: { id, name, status: "", avatar_media_id: null, online: false, last_seen: null, deleted: false },
  };
}

const options = () => screen.queryAllByRole("option").map((option) => option.textContent);

describe("a new chat", () => {
  it("is the one that there is already, with whom one knows", async () => {
    const asked = serveRest({});
    const { history } = renderPage(<NewChat />, { path: "/new", realtime: withContacts() });
    await userEvent.type(screen.getByRole("combobox"), "wei{Enter}");
    await expect.poll(() => history.at(-1)).toBe("/chats/c3");
    expect(asked).toEqual([]);
  });

  it("is made with whom one finds by number", async () => {
    const asked = serveRest({
      "GET /api/v1/users": () => profile("u9", "Elif"),
      "POST /api/v1/chats": () => ({ status: 201, body: aChatView({ id: "c9", peer_id: "u9" }) }),
    });
    const realtime = withContacts();
    const { history } = renderPage(<NewChat />, { path: "/new", realtime });
    const field = screen.getByRole("combobox");
    await userEvent.type(field, "202 555 0143{Enter}");
    expect(await screen.findByText("Elif")).toBeTruthy();
    expect(asked[0]?.query.get("phone")).toBe("+12025550143");
    await userEvent.type(field, "{Enter}");
    await expect.poll(() => history.at(-1)).toBe("/chats/c9");
    expect(asked[1]?.body).toEqual({ type: "direct", user_id: "u9" });
    expect(realtime.calls).toContainEqual(["adopt", expect.objectContaining({ id: "c9" })]);
  });

  it("cannot be had with a number that nobody has: one can invite", async () => {
    serveRest({ "GET /api/v1/users": () => refusal(404, "not_found") });
    renderPage(<NewChat />, { path: "/new", realtime: withContacts() });
    await userEvent.type(screen.getByRole("combobox"), "+12025550143{Enter}");
    expect(await screen.findByRole("button", { name: "Invite them" })).toBeTruthy();
    expect(screen.getByRole("status").textContent).toContain("+1 202 555 0143");
    expect(options()).toEqual([]);
  });

  it("says when looking up is refused", async () => {
    serveRest({ "GET /api/v1/users": () => refusal(429, "rate_limited") });
    renderPage(<NewChat />, { path: "/new", realtime: withContacts() });
    await userEvent.type(screen.getByRole("combobox"), "+12025550143{Enter}");
    expect(await screen.findByRole("alert")).toBeTruthy();
  });

  it("does not begin by Enter when nothing has been typed or chosen", async () => {
    serveRest({});
    const { history } = renderPage(<NewChat />, { path: "/new", realtime: withContacts() });
    await userEvent.type(screen.getByRole("combobox"), "{Enter}");
    expect(history).toEqual(["/new"]);
  });
});

describe("a new group", () => {
  it("is made of whom one has chosen by the keyboard, with a title", async () => {
    const asked = serveRest({
      "POST /api/v1/chats": () => ({
        status: 201,
        body: aChatView({ id: "g1", type: "group", title: "Trip" }),
      }),
    });
    const { history } = renderPage(<NewChat />, { path: "/new/group", realtime: withContacts() });
    const field = screen.getByRole("combobox");
    await userEvent.type(field, "ben{Enter}{ArrowDown}{ArrowDown}{Enter}");
    expect(screen.getByText("2 people chosen")).toBeTruthy();
    await userEvent.type(field, "{Backspace}");
    expect(screen.getByText("1 person chosen")).toBeTruthy();
    await userEvent.click(screen.getByRole("button", { name: "Next" }));
    await userEvent.type(screen.getByRole("textbox", { name: "Name of the group" }), "  Trip {Enter}");
    await expect.poll(() => history.at(-1)).toBe("/chats/g1");
    expect(asked.map(({ body }) => body)).toEqual([{ type: "group", title: "Trip", member_ids: ["u2"] }]);
  });

  it("asks for a title, and shows what the server says of it", async () => {
    const asked = serveRest({
      "POST /api/v1/chats": () => refusal(422, "invalid", [{ field: "title", message: "has no letters" }]),
    });
    renderPage(<NewChat />, { path: "/new/channel", realtime: withContacts() });
    await userEvent.click(screen.getByRole("button", { name: "Skip" }));
    await userEvent.click(screen.getByRole("button", { name: "Create the channel" }));
    expect(screen.getByRole("alert").textContent).toBe("Give it a name.");
    expect(asked).toEqual([]);
    await userEvent.type(screen.getByRole("textbox", { name: "Name of the channel" }), "News{Enter}");
    expect((await screen.findByText("has no letters")).textContent).toBe("has no letters");
  });
});
