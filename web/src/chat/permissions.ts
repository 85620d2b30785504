/** What the interface offers to do with messages and chats: the rules of `channels/permissions`, and whose message it is. */
import { type ChatAction, may } from "@/channels/permissions";
import type { Chat } from "@/realtime/realtime";
import type { MessageView } from "@/types/socket";

type Standing = Pick<Chat, "type" | "my_role">;

const allows = (chat: Standing, action: ChatAction): boolean => may(action, chat.type, chat.my_role);

export const maySend = (chat: Standing): boolean => allows(chat, "send");

/** Not what is passed on: it stays as another has written it. */
export const mayEdit = (chat: Standing, message: MessageView, me: string): boolean =>
  message.type === "text" &&
  !message.deleted &&
  !message.forwarded &&
  message.sender_id === me &&
  maySend(chat);

export const mayDelete = (chat: Standing, message: MessageView, me: string): boolean =>
  !message.deleted && message.type !== "system" && (message.sender_id === me || allows(chat, "delete_other"));

/** Who has received and read a message. In a direct chat one's own only are of interest: the other's has been received by being here. */
export const maySeeReceipts = (chat: Standing, message: MessageView, me: string): boolean => {
  if (message.deleted || message.type === "system") return false;
  if (message.sender_id === me) return allows(chat, "receipts_own");
  return chat.type !== "direct" && allows(chat, "receipts_other");
};

export const mayLeave = (chat: Standing): boolean => allows(chat, "leave");
export const mayClose = (chat: Standing): boolean => allows(chat, "delete_chat");
