import { screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { sessionStore, signedIn, signedOut } from "@/auth/session";
import { aChat, aUser, fakeRealtime } from "@/testing/realtime";
import { renderPage } from "@/testing/render";
import { useLanguage } from "@/testing/translations";
import { Questions } from "@/ui";
import { Account } from "./Account";
import { Devices } from "./Devices";
import { Privacy } from "./Privacy";
import { Profile } from "./Profile";

vi.mock("@/channels/blocks", () => ({
  useBlocks: () => ({ data: [], error: null, isPending: false, refetch: () => undefined }),
  useBlock: () => ({ blocked: false, setBlocked: async () => undefined, pending: false }),
}));

beforeAll(() => useLanguage("en"));

interface Asked {
  method: string;
  path: string;
  body: unknown;
}
const asked: Asked[] = [];
let answer: (asked: Asked) => Response;

const problem = (status: number, code: string) =>
  new Response(JSON.stringify({ title: "t", status, code, detail: "d" }), {
    status,
    headers: { "Content-Type": "application/problem+json" },
  });

beforeEach(() => {
  asked.length = 0;
  answer = () => problem(404, "not_found");
  signedIn({
    user: { id: "u1" },
    device_id: "d1",
    access_token: "token",
    access_expires_at: new Date(Date.now() + 900_000).toISOString(),
    refresh_token: "refresh",
  } as Parameters<typeof signedIn>[0]);
  vi.stubGlobal("fetch", async (request: Request) => {
    const text = await request.text();
    const one = {
      method: request.method,
      path: new URL(request.url).pathname.replace("/api/v1", ""),
      body: text === "" ? null : (JSON.parse(text) as unknown),
    };
    asked.push(one);
    return answer(one);
  });
});

afterEach(() => {
  signedOut();
  vi.unstubAllGlobals();
});

const page = (element: React.ReactElement, realtime = fakeRealtime()) =>
  renderPage(
    <>
      {element}
      <Questions />
    </>,
    { realtime },
  );

describe("the profile", () => {
  test("is saved as it was written, and shown at once", async () => {
    const realtime = fakeRealtime();
    answer = ({ body }) => Response.json(aUser(body as object));
    page(<Profile />, realtime);
    await userEvent.clear(screen.getByLabelText("Name"));
    await userEvent.type(screen.getByLabelText("Name"), "  Ann Bell ");
    await userEvent.click(screen.getByRole("button", { name: "Save" }));
    await waitFor(() => expect(realtime.state.getState().me?.name).toBe("Ann Bell"));
    expect(asked).toEqual([{ method: "PATCH", path: "/users/me", body: { name: "Ann Bell", status: "" } }]);
  });

  test("without a name is not sent", async () => {
    page(<Profile />);
    await userEvent.clear(screen.getByLabelText("Name"));
    screen.getByRole("textbox", { name: "Name", description: /Enter a name/ });
    expect(screen.getByRole<HTMLButtonElement>("button", { name: "Save" }).disabled).toBe(true);
  });
});

test("a choice of privacy that the server refuses goes back, and it is said why", async () => {
  answer = () => problem(403, "forbidden");
  page(<Privacy />);
  const receipts = screen.getByRole<HTMLInputElement>("switch", { name: /Show others/ });
  expect(receipts.checked).toBe(true);
  await userEvent.click(receipts);
  await screen.findByText("You are not allowed to do that here.");
  expect(receipts.checked).toBe(true);
  expect(asked).toEqual([
    { method: "PATCH", path: "/users/me", body: { privacy: { read_receipts: false } } },
  ]);
});

describe("devices", () => {
  const device = (id: string, name: string, current: boolean) => ({
    id,
    name,
    platform: "web",
    created_at: new Date().toISOString(),
    last_used_at: new Date().toISOString(),
    current,
  });

  test("another one is signed out after asking; this one is marked", async () => {
    answer = ({ method }) =>
      method === "DELETE"
        ? new Response(null, { status: 204 })
        : Response.json({
            items: [device("d1", "Chrome, Linux", true), device("d2", "Safari, iPhone", false)],
          });
    page(<Devices />);
    await screen.findByText("This one");
    await userEvent.click(screen.getByRole("button", { name: "Sign out Safari, iPhone" }));
    await screen.findByRole("alertdialog", { name: "Sign this device out?" });
    await userEvent.click(screen.getByRole("button", { name: "Sign out" }));
    await waitFor(() => expect(asked).toContainEqual({ method: "DELETE", path: "/devices/d2", body: null }));
  });

  test("signing out says what would be lost, tells the server, and leaves nothing", async () => {
    answer = ({ method }) =>
      method === "POST"
        ? new Response(null, { status: 204 })
        : Response.json({ items: [device("d1", "Chrome, Linux", true)] });
    const realtime = fakeRealtime({ chats: new Map([["c1", aChat({ outgoing: 2 })]]) });
    page(<Devices />, realtime);
    await userEvent.click(await screen.findByRole("button", { name: "Sign out" }));
    const question = await screen.findByRole("alertdialog", { name: "Sign out?" });
    expect(question.textContent).toContain("2 messages have not been sent yet");
    await userEvent.click(screen.getByRole("button", { name: "Sign out" }));
    await waitFor(() => expect(sessionStore.getState()).toEqual({ session: null, lost: false }));
    expect(asked).toContainEqual({ method: "POST", path: "/auth/logout", body: null });
    expect(realtime.calls).toContainEqual(["forget"]);
  });

  test("signing out without the server asks once more, and goes on only if that is wanted", async () => {
    answer = ({ method }) =>
      method === "POST"
        ? problem(503, "unavailable")
        : Response.json({ items: [device("d1", "Chrome, Linux", true)] });
    const realtime = fakeRealtime();
    page(<Devices />, realtime);
    await userEvent.click(await screen.findByRole("button", { name: "Sign out" }));
    await screen.findByRole("alertdialog", { name: "Sign out?" });
    await userEvent.click(screen.getByRole("button", { name: "Sign out" }));
    await screen.findByRole("alertdialog", { name: "The server could not be told" });
    await userEvent.keyboard("{Escape}");
    expect(sessionStore.getState().session).not.toBeNull();
    expect(realtime.calls).not.toContainEqual(["forget"]);
  });
});

describe("the account", () => {
  test("is deleted by its password; a wrong one is said at its field and deletes nothing", async () => {
    answer = ({ method, body }) => {
      if (method !== "DELETE") return problem(404, "not_found");
      const { password } = body as { password: string };
      return password === "right" ? new Response(null, { status: 204 }) : problem(401, "bad_credentials");
    };
    const realtime = fakeRealtime();
    page(<Account />, realtime);
    await userEvent.click(screen.getByRole("button", { name: "Delete my account" }));
    const field = await screen.findByLabelText("Password");
    await userEvent.type(field, "wrong{Enter}");
    await screen.findByText("The password is wrong.");
    expect(sessionStore.getState().session).not.toBeNull();
    await userEvent.clear(field);
    await userEvent.type(field, "right{Enter}");
    await waitFor(() => expect(sessionStore.getState().session).toBeNull());
    expect(realtime.calls).toContainEqual(["forget"]);
  });

  test("an archive is asked for, waited for, and offered", async () => {
    const archive = (status: "preparing" | "ready") => ({
      id: "e1",
      status,
      requested_at: new Date().toISOString(),
      ready_at: status === "ready" ? new Date().toISOString() : null,
      expires_at: null,
      size: status === "ready" ? 1_500_000 : null,
      url: status === "ready" ? "https://store.example/archive.zip" : null,
      url_expires_at: null,
    });
    let looks = 0;
    answer = ({ method }) => {
      if (method === "POST") return Response.json(archive("preparing"), { status: 202 });
      looks += 1;
      return looks === 1 ? problem(404, "not_found") : Response.json(archive("ready"));
    };
    page(<Account />);
    await userEvent.click(await screen.findByRole("button", { name: "Ask for an archive" }));
    await screen.findByText("The archive is being made. You can go on in the meantime.");
    const link = await screen.findByRole<HTMLAnchorElement>("link", { name: "Download" }, { timeout: 6_000 });
    expect(link.href).toBe("https://store.example/archive.zip");
  }, 10_000);
});
