import { useStore } from "zustand";
import { announcements } from "./announcing";

/** The live regions. Once, at the root, there before anything is said. */
export function Announcements() {
  const { polite, assertive } = useStore(announcements);
  return (
    <div className="visually-hidden">
      <div aria-live="polite" aria-atomic="true">
        {polite}
      </div>
      <div aria-live="assertive" aria-atomic="true">
        {assertive}
      </div>
    </div>
  );
}
