/** The languages of pages, reports and the demonstration. */
export const LANGUAGES = ['en', 'zh'] as const

export type Language = (typeof LANGUAGES)[number]

/**
 * The language that a tag or a locale names (`zh-CN`, `zh_CN.UTF-8`); English for any other.
 * @param wishes the first that is not empty counts
 */
export function languageOf(...wishes: readonly (string | undefined)[]): Language {
  const wish = wishes.find((each) => each !== undefined && each !== '') ?? ''
  return LANGUAGES.find((each) => new RegExp(`^${each}\\b|^${each}_`, 'i').test(wish)) ?? 'en'
}

/** The language of the environment that a program was started in. */
export function environmentLanguage(
  { LC_ALL, LC_MESSAGES, LANG }: NodeJS.ProcessEnv = process.env,
): Language {
  return languageOf(LC_ALL, LC_MESSAGES, LANG)
}

/** The same texts in every language: a key that one of them misses does not compile. */
export type Catalogue<T> = Readonly<Record<Language, T>>
