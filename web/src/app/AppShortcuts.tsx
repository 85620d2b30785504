import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { useLocation } from "wouter";
import { Boundary } from "./Boundary";
import { lazily } from "./lazily";
import { dispatchShortcut, useShortcut } from "./shortcuts";

const ShortcutsDialog = lazily(() => import("./ShortcutsDialog").then((module) => module.ShortcutsDialog));

/** The keys that go from one section to another, and the one that lists them all. */
export function AppShortcuts() {
  const { t } = useTranslation("app");
  const [, go] = useLocation();
  const [shown, setShown] = useState(false);
  useEffect(() => {
    const pressed = (event: KeyboardEvent) => dispatchShortcut(event);
    document.addEventListener("keydown", pressed);
    return () => document.removeEventListener("keydown", pressed);
  }, []);
  useShortcut("alt+shift+c", t("shortcuts.chats"), () => go("/"));
  useShortcut("alt+shift+s", t("shortcuts.stories"), () => go("/stories"));
  useShortcut("alt+shift+p", t("shortcuts.settings"), () => go("/settings"));
  useShortcut("alt+shift+n", t("shortcuts.new"), () => go("/new"));
  useShortcut("mod+/", t("shortcuts.help"), () => setShown(true));
  useShortcut("?", t("shortcuts.help"), () => setShown(true));
  if (!shown) return null;
  return (
    <Boundary waiting={null}>
      <ShortcutsDialog onClose={() => setShown(false)} />
    </Boundary>
  );
}
