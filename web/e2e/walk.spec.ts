/** A day of two people, in two browsers: everything that one does here, each step seen from the other side. */
import type { Page } from "@playwright/test";
import { film } from "./harness/films";
import { png } from "./harness/pictures";
import { expectAgreement, speaker, spoken } from "./harness/speech";
import { type Chat, expect, killNode, nodeReady, type Person, Talk, test } from "./harness/test";

/** High enough that what is told of the bad hour at the end is on the screen at once. */
const HIGH = { width: 1280, height: 1600 };

test("two people meet, talk, share, gather, tell stories, fall out and make up, and lose nothing when all goes wrong", async ({
  person,
  newcomer,
  trouble,
}) => {
  test.setTimeout(420_000);
  const bob = await person("Bob", { viewport: HIGH });
  let nora!: Person;
  let chat!: Chat;
  let noras!: Talk;
  let bobs!: Talk;

  await test.step("Nora makes an account, and finds Bob by his number", async () => {
    nora = await newcomer("Nora", { viewport: HIGH, ownLine: true });
    await nora.page.getByRole("button", { name: "New chat" }).first().click();
    const field = nora.page.getByRole("combobox", { name: "Name or phone number" });
    await field.fill(bob.phone);
    await field.press("Enter");
    await expect(nora.page.getByRole("option", { name: /Bob/ })).toBeVisible();
    await field.press("Enter");
    chat = await chatOn(nora.page);
    [noras, bobs] = [new Talk(nora.page), new Talk(bob.page)];
  });

  await test.step("one tick, two ticks, coloured ticks; typing", async () => {
    const ticks = noras.message("Are you there?").locator("[data-progress]");
    const colour = () => ticks.evaluate((element) => getComputedStyle(element).color);
    await noras.say("Are you *there*?");
    await expect(ticks).toHaveText("Sent");
    await bob.goto("/");
    const row = inList(bob.page, "Are you there?");
    await expect(row).toContainText("1 unread message");
    await expect(ticks).toHaveText("Delivered");
    const before = await colour();
    await row.click();
    await expect(bobs.message("Are you there?")).toBeVisible();
    await expect(ticks).toHaveText("Read");
    expect(await colour()).not.toBe(before);
    await expect(inList(bob.page, "Nora").getByText("unread")).toHaveCount(0);

    const head = nora.page.getByRole("link", { name: "Bob: about this chat" });
    await bobs.field.pressSequentially("Ye");
    await expect(head).toContainText("typing");
    await bobs.say("Yes!");
    await expect(noras.message("Yes!")).toBeVisible();
    await expect(head).not.toContainText("typing");
  });

  await test.step("a reply, a change, a deletion", async () => {
    await noras.choose("Yes!", "Reply");
    await noras.say("Good.");
    await expect(bobs.message("Good.").getByRole("button", { name: /Yes!/ })).toBeVisible();
    await bobs.choose(/^(?!.*Good).*Yes!/s, "Edit");
    await bobs.field.fill("Yes, always!");
    await bobs.field.press("Enter");
    await expect(noras.message("Yes, always!").first()).toContainText("edited");
    await noras.choose("Are you there?", "Delete for everyone");
    await nora.page.getByRole("alertdialog").getByRole("button", { name: "Delete" }).click();
    await expect(bobs.message("This message was deleted")).toBeVisible();
    await expect(bobs.message("Are you there?")).toHaveCount(0);
  });

  await test.step("a picture: on its way, as a preview, and large", async () => {
    const line = await heldUploads(nora.page);
    await nora.page.locator('[data-attach="pictures"]').setInputFiles(png("hills.png", 900, 600));
    await nora.page.getByRole("button", { name: "Send", exact: true }).click();
    const progress = nora.page.getByRole("progressbar", { name: "Uploading" });
    await expect(progress).toBeAttached();
    await expect(bobs.messages).toHaveCount(3);
    await line.release();
    await expect(progress).toHaveCount(0);
    const open = bob.page.getByRole("button", { name: "Open: Photo from Nora" });
    const frame = bob.page.locator("[data-media-frame]").filter({ has: open });
    await expect(frame.locator("img").first()).toHaveAttribute("src", /^data:image\/\w+;base64,/);
    await open.click();
    const viewer = bob.page.getByRole("dialog", { name: "Photos and videos of this chat" });
    const picture = viewer.getByRole("img", { name: "Photo" });
    await expect
      .poll(() => picture.evaluate((image: HTMLImageElement) => [image.naturalWidth, image.naturalHeight]))
      .toEqual([900, 600]);
    await bob.page.keyboard.press("Escape");
    await expect(viewer).toBeHidden();
  });

  await test.step("a video", async () => {
    await nora.page
      .locator('[data-attach="pictures"]')
      .setInputFiles(await film(nora.page, "square.webm", 60));
    await nora.page.getByRole("button", { name: "Send", exact: true }).click();
    await bob.page.getByRole("button", { name: "Play: Video from Nora" }).click();
    const video = bob.page.getByLabel("Video from Nora", { exact: true });
    await expect
      .poll(() => video.evaluate((element: HTMLVideoElement) => element.currentTime))
      .toBeGreaterThan(0);
  });

  await test.step("a voice note", async () => {
    await nora.page.getByRole("button", { name: "Record a voice message" }).press("Enter");
    const bar = nora.page.getByRole("group", { name: "Voice message", exact: true });
    await expect(bar.getByRole("timer")).toHaveText(/^0:0[3-9]$/);
    await bar.getByRole("button", { name: "Send", exact: true }).click();
    const note = bob.page.getByRole("group", { name: /^Voice message, 0:0/ });
    await note.getByRole("button", { name: "Play" }).click();
    await expect(note.getByRole("slider", { name: "Position" })).not.toHaveAttribute("aria-valuenow", "0");
  });

  await test.step("a document", async () => {
    const plan = { name: "plan.txt", mimeType: "text/plain", buffer: Buffer.from("At nine.") };
    await nora.page.locator('[data-attach="files"]').setInputFiles(plan);
    await nora.page.getByRole("button", { name: "Send", exact: true }).click();
    const saved = bob.page.waitForEvent("download");
    await bob.page.getByRole("button", { name: "Download plan.txt" }).click();
    expect((await saved).suggestedFilename()).toBe("plan.txt");
  });

  await test.step("where she is, and where she goes", async () => {
    const locate = async (how: string) => {
      await nora.page.getByRole("button", { name: "Attach" }).click();
      await nora.page.getByRole("menuitem", { name: "Location" }).click();
      await nora.page.getByRole("dialog").getByRole("button", { name: how }).click();
    };
    await locate("Send this location");
    await expect(bobs.message("52.52000° N, 13.40500° E")).toBeVisible();
    await locate("15 minutes");
    const live = bobs.message(/Live until/);
    await expect(live).toContainText("52.52000° N");
    await nora.context.setGeolocation({ latitude: 52.53, longitude: 13.41, accuracy: 8 });
    await expect(live).toContainText("52.53000° N, 13.41000° E");
    await noras
      .message(/Live until/)
      .getByRole("button", { name: "Stop sharing" })
      .click();
    await expect(bobs.message("Live location ended")).toBeVisible();
  });

  await test.step("a group: Bob comes in by a link, becomes an admin, and gives it another name", async () => {
    await nora.goto("/new/group");
    await nora.page.getByRole("button", { name: "Skip" }).click();
    await nora.page.getByRole("textbox", { name: "Name of the group" }).fill("Trip");
    await nora.page.getByRole("button", { name: "Create the group" }).click();
    const group = await chatOn(nora.page);
    await nora.goto(`/chats/${group.id}/info`);
    await nora.page.getByRole("button", { name: "Invite", exact: true }).click();
    await nora.page.getByRole("button", { name: "Make a link" }).click();
    const link = await nora.page.getByText(/\/invite\//).textContent();
    await bob.goto(`/invite/${link?.split("/invite/")[1]}`);
    await bob.page.getByRole("button", { name: "Join the group" }).click();
    await bobs.say("Here I am");
    await expect(noras.message("Here I am")).toContainText("Bob");
    await nora.page.getByRole("button", { name: "Back", exact: true }).click();
    await nora.page.getByRole("button", { name: "What to do with Bob" }).click();
    await nora.page.getByRole("menuitem", { name: "Make admin" }).click();
    await bob.page.getByRole("link", { name: "Trip: about this chat" }).click();
    await bob.page.getByRole("button", { name: "Change the name" }).click();
    const dialog = bob.page.getByRole("dialog", { name: "Change the name" });
    await dialog.getByRole("textbox").fill("Trip to the hills");
    await dialog.getByRole("button", { name: "Save" }).click();
    await expect(nora.page.getByRole("link", { name: "Trip to the hills: about this chat" })).toBeVisible();
  });

  await test.step("a channel: Nora posts, Bob reads", async () => {
    await nora.goto("/new/channel");
    const field = nora.page.getByRole("combobox", { name: "Name or phone number" });
    await field.fill("bob");
    await nora.page.getByRole("option", { name: /Bob/ }).click();
    await nora.page.getByRole("button", { name: "Next" }).click();
    await nora.page.getByRole("textbox", { name: "Name of the channel" }).fill("News");
    await nora.page.getByRole("button", { name: "Create the channel" }).click();
    await chatOn(nora.page);
    await noras.say("Fog until noon");
    await inList(bob.page, "News").click();
    await expect(bobs.message("Fog until noon")).toBeVisible();
    await expect(bob.page.getByText("Only admins can post in this channel.")).toBeVisible();
    await expect(bobs.field).toHaveCount(0);
  });

  await test.step("Bob pins the chat with Nora, and mutes the channel", async () => {
    const choose = async (title: string, item: string) => {
      await inList(bob.page, title).click({ button: "right" });
      await bob.page.getByRole("menuitem", { name: item, exact: true }).click();
    };
    const first = bob.page.getByRole("list", { name: "Chats" }).getByRole("listitem").first();
    await expect(first).toContainText("News");
    await choose("Live location", "Pin");
    await expect(first).toContainText("Live location");
    await choose("News", "Mute for a week");
    await expect(inList(bob.page, "News").getByText("Muted")).toBeAttached();
  });

  await test.step("a story, and who has seen it", async () => {
    // It takes long to read: so long it stays by itself.
    const words = `On the summit ${"and on ".repeat(80)}`.trim();
    await nora.goto("/stories");
    await nora.page.getByRole("button", { name: "Add a story" }).click();
    await nora.page.getByRole("textbox", { name: "Write something" }).fill(words);
    await nora.page.getByRole("button", { name: "Post" }).click();
    await nora.page.getByRole("link", { name: /^Your story/ }).click();
    await nora.page.getByRole("button", { name: "Seen by nobody yet" }).click();
    await bob.goto("/stories");
    await bob.page.getByRole("link", { name: /^Nora 1 new/ }).click();
    await expect(bob.page.getByRole("dialog", { name: "Stories" }).getByText(words)).toBeVisible();
    await expect(nora.page.getByRole("region", { name: "Seen by" })).toContainText("Bob");
  });

  await test.step("Bob blocks her: what she writes does not come; he takes it back, and she sends it again", async () => {
    await Promise.all([nora.openChat(chat), bob.goto(`/chats/${chat.id}/info`)]);
    await bob.page.getByRole("button", { name: "Block Nora" }).click();
    await bob.page.getByRole("alertdialog").getByRole("button", { name: "Block" }).click();
    await expect(bob.page.getByRole("note")).toContainText("You have blocked Nora");
    await noras.say("What have I done?");
    await expect(noras.message("What have I done?")).toContainText("Not sent.");
    await bob.page.getByRole("button", { name: "Unblock Nora" }).click();
    await expect(bobs.field).toBeVisible();
    await noras.message("What have I done?").getByRole("button", { name: "Try again" }).click();
    await expect(bobs.message("What have I done?")).toHaveCount(1);
  });

  await test.step("she changes her name, and he sees it", async () => {
    await nora.goto("/settings/profile");
    await nora.page.getByLabel("Name").fill("Nora Lind");
    await nora.page.getByLabel("Status").fill("On the road");
    await nora.page.getByRole("button", { name: "Save" }).click();
    await expect(nora.page.getByText("Your profile has been saved")).toBeVisible();
    await bob.page.reload();
    await expect(bob.page.getByRole("link", { name: "Nora Lind: about this chat" })).toBeVisible();
    await expect(bob.page.getByRole("complementary")).toContainText("On the road");
  });

  await test.step("she loses the network and writes on, his node is killed: nothing is lost, nothing comes twice, and both see one order", async () => {
    trouble.allowLostConnections();
    await Promise.all([nora.openChat(chat), bob.openChat(chat)]);
    const speak = speaker();
    await speak(noras, "nora", 3);
    await speak(bobs, "bob", 3);
    await expect(noras.message("bob-03")).toBeVisible();

    await nora.loseNetwork();
    await speak(noras, "nora", 4);
    await expect(noras.message("nora-07").getByText("Waiting to be sent")).toBeAttached();
    await speak(bobs, "bob", 2);
    killNode(1);
    await speak(bobs, "bob", 4);
    await nodeReady(1);
    killNode(2); // whichever of them it was, Bob's has died by now
    await speak(bobs, "bob", 4);
    expect(await spoken(noras)).not.toContain("bob-04");
    await nora.regainNetwork();
    await speak(noras, "nora", 3);
    await nodeReady(2);
    await speak(bobs, "bob", 2);
    await expectAgreement(nora, chat.id, [noras, bobs], { nora: 10, bob: 15 });

    // The same again, for those who come anew.
    await Promise.all([nora.page.reload(), bob.page.reload()]);
    await expectAgreement(nora, chat.id, [noras, bobs], { nora: 10, bob: 15 });
  });
});

const inList = (page: Page, text: string) =>
  page.getByRole("list", { name: "Chats" }).getByRole("listitem").filter({ hasText: text });

/** The chat that a page has come to. */
async function chatOn(page: Page): Promise<Chat> {
  await expect(page).toHaveURL(/\/chats\/[^/]+$/);
  return { id: page.url().split("/").at(-1) } as Chat;
}

/** What a page uploads waits until it is released. */
async function heldUploads(page: Page): Promise<{ release: () => Promise<void> }> {
  let open = () => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  const elsewhere = (url: URL) => url.origin !== new URL(page.url()).origin;
  await page.route(elsewhere, async (route) => {
    if (route.request().method() === "PUT") await opened;
    await route.continue();
  });
  return {
    async release() {
      open();
      await page.unroute(elsewhere);
    },
  };
}
