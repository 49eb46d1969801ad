/** React hooks for the chat client. */
import {
  createContext,
  createElement,
  type ReactNode,
  useCallback,
  useContext,
  useEffect,
  useMemo,
  useState,
  useSyncExternalStore,
} from 'react'
import type { ChatClient } from '../client/chat-client.ts'
import type { JoinOptions } from '../client/client-room.ts'
import type { ConnectionStatus } from '../client/close-cause.ts'
import { EMPTY_ROOM, type RoomState, RoomStore } from './room-store.ts'

export type { RoomState, ShownMessage } from './room-store.ts'

const ClientContext = createContext<ChatClient | undefined>(undefined)

/** Gives the client to the hooks below. The client is the app's: it is not closed with this component. */
export function ChatProvider({ client, children }: { client: ChatClient; children?: ReactNode }): ReactNode {
  return createElement(ClientContext.Provider, { value: client }, children)
}

/** The client of the nearest `ChatProvider`. */
export function useChat(): ChatClient {
  const client = useContext(ClientContext)
  if (!client) throw new Error('useChat needs a ChatProvider around it')
  return client
}

const CONNECTING = { state: 'waiting' } as const satisfies ConnectionStatus

/** Whether the client is connected, and if not why. */
export function useStatus(): ConnectionStatus {
  const client = useChat()
  const [status, setStatus] = useState<ConnectionStatus>(CONNECTING)
  useEffect(() => {
    const { state, server } = client
    if (state === 'open' || state === 'moving') setStatus({ state: 'open', server })
    else setStatus(state === 'closed' ? { state } : CONNECTING)
    return client.on('status', setStatus)
  }, [client])
  return status
}

/** A room as it is now, and what can be done in it. */
export interface UsedRoom extends RoomState {
  /** Resolve when the server acknowledged it. */
  send: (body: string, data?: Readonly<Record<string, unknown>>) => Promise<unknown>
  edit: (seq: number, body: string) => Promise<unknown>
  remove: (seq: number) => Promise<unknown>
  /** The user has read everything up to the place `seq`. */
  markRead: (seq: number) => Promise<void>
  /** Shows the room that this user is typing. */
  sendTyping: () => void
  /** Fetches older messages to the front of `messages`. */
  loadOlder: () => Promise<void>
}

/** The stores of each client's rooms: every component that shows a room shares one. */
const STORES = new WeakMap<ChatClient, Map<string, RoomStore>>()

function storeOf(client: ChatClient, name: string, options: JoinOptions): RoomStore {
  const stores = STORES.get(client) ?? new Map<string, RoomStore>()
  STORES.set(client, stores)
  const store = stores.get(name) ?? new RoomStore(client, name, options)
  stores.set(name, store)
  return store
}

/**
 * Joins a room while the component is mounted, and renders the component again when anything of the room changes. The options of the component
 * that comes first count.
 *
 * @example
 * const { messages, send } = useRoom('lobby', { history: 50 })
 */
export function useRoom(name: string, options: JoinOptions = {}): UsedRoom {
  const client = useChat()
  const [first] = useState(options)
  const store = useMemo(() => storeOf(client, name, first), [client, name, first])
  const subscribe = useCallback((listener: () => void) => store.subscribe(listener), [store])
  const state = useSyncExternalStore(
    subscribe,
    () => store.state,
    () => EMPTY_ROOM,
  )
  const actions = useMemo(
    () => ({
      send: (body: string, data?: Readonly<Record<string, unknown>>) =>
        client.send(name, body, undefined, data && { data }),
      edit: (seq: number, body: string) => client.edit(name, seq, body),
      remove: (seq: number) => client.delete(name, seq),
      markRead: (seq: number) => client.markRead(name, seq),
      sendTyping: () => client.typing(name),
      loadOlder: () => store.loadOlder(),
    }),
    [client, name, store],
  )
  return { ...state, ...actions }
}
