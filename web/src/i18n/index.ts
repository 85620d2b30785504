/**
 * Translations: a language is a folder, a subject a file in it. A subject's texts come with the first page of it that is shown.
 */
import i18next, { type i18n } from "i18next";
import { initReactI18next } from "react-i18next";

export const LANGUAGES = { en: "English", ar: "العربية" } as const;
export type Language = keyof typeof LANGUAGES;
export const SUBJECTS = ["app", "auth", "chat", "channels", "stories", "media", "settings"] as const;
export type Subject = (typeof SUBJECTS)[number];

const STORED = "language";
const files = import.meta.glob<Record<string, unknown>>("./{en,ar}/*.json", { import: "default" });

export function isLanguage(value: string | null | undefined): value is Language {
  return value !== null && value !== undefined && value in LANGUAGES;
}

/** The language that was chosen, or the first of the browser's that there is. */
export function preferredLanguage(): Language {
  const stored = localStorage.getItem(STORED);
  if (isLanguage(stored)) return stored;
  return navigator.languages.map((tag) => tag.split("-")[0]).find(isLanguage) ?? "en";
}

export async function setLanguage(language: Language): Promise<void> {
  localStorage.setItem(STORED, language);
  await i18next.changeLanguage(language);
}

function apply(language: string): void {
  document.documentElement.lang = language;
  document.documentElement.dir = i18next.dir(language);
}

export async function startTranslations(): Promise<i18n> {
  i18next.on("languageChanged", apply);
  i18next.use({
    type: "backend",
    init: () => undefined,
    read: (
      language: string,
      subject: string,
      done: (error: unknown, texts: Record<string, unknown> | null) => void,
    ) => {
      const load = files[`./${language}/${subject}.json`];
      if (load === undefined) done(new Error(`no texts for ${language}/${subject}`), null);
      else
        load().then(
          (texts) => done(null, texts),
          (error: unknown) => done(error, null),
        );
    },
  });
  await i18next.use(initReactI18next).init({
    lng: preferredLanguage(),
    fallbackLng: "en",
    supportedLngs: Object.keys(LANGUAGES),
    ns: ["app"],
    defaultNS: "app",
    interpolation: { escapeValue: false },
    react: { useSuspense: true },
    showSupportNotice: false,
  });
  return i18next;
}

/** Loads texts before what shows them. What failed is asked for again by whatever shows it. */
export async function loadTexts(...subjects: readonly Subject[]): Promise<void> {
  if (!i18next.isInitialized) await new Promise((resolve) => i18next.on("initialized", resolve));
  await i18next.loadNamespaces(subjects);
}
