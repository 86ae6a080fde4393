// The language of the pages, and tables of texts: one per part of the pages, each with the same entries in every
// language.
import { computed, effect, signal } from "@preact/signals";

export const LANGUAGES = ["en", "de"] as const;
export type Language = (typeof LANGUAGES)[number];
export const LANGUAGE_NAMES: Readonly<Record<Language, string>> = { en: "English", de: "Deutsch" };

const KEPT_AS = "hushwatt-language";

const isLanguage = (text: string | null | undefined): text is Language =>
  LANGUAGES.some((language) => language === text);

function firstLanguage(): Language {
  const kept = localStorage.getItem(KEPT_AS);
  if (isLanguage(kept)) return kept;
  const wished = navigator.languages.map((tag) => tag.split("-")[0]);
  return wished.find(isLanguage) ?? "en";
}

export const language = signal<Language>(firstLanguage());

/**
 * The person's own locale where it is one of the language: its numbers and dates differ from country to country.
 */
export const locale = computed(
  () =>
    navigator.languages.find((tag) => tag.split("-")[0] === language.value) ??
    { en: "en-IE", de: "de-DE" }[language.value],
);

export function chooseLanguage(chosen: Language): void {
  language.value = chosen;
  localStorage.setItem(KEPT_AS, chosen);
}

effect(() => {
  document.documentElement.lang = language.value;
});

/** A table of texts in every language; the result gives the one of now, and renders again when it changes. */
export function textTable<T extends object>(tables: { en: T; de: NoInfer<T> }): () => T {
  return () => tables[language.value];
}
