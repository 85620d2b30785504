import { describe, expect, test } from "vitest";
import { PROBLEMS } from "@/ui/problem";
import { LANGUAGES, SUBJECTS } from ".";

type Texts = { [key: string]: string | Texts };

const files = import.meta.glob<Texts>("./*/*.json", { import: "default", eager: true });
const PLURAL = /_(zero|one|two|few|many|other)$/;

function flat(texts: Texts, before = ""): Map<string, string> {
  return new Map(
    Object.entries(texts).flatMap(([key, value]) =>
      typeof value === "string"
        ? [[`${before}${key}`, value] as const]
        : [...flat(value, `${before}${key}.`)],
    ),
  );
}

function texts(language: string, subject: string): Map<string, string> {
  const file = files[`./${language}/${subject}.json`];
  if (file === undefined) throw new Error(`no ${language}/${subject}.json`);
  return flat(file);
}

const single = (keys: Iterable<string>) => new Set([...keys].map((key) => key.replace(PLURAL, "_n")));
const values = (text: string) => new Set([...text.matchAll(/\{\{\s*(\w+)/g)].map((match) => match[1]));

describe.each(SUBJECTS)("the texts of %s", (subject) => {
  test("are the same in both languages", () => {
    expect([...single(texts("ar", subject).keys())].sort()).toEqual(
      [...single(texts("en", subject).keys())].sort(),
    );
  });

  test.each(Object.keys(LANGUAGES))("have every plural form of %s", (language) => {
    const forms = new Intl.PluralRules(language).resolvedOptions().pluralCategories;
    const keys = [...texts(language, subject).keys()];
    const missing = keys
      .filter((key) => PLURAL.test(key))
      .flatMap((key) => forms.map((form) => key.replace(PLURAL, `_${form}`)))
      .filter((key) => !keys.includes(key));
    expect([...new Set(missing)]).toEqual([]);
  });

  test("name nothing that the other language does not know", () => {
    const english = texts("en", subject);
    const wrong = [...texts("ar", subject)].filter(([key, text]) => {
      const original = english.get(key) ?? english.get(key.replace(PLURAL, "_other")) ?? "";
      return [...values(text)].some((value) => !values(original).has(value));
    });
    expect(wrong).toEqual([]);
  });

  test.each(Object.keys(LANGUAGES))("are never empty in %s", (language) => {
    expect([...texts(language, subject)].filter(([, text]) => text.trim() === "")).toEqual([]);
  });
});

test.each(Object.keys(LANGUAGES))("every problem has its words in %s", (language) => {
  const keys = texts(language, "app");
  expect(PROBLEMS.filter((problem) => !keys.has(`errors.${problem}`))).toEqual([]);
});
