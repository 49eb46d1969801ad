import { Argument, Command, CommanderError, Option } from 'commander'
import { VERSION } from '../base/version.ts'
import type { TraceFormat } from '../traffic/traces/format.ts'
import type { AdviseFlags } from './commands/advise.ts'
import type { CompareFlags } from './commands/compare.ts'
import type { ControllerFlags } from './commands/controller.ts'
import type { DemoFlags } from './commands/demo.ts'
import type { DoctorFlags } from './commands/doctor.ts'
import type { ExplainFlags } from './commands/explain.ts'
import type { ImportFlags } from './commands/import.ts'
import type { KedaFlags } from './commands/keda.ts'
import type { LoadCommandFlags } from './commands/load.ts'
import type { ReplayFlags } from './commands/replay.ts'
import type { ServeFlags } from './commands/serve.ts'
import type { ServerFlags } from './commands/server.ts'
import type { SimulateFlags } from './commands/simulate.ts'
import type { TokenFlags } from './commands/token.ts'
import type { TraceInfoFlags } from './commands/trace.ts'
import type { TuneFlags } from './commands/tune.ts'
import type { VerifyFlags } from './commands/verify.ts'
import { examplesText } from './examples.ts'
import {
  addBrokerFlags,
  addFleetFlags,
  addJudgingFlags,
  addLoadFlags,
  addLogFlags,
  addRunFlags,
  addScalingFlags,
  addTermsFlags,
  addTraceFlags,
  collect,
  number,
} from './flags.ts'
import { PRINT_CONFIG, type PrintConfigFlags, printConfig } from './print-config.ts'
import { guardOutput, reportError, runCommand as run } from './run-command.ts'
import { addDemoProviderFlags, addPrometheusFlags, addProviderFlags } from './workload-flags.ts'

/** Every command with the words that name it. */
function named(command: Command, name = ''): [Command, string][] {
  const below = command.commands.flatMap((each) => named(each, `${name} ${each.name()}`.trim()))
  return [[command, name], ...below]
}

const CONFIG = ['--config <file>', 'take everything that no flag gives from a YAML file'] as const
const DECISIONS = [
  '--decisions <file>',
  'write every decision there, one JSON object a line, for explain and replay',
] as const
const RUN_REPORT = ['--report <file>', 'write a report of the run there, one HTML file'] as const

/** A server process loads while the command does. */
async function serveWithStartedServer(flags: ServeFlags, signal: AbortSignal): Promise<void> {
  const { withStartedServer } = await import('../live/process-module.ts')
  await withStartedServer(async (started) =>
    (await import('./commands/serve.ts')).serve(flags, signal, started),
  )
}

/** @param formats of traces, for the command whose help lists them */
function program(formats: readonly TraceFormat[]): Command {
  const main = new Command('concertina')
    .description('Chat that scales itself: run it, or see beforehand what a policy would do and cost.')
    .version(VERSION)
  addDemoProviderFlags(addBrokerFlags(addRunFlags(main.command('demo'), { scaleUpThreshold: 15 }), false))
    .description('users come and go, and the fleet follows, at the pace of real time')
    .option('--verbose', 'also print the reason of each decision')
    .option('--live', 'real server processes and WebSockets on this machine instead of simulated ones')
    .option('--config <file>', 'of a live run: take everything that no flag gives from a YAML file')
    .option('--data <folder>', 'keep the rooms there (in memory)')
    .option('--port <port>', 'of the live chat (any free one)', number)
    .option('--control-port <port>', 'of the live dashboard (any free one)', number)
    .option('--history <file>', 'write what every virtual user did and saw, for verify')
    .option(...DECISIONS)
    .option(...RUN_REPORT)
    .action(async (flags: DemoFlags) => run((await import('./commands/demo.ts')).demo, flags))
  addTraceFlags(addRunFlags(main.command('simulate')))
    .description('the same, as fast as the machine can')
    .option(...CONFIG)
    .option('--json', 'print the result as JSON')
    .option('--events <file>', 'write the scaling decisions there, one JSON object a line')
    .option(...DECISIONS)
    .option(...RUN_REPORT)
    .option('--watch', 'serve a dashboard to watch and steer it by, at the pace of real time')
    .option('--port <port>', 'of the dashboard (8080)', number)
    .option('--pace <factor>', 'virtual seconds a real second while it is watched (1)', number)
    .action(async (flags: SimulateFlags) => run((await import('./commands/simulate.ts')).simulate, flags))
  addBrokerFlags(addLogFlags(addFleetFlags(main.command('serve'))), false)
    .description('a live fleet on this machine for real users, until it is stopped')
    .option(...CONFIG)
    .option('--host <address>', 'to listen on (127.0.0.1)')
    .option('--port <port>', 'of the chat (8080)', number)
    .option('--control-port <port>', 'of dashboard, control API and metrics (8081)', number)
    .option('--data <folder>', 'keep the rooms there (concertina-data)')
    .option(...DECISIONS)
    .option('--anonymous', 'users may come without a token')
    .option(
      '--origin <origin>',
      'whose pages may connect, such as https://*.example.org; may be given several times',
      collect,
    )
    .option(
      '--trusted-proxy <address>',
      'address or range of a proxy that is believed about its clients (X-Forwarded-For, Forwarded); may be given several times',
      collect,
    )
    .option('--proxy-protocol', 'connections of trusted proxies begin with a PROXY header, version 1 or 2')
    .option(...PRINT_CONFIG)
    .action(async (flags: ServeFlags & PrintConfigFlags) =>
      flags.printConfig ? run(printConfig, flags) : run(serveWithStartedServer, flags, { service: true }),
    )
  addLogFlags(addBrokerFlags(main.command('server')))
    .description('one chat server of a cluster, until it is stopped; SIGTERM drains it')
    .option(...CONFIG)
    .option('--host <address>', 'to listen on (127.0.0.1)')
    .option('--port <port>', 'of WebSockets, /healthz, /readyz and /metrics (8080)', number)
    .option('--advertise <url>', 'where clients reach this server, if not there')
    .option('--ref <name>', "the platform's name of this server, like its pod's (POD_NAME)")
    .option('--drain-seconds <seconds>', 'over which users are moved away at the end (10)', number)
    .option('--leave-seconds <seconds>', 'for load balancers to notice before users are moved (0)', number)
    .option('--anonymous', 'users may connect without a token')
    .option(...PRINT_CONFIG)
    .action(async (flags: ServerFlags & PrintConfigFlags) =>
      flags.printConfig
        ? run(printConfig, flags)
        : run((await import('./commands/server.ts')).server, flags, { service: true }),
    )
  addLogFlags(
    addProviderFlags(addPrometheusFlags(addBrokerFlags(addFleetFlags(main.command('controller')), false))),
  )
    .description('scales the chat servers of a cluster, or any workload by a query of its load')
    .option('--advertise <url>', 'where other controllers of the cluster reach the dashboard, if not there')
    .option('--anonymous', 'users of local servers may connect without a token')
    .option(...PRINT_CONFIG)
    .action(async (flags: ControllerFlags & PrintConfigFlags) =>
      flags.printConfig
        ? run(printConfig, flags)
        : run((await import('./commands/controller.ts')).controller, flags, { service: true }),
    )
  addLogFlags(addPrometheusFlags(addScalingFlags(main.command('keda'))))
    .description("an external scaler for KEDA: any policy's desired size for a ScaledObject")
    .option('--host <address>', 'to listen on (127.0.0.1)')
    .option('--port <port>', 'of the scaler (6000)', number)
    .option('--startup-delay <seconds>', 'from the launch of a replica until it is ready (1)', number)
    .option(
      '--activation-load <load>',
      'active only above this load; else KEDA may scale to zero (0)',
      number,
    )
    .option(
      '--blind-servers <count>',
      'at least so many while the load is missing (the last desired size)',
      number,
    )
    .action(async (flags: KedaFlags) =>
      run((await import('./commands/keda.ts')).keda, flags, { service: true }),
    )
  addTraceFlags(addLoadFlags(main.command('load')))
    .description('virtual users for a chat that runs already; they check what they see')
    .requiredOption('--url <url>', 'address of the chat, as serve prints it')
    .option(...CONFIG)
    .option('--seed <seed>', 'of everything random (42)')
    .option('--history <file>', 'write what every virtual user did and saw, for verify')
    .option('--json', 'print the result as JSON')
    .action(async (flags: LoadCommandFlags) => run((await import('./commands/load.ts')).load, flags))
  main
    .command('verify')
    .description('whether a history of virtual users, and the room log, keep the promise of a room')
    .requiredOption('--history <file>', 'what demo or load wrote')
    .option('--data <folder>', 'the folder of the room log, its fleet stopped')
    .option('--json', 'print the result as JSON')
    .action(async (flags: VerifyFlags) => run((await import('./commands/verify.ts')).verify, flags))
  addJudgingFlags(main.command('compare'))
    .description('many policies on many traces, beside the cheapest fleet that had known the future')
    .option('--policy <name>', 'a kind, or a name from the config; may be given several times (all)', collect)
    .option('--json <file>', 'write the figures there')
    .option(
      '--copies <count>',
      'of each trace that are looked at, too: begun elsewhere, scaled, with noise (0)',
      number,
    )
    .addOption(
      new Option(
        '--restart <what>',
        'of the autoscaler in the middle: what it learned is kept, forgotten (keep)',
      ).choices(['none', 'keep', 'forget']),
    )
    .option('--price <amount>', 'of a server an hour, on demand', number)
    .option('--reserved <count@price>', 'servers that are paid for all the time, and their price')
    .option(
      '--spot <share@price>',
      'of the servers above the reserved that are spot servers, and their price',
    )
    .option('--interruptions <count>', 'a day of each spot server (0.1)', number)
    .option('--svg <file>', 'draw overload against cost there')
    .option('--report <file>', 'write a report there, one HTML file')
    .action(async (flags: CompareFlags) => run((await import('./commands/compare.ts')).compare, flags))
  addTermsFlags(main.command('advise'))
    .description('which policy for a load, its config, what it costs beside today, and how sure that is')
    .requiredOption('--trace <file>', 'how many users there were; trace --help names the formats')
    .option('--column <name>', 'of the trace: column, metric or series of the users; sum or max of all')
    .option('--session <seconds>', 'of an access log: that a visitor counts as a user (300)', number)
    .option('--current <file>', 'what scales it today: a file that import reads')
    .option('--metric <name>', "of today's policy, where its name does not say it: users, cpu, …")
    .option('--price <amount>', 'of a server-hour, to give costs as well', number)
    .option('--json', 'print everything as JSON')
    .action(async (flags: AdviseFlags) => run((await import('./commands/advise.ts')).adviseOn, flags))
  addJudgingFlags(main.command('tune'))
    .description('searches parameters of a policy on a trace, and prints the config to paste')
    .requiredOption('--policy <name>', 'a kind, or a name from the config')
    .option(
      '--search <path=values>',
      'try these values, by commas, of an option; may be given several times',
      collect,
    )
    .option(
      '--train <share>',
      'of the trace that is searched on; the rest tests what was found (0.7)',
      number,
    )
    .action(async (flags: TuneFlags) => run((await import('./commands/tune.ts')).tunePolicy, flags))
  addTermsFlags(main.command('replay'))
    .description('what other policies would have done with the load of a run that wrote its decisions')
    .argument('<file>', 'what --decisions wrote; - is the standard input')
    .option('--policy <name>', 'a kind, or a name from the config; may be given several times (all)', collect)
    .option('--json <file>', 'write the figures there')
    .option('--decisions <file>', 'write the decisions of the one policy there, for explain')
    .action(async (file: string, flags: ReplayFlags) =>
      run(async (_, signal) => (await import('./commands/replay.ts')).replay(file, flags, signal), flags),
    )
  main
    .command('explain')
    .description('says each decision of a log in words')
    .argument('<file>', 'what --decisions or --events wrote; - is the standard input')
    .option('--line <number>', 'only this line', number)
    .option('--changes', 'only what changed the number of servers, and what happened beside')
    .action(async (file: string, flags: ExplainFlags) =>
      run(async (_, signal) => (await import('./commands/explain.ts')).explain(file, flags, signal), flags),
    )
  const traces = main.command('trace').description('files of recorded load')
  traces
    .command('info')
    .description('what is understood of a file, with a small chart')
    .argument('<file>', 'of any format, packed by gzip or not')
    .option('--column <name>', 'column, metric or series of the users; sum or max of all')
    .option('--session <seconds>', 'of an access log: that a visitor counts as a user (300)', number)
    .option('--json', 'print the result as JSON')
    .addHelpText(
      'after',
      () =>
        `\nFormats:\n${formats.map(({ name, description }) => `  ${name.padEnd(12)} ${description}`).join('\n')}\n`,
    )
    .action(async (file: string, flags: TraceInfoFlags) =>
      run(async () => (await import('./commands/trace.ts')).traceInfo(file, flags), flags),
    )
  main
    .command('import')
    .description(
      'a scaling policy of Kubernetes, KEDA or AWS as our config, with a line for each of its fields',
    )
    .argument('<file>', 'HorizontalPodAutoscaler or ScaledObject in YAML, or a scaling policy of AWS in JSON')
    .option('--metric <name>', 'what its metric is here, where the name does not say it: users, queued, …')
    .option('--name <name>', 'which one, where the file has several')
    .option('--json', 'print the config and the fields as JSON')
    .action(async (file: string, flags: ImportFlags) =>
      run(async () => (await import('./commands/import.ts')).importFile(file, flags), flags),
    )
  main
    .command('token')
    .description('a token for a user, signed with the secret in CONCERTINA_SECRET')
    .requiredOption('--user <name>', 'who it is for')
    .option('--rooms <patterns>', 'rooms to join and send to: names, or beginnings and *, by commas (*)')
    .option('--read-only <patterns>', 'rooms to join only')
    .option('--moderate <patterns>', 'rooms in which the user is a moderator')
    .option('--subscribe <room>', 'a token that admits to this one room, to be given with its join')
    .option('--expires-in <seconds>', 'until it expires (3600)', number)
    .option('--id <id>', 'names the token, so that it can be revoked alone')
    .option('--issuer <name>', 'its iss, where the chat requires one')
    .option('--audience <name>', 'its aud, where the chat requires one')
    .action(async (flags: TokenFlags) => run((await import('./commands/token.ts')).token, flags))
  main
    .command('doctor')
    .description('whether this machine can run a fleet: Node.js, descriptors, ports, disk, lock')
    .option('--host <address>', 'to listen on (127.0.0.1)')
    .option('--port <port>', 'of the chat (8080)', number)
    .option('--control-port <port>', 'of the dashboard (8081)', number)
    .option('--data <folder>', 'of the room log (concertina-data)')
    .action(async (flags: DoctorFlags) => run((await import('./commands/doctor.ts')).doctor, flags))
  main
    .command('completion')
    .description('the script with which a shell completes commands and flags')
    .addArgument(new Argument('<shell>').choices(['bash', 'zsh', 'fish']))
    .action(async (shell: 'bash' | 'zsh' | 'fish', flags: object) =>
      run(async () => (await import('./commands/completion.ts')).completion(shell, main), flags),
    )
  for (const [command, name] of named(main)) {
    const help = `concertina ${name && `${name} `}--help`
    command.addHelpText('after', () => examplesText(name))
    command.exitOverride().configureOutput({
      outputError: (text, write) =>
        write(`concertina: ${text.replace(/^error: /, '').trim()}\n  allowed: see ${help}\n`),
    })
  }
  return main
}

/** Runs the command that the arguments of the process name. */
export async function main(): Promise<void> {
  guardOutput()
  try {
    const forTraces = process.argv[2] === 'trace' || process.argv[2] === 'help'
    const formats = forTraces ? (await import('../traffic/traces/formats.ts')).TRACE_FORMATS : []
    await program(formats).parseAsync()
  } catch (error) {
    const status = error instanceof CommanderError ? (error.exitCode === 0 ? 0 : 2) : reportError(error)
    process.exitCode = status
  }
}
