/** An answer to a story, as a message that says by itself what it answers: the story is gone tomorrow. */
import type { StoryView } from "@/types/socket";

const MOST = 120;
const SIGNS = { image: "📷", video: "🎥", text: "💬" } as const;

/** In no language, because it is read in another's. */
export function quoted(story: StoryView, answer: string): string {
  const { text, caption } = story.content as Record<string, unknown>;
  const words = [text, caption].find((value) => typeof value === "string" && value !== "") as
    | string
    | undefined;
  const line = words?.replace(/\s+/gu, " ").trim() ?? "";
  const characters = [...line];
  const short = characters.length > MOST ? `${characters.slice(0, MOST - 1).join("")}…` : line;
  return `${[SIGNS[story.type], short && `“${short}”`].filter(Boolean).join(" ")}\n${answer}`;
}
