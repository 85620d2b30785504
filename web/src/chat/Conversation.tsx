export function Conversation(_: { chatId: string }) {
  return null;
}
