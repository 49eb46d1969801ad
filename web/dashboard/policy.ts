import type { FleetSnapshot } from '../../src/control/control-target.ts'
import { policyText } from '../../src/scaling/option-words.ts'
import type { PolicySpec } from '../../src/scaling/policies.ts'
import { policyWords } from '../../src/scaling/policy-words.ts'
import { byId, set } from '../lib/dom.ts'
import { language } from '../lib/language.ts'
import type { FieldSchema } from './form-controls.ts'
import { KindFields } from './form-fields.ts'
import { texts } from './texts.ts'

/** The answer of `/api/policies`. */
export interface PolicySchema {
  readonly $defs: { readonly Policy: { readonly oneOf: readonly FieldSchema[] } }
}

type Spec = Record<string, unknown> & { kind: string }

/** The policy and its parameters: a form made of the schema, filled with what is in force. */
export class PolicyForm {
  readonly #select = byId<HTMLSelectElement>('kind')
  readonly #fields = new KindFields(this.#select, byId('fields'))
  #inForce: PolicySpec | undefined
  #shown = ''
  /** Whether the user has begun to edit it: then the fleet's state does not overwrite it. */
  #touched = false

  /**
   * @param apply sends the spec; returns whether the fleet accepted it
   * @param shadow sends the spec, for a policy that decides beside and never acts
   * @param tryOut replays the past under the spec
   */
  constructor(
    apply: (spec: Spec) => Promise<boolean>,
    shadow: (spec: Spec) => Promise<boolean>,
    tryOut: (spec: PolicySpec) => Promise<void>,
  ) {
    const form = byId('policy')
    form.addEventListener('input', ({ target }) => {
      this.#touched = true
      if (target === this.#select) this.#offer()
    })
    form.addEventListener('submit', async (event) => {
      event.preventDefault()
      const spec = this.#fields.read()
      const { submitter } = event as SubmitEvent
      const asked = submitter instanceof HTMLButtonElement ? submitter.value : ''
      if (asked === 'shadow') await shadow(spec)
      else if (asked === 'what-if') await tryOut(spec as PolicySpec)
      else if (await apply(spec)) this.#touched = false
    })
  }

  /** Receives the kinds of policy that there are. */
  begin({ $defs }: PolicySchema): void {
    const chosen = this.#select.value
    this.#fields.offer(new Map($defs.Policy.oneOf.map((schema) => [schema.properties!.kind!.const!, schema])))
    if (this.#select.value !== chosen) this.#offer()
  }

  /** Shows what is in force, unless it is being edited. */
  show({ policy, policySpec }: FleetSnapshot): void {
    const shown = policySpec ? JSON.stringify(policySpec) : policy
    if (shown === this.#shown) return
    this.#shown = shown
    this.#inForce = policySpec
    set(byId('in-force'), 'textContent', texts.inForce(describe(policy, this.#inForce)))
    if (this.#touched || !policySpec) return
    this.#select.value = policySpec.kind
    this.#offer()
  }

  /** Makes the fields of the chosen kind. */
  #offer(): void {
    this.#fields.show(this.#inForce && { ...this.#inForce })
  }
}

/** The policy in words; one that was made in code has only its name. */
const describe = (name: string, spec: PolicySpec | undefined) =>
  spec ? policyText(policyWords(spec), language) : `${name}, ${texts.inCode}`
