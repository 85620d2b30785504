/**
 * A push service of the tests' own, for one browser: Chromium's cannot be reached from everywhere. The browser subscribes here instead of there,
 * nodes push here, and what they push is checked and decrypted as a browser would do it (RFC 8030, 8188, 8291, 8292).
 */
import { createDecipheriv, createECDH, createPublicKey, hkdfSync, randomBytes, verify } from "node:crypto";
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { BrowserContext } from "@playwright/test";

const PUBLIC_KEY_BYTES = 65;
const TAG_BYTES = 16;

/** What of the browser's push manager is asked here. */
type Ask = (what: "subscribe" | "unsubscribe" | "get", key?: number[]) => Promise<number[] | null>;

export class PushService {
  /** What was pushed, decrypted, in the order in which it came. */
  readonly pushed: unknown[] = [];
  /** The server's key that the browser has subscribed with; `null` while it has not. */
  key: Buffer | null = null;
  readonly #device = createECDH("prime256v1");
  readonly #auth = randomBytes(16);
  readonly #faults: string[] = [];

  private constructor(private readonly server: Server) {
    this.#device.generateKeys();
  }

  static async start(): Promise<PushService> {
    const server = createServer();
    const service = new PushService(server);
    server.on("request", async (request, response) => {
      try {
        service.#take(request.headers, await bodyOf(request));
        response.writeHead(201).end();
      } catch (error) {
        service.#faults.push(String(error));
        response.writeHead(400).end();
      }
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return service;
  }

  get #origin(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  get endpoint(): string {
    return `${this.#origin}/push/device`;
  }

  /** Has the pages of a browser subscribe here. Whether it has subscribed outlives its pages. */
  async serve(context: BrowserContext): Promise<void> {
    const answer: Ask = async (what, key) => {
      if (what === "subscribe") this.key = Buffer.from(key ?? []);
      if (what === "unsubscribe") this.key = null;
      return this.key === null ? null : [...this.key];
    };
    await context.exposeFunction("__push", answer);
    const keys = { p256dh: this.#device.getPublicKey("base64url"), auth: this.#auth.toString("base64url") };
    await context.addInitScript(
      ({ endpoint, keys }) => {
        const ask = (window as unknown as { __push: Ask }).__push;
        const made = (key: number[]): PushSubscription => ({
          endpoint,
          expirationTime: null,
          options: { userVisibleOnly: true, applicationServerKey: Uint8Array.from(key).buffer },
          getKey: () => null,
          toJSON: () => ({ endpoint, expirationTime: null, keys }),
          unsubscribe: async () => (await ask("unsubscribe")) === null,
        });
        PushManager.prototype.subscribe = async (options) => {
          if (Notification.permission !== "granted") throw new DOMException("", "NotAllowedError");
          const key = new Uint8Array(options?.applicationServerKey as ArrayBuffer);
          return made((await ask("subscribe", [...key])) as number[]);
        };
        PushManager.prototype.getSubscription = async () => {
          const key = await ask("get");
          return key === null ? null : made(key);
        };
      },
      { endpoint: this.endpoint, keys },
    );
  }

  /** @throws Error with what was wrong with a push */
  async stop(): Promise<void> {
    await new Promise((resolve) => this.server.close(resolve));
    if (this.#faults.length > 0) throw new Error(this.#faults.join("\n"));
  }

  #take(headers: IncomingHttpHeaders, body: Buffer): void {
    this.#checkSender(headers.authorization ?? "");
    if (headers["content-encoding"] !== "aes128gcm") throw new Error(`${headers["content-encoding"]}`);
    if (!(Number(headers.ttl) > 0)) throw new Error(`it is to be kept for ${headers.ttl} s`);
    this.pushed.push(JSON.parse(this.#decrypt(body)));
  }

  /** It is signed with the key that the browser has subscribed with, for this service, for now. */
  #checkSender(authorization: string): void {
    const [, token = "", key = ""] = /^vapid t=([^,]+), ?k=(.+)$/.exec(authorization) ?? [];
    const point = Buffer.from(key, "base64url");
    if (this.key === null || !point.equals(this.key)) throw new Error("signed with another key");
    const [x, y] = [point.subarray(1, 33), point.subarray(33)].map((part) => part.toString("base64url"));
    const jwk = { kty: "EC", crv: "P-256", x: x ?? "", y: y ?? "" };
    const [head = "", claims = "", signature = ""] = token.split(".");
    const signed = verify(
      "sha256",
      Buffer.from(`${head}.${claims}`),
      { key: createPublicKey({ key: jwk, format: "jwk" }), dsaEncoding: "ieee-p1363" },
      Buffer.from(signature, "base64url"),
    );
    const { aud, exp } = JSON.parse(Buffer.from(claims, "base64url").toString());
    if (!signed || aud !== this.#origin || exp < Date.now() / 1_000)
      throw new Error(`not signed for this service: ${token}`);
  }

  #decrypt(body: Buffer): string {
    const salt = body.subarray(0, 16);
    const sender = body.subarray(21, 21 + PUBLIC_KEY_BYTES);
    const sealed = body.subarray(21 + PUBLIC_KEY_BYTES);
    const info = Buffer.concat([Buffer.from("WebPush: info\0"), this.#device.getPublicKey(), sender]);
    const secret = derived(this.#device.computeSecret(sender), this.#auth, info, 32);
    const key = derived(secret, salt, "Content-Encoding: aes128gcm\0", 16);
    const nonce = derived(secret, salt, "Content-Encoding: nonce\0", 12);
    const cipher = createDecipheriv("aes-128-gcm", key, nonce);
    cipher.setAuthTag(sealed.subarray(-TAG_BYTES));
    const plain = Buffer.concat([cipher.update(sealed.subarray(0, -TAG_BYTES)), cipher.final()]);
    // 2 is the end of the last record, zeros fill it up.
    return plain.subarray(0, plain.lastIndexOf(2)).toString();
  }
}

const derived = (secret: Buffer, salt: Buffer, info: Buffer | string, length: number): Buffer =>
  Buffer.from(hkdfSync("sha256", secret, salt, info, length));

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  return Buffer.concat(parts);
}
