/** Lines are cut and nodes are killed in the middle of a conversation: nothing is lost, nothing comes twice, and both see it in the one order. */
import { expect, killNode, type Message, nodeReady, type Person, type Talk, test } from "./harness/test";

/** High enough that every message is on the screen at once. */
const HIGH = { width: 1280, height: 3600 };
const SAID = /(ada|bob)-\d\d/;

test("one loses the network, and the other's node is killed", async ({ person, trouble }) => {
  test.slow();
  trouble.allowLostConnections();
  const [ada, bob] = await Promise.all([
    person("Ada", { viewport: HIGH, ownLine: true }),
    person("Bob", { viewport: HIGH }),
  ]);
  const chat = await ada.directChat(bob);
  const [adas, bobs] = await Promise.all([ada.openChat(chat), bob.openChat(chat)]);
  const speak = speaker();
  await speak(adas, "ada", 3);
  await speak(bobs, "bob", 3);
  await expect(adas.message("bob-03")).toBeVisible();

  await ada.loseNetwork();
  await speak(adas, "ada", 4);
  await speak(bobs, "bob", 2);
  killNode(1);
  await speak(bobs, "bob", 4);
  await nodeReady(1);
  killNode(2); // whichever of them it was, Bob's has died by now
  await speak(bobs, "bob", 4);
  await expect(adas.message("bob-04")).toHaveCount(0);
  await ada.regainNetwork();
  await speak(adas, "ada", 3);
  await nodeReady(2);
  await speak(bobs, "bob", 2);
  await agree(ada, chat.id, [adas, bobs], { ada: 10, bob: 15 });

  // The same again, for those who come anew.
  await Promise.all([ada.page.reload(), bob.page.reload()]);
  await agree(ada, chat.id, [adas, bobs], { ada: 10, bob: 15 });
});

test("both nodes die at once, and both people write on", async ({ person, trouble }) => {
  test.slow();
  trouble.allowLostConnections();
  const [ada, bob] = await Promise.all([
    person("Ada", { viewport: HIGH }),
    person("Bob", { viewport: HIGH }),
  ]);
  const chat = await ada.directChat(bob);
  const [adas, bobs] = await Promise.all([ada.openChat(chat), bob.openChat(chat)]);
  const speak = speaker();
  await speak(adas, "ada", 2);
  await expect(bobs.message("ada-02")).toBeVisible();
  killNode(1);
  killNode(2);
  await Promise.all([speak(adas, "ada", 4), speak(bobs, "bob", 4)]);
  await Promise.all([nodeReady(1), nodeReady(2)]);
  await agree(ada, chat.id, [adas, bobs], { ada: 6, bob: 4 });
});

test("what was written without a network is sent by the tab that is opened later", async ({
  person,
  trouble,
}) => {
  trouble.allowLostConnections();
  const [ada, bob] = await Promise.all([
    person("Ada", { viewport: HIGH }),
    person("Bob", { viewport: HIGH }),
  ]);
  const chat = await ada.directChat(bob);
  const [adas, bobs] = await Promise.all([ada.openChat(chat), bob.openChat(chat)]);
  const speak = speaker();
  await speak(adas, "ada", 1);
  await expect(bobs.message("ada-01")).toBeVisible();
  await ada.loseNetwork();
  await speak(adas, "ada", 3);
  await expect(adas.message("ada-04")).toBeVisible();
  await ada.page.close();
  await ada.regainNetwork();
  const page = await ada.context.newPage();
  await page.goto(ada.url);
  await expect(bobs.message("ada-04")).toBeVisible();
  await expect.poll(() => bobs.shown(SAID)).toEqual(["ada-01", "ada-02", "ada-03", "ada-04"]);
});

/** Counts what everybody says: ada-01, ada-02, ... */
function speaker(): (talk: Talk, who: string, count: number) => Promise<void> {
  const said = new Map<string, number>();
  return async (talk, who, count) => {
    for (let i = 0; i < count; i++) {
      const number = (said.get(who) ?? 0) + 1;
      said.set(who, number);
      await talk.say(`${who}-${String(number).padStart(2, "0")}`);
    }
  };
}

/** All is in the record, once, each one's in the order in which it was written; and the screens show what the record holds, in its order. */
async function agree(
  reader: Person,
  chatId: string,
  talks: readonly Talk[],
  said: Readonly<Record<string, number>>,
): Promise<void> {
  const record = async () => {
    const page = await reader.api<{ items: Message[] }>(
      "GET",
      `/chats/${chatId}/messages?after_seq=0&limit=200`,
    );
    return page.items.map(({ content }) => (content as { text: string }).text);
  };
  const total = Object.values(said).reduce((sum, count) => sum + count);
  await expect.poll(async () => (await record()).length, { timeout: 60_000 }).toBe(total);
  const texts = await record();
  for (const [who, count] of Object.entries(said)) {
    const own = Array.from({ length: count }, (_, i) => `${who}-${String(i + 1).padStart(2, "0")}`);
    expect(texts.filter((text) => text.startsWith(who))).toEqual(own);
  }
  for (const talk of talks) {
    await expect.poll(() => talk.shown(SAID), { timeout: 60_000 }).toEqual(texts);
    await expect(talk.page.getByText("Waiting to be sent")).toHaveCount(0);
  }
}
