import { expect, it } from 'vitest'
import type { z } from 'zod'
import { autoScalerOptions } from '../scaling/auto-scaler.ts'
import { OptionFlag } from './option-flag.ts'
import { OPTION_SETS } from './option-sets.ts'
import { describeFlags } from './option-texts.ts'
import { program } from './program.ts'

const commands = program([])
describeFlags(commands)

/** The help of a command, each flag in one line. */
function helpOf(name: string): string {
  const command = commands.commands.find((each) => each.name() === name)!
  return command.configureHelp({ helpWidth: 1000 }).helpInformation()
}

it('describe each flag that sets an option by the words and the default of the option', () => {
  const { description, default: usual } = autoScalerOptions.shape.cooldown.meta()!
  expect(helpOf('serve')).toContain(`--cooldown <seconds> ${' '.repeat(3)}`)
  expect(helpOf('serve')).toContain(`${description} (${usual})`)
  expect(helpOf('compare')).toMatch(
    /--provisioning-delay <seconds> +seconds from launch to ready, at least \(90\)/,
  )
})

it('leave none without words', () => {
  for (const command of commands.commands)
    for (const option of command.options)
      if (option instanceof OptionFlag)
        expect([option.flags, option.description]).not.toContain(option.declared)
})

it("name a command's own default where it has one", () => {
  expect(helpOf('serve')).toMatch(/--scale-up-threshold <users> .*\(30\)/)
  expect(helpOf('demo')).toMatch(/--scale-up-threshold <users> .*\(15\)/)
})

it('writes no default by hand that an option could say', () => {
  const byHand = commands.commands.flatMap((command) =>
    command.options
      .filter(
        (option) => !(option instanceof OptionFlag) && /\((\d[\d.]*|true|false)\)/.test(option.description),
      )
      .map((option) => `${command.name()} ${option.flags}`),
  )
  expect(byHand).toEqual([])
})

it('offer the choices that the option allows', () => {
  for (const command of commands.commands)
    for (const option of command.options) {
      if (!(option instanceof OptionFlag) || option.argChoices === undefined) continue
      const [set, key] = option.declared.split('.') as [keyof typeof OPTION_SETS, string]
      const field = (OPTION_SETS[set] as z.ZodRawShape)[key] as z.ZodOptional<z.ZodEnum>
      expect([option.flags, ...field.unwrap().options]).toEqual([option.flags, ...option.argChoices])
    }
})
