import { invalidInput } from '../base/errors.ts'
import { Fleets } from '../control/fleets.ts'
import { type OtherFleetOptions, otherFleetOptions } from '../control/other-fleet.ts'
import type { LiveConfig } from './config/live-options.ts'
import { environment } from './environment.ts'
import type { FleetsFlags } from './flags.ts'

/** What `--fleet name=url` says. Of a wrong one only the name is repeated: the rest may hold a password. */
function named(text: string): OtherFleetOptions {
  const [name = '', ...rest] = text.split('=')
  const other = { name, url: rest.join('=') }
  if (!otherFleetOptions.schema.safeParse(other).success)
    throw invalidInput(
      '--fleet',
      `${JSON.stringify(`${name.slice(0, 60)}=…`)} is not allowed`,
      'a name and the address of its dashboard, such as eu=https://eu.example.org:8081',
    )
  return other
}

/** With the token of `CONCERTINA_FLEET_TOKEN_EU_WEST`, where the config says nothing else of the fleet `eu-west`. */
function withToken(other: OtherFleetOptions): OtherFleetOptions {
  if (other.token !== undefined || other.tokenFile !== undefined) return other
  const variable = `CONCERTINA_FLEET_TOKEN_${other.name.toUpperCase().replace(/[^A-Z0-9]+/g, '_')}`
  const token = environment(variable)
  if (!otherFleetOptions.schema.safeParse({ ...other, token }).success)
    throw invalidInput(variable, 'it is too short', 'a token of at least 16 characters')
  return { ...other, token }
}

/**
 * This fleet and the others: of flags, else of the config, each with its token.
 * @throws {ConcertinaError} INVALID_INPUT.
 */
export function fleetsOf(flags: FleetsFlags, live: LiveConfig): Fleets {
  const others = flags.fleet?.map(named) ?? live.fleets ?? []
  return new Fleets(flags.fleetName ?? live.fleetName, others.map(withToken))
}
