import { invalidInput } from '../../base/errors.ts'
import { signToken } from '../../chat/auth.ts'

export interface TokenFlags {
  user: string
  rooms?: string
  readOnly?: string
  expiresIn?: number
}

const list = (text: string | undefined) => text?.split(',').map((each) => each.trim())

/** `concertina token`: a token for a user, on standard output; the secret comes from the environment. */
export async function token({ user, rooms, readOnly, expiresIn }: TokenFlags): Promise<void> {
  const secret = process.env.CONCERTINA_SECRET
  if (secret === undefined) {
    throw invalidInput(
      'CONCERTINA_SECRET',
      'this variable is not set',
      'the secret of the chat, at least 32 characters',
    )
  }
  console.log(await signToken(secret, { user, rooms: list(rooms), readOnly: list(readOnly), expiresIn }))
}
