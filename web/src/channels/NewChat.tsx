export function NewChat() {
  return null;
}
