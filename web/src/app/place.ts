/** What an address shows. The one list of the addresses there are. */

export type Place =
  | { at: "chats" }
  | { at: "chat"; chatId: string; info: false | "main" | "media" }
  | { at: "new" }
  | { at: "stories"; userId: string | null }
  | { at: "settings"; page: string | null }
  | { at: "invite"; token: string }
  | { at: "sign-in" }
  | { at: "sign-up" }
  | { at: "nowhere" };

/** Which kinds of new chat `NewChat` reads off the address. */
const NEW = new Set([undefined, "group", "channel"]);

/** The address of a chat. */
export const chatPath = (chatId: string): string => `/chats/${encodeURIComponent(chatId)}`;

/** The address of what is told about a chat beside it. */
export const chatInfoPath = (chatId: string): string => `${chatPath(chatId)}/info`;

/** The address of all that was shown in a chat. */
export const chatMediaPath = (chatId: string): string => `${chatInfoPath(chatId)}/media`;

export function placeOf(path: string): Place {
  const parts = path.split("/").filter((part) => part !== "");
  const [section, raw, rest, last] = parts;
  const one = decoded(raw);
  if (parts.length > 4 || one === null) return { at: "nowhere" };
  if (section === undefined) return { at: "chats" };
  if (section === "chats" && one !== undefined) {
    const info = infoOf(rest, last);
    return info === null ? { at: "nowhere" } : { at: "chat", chatId: one, info };
  }
  if (rest !== undefined) return { at: "nowhere" };
  if (section === "new" && NEW.has(one)) return { at: "new" };
  if (section === "stories") return { at: "stories", userId: one ?? null };
  if (section === "settings") return { at: "settings", page: one ?? null };
  if (section === "invite" && one !== undefined) return { at: "invite", token: one };
  if (section === "signin" && one === undefined) return { at: "sign-in" };
  if (section === "signup" && one === undefined) return { at: "sign-up" };
  return { at: "nowhere" };
}

/** What is beside a chat, by what follows it in the address; `null` if that is nothing. */
function infoOf(rest: string | undefined, last: string | undefined): false | "main" | "media" | null {
  if (rest === undefined) return false;
  if (rest !== "info") return null;
  if (last === undefined) return "main";
  return last === "media" ? last : null;
}

/** `null` for what nobody has written on purpose: a `%` that encodes nothing. */
function decoded(part: string | undefined): string | undefined | null {
  try {
    return part === undefined ? undefined : decodeURIComponent(part);
  } catch {
    return null;
  }
}

/** Where to go after signing in: an address of this page, and not that of signing in itself. */
export function placeAfter(next: string | null): string {
  if (next === null || !next.startsWith("/") || next.startsWith("//") || next.includes("\\")) return "/";
  const { at } = placeOf(next.split(/[?#]/)[0] ?? "/");
  return at === "sign-in" || at === "sign-up" || at === "nowhere" ? "/" : next;
}
