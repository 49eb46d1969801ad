import { atLeastZero, count, fleetSize, type OptionsOf, option, optionSet } from '../base/options.ts'

/** Limits that go with a policy, whatever fleet it is for. */
export const policyLimitsShape = {
  cooldown: option(atLeastZero, 'seconds after a scaling event in which there is no other', 5),
  scaleUpStabilization: option(
    atLeastZero,
    'seconds; scales out only to what the policy desired throughout',
    0,
  ),
  scaleDownStabilization: option(
    atLeastZero,
    'seconds; scales in only to what the policy desired throughout',
    0,
  ),
  maxStepUp: option(count, 'servers that one decision may add; no limit by default'),
  maxStepDown: option(count, 'servers that one decision may remove; no limit by default'),
}

export const limitsShape = {
  minServers: option(fleetSize, 'never fewer servers; default 2, or maxServers where that is less'),
  maxServers: option(fleetSize, 'never more servers; default 10, or minServers where that is more'),
  ...policyLimitsShape,
}

export const limitOptions = optionSet(limitsShape)

/** How far and how fast a fleet may change, whatever its policy desires. */
export type LimitOptions = OptionsOf<typeof limitsShape>
