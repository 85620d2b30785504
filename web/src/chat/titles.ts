import type { Chat, Person } from "@/realtime/realtime";

/** What a chat is called, from what is known now: for finding it. Components that show it use `useChatTitle`, which asks for the person. */
export function titleOf(chat: Chat, people: ReadonlyMap<string, Person>): string {
  return chat.type === "direct" ? (people.get(chat.peer_id ?? "")?.name ?? "") : chat.title;
}
