/** Lines are cut and nodes are killed in the middle of a conversation: nothing is lost, nothing comes twice, and both see it in the one order. */
import { expectAgreement, speaker, spoken } from "./harness/speech";
import { expect, killNode, nodeReady, test } from "./harness/test";

/** High enough that every message is on the screen at once. */
const HIGH = { width: 1280, height: 3600 };

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
  await expectAgreement(ada, chat.id, [adas, bobs], { ada: 6, bob: 4 });
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
  await expect.poll(() => spoken(bobs)).toEqual(["ada-01", "ada-02", "ada-03", "ada-04"]);
});
