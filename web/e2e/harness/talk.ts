/** An open conversation, as those who sit before it use it. */
import { expect, type Locator, type Page } from "@playwright/test";

export class Talk {
  constructor(readonly page: Page) {}

  get field(): Locator {
    return this.page.getByRole("textbox", { name: "Write a message" });
  }

  get messages(): Locator {
    return this.page.getByRole("list", { name: "Messages" }).getByRole("listitem");
  }

  /** The message that has this text. */
  message(text: string | RegExp): Locator {
    return this.messages.filter({ hasText: text });
  }

  /** Writes it and sends it by Enter; it stands there at once. */
  async say(text: string): Promise<void> {
    await this.field.fill(text);
    await this.field.press("Enter");
    await expect(this.field).toHaveValue("");
  }

  /** Chooses something of a message's menu, like "Reply". */
  async choose(text: string | RegExp, action: string): Promise<void> {
    await this.message(text).click({ button: "right" });
    await this.page.getByRole("menuitem", { name: action }).click();
  }

  /** How far a message of one's own has come: "Sent", "Delivered", "Read". */
  async progress(text: string | RegExp, words: string): Promise<void> {
    await expect(this.message(text).getByText(words, { exact: true })).toBeAttached();
  }

  /** Every text on the screen that looks like this, from the top to the bottom. */
  async shown(pattern: RegExp): Promise<string[]> {
    const found = await this.messages.evaluateAll((rows) =>
      rows
        .map((row) => ({ top: row.getBoundingClientRect().top, text: row.textContent ?? "" }))
        .sort((a, b) => a.top - b.top)
        .map(({ text }) => text),
    );
    return found.flatMap((text) => text.match(pattern)?.[0] ?? []);
  }
}
