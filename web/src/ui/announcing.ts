/** What is said to those who hear the page, without a place of its own on it. <Announcements/> holds the live regions. */
import { createStore } from "zustand/vanilla";

export const announcements = createStore<{ polite: string; assertive: string }>(() => ({
  polite: "",
  assertive: "",
}));

/** A no-break space at the end makes a text that is said twice a different one: otherwise the second would not be heard. */
const again = (text: string, before: string) => (text === before ? `${text}\u00a0` : text);

/** Says `text` when there is a pause, or at once if it is `urgent`. */
export function announce(text: string, { urgent = false }: { urgent?: boolean } = {}): void {
  announcements.setState((state) =>
    urgent ? { assertive: again(text, state.assertive) } : { polite: again(text, state.polite) },
  );
}
