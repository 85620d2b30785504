/**
 * A notification's words, for a service worker as for a page: i18next and its loading of texts are of no use to a worker that lives for a
 * second, so the few texts are built in and plural forms chosen by what the browser knows of the language.
 */

import type { Language } from "@/i18n";
import { notice as ar } from "@/i18n/ar/channels.json";
import { notice as en } from "@/i18n/en/channels.json";
import type { NoticeWords } from "./notice";

type Texts = Readonly<Record<string, string>>;

const TEXTS: Readonly<Record<Language, Texts>> = { en, ar };

export function noticeWords(language: Language): NoticeWords {
  const texts = TEXTS[language];
  const plural = new Intl.PluralRules(language);
  const number = new Intl.NumberFormat(language);
  return {
    somewhere: texts.somewhere ?? "",
    count: (count) =>
      (texts[`count_${plural.select(count)}`] ?? texts.count_other ?? "").replace(
        "{{count}}",
        number.format(count),
      ),
    kind: (kind) => texts[`kind_${kind}`] ?? null,
  };
}
