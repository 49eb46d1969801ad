import { invalidInput, shown } from '../../base/errors.ts'
import { inTime } from '../../base/in-time.ts'
import { type KeysOf, requireKnown } from '../../base/known-keys.ts'
import { Rejection } from '../session/rejection.ts'

/** A message before it is in the log. */
export interface PendingMessage {
  readonly room: string
  readonly user: string
  readonly id: string
  readonly body: string
}

/**
 * What an app decides about requests that the chat itself would carry out. Each allows by returning, and rejects by throwing: of a
 * `Rejected` the message is what the user's client gets; any other error, or no answer within 10 seconds, means that the app could
 * not decide, and the client may retry.
 */
export interface ChatHooks {
  /** Called when a user joins a room for which the token is good; also after each reconnect. */
  beforeJoin?(join: { readonly room: string; readonly user: string }): Promise<void> | void
  /** Called for each message in the order of the user's connection; a string replaces the body. */
  beforeMessage?(message: PendingMessage): Promise<string | undefined> | string | undefined
}

const KEYS: KeysOf<ChatHooks> = { beforeJoin: true, beforeMessage: true }

/**
 * The hooks themselves: a misspelt one would allow everything. An object of a class may have more than its hooks.
 * @throws {ConcertinaError} INVALID_INPUT, naming what is not a hook.
 */
export function checkedHooks(hooks: ChatHooks): ChatHooks {
  if (typeof hooks !== 'object' || hooks === null)
    throw invalidInput(
      'hooks',
      `${shown(hooks)} is not allowed`,
      'an object with functions, or with url and secret',
    )
  if (Object.getPrototypeOf(hooks) === Object.prototype) requireKnown('hooks', hooks, KEYS)
  const names = Object.keys(KEYS) as (keyof ChatHooks)[]
  for (const name of names) {
    const hook: unknown = hooks[name]
    if (hook !== undefined && typeof hook !== 'function')
      throw invalidInput(`hooks.${name}`, `${shown(hook)} is not allowed`, 'a function')
  }
  if (names.some((name) => hooks[name])) return hooks
  throw invalidInput('hooks', 'there is no hook', names.join(', '))
}

/** Thrown by a hook: the request is not allowed. */
export class Rejected extends Error {
  override readonly name = 'Rejected'
}

/** Milliseconds after which a request may be tried again when a hook could not decide. */
const RETRY_MS = 1000

/** Milliseconds that a hook has to decide. */
const DECIDE_MS = 10_000

/**
 * What a hook decides.
 * @param onFailure called when it could not, or not in time
 * @throws {Rejection}
 */
export async function decide<T>(
  ask: () => Promise<T> | T,
  onFailure: (error: unknown) => void,
): Promise<Awaited<T>> {
  try {
    return await inTime((async () => ask())(), DECIDE_MS)
  } catch (error) {
    if (error instanceof Rejected) throw new Rejection('forbidden', error.message)
    onFailure(error)
    throw new Rejection('overloaded', 'whether this is allowed is not known now', RETRY_MS)
  }
}
