/** Joining the topic `me`: what is told of what is known here, and what the answer makes of it. Pure. */
import type { JoinAnswer, JoinBody, MessageView, Timestamp } from "@/types/socket";
import { type ChatRecord, listed, withMessage, withSynced } from "../chats/record";
import type { ChatId, UserId } from "../realtime";

/** Of a frame's 64 KiB. Of chats that do not fit nothing is told; their further pages are asked for by what is known here all the same. */
const MOST_KNOWN_BYTES = 48_000;
/** Changes of one chat that are brought by catching up. Of a chat in which more has happened the newest messages are read anew. */
export const LONGEST_GAP = 2_000;

export function joinBody(records: Iterable<ChatRecord>, since: Timestamp | null): JoinBody {
  const known: Record<ChatId, number> = {};
  const newestFirst = [...records].sort((a, b) => activity(b).localeCompare(activity(a)));
  let bytes = 0;
  for (const { id, synced } of newestFirst) {
    bytes += id.length + 24;
    if (bytes > MOST_KNOWN_BYTES) break;
    known[id] = synced;
  }
  const body: JoinBody = { known };
  if (since !== null) body.since = since;
  // A device that knows nothing would be given the oldest messages.
  if (newestFirst.length === 0) body.limit = 0;
  return body;
}

const activity = ({ view }: ChatRecord) => view.last_message?.created_at ?? view.created_at;

export interface Joined {
  chats: ChatRecord[];
  messages: Map<ChatId, MessageView[]>;
  removed: ChatId[];
  /** Chats whose messages here are not brought up to date any more. */
  reset: ChatId[];
  /** Chats that have further pages after their `synced`. */
  further: ChatId[];
}

/** @param known what the join told */
export function joined(
  records: ReadonlyMap<ChatId, ChatRecord>,
  known: Readonly<Record<ChatId, number>>,
  answer: JoinAnswer,
  ownId: UserId,
): Joined {
  const result: Joined = { chats: [], messages: new Map(), removed: [], reset: [], further: [] };
  const listedIds = new Set(answer.chats.map((view) => view.id));
  const gone = new Set(answer.removed);
  // What was not told as known is listed whatever its state, if it is there at all.
  for (const id of records.keys())
    if (gone.has(id) || (known[id] === undefined && !listedIds.has(id))) result.removed.push(id);
  const more = new Set(answer.more);
  const messages = new Map<ChatId, MessageView[]>();
  for (const message of answer.messages)
    messages.set(message.chat_id, [...(messages.get(message.chat_id) ?? []), message]);
  for (const view of answer.chats) {
    const there = records.get(view.id);
    const came = messages.get(view.id) ?? [];
    let record = listed(there, view, ownId);
    if (!more.has(view.id)) {
      record = withSynced(record, view.rev);
      if (came.length > 0) result.messages.set(view.id, came);
    } else if (there !== undefined && view.rev - there.synced <= LONGEST_GAP) {
      if (known[view.id] === there.synced) {
        record = came.reduce((each, message) => withSynced(each, message.rev), record);
        result.messages.set(view.id, came);
      }
      result.further.push(view.id);
    } else {
      record = withSynced(record, view.rev);
      result.reset.push(view.id);
    }
    for (const message of result.messages.get(view.id) ?? []) record = withMessage(record, message, ownId);
    result.chats.push(record);
  }
  return result;
}
