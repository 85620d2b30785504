/** What the interface offers to do; `docs/permissions.md` is the rule, and the server has the last word. */
import type { Chat } from "@/realtime/realtime";
import type { MessageView } from "@/types/socket";

type Standing = Pick<Chat, "type" | "my_role">;

const rules = ({ my_role }: Standing) => my_role === "owner" || my_role === "admin";

export const maySend = (chat: Standing): boolean => chat.type !== "channel" || rules(chat);

export const mayEdit = (chat: Standing, message: MessageView, me: string): boolean =>
  message.type === "text" && !message.deleted && message.sender_id === me && maySend(chat);

export const mayDelete = (chat: Standing, message: MessageView, me: string): boolean =>
  !message.deleted &&
  message.type !== "system" &&
  (message.sender_id === me || (chat.type !== "direct" && rules(chat)));

/** Who has received and read a message. */
export const maySeeReceipts = (chat: Standing, message: MessageView, me: string): boolean => {
  if (message.deleted || message.type === "system") return false;
  if (chat.type !== "direct" && rules(chat)) return true;
  return chat.type !== "channel" && message.sender_id === me;
};

export const mayLeave = (chat: Standing): boolean => chat.type !== "direct";
export const mayClose = (chat: Standing): boolean => chat.type !== "direct" && chat.my_role === "owner";
