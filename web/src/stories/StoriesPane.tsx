export function StoriesPane() {
  return null;
}
