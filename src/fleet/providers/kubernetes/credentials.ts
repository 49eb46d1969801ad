import { execFile } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { delimiter, dirname, join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { parse } from 'yaml'
import { z } from 'zod'
import { ConcertinaError, invalidInput } from '../../../base/errors.ts'

/** How to reach an API server, and as whom. */
export interface Credentials {
  readonly server: string
  readonly ca?: string | undefined
  readonly cert?: string | undefined
  readonly key?: string | undefined
  readonly skipTlsVerify?: boolean | undefined
  /** The namespace of the context, or of the pod. */
  readonly namespace?: string | undefined
  /** The bearer token of now; it may change while a process runs. */
  token?(): Promise<string | undefined>
}

const SERVICE_ACCOUNT = '/var/run/secrets/kubernetes.io/serviceaccount'
/** Seconds that a token is used before it is read again; they rotate. */
const TOKEN_SECONDS = 60
const EXEC_TIMEOUT_MS = 30_000

const execSchema = z.object({
  command: z.string(),
  args: z.array(z.string()).nullish(),
  env: z.array(z.object({ name: z.string(), value: z.string() })).nullish(),
  apiVersion: z.string(),
})
const userSchema = z.object({
  'client-certificate': z.string().optional(),
  'client-certificate-data': z.string().optional(),
  'client-key': z.string().optional(),
  'client-key-data': z.string().optional(),
  token: z.string().optional(),
  tokenFile: z.string().optional(),
  exec: execSchema.optional(),
})
const kubeconfigSchema = z.object({
  'current-context': z.string().optional(),
  clusters: z.array(
    z.object({
      name: z.string(),
      cluster: z.object({
        server: z.string(),
        'certificate-authority': z.string().optional(),
        'certificate-authority-data': z.string().optional(),
        'insecure-skip-tls-verify': z.boolean().optional(),
      }),
    }),
  ),
  users: z.array(z.object({ name: z.string(), user: userSchema.nullish() })),
  contexts: z.array(
    z.object({
      name: z.string(),
      context: z.object({ cluster: z.string(), user: z.string(), namespace: z.string().optional() }),
    }),
  ),
})
type KubeUser = z.infer<typeof userSchema>

/** Calls `read` again when its last answer is older than `seconds`. */
function cached<T>(seconds: number, read: () => Promise<T>): () => Promise<T> {
  let last: { at: number; value: T } | undefined
  return async () => {
    if (!last || performance.now() - last.at > seconds * 1000) {
      last = { at: performance.now(), value: await read() }
    }
    return last.value
  }
}

/** The credentials that a pod has from its service account; undefined outside a cluster. */
function inCluster(): Credentials | undefined {
  const { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port = '443' } = process.env
  if (!host || !existsSync(`${SERVICE_ACCOUNT}/token`)) return undefined
  const read = (name: string) => readFileSync(`${SERVICE_ACCOUNT}/${name}`, 'utf8').trim()
  return {
    server: `https://${host.includes(':') ? `[${host}]` : host}:${port}`,
    ca: read('ca.crt'),
    namespace: read('namespace'),
    token: cached(TOKEN_SECONDS, async () => read('token')),
  }
}

/** The token that a credential plugin prints, as `aws eks get-token` does. */
async function execToken(plugin: z.infer<typeof execSchema>): Promise<string | undefined> {
  const env = Object.fromEntries((plugin.env ?? []).map(({ name, value }) => [name, value]))
  const info = { apiVersion: plugin.apiVersion, kind: 'ExecCredential', spec: { interactive: false } }
  const { stdout } = await promisify(execFile)(plugin.command, plugin.args ?? [], {
    timeout: EXEC_TIMEOUT_MS,
    env: { ...process.env, ...env, KUBERNETES_EXEC_INFO: JSON.stringify(info) },
  })
  return (JSON.parse(stdout) as { status?: { token?: string } }).status?.token
}

function userToken(user: KubeUser, folder: string): Credentials['token'] {
  const { token, tokenFile, exec } = user
  if (token) return async () => token
  if (tokenFile) {
    return cached(TOKEN_SECONDS, async () => readFileSync(resolve(folder, tokenFile), 'utf8').trim())
  }
  if (exec) return cached(TOKEN_SECONDS, () => execToken(exec))
  return undefined
}

function kubeconfigIn(text: string, file: string): z.infer<typeof kubeconfigSchema> {
  let value: unknown
  try {
    value = parse(text)
  } catch {
    throw invalidInput(file, 'it is not YAML', 'a kubeconfig file')
  }
  const parsed = kubeconfigSchema.safeParse(value)
  if (parsed.success) return parsed.data
  // Not the value itself: there are secrets in it.
  const place = parsed.error.issues[0]!.path.join('.') || 'all of it'
  throw invalidInput(file, `${place} is missing or not as it should be`, 'a kubeconfig file')
}

function fromKubeconfig(file: string, context: string | undefined): Credentials {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    throw new ConcertinaError('FILE_ACCESS', `${file}: ${(error as Error).message}`, {
      hint: 'a kubeconfig file: --kubeconfig, KUBECONFIG or ~/.kube/config',
      cause: error,
    })
  }
  const config = kubeconfigIn(text, file)
  const name = context ?? config['current-context']
  const found = config.contexts.find((each) => each.name === name)?.context
  const cluster = config.clusters.find((each) => each.name === found?.cluster)?.cluster
  if (!found || !cluster) {
    const names = config.contexts.map((each) => each.name).join(', ')
    throw invalidInput(file, `no usable context ${JSON.stringify(name)}`, `one of: ${names}`)
  }
  const user = config.users.find((each) => each.name === found.user)?.user ?? {}
  const folder = dirname(resolve(file))
  const pem = (data: string | undefined, path: string | undefined) =>
    data ? Buffer.from(data, 'base64').toString() : path && readFileSync(resolve(folder, path), 'utf8')
  const token = userToken(user, folder)
  return {
    server: cluster.server,
    ca: pem(cluster['certificate-authority-data'], cluster['certificate-authority']),
    cert: pem(user['client-certificate-data'], user['client-certificate']),
    key: pem(user['client-key-data'], user['client-key']),
    skipTlsVerify: cluster['insecure-skip-tls-verify'],
    namespace: found.namespace,
    ...(token && { token }),
  }
}

interface CredentialOptions {
  readonly kubeconfig?: string | undefined
  readonly context?: string | undefined
}

/**
 * Finds credentials: the kubeconfig that is named, KUBECONFIG, the pod's service account, or ~/.kube/config, in this order.
 * @throws {ConcertinaError} FILE_ACCESS or INVALID_INPUT, naming the file.
 */
export function findCredentials(options: CredentialOptions): Credentials {
  const named = options.kubeconfig ?? process.env.KUBECONFIG?.split(delimiter)[0]
  if (named) return fromKubeconfig(named, options.context)
  return inCluster() ?? fromKubeconfig(join(homedir(), '.kube', 'config'), options.context)
}

/** The namespace that is meant: the one that is named, or that of the credentials, or else `default`. */
export function namespaceOf(
  options: CredentialOptions & { readonly namespace?: string | undefined },
): string {
  return options.namespace ?? findCredentials(options).namespace ?? 'default'
}
