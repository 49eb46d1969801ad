/**
 * How well supply followed demand. Shares and accuracies as fractions: 0.05 is 5 %.
 *
 * Source: Herbst, Krebs, Oikonomou, Kousiouris, Evangelinou, Iosup, Kounev, "Ready for Rain? A View from SPEC Research on
 * the Future of Cloud Metrics", technical report SPEC-RG-2016-01 (2016), chapter on elasticity. A demand below one server counts as
 * one, which is our own. Compared with the authors' tool BUNGEE (package `tools.descartes.bungee.metric`): τ_U and τ_O are the same; its
 * accuracies are not divided by the demand; its instability counts one side only, min(max(sgn(Δs) − sgn(Δd), 0), 1), also over T − t₁. The
 * text of the report could not be compared, so take θ and υ as they are written here.
 */
export interface ElasticityScores {
  /** θ_U = 1/T · Σ max(d − s, 0)/d · Δt: how far supply is below demand, relative to demand, in the mean. */
  readonly underProvisioningAccuracy: number
  /** θ_O = 1/T · Σ max(s − d, 0)/d · Δt: how far it is above. */
  readonly overProvisioningAccuracy: number
  /** τ_U = 1/T · Σ max(sgn(d − s), 0) · Δt: the share of time in which supply is below demand. */
  readonly underProvisioningTimeShare: number
  /** τ_O = 1/T · Σ max(sgn(s − d), 0) · Δt: the share of time in which it is above. */
  readonly overProvisioningTimeShare: number
  /** υ = 1/(T − t₁) · Σ min(|sgn(Δs) − sgn(Δd)|, 1) · Δt: the share of time in which they do not move the same way. */
  readonly instability: number
}

/** Adds up elasticity scores from one step to the next. */
export class ElasticityMeter {
  #time = 0
  #timeOfChanges = 0
  #under = 0
  #over = 0
  #underTime = 0
  #overTime = 0
  #apart = 0
  #demand: number | undefined
  #supply = 0

  /** For `seconds`, `demand` servers were needed (at least 1 counts) and `supply` were ready. */
  add(demand: number, supply: number, seconds: number): void {
    const d = Math.max(1, demand)
    this.#time += seconds
    if (supply < d) {
      this.#under += ((d - supply) / d) * seconds
      this.#underTime += seconds
    } else if (supply > d) {
      this.#over += ((supply - d) / d) * seconds
      this.#overTime += seconds
    }
    if (this.#demand !== undefined) {
      this.#timeOfChanges += seconds
      if (Math.sign(supply - this.#supply) !== Math.sign(d - this.#demand)) this.#apart += seconds
    }
    this.#demand = d
    this.#supply = supply
  }

  /** The scores of all that was added; 0 where there was nothing. */
  scores(): ElasticityScores {
    const time = this.#time || 1
    return {
      underProvisioningAccuracy: this.#under / time,
      overProvisioningAccuracy: this.#over / time,
      underProvisioningTimeShare: this.#underTime / time,
      overProvisioningTimeShare: this.#overTime / time,
      instability: this.#apart / (this.#timeOfChanges || 1),
    }
  }
}
