import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { createWriteStream, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { KubeApi } from '../../../src/fleet/providers/kubernetes/api.ts'
import { findCredentials } from '../../../src/fleet/providers/kubernetes/credentials.ts'
import { freePort } from '../ports.ts'

export interface ControlPlane {
  readonly folder: string
  readonly kubeconfig: string
  readonly api: KubeApi
  /** The process of `etcd`, `kube-apiserver`, `kube-controller-manager` or `kube-scheduler`. */
  process(name: string): ChildProcess
  /** Starts one again that was killed. */
  restart(name: string): Promise<void>
  close(): Promise<void>
}

const START_MS = 60_000

/** A certificate authority and the leaves that the components need. */
function makeCertificates(folder: string): void {
  const openssl = (...args: string[]) => execFileSync('openssl', args, { cwd: folder, stdio: 'ignore' })
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
  for (const name of ['ca', 'front-ca']) {
    openssl(
      'req',
      '-x509',
      ...key,
      '-days',
      '2',
      '-subj',
      `/CN=${name}`,
      '-keyout',
      `${name}.key`,
      '-out',
      `${name}.crt`,
    )
  }
  const leaf = (name: string, ca: string, subject: string, names?: string) => {
    const usage = 'extendedKeyUsage=serverAuth,clientAuth\n'
    writeFileSync(join(folder, `${name}.ext`), usage + (names ? `subjectAltName=${names}\n` : ''))
    openssl('req', ...key, '-subj', subject, '-keyout', `${name}.key`, '-out', `${name}.csr`)
    const by = ['-CA', `${ca}.crt`, '-CAkey', `${ca}.key`, '-CAcreateserial', '-days', '2']
    openssl('x509', '-req', '-in', `${name}.csr`, ...by, '-extfile', `${name}.ext`, '-out', `${name}.crt`)
  }
  leaf('apiserver', 'ca', '/CN=kube-apiserver', 'IP:127.0.0.1,DNS:localhost')
  leaf('front', 'front-ca', '/CN=front-proxy')
  leaf('admin', 'ca', '/O=system:masters/CN=admin')
  leaf('kube-controller-manager', 'ca', '/CN=system:kube-controller-manager')
  leaf('kube-scheduler', 'ca', '/CN=system:kube-scheduler')
  leaf(
    'extension',
    'ca',
    '/CN=extension',
    'IP:127.0.0.1,DNS:localhost,DNS:metrics.default.svc,DNS:keda-metrics-apiserver.keda.svc',
  )
  openssl('ecparam', '-genkey', '-name', 'prime256v1', '-noout', '-out', 'sa.key')
  openssl('ec', '-in', 'sa.key', '-pubout', '-out', 'sa.pub')
}

function writeKubeconfig(folder: string, name: string, server: string): string {
  const file = join(folder, `${name}.kubeconfig`)
  const user = { 'client-certificate': `pki/${name}.crt`, 'client-key': `pki/${name}.key` }
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'test',
    clusters: [{ name: 'test', cluster: { server, 'certificate-authority': 'pki/ca.crt' } }],
    users: [{ name: 'test', user }],
    contexts: [{ name: 'test', context: { cluster: 'test', user: 'test', namespace: 'default' } }],
  }
  writeFileSync(file, JSON.stringify(config))
  return file
}

/** A real control plane on loopback, with everything it writes in a folder that goes with it. */
export async function startControlPlane(
  bin: string,
  options: { controllerManager?: readonly string[]; apiServer?: readonly string[] } = {},
): Promise<ControlPlane> {
  const folder = mkdtempSync(join(tmpdir(), 'kube-'))
  const pki = join(folder, 'pki')
  mkdirSync(pki)
  makeCertificates(pki)
  const [client, peer, secure] = [await freePort(), await freePort(), await freePort()]
  const server = `https://127.0.0.1:${secure}`
  const kubeconfig = writeKubeconfig(folder, 'admin', server)
  const managers = ['kube-controller-manager', 'kube-scheduler'] as const
  for (const name of managers) writeKubeconfig(folder, name, server)
  const cert = (name: string) => join(pki, name)
  const commands: Record<string, string[]> = {
    etcd: [
      `--data-dir=${join(folder, 'etcd')}`,
      '--unsafe-no-fsync',
      `--listen-client-urls=http://127.0.0.1:${client}`,
      `--advertise-client-urls=http://127.0.0.1:${client}`,
      `--listen-peer-urls=http://127.0.0.1:${peer}`,
      `--initial-advertise-peer-urls=http://127.0.0.1:${peer}`,
      `--initial-cluster=default=http://127.0.0.1:${peer}`,
      '--log-level=warn',
    ],
    'kube-apiserver': [
      `--etcd-servers=http://127.0.0.1:${client}`,
      '--bind-address=127.0.0.1',
      `--secure-port=${secure}`,
      '--advertise-address=127.0.0.1',
      '--endpoint-reconciler-type=none',
      '--service-cluster-ip-range=10.77.0.0/24',
      `--client-ca-file=${cert('ca.crt')}`,
      `--tls-cert-file=${cert('apiserver.crt')}`,
      `--tls-private-key-file=${cert('apiserver.key')}`,
      '--service-account-issuer=https://kubernetes.default.svc',
      `--service-account-key-file=${cert('sa.pub')}`,
      `--service-account-signing-key-file=${cert('sa.key')}`,
      '--authorization-mode=RBAC',
      `--proxy-client-cert-file=${cert('front.crt')}`,
      `--proxy-client-key-file=${cert('front.key')}`,
      `--requestheader-client-ca-file=${cert('front-ca.crt')}`,
      '--requestheader-allowed-names=front-proxy',
      '--requestheader-extra-headers-prefix=X-Remote-Extra-',
      '--requestheader-group-headers=X-Remote-Group',
      '--requestheader-username-headers=X-Remote-User',
      ...(options.apiServer ?? []),
    ],
    'kube-controller-manager': [
      `--service-account-private-key-file=${cert('sa.key')}`,
      `--root-ca-file=${cert('ca.crt')}`,
      '--use-service-account-credentials',
      ...(options.controllerManager ?? []),
    ],
    'kube-scheduler': [],
  }
  for (const name of managers) {
    const own = `--kubeconfig=${join(folder, `${name}.kubeconfig`)}`
    commands[name]!.push(own, '--leader-elect=false', '--secure-port=0')
  }
  const processes = new Map<string, ChildProcess>()
  const api = new KubeApi(findCredentials({ kubeconfig }))
  const launch = (name: string) => {
    const child = spawn(join(bin, name), commands[name]!, { stdio: ['ignore', 'ignore', 'pipe'] })
    child.stderr!.pipe(createWriteStream(join(folder, `${name}.log`), { flags: 'a' }))
    processes.set(name, child)
  }
  const answers = async () => {
    for (const end = Date.now() + START_MS; ; ) {
      const dead = [...processes].find(([, { exitCode }]) => exitCode !== null)
      if (dead) throw new Error(`${dead[0]} ended; see ${folder}/${dead[0]}.log`)
      try {
        return await api.get('/api/v1/namespaces/default')
      } catch (error) {
        if (Date.now() > end) throw error
        await new Promise((resolve) => setTimeout(resolve, 100))
      }
    }
  }
  const end = async (child: ChildProcess) => {
    if (child.exitCode !== null || child.signalCode !== null) return
    const gone = new Promise((resolve) => child.once('exit', resolve))
    child.kill('SIGKILL')
    await gone
  }
  const close = async () => {
    api.close()
    for (const name of Object.keys(commands).reverse()) {
      const child = processes.get(name)
      if (child) await end(child)
    }
    rmSync(folder, { recursive: true, force: true })
  }
  try {
    launch('etcd')
    launch('kube-apiserver')
    await answers()
    for (const name of managers) launch(name)
  } catch (error) {
    await close()
    throw error
  }
  return {
    folder,
    kubeconfig,
    api,
    process: (name) => processes.get(name)!,
    async restart(name) {
      await end(processes.get(name)!)
      launch(name)
      await answers()
    },
    close,
  }
}
