import { fireEvent, screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { afterEach, beforeAll, beforeEach, expect, test, vi } from "vitest";
import { renderPage } from "@/testing/render";
import { useLanguage } from "@/testing/translations";
import { SignIn } from "./SignIn";
import { sessionStore, signedOut } from "./session";

beforeAll(() => useLanguage("en"));

type Answer = () => Response;
let login: Answer;
let client: Answer;
const logins: unknown[] = [];

const refusal = (status: number, body: object) =>
  new Response(JSON.stringify({ title: "t", status, detail: "d", ...body }), {
    status,
    headers: { "Content-Type": "application/problem+json" },
  });

beforeEach(() => {
  logins.length = 0;
  login = () => refusal(401, { code: "bad_credentials" });
  client = () => new Response("", { status: 404 });
  vi.stubGlobal("fetch", async (input: Request | string) => {
    if (typeof input === "string") return client();
    logins.push(await input.json());
    return login();
  });
});

afterEach(() => {
  signedOut();
  vi.unstubAllGlobals();
});

async function enter(phone: string, password: string) {
  const user = userEvent.setup();
  const fill = (label: string, value: string) =>
    fireEvent.change(screen.getByLabelText(label), { target: { value } });
  if (phone !== "") fill("Phone number", phone);
  if (password !== "") fill("Password", password);
  await user.click(screen.getByRole("button", { name: "Sign in" }));
}

test("what is missing is said at its field, and nothing is sent", async () => {
  renderPage(<SignIn />);
  await enter("", "");
  screen.getByRole("textbox", { name: "Phone number", description: /Enter a phone number/ });
  const password = screen.getByLabelText("Password");
  expect(document.getElementById(password.getAttribute("aria-describedby") ?? "")?.textContent).toMatch(
    /Enter your password/,
  );
  expect(logins).toEqual([]);
});

test("a wrong password is said in words, and what was entered stays", async () => {
  renderPage(<SignIn />);
  await enter("+12025550101", "wrong");
  await screen.findByText("The phone number or the password is wrong.");
  expect(screen.getByLabelText<HTMLInputElement>("Password").value).toBe("wrong");
  expect(logins).toMatchObject([{ phone: "+12025550101", password: "wrong", device: { platform: "web" } }]);
});

test("a field that the server refuses has its reason beside it", async () => {
  login = () => refusal(422, { code: "invalid", errors: [{ field: "phone", message: "no number" }] });
  renderPage(<SignIn />);
  await enter("+1", "x");
  await screen.findByRole("textbox", { name: "Phone number", description: /Enter a phone number/ });
});

test("too many tries: how long to wait is said, and the button waits as well", async () => {
  login = () => refusal(429, { code: "rate_limited", retry_after_ms: 42_000 });
  renderPage(<SignIn />);
  await enter("+12025550101", "wrong");
  await screen.findByText(/try again in 42 seconds/i, { selector: "p" });
  expect(screen.getByRole<HTMLButtonElement>("button", { name: "Try again in 42 seconds" }).disabled).toBe(
    true,
  );
});

test("with the right one somebody is signed in", async () => {
  login = () =>
    Response.json({
      user: { id: "u1" },
      device_id: "d1",
      access_token: "a",
      access_expires_at: new Date(Date.now() + 900_000).toISOString(),
      refresh_token: "r",
    });
  renderPage(<SignIn />);
  await enter("+12025550101", "right");
  await waitFor(() => expect(sessionStore.getState().session?.userId).toBe("u1"));
});

test("a session that was lost is spoken of", () => {
  sessionStore.setState({ session: null, lost: true });
  renderPage(<SignIn />);
  screen.getByText(/Your session has ended/);
});

test("accounts to try things with are there where the server offers them, and only there", async () => {
  const { unmount } = renderPage(<SignIn />);
  expect(screen.queryByText(/Just trying/)).toBeNull();
  unmount();
  client = () =>
    Response.json({ demo_accounts: [{ name: "Ann", phone: "+1202", password: "p" }, { name: 7 }, null] });
  renderPage(<SignIn />);
  const offer = await screen.findByRole("region", { name: /Just trying/ });
  expect(within(offer).getAllByRole("button")).toHaveLength(1);
  await userEvent.click(within(offer).getByRole("button", { name: "Ann" }));
  expect(logins).toMatchObject([{ phone: "+1202", password: "p" }]);
});
