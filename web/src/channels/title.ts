/** What a group or channel may be called; the server has the last word. */
export const MAX_TITLE = 128;

export function titleProblem(title: string): "missing" | "tooLong" | null {
  const letters = Array.from(title.trim()).length;
  if (letters === 0) return "missing";
  return letters > MAX_TITLE ? "tooLong" : null;
}
