import { invalidInput } from '../../base/errors.ts'
import { signSubscribeToken, signToken } from '../../chat/auth/sign.ts'
import { environment } from '../environment.ts'

export interface TokenFlags {
  user: string
  rooms?: string
  readOnly?: string
  moderate?: string
  subscribe?: string
  expiresIn?: number
  id?: string
  issuer?: string
  audience?: string
}

const list = (text: string | undefined) => text?.split(',').map((each) => each.trim())

/** `concertina token`: a token for a user, on standard output; the secret comes from the environment. */
export async function token({ rooms, readOnly, moderate, subscribe, ...claims }: TokenFlags): Promise<void> {
  const secret = environment('CONCERTINA_SECRET')
  if (secret === undefined) {
    throw invalidInput(
      'CONCERTINA_SECRET',
      'this variable is not set',
      'the secret of the chat, at least 32 characters',
    )
  }
  if (subscribe === undefined) {
    const lists = { rooms: list(rooms), readOnly: list(readOnly), moderate: list(moderate) }
    console.log(await signToken(secret, { ...claims, ...lists }))
    return
  }
  if (rooms !== undefined || readOnly !== undefined || moderate !== undefined)
    throw invalidInput('subscribe', 'it goes with no other rooms', '--subscribe alone')
  console.log(await signSubscribeToken(secret, { ...claims, room: subscribe }))
}
