/** People in tests: accounts made through the API, each in a browser context of their own, signed in. */
import { randomInt, randomUUID } from "node:crypto";
import {
  type Browser,
  type BrowserContext,
  type BrowserContextOptions,
  expect,
  type Page,
} from "@playwright/test";
import type { components } from "../../src/types/openapi";
import { Cable } from "./cable";
import { stack } from "./stack";
import { Talk } from "./talk";
import type { Trouble } from "./trouble";

type Schemas = components["schemas"];
type Session = Schemas["SessionView"];
export type Chat = Schemas["ChatView"];
export type Message = Schemas["MessageView"];

const DEVICE = { name: "test", platform: "web" };
export const PASSWORD = "correct horse battery";

export interface Options extends BrowserContextOptions {
  /** Whether the browser is signed in as them; it is if nothing is said. */
  signedIn?: boolean;
  /** Whether their browser comes by a line of its own, under an origin of its own, that `loseNetwork` breaks. Without, the network only falls silent. */
  ownLine?: boolean;
}

/** A number that nobody has: of iNum, a network of no country. */
export function newPhone(): string {
  return `+8835100${String(randomInt(10 ** 8)).padStart(8, "0")}`;
}

export class Person {
  private constructor(
    readonly name: string,
    readonly phone: string,
    readonly session: Session,
    readonly context: BrowserContext,
    readonly page: Page,
    readonly url: string,
    readonly cable: Cable | null,
  ) {}

  /** Somebody new. */
  static async make(
    browser: Browser,
    trouble: Trouble,
    name: string,
    options: Options = {},
  ): Promise<Person> {
    const phone = newPhone();
    const body = { name, phone, password: PASSWORD, device: DEVICE };
    const session = await call<Session>("POST", "/auth/signup", undefined, body);
    return Person.#of(browser, trouble, name, phone, session, options);
  }

  /** Somebody who has an account already, on another device. */
  static async signIn(
    browser: Browser,
    trouble: Trouble,
    { phone, password }: { phone: string; password: string },
    options: Options = {},
  ): Promise<Person> {
    const body = { phone, password, device: DEVICE };
    const session = await call<Session>("POST", "/auth/login", undefined, body);
    return Person.#of(browser, trouble, session.user.name, phone, session, options);
  }

  /** Somebody new, who makes their account in their browser. */
  static async signUp(
    browser: Browser,
    trouble: Trouble,
    name: string,
    options: Options = {},
  ): Promise<Person> {
    const phone = newPhone();
    const { context, url, cable } = await open(browser, trouble, name, options, () => ({}));
    const page = await context.newPage();
    await page.goto(url);
    await page.getByRole("link", { name: "Create an account" }).click();
    await page.getByLabel("Your name").fill(name);
    await page.getByLabel("Phone number").fill(phone);
    await page.getByLabel("Password", { exact: true }).fill(PASSWORD);
    await page.getByRole("button", { name: "Create an account" }).click();
    await expect(page.getByRole("navigation", { name: "Main" })).toBeVisible();
    return new Person(name, phone, await sessionIn(page), context, page, url, cable);
  }

  static async #of(
    browser: Browser,
    trouble: Trouble,
    name: string,
    phone: string,
    session: Session,
    { signedIn = true, ...options }: Options,
  ): Promise<Person> {
    const { context, url, cable } = await open(browser, trouble, name, options, (origin) =>
      signedIn ? { storageState: stateOf(session, origin) } : {},
    );
    return new Person(name, phone, session, context, await context.newPage(), url, cable);
  }

  get id(): string {
    return this.session.user.id;
  }

  /** A call of the REST API in their name. @throws Error if it is refused */
  async api<T>(method: string, path: string, body?: unknown): Promise<T> {
    return call(method, path, this.session.access_token, body);
  }

  async directChat(other: Person): Promise<Chat> {
    return this.api("POST", "/chats", { type: "direct", user_id: other.id });
  }

  async group(title: string, ...members: Person[]): Promise<Chat> {
    return this.api("POST", "/chats", { type: "group", title, member_ids: members.map(({ id }) => id) });
  }

  async channel(title: string, ...members: Person[]): Promise<Chat> {
    return this.api("POST", "/chats", { type: "channel", title, member_ids: members.map(({ id }) => id) });
  }

  /** Sends through the API, past their browser, like another device of theirs. */
  async send(chat: Chat, text: string, more: object = {}): Promise<Message> {
    const body = { client_id: randomUUID(), type: "text", content: { text }, ...more };
    return this.api("POST", `/chats/${chat.id}/messages`, body);
  }

  /** Stores a file at the object store; its id, to be sent. */
  async upload(body: Buffer, kind: string, type: string): Promise<string> {
    const wanted = { kind, content_type: type, size: body.length };
    const { media_id, upload } = await this.api<Schemas["UploadAnswer"]>("POST", "/media/uploads", wanted);
    const stored = await fetch(upload.url, {
      method: upload.method,
      headers: upload.headers,
      body: new Uint8Array(body),
    });
    if (!stored.ok) throw new Error(`the object store answers ${stored.status}`);
    return media_id;
  }

  /** Goes to an address of the client, like "/settings". */
  async goto(path: string): Promise<void> {
    await this.page.goto(this.url + path);
  }

  async openChat(chat: Chat): Promise<Talk> {
    await this.goto(`/chats/${chat.id}`);
    const talk = new Talk(this.page);
    await expect(talk.field.or(this.page.getByText("Only admins can post"))).toBeVisible();
    return talk;
  }

  /** Takes the network away from all their tabs. */
  async loseNetwork(): Promise<void> {
    await this.context.setOffline(true);
    this.cable?.cut();
  }

  async regainNetwork(): Promise<void> {
    this.cable?.mend();
    await this.context.setOffline(false);
  }

  /** Their browser is closed. */
  async leave(): Promise<void> {
    await this.context.close();
    await this.cable?.remove();
  }
}

/** Somebody's browser, and how it comes to the stack. `state`: what is kept in it for an origin. */
async function open(
  browser: Browser,
  trouble: Trouble,
  name: string,
  { ownLine = false, ...options }: Options,
  state: (origin: string) => BrowserContextOptions,
): Promise<{ context: BrowserContext; url: string; cable: Cable | null }> {
  const cable = ownLine ? await Cable.lay(stack().port) : null;
  const url = cable?.url ?? stack().url;
  const context = await newContext(browser, trouble, name, { baseURL: url, ...options, ...state(url) });
  return { context, url, cable };
}

/** A browser of nobody yet, as big as a laptop's. */
export async function newContext(
  browser: Browser,
  trouble: Trouble,
  who: string,
  options: BrowserContextOptions = {},
): Promise<BrowserContext> {
  const context = await browser.newContext({
    baseURL: stack().url,
    viewport: { width: 1280, height: 800 },
    reducedMotion: "reduce",
    locale: "en-GB",
    permissions: ["microphone", "camera", "geolocation", "clipboard-read", "clipboard-write"],
    geolocation: { latitude: 52.52, longitude: 13.405, accuracy: 12 },
    ...options,
  });
  await trouble.watch(context, who);
  return context;
}

/** What `src/auth/session.ts` keeps in a browser that is signed in. */
function stateOf(view: Session, origin: string) {
  const session = {
    userId: view.user.id,
    deviceId: view.device_id,
    accessToken: view.access_token,
    accessExpiresAt: Date.parse(view.access_expires_at),
    refreshToken: view.refresh_token,
  };
  const localStorage = [{ name: "session", value: JSON.stringify(session) }];
  return { cookies: [], origins: [{ origin, localStorage }] };
}

/** The session of whoever is signed in. */
async function sessionIn(page: Page): Promise<Session> {
  const kept = JSON.parse((await page.evaluate(() => localStorage.getItem("session"))) ?? "{}");
  return {
    user: await call<Session["user"]>("GET", "/users/me", kept.accessToken),
    device_id: kept.deviceId,
    access_token: kept.accessToken,
    access_expires_at: new Date(kept.accessExpiresAt).toISOString(),
    refresh_token: kept.refreshToken,
  } as Session;
}

async function call<T>(method: string, path: string, token?: string, body?: unknown): Promise<T> {
  const answer = await fetch(`${stack().url}/api/v1${path}`, {
    method,
    headers: {
      ...(body !== undefined && { "Content-Type": "application/json" }),
      ...(token !== undefined && { Authorization: `Bearer ${token}` }),
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${method} ${path} is answered ${answer.status}: ${text}`);
  return (text === "" ? undefined : JSON.parse(text)) as T;
}
