import type { ReactNode } from "react";

/** Around somebody's picture: that they have stories. */
export function StoryRing({ children }: { userId: string; children: ReactNode }) {
  return children;
}
