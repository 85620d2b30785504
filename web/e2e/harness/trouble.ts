/** What a page must never do unnoticed: break its Content-Security-Policy, throw, or write an error to the console. */
import type { BrowserContext, Page } from "@playwright/test";

/** Chromium's own words for requests that did not come through; only a test that cuts lines or kills nodes may hear them. */
const NETWORK = [
  /net::ERR_(INTERNET_DISCONNECTED|CONNECTION_|NETWORK_|EMPTY_RESPONSE|SOCKET_|FAILED|ABORTED|INCOMPLETE|CONTENT_LENGTH)/,
  /WebSocket connection to .* failed/,
  /WebSocket is closed before the connection is established/,
  /status of 50[234]/,
];

export class Trouble {
  readonly #found: string[] = [];
  readonly #allowed: RegExp[] = [];

  /** Watches every page that a context has, and will have. */
  async watch(context: BrowserContext, who: string): Promise<void> {
    await context.exposeBinding("__violation", (_source, text: string) => this.#add(who, text));
    await context.addInitScript(() => {
      const tell = (window as unknown as { __violation: (text: string) => void }).__violation;
      document.addEventListener("securitypolicyviolation", (event) => {
        tell(`Content-Security-Policy: ${event.violatedDirective} refused ${event.blockedURI || "inline"}`);
      });
    });
    context.on("page", (page) => this.#watchPage(page, who));
    for (const page of context.pages()) this.#watchPage(page, who);
  }

  /** From here on this is no trouble: for what a test itself brings about, like a wrong password (`/status of 401/`). */
  allow(...patterns: RegExp[]): void {
    this.#allowed.push(...patterns);
  }

  /** From here on requests may fail: lines are cut, or nodes killed. */
  allowLostConnections(): void {
    this.allow(...NETWORK);
  }

  /** @throws Error if there was any */
  check(): void {
    const found = this.#found.filter((text) => !this.#allowed.some((pattern) => pattern.test(text)));
    if (found.length > 0) throw new Error(`the page was in trouble:\n${[...new Set(found)].join("\n")}`);
  }

  #watchPage(page: Page, who: string): void {
    page.on("pageerror", (error) => this.#add(who, `thrown: ${error.stack ?? error.message}`));
    page.on("crash", () => this.#add(who, "the page crashed"));
    page.on("console", (message) => {
      if (message.type() === "error")
        this.#add(who, `console: ${message.text()} (${message.location().url.split("?")[0]})`);
    });
  }

  #add(who: string, text: string): void {
    this.#found.push(`${who}: ${text}`);
  }
}
