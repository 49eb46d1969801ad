import { ConcertinaError } from '../base/errors.ts'
import type { Logger } from '../base/logger.ts'
import type { CheckedConfig, ConfiguredOptions } from './config/config.ts'

/** Keys of the config whose values differ, such as `live.limits.maxRooms`. */
function changedKeys(before: unknown, after: unknown, path = ''): string[] {
  if (!isMap(before) || !isMap(after)) return JSON.stringify(before) === JSON.stringify(after) ? [] : [path]
  const names = new Set([...Object.keys(before), ...Object.keys(after)])
  return [...names].flatMap((name) =>
    changedKeys(
      before[name] ?? absentLike(after[name]),
      after[name] ?? absentLike(before[name]),
      path === '' ? name : `${path}.${name}`,
    ),
  )
}

const isMap = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** A map that is missing is one without keys. */
const absentLike = (value: unknown) => (isMap(value) ? {} : undefined)

export interface ReloadOptions {
  /** The config that the process began with, and its file. */
  readonly file: string | undefined
  readonly started: CheckedConfig
  /** Whether a key can change without a restart. */
  isLive(key: string): boolean
  /** Applies what changed. @throws {ConcertinaError} INVALID_INPUT; nothing may have changed then */
  apply(options: ConfiguredOptions, changed: readonly string[]): void
  /** What else is opened again, such as the access log. */
  reopen?: (() => Promise<void>) | undefined
  readonly log: Logger
}

/**
 * Reads the config again at SIGUSR2. A file with a mistake changes nothing.
 * @returns the function that ends it
 */
export function reloadOnSignal({ file, started, isLive, apply, reopen, log }: ReloadOptions): () => void {
  let current = started.config
  const reload = async () => {
    reopen?.().catch((error: Error) => log.error(error.message))
    if (file === undefined) {
      log.warn('Config not reloaded: the command was started without --config')
      return
    }
    const { readChecked } = await import('./config/config.ts')
    try {
      const next = readChecked(file)
      const changed = changedKeys(current, next.config).filter(isLive)
      const restart = changedKeys(started.config, next.config).filter((key) => !isLive(key))
      if (changed.length > 0) apply(next.options, changed)
      current = next.config
      const what = changed.length === 0 ? 'nothing to change' : `changed ${changed.join(', ')}`
      const later = restart.length === 0 ? '' : `; a restart is needed for ${restart.join(', ')}`
      log.info(`Config reloaded: ${what}${later}`, { changed, restart })
    } catch (error) {
      if (!(error instanceof ConcertinaError)) throw error
      const { message, hint } = error
      const allowed = hint === undefined ? '' : ` (allowed: ${hint})`
      log.error(`Config not reloaded, nothing was changed: ${message}${allowed}`)
    }
  }
  const onSignal = () => void reload()
  process.on('SIGUSR2', onSignal)
  return () => void process.off('SIGUSR2', onSignal)
}

/** Keys of the chat that change without a restart: everywhere. */
const CHAT_KEYS = /^live\.(origins|auth|namespaces|limits)(\.|$)/
/** What connections and buffers were made for. */
const FIXED_LIMITS = /^live\.limits\.(maxBodyBytes|maxHeadBytes)$/

export const isLiveChatKey = (key: string): boolean => CHAT_KEYS.test(key) && !FIXED_LIMITS.test(key)
