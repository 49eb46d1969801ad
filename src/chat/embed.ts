import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Server as SecureServer } from 'node:https'
import type { Duplex } from 'node:stream'
import { CloseStack } from '../base/close-stack.ts'
import { invalidInput } from '../base/errors.ts'
import { Faults } from '../base/faults.ts'
import { type KeysOf, requireKnown, requireMethods } from '../base/known-keys.ts'
import { guardedLogger, LOG_LEVELS, type Logger, lineLogger } from '../base/logger.ts'
import { interceptRequests } from '../http/intercept.ts'
import { serveWithoutUpgrade } from '../http/other-upgrade.ts'
import { rejectSocket } from '../http/rejection.ts'
import { splitTarget } from '../http/request-target.ts'
import type { ChatService } from './api/chat-service.ts'
import { serviceOfHub } from './api/open.ts'
import { CHAT_KEYS, checkChatOptions } from './check-options.ts'
import { Hub } from './hub/hub.ts'
import { streamPair } from './hub/stream-pair.ts'
import { openLog } from './log/open.ts'
import type { RoomLog } from './log/room-log.ts'
import type { ChatOptions } from './options.ts'
import { ChatServer } from './server.ts'
import { answerByResponse, answerPost, CHAT_PATH, streamRequest } from './sse/requests.ts'

/** Options of a chat in this process: those of every chat, where it is, and where its rooms are kept. */
export interface EmbeddedChatOptions extends ChatOptions {
  /** Path of the WebSocket; default `/chat`. */
  path?: string
  /** Folder of the room log; default none, with rooms in memory. */
  data?: string
  /** Where rooms are kept; default the log in `data`. It is closed with the chat. */
  roomLog?: RoomLog
  /** Gets what is wrong, such as a damaged log; default: warnings and errors go to the standard error output. */
  logger?: Logger
}

/** A chat within an app's own process, on the app's own HTTP server. */
export interface EmbeddedChat {
  /** Publish, read and moderate, as the server API does. */
  readonly service: ChatService
  /**
   * Answers WebSocket upgrades of its path, and requests below it for clients whose WebSockets do not come through. All other
   * requests and upgrades stay the app's, whose own request listeners have to be there before.
   */
  attach(server: Server | SecureServer): void
  /** Closes all connections with 1012, so that clients reconnect, and the room log. */
  close(): Promise<void>
}

const KEYS: KeysOf<EmbeddedChatOptions> = {
  ...CHAT_KEYS,
  path: true,
  data: true,
  roomLog: true,
  logger: true,
}

const consoleLogger = lineLogger((line) => console.error(`concertina: ${line}`), { level: 'warn' })

/**
 * Opens a chat in this process, to be attached to an HTTP server: one process, no fleet. `serve` scales the same chat.
 * @throws {ConcertinaError} INVALID_INPUT, DATA_IN_USE, DATA_DAMAGED or FILE_ACCESS.
 */
export async function createChat(options: EmbeddedChatOptions): Promise<EmbeddedChat> {
  requireKnown('', options, KEYS)
  const { path = CHAT_PATH, data, roomLog, logger: given = consoleLogger, ...chatOptions } = options
  if (typeof path !== 'string' || !path.startsWith('/'))
    throw invalidInput('path', `${JSON.stringify(path)} is not a path`, 'one that begins with /')
  if (data !== undefined && roomLog !== undefined)
    throw invalidInput('roomLog', 'there is data, too', 'one of the two')
  requireMethods('logger', given, ...LOG_LEVELS)
  checkChatOptions(chatOptions)
  const logger = guardedLogger(given)
  const log = openLog({ data, roomLog }, logger, new Faults(logger, 'chat'))
  const opened = new CloseStack()
  const hub = opened.use(new Hub(log))
  try {
    const [near, far] = streamPair()
    hub.attach(far, 1)
    const chat = opened.use(await ChatServer.start(1, near, chatOptions, () => {}))
    chat.warnings.subscribe((message) => logger.warn(message))
    const { service } = opened.use(await serviceOfHub(hub))
    return {
      service,
      attach(server) {
        const onUpgrade = (request: IncomingMessage, socket: Duplex, head: Buffer) => {
          const alone = server.listenerCount('upgrade') === 1
          if (alone && serveWithoutUpgrade(server, request, socket, head)) return
          if (splitTarget(request.url).path === path) chat.accept(request, socket, head)
          else if (alone) rejectSocket(socket, '404 Not Found')
        }
        const onRequest = (request: IncomingMessage, response: ServerResponse) => {
          const requested = streamRequest(request, path)
          if (requested?.kind === 'open') {
            chat.acceptStream(request, answerByResponse(response, request.headers.origin))
          } else if (requested) {
            const { origins, maxFrameBytes: maxBytes } = chat
            const deliver = chat.post.bind(chat)
            answerPost(request, response, requested, { origins, maxBytes, deliver }).catch(() => {})
          }
          return requested !== undefined
        }
        server.on('upgrade', onUpgrade)
        const restore = interceptRequests(server, onRequest)
        opened.defer(() => {
          restore()
          server.off('upgrade', onUpgrade)
        })
      },
      close: () => opened.close(),
    }
  } catch (error) {
    await opened.close()
    throw error
  }
}
