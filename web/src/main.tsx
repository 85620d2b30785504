import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import "@/ui/tokens.css";
import "@/ui/base.css";
import { App, preload } from "@/app/App";
import { applyAppearance } from "@/app/appearance";
import { keepAboveKeyboard } from "@/app/keyboard";
import { startTranslations } from "@/i18n";
import { registerServiceWorker } from "@/push";

const root = document.getElementById("root");
if (root === null) throw new Error("the page has no root");
applyAppearance();
keepAboveKeyboard();
await Promise.all([startTranslations(), preload()]);
createRoot(root).render(
  <StrictMode>
    <App />
  </StrictMode>,
);
registerServiceWorker();
