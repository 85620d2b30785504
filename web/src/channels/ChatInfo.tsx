export function ChatInfo(_: { chatId: string; onClose: () => void }) {
  return null;
}
