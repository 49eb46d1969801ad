import { type Catalogue, type Language, languageOf } from '../../src/base/language.ts'

/** The language of this page: of its address (`?lang=zh`), else the browser's. */
export const language: Language = languageOf(
  new URLSearchParams(location.search).get('lang') ?? undefined,
  navigator.language,
)

/** The tag of the language, for the `lang` attribute and for numbers and dates. */
export const languageTag = language === 'zh' ? 'zh-CN' : 'en'

/** The locale of dates: the browser's own where it is of the page's language. */
export const dateLocale = languageOf(navigator.language) === language ? navigator.language : languageTag

type Texts = Readonly<Record<string, unknown>>

/**
 * Texts of this page, which may have several catalogues. Elements that name one of them get it: `data-text` as their content, `data-label` as their accessible
 * name, `data-hint` as their placeholder, `data-tip` as their title.
 */
export function pageTexts<T extends Texts>(catalogue: Catalogue<T>): T {
  const texts = catalogue[language]
  document.documentElement.lang = languageTag
  const each = (name: string, write: (element: HTMLElement, text: string) => void) => {
    for (const element of document.querySelectorAll<HTMLElement>(`[data-${name}]`)) {
      const text = texts[element.dataset[name]!]
      if (text !== undefined) write(element, String(text))
    }
  }
  each('text', (element, text) => {
    element.textContent = text
  })
  each('label', (element, text) => {
    element.ariaLabel = text
  })
  each('hint', (element, text) => element.setAttribute('placeholder', text))
  each('tip', (element, text) => {
    element.title = text
  })
  return texts
}
