export function StoryViewer(_: { userId: string }) {
  return null;
}
