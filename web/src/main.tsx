import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import "@/ui/tokens.css";
import "@/ui/base.css";
import { App } from "@/app/App";
import { startTranslations } from "@/i18n";

const root = document.getElementById("root");
if (root === null) throw new Error("the page has no root");
await startTranslations();
createRoot(root).render(
  <StrictMode>
    <App />
  </StrictMode>,
);
