/** The real texts, for tests that look for what people see. */
import i18next from "i18next";
import { type Language, SUBJECTS, startTranslations } from "@/i18n";

/** Has every text of a language; call it in `beforeAll`. */
export async function useLanguage(language: Language = "en"): Promise<void> {
  localStorage.setItem("language", language);
  if (!i18next.isInitialized) await startTranslations();
  await i18next.changeLanguage(language);
  await i18next.loadNamespaces(SUBJECTS);
}
