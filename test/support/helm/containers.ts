import type { ChildProcess } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'yaml'
import type { Pod } from '../../../src/fleet/providers/kubernetes/objects.ts'
import { startCli } from '../../run-cli.ts'
import type { ControlPlane } from '../kube/control-plane.ts'
import { pathOf } from '../kube/paths.ts'
import { answers } from '../kube/service.ts'

/** What is used of a container. */
interface Container {
  args: string[]
  env: {
    name: string
    value?: string
    valueFrom?: { secretKeyRef?: { name: string; key: string }; fieldRef?: { fieldPath: string } }
  }[]
  ports: { name: string; containerPort: number }[]
  readinessProbe: { httpGet: { path: string; port: string } }
}

const containerOf = (pod: Pod) => (pod.spec as unknown as { containers: Container[] }).containers[0]!

/** Whether a pod's readiness probe succeeds. */
export function probe(pod: Pod, ip: string): Promise<boolean> {
  const { ports, readinessProbe } = containerOf(pod)
  const { path, port } = readinessProbe.httpGet
  return answers(ip, ports.find(({ name }) => name === port)!.containerPort, path)
}

/**
 * Runs the pods of the installed chart as processes from source, by the arguments and variables that the chart gives them: with the
 * secret, the config and the rights that it made.
 */
export async function containerRuntime(plane: ControlPlane, namespace: string, release: string) {
  const read = async (kind: string, name: string) => {
    const { data } = await plane.api.get<{ data: Record<string, string> }>(
      `${pathOf(kind, namespace)}/${name}`,
    )
    return data
  }
  const readSecret = async (name: string) => {
    const entries = Object.entries(await read('Secret', name))
    return Object.fromEntries(entries.map(([key, value]) => [key, Buffer.from(value, 'base64').toString()]))
  }
  const secret = await readSecret(release)
  const certificate = join(plane.folder, 'metric')
  mkdirSync(certificate)
  for (const [name, text] of Object.entries(await readSecret(`${release}-metric`).catch(() => ({}))))
    writeFileSync(join(certificate, name), text)
  const config = join(plane.folder, 'config.yaml')
  writeFileSync(config, (await read('ConfigMap', `${release}-config`))['config.yaml']!)
  const account = `${release}-controller`
  const { status: user } = await plane.api.create<{ status: { token: string } }>(
    `${pathOf('ServiceAccount', namespace)}/${account}/token`,
    { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: { expirationSeconds: 3600 } },
  )
  const admin = parse(readFileSync(plane.kubeconfig, 'utf8')) as { contexts: { context: object }[] }
  for (const each of admin.contexts) each.context = { ...each.context, namespace }
  const kubeconfig = join(plane.folder, `${account}.kubeconfig`)
  writeFileSync(kubeconfig, JSON.stringify({ ...admin, users: [{ name: 'test', user }] }))

  return {
    secret,
    run(pod: Pod, ip: string): ChildProcess {
      const { args, env } = containerOf(pod)
      const own = args.map((arg) =>
        arg
          .replace('0.0.0.0', ip)
          .replace('/etc/concertina/config.yaml', config)
          .replace('/etc/concertina-metric', certificate),
      )
      const variables = Object.fromEntries(
        env.map(({ name, value, valueFrom }) => {
          const key = valueFrom?.secretKeyRef?.key
          return [name, value ?? (key === undefined ? pod.metadata.name : secret[key]!)]
        }),
      )
      const { serviceAccountName } = pod.spec as { serviceAccountName?: string }
      const rights: Record<string, string> = serviceAccountName === account ? { KUBECONFIG: kubeconfig } : {}
      return startCli(own, { ...variables, ...rights }).child
    },
  }
}
