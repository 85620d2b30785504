/** What people say while lines are cut and nodes die, and whether all of it has arrived. */
import { expect } from "@playwright/test";
import type { Message, Person } from "./people";
import type { Talk } from "./talk";

const SAID = /(ada|bob|nora)-\d\d/;

/** Counts what everybody says: ada-01, ada-02, ... */
export function speaker(): (talk: Talk, who: string, count: number) => Promise<void> {
  const said = new Map<string, number>();
  return async (talk, who, count) => {
    for (let i = 0; i < count; i++) {
      const number = (said.get(who) ?? 0) + 1;
      said.set(who, number);
      await talk.say(`${who}-${String(number).padStart(2, "0")}`);
    }
  };
}

/** The texts of this kind that a screen shows, from the top to the bottom. */
export const spoken = (talk: Talk): Promise<string[]> => talk.shown(SAID);

/** All is in the record, once, each one's in the order in which it was written; and the screens show what the record holds, in its order. */
export async function expectAgreement(
  reader: Person,
  chatId: string,
  talks: readonly Talk[],
  said: Readonly<Record<string, number>>,
): Promise<void> {
  const record = async () => {
    const path = `/chats/${chatId}/messages?after_seq=0&limit=200`;
    const { items } = await reader.api<{ items: Message[] }>("GET", path);
    return items.flatMap(({ content }) => (content as { text?: string }).text?.match(SAID)?.[0] ?? []);
  };
  const total = Object.values(said).reduce((sum, count) => sum + count);
  await expect.poll(async () => (await record()).length, { timeout: 60_000 }).toBe(total);
  const texts = await record();
  for (const [who, count] of Object.entries(said)) {
    const own = Array.from({ length: count }, (_, i) => `${who}-${String(i + 1).padStart(2, "0")}`);
    expect(texts.filter((text) => text.startsWith(who))).toEqual(own);
  }
  for (const talk of talks) {
    await expect.poll(() => spoken(talk), { timeout: 60_000 }).toEqual(texts);
    await expect(talk.page.getByText("Waiting to be sent")).toHaveCount(0);
  }
}
