import type { Command, Option } from 'commander'

/** A flag or subcommand that may come next. */
interface Flag {
  readonly names: readonly string[]
  readonly description: string
  /** What its value may be; `undefined` for a flag without one. */
  readonly value: readonly string[] | 'file' | 'folder' | 'any' | undefined
}

interface Completed {
  /** The words that name it: `trace info`. */
  readonly words: string
  readonly description: string
  readonly flags: readonly Flag[]
  readonly files: boolean
  readonly choices: readonly string[]
}

function flagOf({ long, short, flags, description, argChoices }: Option): Flag {
  const value =
    argChoices ??
    (/<file>/.test(flags)
      ? 'file'
      : /<folder>/.test(flags)
        ? 'folder'
        : /[<[]/.test(flags)
          ? 'any'
          : undefined)
  return { names: [long, short].filter((name) => name != null), description, value }
}

function completedOf(command: Command, parents: readonly string[] = []): Completed[] {
  const words = [...parents, command.name()]
  const [argument] = command.registeredArguments
  return [
    {
      words: words.join(' '),
      description: command.description(),
      flags: [
        ...command.options.map(flagOf),
        { names: ['--help', '-h'], description: 'display help', value: undefined },
      ],
      files: argument?.name() === 'file',
      choices: argument?.argChoices ?? [],
    },
    ...command.commands.flatMap((each) => completedOf(each, words)),
  ]
}

/** The commands below another: `trace` of the program, `info` of `trace`. */
function below(all: readonly Completed[], words: string): { name: string; description: string }[] {
  const start = words === '' ? '' : `${words} `
  return all
    .filter((each) => each.words.startsWith(start) && !each.words.slice(start.length).includes(' '))
    .map((each) => ({ name: each.words.slice(start.length), description: each.description }))
    .filter(({ name }) => name !== '')
}

const quoted = (text: string) => `'${text.replaceAll("'", `'\\''`)}'`

function bash(all: readonly Completed[]): string {
  const cases = all.map(({ words, flags, files, choices }) => {
    const inner = [...below(all, words).map(({ name }) => name), ...choices]
    const names = flags.flatMap((flag) => flag.names)
    const values = flags.flatMap(({ names: each, value }) =>
      value === undefined
        ? []
        : [
            `        ${each.join('|')}) ${
              value === 'file'
                ? 'COMPREPLY=($(compgen -f -- "$cur")); compopt -o filenames'
                : value === 'folder'
                  ? 'COMPREPLY=($(compgen -d -- "$cur")); compopt -o filenames'
                  : value === 'any'
                    ? 'COMPREPLY=()'
                    : `COMPREPLY=($(compgen -W ${quoted(value.join(' '))} -- "$cur"))`
            }; return ;;`,
          ],
    )
    return [
      `    ${quoted(words)})`,
      ...(values.length > 0 ? ['      case "$prev" in', ...values, '      esac'] : []),
      '      case "$cur" in',
      `        -*) COMPREPLY=($(compgen -W ${quoted(names.join(' '))} -- "$cur")) ;;`,
      files
        ? '        *) COMPREPLY=($(compgen -f -- "$cur")); compopt -o filenames ;;'
        : `        *) COMPREPLY=($(compgen -W ${quoted([...inner, ...(inner.length > 0 ? [] : names)].join(' '))} -- "$cur")) ;;`,
      '      esac ;;',
    ].join('\n')
  })
  const known = all
    .filter(({ words }) => words !== '')
    .map(({ words }) => `    ${quoted(words)}) command="$next" ;;`)
  return `# bash completion of concertina
_concertina() {
  local cur="\${COMP_WORDS[COMP_CWORD]}" prev="\${COMP_WORDS[COMP_CWORD-1]}" command='' next i
  COMPREPLY=()
  for ((i = 1; i < COMP_CWORD; i++)); do
    next="\${command:+$command }\${COMP_WORDS[i]}"
    case "$next" in
${known.join('\n')}
    esac
  done
  case "$command" in
${cases.join('\n')}
  esac
}
complete -F _concertina concertina
`
}

function zsh(all: readonly Completed[]): string {
  const text = (each: string) => each.replaceAll(/[[\]:\\]/g, (sign) => `\\${sign}`)
  const functions = all.map(({ words, flags, files, choices }) => {
    const name = `_concertina${words === '' ? '' : `_${words.replaceAll(/[ -]/g, '_')}`}`
    const inner = below(all, words)
    const specs = flags.flatMap(({ names, description, value }) => {
      const action =
        value === undefined
          ? ''
          : value === 'file'
            ? ':file:_files'
            : value === 'folder'
              ? ':folder:_files -/'
              : value === 'any'
                ? ':value: '
                : `:value:(${value.join(' ')})`
      return names.map((each) => quoted(`*${each}[${text(description)}]${action}`))
    })
    if (inner.length === 0)
      return `${name}() {\n  _arguments ${[...specs, ...(files ? ["'*:file:_files'"] : []), ...(choices.length > 0 ? [quoted(`1:value:(${choices.join(' ')})`)] : [])].join(' \\\n    ')}\n}`
    const described = inner.map((each) => quoted(`${each.name}:${text(each.description)}`))
    const cases = inner.map(
      (each) =>
        `    ${each.name}) _concertina_${[words, each.name].filter(Boolean).join('_').replaceAll(/[ -]/g, '_')} ;;`,
    )
    return `${name}() {
  local line state
  local -a commands=(${described.join('\n    ')})
  _arguments -C ${specs.join(' \\\n    ')} '1: :->command' '*:: :->rest'
  case $state in
    command) _describe command commands ;;
    rest) case $line[1] in
${cases.join('\n')}
    esac ;;
  esac
}`
  })
  return `#compdef concertina\n\n${functions.join('\n\n')}\n\n_concertina "$@"\n`
}

function fish(all: readonly Completed[]): string {
  const lines = all.flatMap(({ words, flags, files, choices }) => {
    const inner = below(all, words)
    const seen = words
      .split(' ')
      .filter(Boolean)
      .map((word) => `__fish_seen_subcommand_from ${word}`)
    const not =
      inner.length > 0 ? [`not __fish_seen_subcommand_from ${inner.map(({ name }) => name).join(' ')}`] : []
    const condition = quoted([...seen, ...not].join('; and ') || 'true')
    return [
      ...inner.map(
        ({ name, description }) =>
          `complete -c concertina -n ${condition} -a ${name} -d ${quoted(description)}`,
      ),
      ...choices.map((choice) => `complete -c concertina -n ${condition} -a ${choice}`),
      ...(files ? [`complete -c concertina -n ${condition} -F`] : []),
      ...flags.map(({ names, description, value }) => {
        const named = names.map((name) =>
          name.startsWith('--') ? `-l ${name.slice(2)}` : `-s ${name.slice(1)}`,
        )
        const action =
          value === undefined
            ? ''
            : value === 'file'
              ? ' -r -F'
              : value === 'folder'
                ? " -x -a '(__fish_complete_directories)'"
                : value === 'any'
                  ? ' -x'
                  : ` -x -a ${quoted(value.join(' '))}`
        return `complete -c concertina -n ${condition} ${named.join(' ')}${action} -d ${quoted(description)}`
      }),
    ]
  })
  return `# fish completion of concertina\ncomplete -c concertina -f\n${lines.join('\n')}\n`
}

const SHELLS = { bash, zsh, fish }

/** `concertina completion`: the script that completes commands, flags and their values. */
export async function completion(shell: keyof typeof SHELLS, program: Command): Promise<void> {
  const [main, ...others] = completedOf(program)
  const all = others.map((each) => ({ ...each, words: each.words.slice(main!.words.length + 1) }))
  process.stdout.write(SHELLS[shell]([{ ...main!, words: '' }, ...all]))
}
