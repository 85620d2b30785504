/** Pictures, videos, documents, voice notes and live locations, between two people. */

import type { Locator } from "@playwright/test";
import { film } from "./harness/films";
import { png } from "./harness/pictures";
import { expect, expectAccessible, test } from "./harness/test";

test("pictures are looked at before they are sent, and one after another by whom they are for", async ({
  person,
}) => {
  const [ada, bob] = await Promise.all([person("Ada"), person("Bob")]);
  const chat = await ada.directChat(bob);
  await Promise.all([ada.openChat(chat), bob.openChat(chat)]);

  await ada.page
    .locator('[data-attach="pictures"]')
    .setInputFiles([png("hills.png", 900, 600), png("tower.png", 300, 900)]);
  const sheet = ada.page.getByRole("dialog", { name: "Send 2 files" });
  await sheet.getByRole("textbox", { name: "Add a caption" }).fill("The hills");
  await expectAccessible(ada.page);
  await sheet.getByRole("button", { name: "Send 2" }).click();

  const hills = bob.page.getByRole("button", { name: "Open: Photo from Ada: The hills" });
  await hills.click();
  const viewer = bob.page.getByRole("dialog", { name: "Photos and videos of this chat" });
  await expect(viewer.getByRole("img", { name: "The hills" })).toBeVisible();
  await expectAccessible(bob.page);
  await bob.page.keyboard.press("ArrowRight");
  await expect(viewer.getByRole("img", { name: "Photo", exact: true })).toBeVisible();
  await expect(viewer.getByRole("button", { name: "Next" })).toBeHidden();
  const saved = bob.page.waitForEvent("download");
  await viewer.getByRole("button", { name: "Download" }).click();
  expect((await saved).suggestedFilename()).toBe("tower.png");
  await bob.page.keyboard.press("Escape");
  await expect(viewer).toBeHidden();
});

test("what is pressed is opened, also when a message comes in while it is pressed", async ({ person }) => {
  const [ada, bob] = await Promise.all([person("Ada"), person("Bob")]);
  const chat = await ada.directChat(bob);
  const bobs = await bob.openChat(chat);
  const { buffer, mimeType } = png("hills.png", 900, 600);
  const media_id = await ada.upload(buffer, "image", mimeType);
  const content = { width: 900, height: 600, caption: "The hills" };
  await ada.send(chat, "", { type: "image", media_id, content });
  await bob.page.getByRole("button", { name: "Open: Photo from Ada: The hills" }).hover();
  await bob.page.mouse.down();
  await ada.send(chat, Array.from({ length: 20 }, (_, n) => `line ${n}`).join("\n"));
  await expect(bob.page.getByRole("list", { name: "Chats" })).toContainText("line 0");
  await bob.page.mouse.up();
  const viewer = bob.page.getByRole("dialog", { name: "Photos and videos of this chat" });
  await expect(viewer.getByRole("img", { name: "The hills" })).toBeVisible();
  await bob.page.keyboard.press("Escape");
  await expect(bobs.message("line 19")).toBeInViewport();
});

test("a picture that is deleted while somebody looks at it is closed", async ({ person }) => {
  const [ada, bob] = await Promise.all([person("Ada"), person("Bob")]);
  const chat = await ada.directChat(bob);
  await Promise.all([ada.openChat(chat), bob.openChat(chat)]);
  await ada.page.locator('[data-attach="pictures"]').setInputFiles(png("hills.png", 300, 200));
  await ada.page.getByRole("button", { name: "Send", exact: true }).click();
  await bob.page.getByRole("button", { name: "Open: Photo from Ada" }).click();
  const viewer = bob.page.getByRole("dialog", { name: "Photos and videos of this chat" });
  await expect(viewer.getByRole("img")).toBeVisible();
  await ada.api("DELETE", `/chats/${chat.id}/messages/1`);
  await expect(viewer).toBeHidden();
});

test("a video is sent with a preview and its length, and played in its place and large", async ({
  person,
}) => {
  const [ada, bob] = await Promise.all([person("Ada"), person("Bob")]);
  const chat = await ada.directChat(bob);
  await Promise.all([ada.openChat(chat), bob.openChat(chat)]);
  await ada.page.locator('[data-attach="pictures"]').setInputFiles(await film(ada.page, "square.webm"));
  await ada.page.getByRole("button", { name: "Send", exact: true }).click();

  const play = bob.page.getByRole("button", { name: "Play: Video from Ada" });
  const frame = bob.page.locator("[data-media-frame]").filter({ has: play });
  await expect(frame.locator("img")).toHaveAttribute("src", /^data:image\/jpeg;base64,/);
  await expect(frame.getByText(/^0:0[1-9]$/)).toBeVisible();
  await expect(bob.page.locator("video")).toHaveCount(0);
  await play.click();
  await expectPlaying(bob.page.getByLabel("Video from Ada", { exact: true }));

  await bob.page.getByRole("button", { name: "Open: Video from Ada" }).click();
  const viewer = bob.page.getByRole("dialog", { name: "Photos and videos of this chat" });
  await expectPlaying(viewer.getByLabel("Video", { exact: true }));
  await bob.page.keyboard.press("Escape");
  await expect(viewer).toBeHidden();
});

test("a document is saved under its name, whatever that tries to be", async ({ person }) => {
  const [ada, bob] = await Promise.all([person("Ada"), person("Bob")]);
  const chat = await ada.directChat(bob);
  await Promise.all([ada.openChat(chat), bob.openChat(chat)]);
  const page = {
    name: "<img src=x onerror=alert(1)>.html",
    mimeType: "text/html",
    buffer: Buffer.from("<script>alert(1)</script>"),
  };
  await ada.page.locator('[data-attach="files"]').setInputFiles(page);
  await ada.page.getByRole("button", { name: "Send", exact: true }).click();
  const saved = bob.page.waitForEvent("download");
  await bob.page.getByRole("button", { name: /^Download .*\.html$/ }).click();
  const file = await saved;
  expect(file.suggestedFilename()).toMatch(/\.html$/);
  expect(bob.page.url()).toContain(chat.id);
});

test("what is pasted is looked at as well", async ({ person }) => {
  const [ada, bob] = await Promise.all([person("Ada"), person("Bob")]);
  const chat = await ada.directChat(bob);
  await ada.openChat(chat);
  const { buffer } = png("pasted.png", 200, 100);
  await ada.page.getByRole("textbox", { name: "Write a message" }).evaluate(
    (field, bytes) => {
      const data = new DataTransfer();
      data.items.add(new File([Uint8Array.from(bytes)], "pasted.png", { type: "image/png" }));
      field.dispatchEvent(
        new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true }),
      );
    },
    [...buffer],
  );
  const sheet = ada.page.getByRole("dialog", { name: "Send 1 file" });
  await expect(sheet.getByRole("img", { name: "pasted.png" })).toBeVisible();
  await ada.page.keyboard.press("Escape");
  await expect(sheet).toBeHidden();
});

test("a voice note is recorded, heard before it is sent, and played by keyboard", async ({ person }) => {
  const [ada, bob] = await Promise.all([person("Ada"), person("Bob")]);
  const chat = await ada.directChat(bob);
  await Promise.all([ada.openChat(chat), bob.openChat(chat)]);
  const microphone = ada.page.getByRole("button", { name: "Record a voice message" });
  await microphone.focus();
  await ada.page.keyboard.press("Enter");
  const bar = ada.page.getByRole("group", { name: "Voice message", exact: true });
  await expect(bar.getByRole("timer")).toHaveText(/^0:0[3-9]$/);
  await bar.getByRole("button", { name: "Stop and listen" }).click();
  await expect(bar.getByRole("slider", { name: "Position" })).toBeVisible();
  await bar.getByRole("button", { name: "Send", exact: true }).click();

  const note = bob.page.getByRole("group", { name: /^Voice message, 0:0/ });
  const position = note.getByRole("slider", { name: "Position" });
  await expectAccessible(bob.page);
  await note.getByRole("button", { name: "Play" }).click();
  await expect(position).not.toHaveAttribute("aria-valuenow", "0");
  await note.getByRole("button", { name: "Speed 1×" }).click();
  await expect(note.getByRole("button", { name: "Speed 1.5×" })).toBeVisible();
  // At its end it is at its beginning again.
  await expect(note.getByRole("button", { name: "Play" })).toBeVisible();
  await position.focus();
  await bob.page.keyboard.press("End");
  await expect(position).toHaveAttribute("aria-valuetext", /^(0:0\d) of \1$/);
});

test("a live location is seen moving by the other, told above the conversation, and ends when it is stopped", async ({
  person,
}) => {
  const [ada, bob] = await Promise.all([person("Ada"), person("Bob")]);
  const chat = await ada.directChat(bob);
  const [adas, bobs] = await Promise.all([ada.openChat(chat), bob.openChat(chat)]);
  await ada.page.getByRole("button", { name: "Attach" }).click();
  await ada.page.getByRole("menuitem", { name: "Location" }).click();
  await ada.page.getByRole("button", { name: "15 minutes" }).click();
  const place = bobs.message(/Live until/);
  await expect(place).toContainText("52.52000° N, 13.40500° E");
  await expect(bob.page.getByText(/Ada.* shares a live location until/)).toBeVisible();
  await expect(ada.page.getByText(/You share your live location until/)).toBeVisible();

  for (const latitude of [52.53, 52.54]) {
    await ada.context.setGeolocation({ latitude, longitude: 13.41, accuracy: 8 });
    await expect(place).toContainText(`${latitude.toFixed(5)}° N, 13.41000° E`);
  }
  await expect(place.getByRole("link", { name: "Open in OpenStreetMap" })).toHaveAttribute("href", /52\.54/);
  // Whoever comes later sees where she is now, and a reload of hers does not end it.
  await Promise.all([bob.page.reload(), ada.page.reload()]);
  await expect(adas.message(/Live until/)).toBeVisible();
  await ada.context.setGeolocation({ latitude: 52.55, longitude: 13.42, accuracy: 8 });
  await expect(place).toContainText("52.55000° N, 13.42000° E");

  await adas
    .message(/Live until/)
    .getByRole("button", { name: "Stop sharing" })
    .click();
  await expect(bobs.message("Live location ended")).toBeVisible();
  await expect(bob.page.getByText(/shares a live location/)).toBeHidden();
});

/** It is shown, moves on from one moment to the next, and comes to its end. */
async function expectPlaying(video: Locator): Promise<void> {
  const at = () => video.evaluate((element: HTMLVideoElement) => element.currentTime);
  await expect.poll(at).toBeGreaterThan(0);
  const before = await at();
  await expect.poll(at).toBeGreaterThan(before);
  await expect.poll(() => video.evaluate((element: HTMLVideoElement) => element.ended)).toBe(true);
  expect(
    await video.evaluate(({ videoWidth, videoHeight }: HTMLVideoElement) => [videoWidth, videoHeight]),
  ).toEqual([160, 120]);
}
