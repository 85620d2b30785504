import { useEffect } from "react";
import { useTranslation } from "react-i18next";
import { isLanguage } from "@/i18n";
import { useRealtime } from "@/store/context";

/** Notifications of whoever is signed in: once, at the top of what needs a session. It comes after the first screen, which does not need it. */
export function useNotifications(): void {
  const client = useRealtime();
  const { i18n } = useTranslation("app");
  const language = isLanguage(i18n.language) ? i18n.language : "en";
  useEffect(() => afterwards(({ startNotifications }) => startNotifications(client)), [client]);
  useEffect(() => afterwards(({ keepShownAs }) => keepShownAs(language)), [language]);
}

function afterwards(start: (session: typeof import("./session")) => () => void): () => void {
  let end: (() => void) | null = null;
  let over = false;
  import("./session").then(
    (session) => {
      if (!over) end = start(session);
    },
    // This version's files are gone from the server: the page says so with the next part of it that is asked for.
    () => undefined,
  );
  return () => {
    over = true;
    end?.();
  };
}
