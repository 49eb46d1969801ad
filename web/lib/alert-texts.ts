import type { AlertName } from '../../src/control/alerts.ts'
import { pageTexts } from './language.ts'

interface AlertTexts {
  readonly [key: string]: unknown
  readonly alert: Readonly<Record<AlertName, string>>
  readonly since: (time: string) => string
}

const en: AlertTexts = {
  alert: {
    ConcertinaMessagesRejected: 'Messages are rejected: clients try again',
    ConcertinaSlow: 'One message in a hundred takes over half a second',
    ConcertinaAtMaxServers: 'The policy desires more servers than are allowed',
    ConcertinaServersFail: 'Servers fail again and again',
  },
  since: (time) => `since ${time}`,
}

const zh: AlertTexts = {
  alert: {
    ConcertinaMessagesRejected: '有消息被拒绝：客户端会重试',
    ConcertinaSlow: '百分之一的消息耗时超过半秒',
    ConcertinaAtMaxServers: '策略想要的服务器超过上限',
    ConcertinaServersFail: '服务器反复失败',
  },
  since: (time) => `自 ${time} 起`,
}

const texts = pageTexts({ en, zh })

/**
 * A list item for an alert.
 * @param name one that another version of a fleet may have is shown as it is
 * @param since when it began to hold; empty when that is not known
 */
export function alertItem(name: string, since: string): HTMLLIElement {
  const item = document.createElement('li')
  const words = texts.alert[name as AlertName] ?? name
  item.textContent = since === '' ? words : `${words}, ${texts.since(since)}`
  item.title = name
  return item
}
