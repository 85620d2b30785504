/** Pictures of the main screens for the documentation, of the people that every local run has: `npm run screenshots`. */
import { fileURLToPath } from "node:url";
import type { Page } from "@playwright/test";
import { expect, type Options, Person, type Talk, test } from "../harness/test";
import { picture, tone } from "./files";

const FOLDER = fileURLToPath(new URL("../../../docs/screenshots", import.meta.url));
const AMARA = { phone: "+12025550101", password: "just trying things" };
const BEN = { phone: "+12025550102", password: "just trying things" };
const LAPTOP = { width: 1280, height: 800 };
const PHONE: Options = {
  viewport: { width: 390, height: 844 },
  isMobile: true,
  hasTouch: true,
  deviceScaleFactor: 2,
};

async function take(page: Page, name: string): Promise<void> {
  await page.evaluate(() => document.fonts.ready);
  await page.screenshot({ path: `${FOLDER}/${name}.png`, animations: "disabled", caret: "hide" });
}

test("screens", async ({ browser, trouble }) => {
  const amara = await Person.signIn(browser, trouble, AMARA, { viewport: LAPTOP });
  const ben = await Person.signIn(browser, trouble, BEN, { viewport: LAPTOP });
  const chat = await amara.directChat(ben);
  await ben.goto("/");
  const photo = await ben.upload(await picture(ben.page), "image", "image/jpeg");
  await ben.send(chat, "", {
    type: "image",
    media_id: photo,
    content: { width: 960, height: 640, caption: "From up there, just now" },
  });
  const note = await amara.upload(tone(4), "audio", "audio/wav");
  const waveform = Array.from({ length: 48 }, (_, i) =>
    Math.round(40 + 55 * Math.abs(Math.sin(i * 0.7) * Math.cos(i * 0.21))),
  );
  await amara.send(chat, "", { type: "audio", media_id: note, content: { duration_ms: 4_000, waveform } });
  const last = await ben.send(chat, "Listening to this on the way down. See you on the square?");
  await amara.send(chat, "Yes! I'll bring the thermos. Both.", { reply_to: last.seq });
  await ben.openChat(chat);

  const talk = await amara.openChat(chat);
  await settled(talk);
  await take(amara.page, "chat-light");
  await amara.context.close();

  const dark = await Person.signIn(browser, trouble, AMARA, { viewport: LAPTOP, colorScheme: "dark" });
  await settled(await dark.openChat(chat));
  await take(dark.page, "chat-dark");
  await dark.context.close();

  const phone = await Person.signIn(browser, trouble, AMARA, PHONE);
  await phone.goto("/");
  await expect(phone.page.getByText("Saturday hike").first()).toBeVisible();
  await take(phone.page, "phone-list");
  await settled(await phone.openChat(chat));
  await take(phone.page, "phone-chat");
  await phone.context.close();
  await ben.context.close();
});

test("stories", async ({ browser, trouble }) => {
  const amara = await Person.signIn(browser, trouble, AMARA, { viewport: LAPTOP });
  await amara.goto("/stories");
  await expect(amara.page.getByRole("region").getByText("Ben Fischer").first()).toBeVisible();
  await take(amara.page, "stories");
  await amara.context.close();
});

test("signing in", async ({ stranger }) => {
  const context = await stranger({ viewport: LAPTOP });
  const page = await context.newPage();
  await page.goto("/signin");
  await expect(page.getByText("Amara Okafor")).toBeVisible();
  await take(page, "signin");
});

test("from right to left", async ({ browser, trouble }) => {
  const amara = await Person.signIn(browser, trouble, AMARA, { viewport: LAPTOP, locale: "ar" });
  await amara.goto("/");
  await amara.page.getByText("داليا حداد").first().click();
  await expect(amara.page.locator("[data-row]").filter({ hasText: "العفو" })).toBeVisible();
  await take(amara.page, "arabic");
  await amara.context.close();
});

/** Pictures are there, and the connection is quiet. */
async function settled(talk: Talk): Promise<void> {
  await expect(talk.message("Both.")).toBeVisible();
  await expect(talk.page.getByText("Ben Fischer").last()).toBeVisible();
  await expect(talk.page.getByText(/^(Connecting|Catching up)/)).toHaveCount(0);
  await talk.page.waitForLoadState("networkidle");
}
