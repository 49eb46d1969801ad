import { type KeysOf, requireKnown } from '../base/known-keys.ts'
import { within } from '../base/options.ts'
import { seededRng } from '../base/rng.ts'
import { Origins } from '../http/origin.ts'
import { checkAuthOptions } from './auth/options.ts'
import { hooksOf } from './hooks/http-hooks.ts'
import { type ChatOptions, chatLimits } from './options.ts'
import { checkNamespaces } from './rooms/namespaces.ts'
import { WorkSlots } from './session/work-slots.ts'

export const CHAT_KEYS: KeysOf<ChatOptions> = {
  auth: true,
  origins: true,
  limits: true,
  namespaces: true,
  hooks: true,
  work: true,
}

/**
 * Checks what chat servers will be made of, before any is started: a server process that cannot use its options only dies.
 * @throws {ConcertinaError} INVALID_INPUT, naming the option.
 */
export function checkChatOptions(options: ChatOptions): void {
  requireKnown('chat', options, CHAT_KEYS)
  const { auth, origins, limits, namespaces, hooks, work } = options
  if (auth !== undefined) checkAuthOptions(auth)
  new Origins(origins)
  within('limits', () => chatLimits(limits))
  checkNamespaces(namespaces)
  hooksOf(hooks)
  if (work !== undefined) new WorkSlots(work, seededRng(''))
}
