import { z } from 'zod'
import { atLeastZero, option, optionSet, port } from '../base/options.ts'

/** What KEDA's external scaler serves. */
export const kedaOptions = optionSet({
  host: option(z.string().min(1), 'address to listen on', '127.0.0.1'),
  port: option(port, 'of the scaler', 6000),
  activationLoad: option(atLeastZero, 'active only above this load; else KEDA may scale to zero', 0),
  fallbackServers: option(
    z.number().int().min(0),
    'at least this many while the load is missing; default the last desired size',
  ),
})
