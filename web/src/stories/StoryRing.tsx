import { navigate } from "wouter/use-browser-location";
import { Ring } from "./Ring";
import styles from "./StoryRing.module.css";
import { useSeenOf } from "./useStories";
import { watchingOver } from "./watching";

/** Somebody's avatar, ringed while they tell stories; then a press shows these over what is on the page. */
export function StoryRing({
  userId,
  label,
  reachable = true,
  children,
}: {
  userId: string;
  /** What a press does, in words. */
  label: string;
  /** Whether the keyboard stops at it: not in lists, whose menus offer the same. */
  reachable?: boolean;
  children: React.ReactNode;
}) {
  const seen = useSeenOf(userId);
  if (seen.length === 0) return children;
  return (
    <button
      type="button"
      className={styles.button}
      aria-label={label}
      title={label}
      tabIndex={reachable ? 0 : -1}
      onClick={() => watch(userId)}
    >
      <Ring seen={seen}>{children}</Ring>
    </button>
  );
}

export function watch(userId: string): void {
  navigate(watchingOver(window.location, userId));
}
