import { spawnSync } from 'node:child_process'
import { X509Certificate } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { readConfig } from '../src/cli/config/config.ts'
import { runCli } from './run-cli.ts'
import { CHART, documentsOf, helmIn, type Manifest, requireHelm } from './support/helm/chart.ts'
import { kubeBinaries } from './support/kube/binaries.ts'
import { type ControlPlane, startControlPlane } from './support/kube/control-plane.ts'
import { pathOf } from './support/kube/paths.ts'
import { NATS_SERVER, requireNats } from './support/nats.ts'

/** What people change, each by itself and all together. */
const VALUES: Record<string, object> = {
  defaults: {},
  'an external broker': { broker: { url: 'nats://nats:4222', replicas: 3, clusterName: 'main' } },
  'redis, and anyone may connect': {
    broker: { url: 'rediss://user@redis:6380' },
    networkPolicy: { brokerPorts: [6380] },
    auth: { users: 'anonymous' },
  },
  'one small node': { nats: { replicas: 1, syncAlways: true, storage: { size: '1Gi', className: 'fast' } } },
  'a size that an HPA carries out': { scaleBy: 'metric', config: { autoScaler: { maxServers: 1 } } },
  'one between the usual limits, and a certificate from elsewhere': {
    scaleBy: 'metric',
    metric: { existingSecret: 'mine', annotations: { 'cert-manager.io/inject-ca-from': 'chat/metric' } },
    config: { autoScaler: { minServers: 12 } },
  },
  everything: {
    fullnameOverride: 'talk',
    image: { repository: 'registry.example.com/concertina', tag: 'main', pullPolicy: 'Always' },
    imagePullSecrets: [{ name: 'pull' }],
    auth: { users: 'config', existingSecret: 'mine' },
    config: {
      autoScaler: { minServers: 3, policy: { kind: 'threshold', scaleUpThreshold: 900 } },
      live: { auth: { jwksUrl: 'https://id.example.com/jwks' } },
    },
    server: {
      replicas: null,
      leaveSeconds: 0,
      drainSeconds: 120,
      extraArgs: ['--log-format=json'],
      extraEnv: [{ name: 'NODE_OPTIONS', value: '--max-old-space-size=700' }],
      podAnnotations: { team: 'chat' },
      nodeSelector: { pool: 'chat' },
      tolerations: [{ key: 'chat', operator: 'Exists' }],
      affinity: { nodeAffinity: {} },
      priorityClassName: 'high',
    },
    controller: { replicas: 3, extraArgs: ['--strategy=least-loaded'] },
    service: { type: 'LoadBalancer', port: 443, annotations: { 'example.com/nlb': 'yes' } },
    ingress: { enabled: true, className: 'nginx', host: 'talk.example.com' },
    podDisruptionBudget: { enabled: false },
    networkPolicy: {
      controllerFrom: [{ namespaceSelector: { matchLabels: { name: 'monitoring' } } }],
      extraEgress: [{ ports: [{ port: 443 }] }],
    },
    serviceMonitor: { enabled: true, interval: '30s', labels: { release: 'prometheus' } },
  },
}

const podsOf = (objects: readonly Manifest[]) => objects.flatMap(({ spec }) => spec?.template ?? [])
const named = (objects: readonly Manifest[], kind: string, end: string) =>
  objects.find((each) => each.kind === kind && each.metadata.name.endsWith(end))!

/** Every name and selector in the objects leads to one of them. */
function checkReferences(objects: readonly Manifest[], ...secrets: (string | undefined)[]): void {
  const pods = podsOf(objects)
  for (const { kind, spec } of objects) {
    const labels =
      kind === 'Service' ? spec?.selector : (spec?.selector?.matchLabels ?? spec?.podSelector?.matchLabels)
    if (labels === undefined || kind === 'ServiceMonitor') continue
    expect(pods.map(({ metadata }) => metadata.labels)).toContainEqual(
      expect.objectContaining(labels as Record<string, string>),
    )
  }
  const names = (kind: string) =>
    objects.filter((each) => each.kind === kind).map(({ metadata }) => metadata.name)
  for (const { spec } of pods) {
    for (const { configMap, secret } of spec.volumes ?? []) {
      if (configMap) expect(names('ConfigMap')).toContain(configMap.name)
      if (secret) expect([...names('Secret'), ...secrets]).toContain(secret.secretName)
    }
    if (spec.serviceAccountName) expect(names('ServiceAccount')).toContain(spec.serviceAccountName)
  }
  const text = JSON.stringify(objects)
  for (const [, secret] of text.matchAll(/"secretKeyRef":\{"name":"([^"]+)"/g))
    expect([...names('Secret'), ...secrets]).toContain(secret)
  for (const [, service] of text.matchAll(/"service":\{"name":"([^"]+)"/g))
    expect(names('Service')).toContain(service)
  for (const [, deployment] of text.matchAll(/--deployment=([^"]+)/g))
    expect(names('Deployment')).toContain(deployment)
}

describe.skipIf(!requireHelm())('the chart', { timeout: 120_000 }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'helm-'))
  const helm = helmIn(folder)
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  it.each(Object.entries(VALUES))('has nothing that helm lint finds (%s)', (_, values) => {
    const { status, stdout } = helm.run('lint', '--strict', CHART, ...helm.withValues(values))
    expect([status, stdout]).toEqual([0, expect.stringContaining('0 chart(s) failed')])
  })

  it.each(Object.entries(VALUES))('refers only to what it has itself (%s)', (_, values) => {
    const objects = helm.render(values)
    type Named = { existingSecret?: string }
    const { auth, metric } = values as { auth?: Named; metric?: Named }
    checkReferences(objects, auth?.existingSecret, metric?.existingSecret)
  })

  it.each(Object.entries(VALUES))('runs every pod without rights (%s)', (_, values) => {
    for (const { spec } of podsOf(helm.render(values))) {
      expect(spec.securityContext).toMatchObject({ runAsNonRoot: true })
      for (const { securityContext } of spec.containers) {
        expect(securityContext).toEqual({
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ['ALL'] },
        })
      }
    }
  })

  it('gives the commands flags that they have, and a config that they accept', async () => {
    const help = new Map<string, string>()
    for (const values of Object.values(VALUES)) {
      const objects = helm.render(values)
      const config = join(folder, 'config.yaml')
      writeFileSync(config, named(objects, 'ConfigMap', '-config').data!['config.yaml']!)
      expect(readConfig(config).autoScaler).toBeDefined()
      for (const { spec } of podsOf(objects)) {
        const [command, ...flags] = spec.containers[0]!.args
        if (command!.startsWith('-')) continue // NATS
        if (!help.has(command!)) help.set(command!, (await runCli([command!, '--help'])).stdout)
        for (const flag of flags) {
          const [name, value] = flag.split('=')
          expect(help.get(command!)).toContain(value === undefined ? `${name} ` : `${name} <`)
        }
      }
    }
  })

  it.skipIf(!requireNats())('gives NATS a configuration that it accepts', () => {
    for (const values of Object.values(VALUES)) {
      const data = named(helm.render(values), 'ConfigMap', '-nats')?.data
      if (data === undefined) continue
      const file = join(folder, 'nats.conf')
      writeFileSync(file, data['nats.conf']!)
      const env = { ...process.env, POD_NAME: 'chat-nats-0' }
      const { status, stderr } = spawnSync(NATS_SERVER, ['-t', '-c', file], { encoding: 'utf8', env })
      expect([status, stderr]).toEqual([0, expect.stringContaining('configuration file')])
    }
  })

  it.each([
    ['server/replicas', { server: { replicas: 0 } }],
    ['nats/replicas', { nats: { replicas: 2 } }],
    ['broker/url', { broker: { url: 'http://nats' } }],
    ['auth/users', { auth: { users: 'nobody' } }],
    ['replica', { server: { replica: 3 } }],
    ['where are rooms to be kept', { nats: { enabled: false } }],
    ['scaleBy', { scaleBy: 'hpa' }],
    ['metric.ca', { scaleBy: 'metric', metric: { existingSecret: 'mine' } }],
  ])('rejects values that mean nothing, naming %s', (name, values) => {
    const { status, stderr } = helm.run('template', 'chat', CHART, ...helm.withValues(values))
    expect([status, stderr]).toEqual([1, expect.stringContaining(name)])
  })

  it('has the HPA that --print-hpa prints, a certificate for its Service, and no right to the size', async () => {
    for (const values of Object.values(VALUES)) {
      const objects = helm.render(values)
      const hpa = objects.find(({ kind }) => kind === 'HorizontalPodAutoscaler')
      const byMetric = 'scaleBy' in values
      expect(hpa !== undefined).toBe(byMetric)
      const may = named(objects, 'Role', '-controller').rules!.flatMap(({ resources }) => resources)
      expect(may.includes('deployments/scale')).toBe(!byMetric)
      if (!byMetric) continue
      const config = join(folder, 'config.yaml')
      writeFileSync(config, named(objects, 'ConfigMap', '-config').data!['config.yaml']!)
      const deployment = named(objects, 'Deployment', '-server').metadata.name
      const { stdout } = await runCli([
        'controller',
        '--print-hpa',
        '--deployment',
        deployment,
        '--config',
        config,
      ])
      expect(hpa!.spec).toEqual(parse(stdout).spec)
      const [service, secret] = ['Service', 'Secret'].map((kind) => named(objects, kind, '-metric'))
      const { caBundle } = objects.find(({ kind }) => kind === 'APIService')!.spec!
      expect(caBundle).toBe(secret?.data?.['tls.crt'])
      if (caBundle === undefined) continue
      const certificate = new X509Certificate(Buffer.from(caBundle as string, 'base64'))
      expect(certificate.checkHost(`${service!.metadata.name}.default.svc`)).toBeDefined()
      expect(Date.parse(certificate.validTo)).toBeGreaterThan(Date.now() + 3000 * 86_400_000)
    }
  })

  it('agrees with the plain manifests', () => {
    const chart = helm.render({
      broker: { url: 'nats://nats:4222' },
      ingress: { enabled: true },
      image: { tag: 'x' },
    })
    const plain = ['rbac.yaml', 'chat.yaml'].flatMap((name) =>
      documentsOf(readFileSync(`deploy/kubernetes/${name}`, 'utf8')),
    )
    checkReferences(plain, 'concertina')
    /** What matters of an object; names are the only thing that may differ. */
    const essence = (objects: readonly Manifest[]) =>
      objects
        .filter(({ kind, spec }) => kind !== 'Secret' && !(kind === 'Service' && spec?.clusterIP))
        .map(({ kind, metadata, spec, rules, data }) => {
          const server = /^chat(-concertina-server)?$/.test(metadata.name)
          const text = JSON.stringify({
            kind: `${kind} ${kind === 'ConfigMap' ? '' : server ? 'of servers' : 'of controllers'}`,
            rules: rules?.map(({ resourceNames: _, ...rule }) => rule),
            config: data && parse(data['config.yaml']!),
            spec: spec && {
              ...spec,
              ...(spec.type === 'ClusterIP' && { type: undefined }),
              ...(spec.template && {
                template: {
                  ...spec.template.spec,
                  containers: spec.template.spec.containers.map(({ imagePullPolicy: _, ...container }) => ({
                    ...container,
                    args: container.args.filter((arg) => !arg.startsWith('--cluster-name=')),
                  })),
                },
              }),
            },
          })
          return text
            .replaceAll('concertina:x', 'concertina')
            .replace(/\{"app\.kubernetes\.io\/name":"concertina",[^}]*"(server|controller)"\}/g, '"$1"')
            .replaceAll('{"app":"chat"}', '"server"')
            .replaceAll('{"app":"concertina-controller"}', '"controller"')
            .replace(/("(?:configMap|secretKeyRef|service)":\{"name"|"serviceAccountName"):"[^"]+"/g, '$1:""')
            .replace(/--deployment=[^"]+/, '--deployment=')
        })
        .map((text) => JSON.parse(text) as { kind: string })
        .sort((a, b) => a.kind.localeCompare(b.kind))
    expect(essence(chart)).toEqual(essence(plain))
  })
})

describe.skipIf(!requireHelm() || !kubeBinaries())(
  'the chart on a control plane',
  { timeout: 120_000 },
  () => {
    const folder = mkdtempSync(join(tmpdir(), 'helm-'))
    const helm = helmIn(folder)
    let plane: ControlPlane

    beforeAll(async () => {
      plane = await startControlPlane(kubeBinaries()!)
    }, 90_000)
    afterAll(async () => {
      await plane?.close()
      rmSync(folder, { recursive: true, force: true })
    })

    it.each(Object.entries(VALUES))('is accepted word for word (%s)', async (_, values) => {
      for (const object of helm.render(values)) {
        if (object.kind === 'ServiceMonitor') continue // of an operator that is not there
        const path = `${pathOf(object.kind)}?dryRun=All&fieldValidation=Strict`
        const made = await plane.api.create<Manifest>(path, object)
        expect(made.metadata.name).toBe(object.metadata.name)
      }
    })

    it('is installed, keeps size and secret through an upgrade, and leaves nothing but its data', async () => {
      const on = ['--kubeconfig', plane.kubeconfig, '--namespace', 'chat']
      const notes = helm.must('install', 'chat', CHART, ...on, '--create-namespace')
      expect(notes).toContain('concertina token --user')
      const servers = `${pathOf('Deployment', 'chat')}/chat-concertina-server`
      const secret = (end = '') =>
        plane.api.get<Manifest>(`${pathOf('Secret', 'chat')}/chat-concertina${end}`)
      const { data } = await secret()
      expect((await plane.api.get<Manifest>(servers)).spec?.replicas).toBe(2)

      await plane.api.patch(`${servers}/scale`, { spec: { replicas: 7 } })
      helm.must('upgrade', 'chat', CHART, ...on, '--set', 'server.drainSeconds=60')
      const { spec } = await plane.api.get<Manifest>(servers)
      expect(spec?.replicas).toBe(7)
      expect(spec?.template?.spec.containers[0]?.args).toContain('--drain-seconds=60')
      expect((await secret()).data).toEqual(data)

      const metric = () => helm.must('upgrade', 'chat', CHART, ...on, '--set', 'scaleBy=metric')
      metric()
      const { data: certificate } = await secret('-metric')
      metric()
      expect((await secret('-metric')).data).toEqual(certificate)
      expect((await plane.api.get<Manifest>(servers)).spec?.replicas).toBe(7)

      helm.must('uninstall', 'chat', ...on)
      const left = async () => {
        const kinds = [
          'Deployment',
          'StatefulSet',
          'Service',
          'Secret',
          'Role',
          'NetworkPolicy',
          'PodDisruptionBudget',
          'HorizontalPodAutoscaler',
        ]
        const lists = await Promise.all(
          kinds.map((kind) => plane.api.get<{ items: Manifest[] }>(pathOf(kind, 'chat'))),
        )
        return lists.flatMap(({ items }) => items.map(({ metadata }) => metadata.name))
      }
      await expect.poll(left, { timeout: 30_000 }).toEqual([])
    })
  },
)
