/** What a device keeps is bounded: of each chat its newest messages, and of those that have long been silent fewer. */
import type { ChatRecord } from "../chats/record";
import type { Storage } from "./storage";

/** Messages kept of a chat. */
export const KEPT_PER_CHAT = 1_000;
/** Chats of which so many are kept; of all others `KEPT_OF_OTHERS`. */
const BUSY_CHATS = 200;
const KEPT_OF_OTHERS = 50;

export async function prune(storage: Storage, records: Iterable<ChatRecord>): Promise<void> {
  const newestFirst = [...records].sort((a, b) => activity(b).localeCompare(activity(a)));
  for (const [index, { id, view }] of newestFirst.entries()) {
    const keep = index < BUSY_CHATS ? KEPT_PER_CHAT : KEPT_OF_OTHERS;
    if (view.last_seq > keep) await storage.prune(id, keep);
  }
}

const activity = ({ view }: ChatRecord) => view.last_message?.created_at ?? view.created_at;
