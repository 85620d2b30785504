export function LiveLocationBanner(_: { chatId: string }) {
  return null;
}
