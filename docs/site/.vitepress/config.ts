import { CONTENTS, pageOf, translationOf } from '../contents.ts'
import { slug } from '../slug.ts'

const link = (file: string) =>
  `/${pageOf(file)
    .replace(/index\.md$/, '')
    .replace(/\.md$/, '')}`
const external = (text: string) => [{ text, link: '/api/index.html', target: '_self' }]

const english = CONTENTS.map(({ en: text, pages }) => ({
  text,
  items: pages.map(({ file, en }) => ({ text: en, link: link(file) })),
}))
/** In Chinese what has no translation yet is in English, and says so. */
const chinese = CONTENTS.map(({ zh: text, pages }) => ({
  text,
  items: pages.map(({ file, en, zh }) =>
    zh ? { text: zh, link: link(translationOf(file)) } : { text: `${en} (English)`, link: link(file) },
  ),
}))

const searchInChinese = {
  button: { buttonText: '搜索', buttonAriaLabel: '搜索' },
  modal: {
    displayDetails: '显示详情',
    resetButtonTitle: '清除',
    backButtonTitle: '关闭',
    noResultsText: '没有结果：',
    footer: {
      selectText: '选择',
      selectKeyAriaLabel: '回车',
      navigateText: '移动',
      navigateUpKeyAriaLabel: '向上',
      navigateDownKeyAriaLabel: '向下',
      closeText: '关闭',
      closeKeyAriaLabel: 'Esc',
    },
  },
}

/** Chinese is written without spaces: each of its characters is a word of the index. */
const words = (text: string) => text.toLowerCase().match(/\p{Script=Han}|[\p{L}\p{N}_-]+/gu) ?? []

interface Markdown {
  readonly renderer: {
    readonly rules: Record<string, (tokens: readonly { readonly content: string }[], at: number) => string>
  }
}

/** Where a line of Chinese ends in the source there is no space on the page. */
function joinLines({ renderer }: Markdown): void {
  renderer.rules.softbreak = (tokens, at) =>
    /[\u3000-\u9fff\uff00-\uffef]$/.test(tokens[at - 1]?.content ?? '') ? '' : '\n'
}

export default {
  srcDir: 'pages',
  outDir: 'dist',
  title: 'Concertina',
  description: 'Chat that scales itself',
  head: [['link', { rel: 'icon', href: 'data:,' }]],
  markdown: { anchor: { slugify: slug }, toc: { slugify: slug }, config: joinLines },
  locales: {
    root: {
      label: 'English',
      lang: 'en',
      themeConfig: { nav: external('API reference'), sidebar: english },
    },
    zh: {
      label: '简体中文',
      lang: 'zh-CN',
      description: '会自己伸缩的聊天服务',
      themeConfig: {
        nav: external('API 参考（英文）'),
        sidebar: chinese,
        outline: { label: '本页内容', level: [2, 3] },
        docFooter: { prev: '上一页', next: '下一页' },
        darkModeSwitchLabel: '外观',
        lightModeSwitchTitle: '切换到浅色',
        darkModeSwitchTitle: '切换到深色',
        sidebarMenuLabel: '目录',
        returnToTopLabel: '回到顶部',
        langMenuLabel: '语言',
        skipToContentLabel: '跳到正文',
      },
    },
  },
  themeConfig: {
    outline: [2, 3],
    search: {
      provider: 'local',
      options: {
        locales: { zh: { translations: searchInChinese } },
        miniSearch: { options: { tokenize: words } },
      },
    },
  },
}
