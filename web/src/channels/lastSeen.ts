import type { Person } from "@/realtime/realtime";
import { formatRelative, isNow } from "@/ui";

/** What is told of whether somebody is there: a text's name, and when that was. */
export interface Seen {
  text: "online" | "lastSeen" | "lastSeenNow";
  when: string;
}

/** `null` where nothing is told: they do not show it, or their account is deleted. */
export function lastSeen({ online, lastSeen, deleted }: Person): Seen | null {
  if (deleted) return null;
  if (online) return { text: "online", when: "" };
  if (lastSeen === null) return null;
  return { text: isNow(lastSeen) ? "lastSeenNow" : "lastSeen", when: formatRelative(lastSeen) };
}
