/** What outlives a message on the screen. Once, wherever somebody is signed in. */
export function MediaHost() {
  return null;
}
