/** Examples of each command, for its `--help`: what it does, and the line to type. */
export const EXAMPLES: Readonly<Record<string, readonly (readonly [what: string, line: string])[]>> = {
  demo: [
    ['half a minute, simulated', 'demo'],
    ['real server processes, with dashboard and a report', 'demo --live --duration 60 --report run.html'],
    ['a Deployment follows simulated users', 'demo --provider kubernetes --namespace chat --deployment chat'],
  ],
  simulate: [
    ['an hour of load in a few seconds', 'simulate --duration 3600 --peak-rate 200 --max-servers 20'],
    ['a recorded day under a config', 'simulate --config fleet.yaml --trace load.csv --report run.html'],
    ['users along a curve', 'simulate --curve "5 + 45 * sin(pi * progress)"'],
  ],
  serve: [
    ['for this machine, users without a token', 'serve --anonymous'],
    ['from a config, every decision kept', 'serve --config fleet.yaml --decisions decisions.jsonl'],
  ],
  server: [['one server of a cluster', 'server --broker nats://nats:4222 --host 0.0.0.0']],
  controller: [
    [
      'scales a Deployment',
      'controller --broker nats://nats:4222 --provider kubernetes --namespace chat --deployment chat',
    ],
  ],
  keda: [
    [
      'for a ScaledObject',
      'keda --prometheus http://prometheus:9090 --load-query "sum(chat_users)" --host 0.0.0.0',
    ],
  ],
  load: [
    ['50 users at the peak, for a minute', 'load --url ws://127.0.0.1:8080/chat --duration 60'],
    [
      'a recorded load, an hour in a minute',
      'load --url ws://127.0.0.1:8080/chat --trace load.csv --speed 60',
    ],
  ],
  verify: [['after a run with --history', 'verify --history history.jsonl --data rooms']],
  compare: [
    [
      'every policy on two loads',
      'compare --trace mon.csv --trace tue.csv --users-per-server 400 --report compare.html',
    ],
    ['two policies', 'compare --trace load.csv --policy hpa --policy slo'],
  ],
  advise: [
    ['asks for what it needs to know', 'advise --trace load.csv'],
    [
      'beside what runs today',
      'advise --trace load.csv --users-per-server 400 --provisioning-delay 120 --overload 0.001 --current hpa.yaml',
    ],
  ],
  tune: [
    ['the usual options of a policy', 'tune --policy hpa --trace load.csv > fleet.yaml'],
    ['values of your own', 'tune --policy hpa --trace load.csv --search target=200,300,400'],
  ],
  replay: [
    ['every policy on the load of a run', 'replay decisions.jsonl'],
    ['one policy, with its decisions', 'replay decisions.jsonl --policy slo --decisions slo.jsonl'],
  ],
  explain: [
    ['every decision that changed something', 'explain decisions.jsonl --changes'],
    ['as they are made', 'explain --changes - < decisions.jsonl'],
  ],
  trace: [['what is understood of a file', 'trace info load.csv']],
  'trace info': [
    ['a table with several columns', 'trace info metrics.csv --column connections'],
    ['several series of Prometheus as one', 'trace info range.json --column sum'],
    ['visitors of a web server', 'trace info access.log.gz --session 600'],
  ],
  import: [
    ['what Kubernetes does today', 'import hpa.yaml > today.yaml'],
    ['a metric whose name does not say what it is', 'import policy.json --metric users'],
  ],
  token: [['for a user, an hour', 'token --user ann --rooms "team-*"']],
  doctor: [['before the first serve', 'doctor --data /var/lib/concertina']],
  completion: [
    ['bash', 'completion bash > ~/.local/share/bash-completion/completions/concertina'],
    ['zsh', 'completion zsh > ~/.zfunc/_concertina'],
    ['fish', 'completion fish > ~/.config/fish/completions/concertina.fish'],
  ],
}

/** The examples of a command as its help shows them. */
export function examplesText(command: string): string {
  const examples = EXAMPLES[command] ?? []
  if (examples.length === 0) return ''
  const lines = examples.flatMap(([what, line]) => [`  # ${what}`, `  concertina ${line}`])
  return `\nExamples:\n${lines.join('\n')}\n`
}
