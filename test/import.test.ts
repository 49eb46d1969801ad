import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { runCli } from './run-cli.ts'

it('imports what people have as a config that runs', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'concertina-import-'))
  const hpa = join(folder, 'hpa.yaml')
  writeFileSync(
    hpa,
    `apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: { name: chat }
spec:
  minReplicas: 1
  maxReplicas: 20
  metrics: [{ type: Pods, pods: { metric: { name: users }, target: { type: AverageValue, averageValue: "10" } } }]
`,
  )
  const { status, stdout } = await runCli(['import', hpa])
  expect(status).toBe(0)
  expect(stdout).toMatch(/^# HorizontalPodAutoscaler chat: of its 4 fields 3 taken, 1 approximated, 0 not/)
  const config = join(folder, 'fleet.yaml')
  writeFileSync(config, stdout)
  const run = await runCli(['simulate', '--config', config, '--duration', '60', '--json'])
  expect(run.stderr).toBe('')
  expect((JSON.parse(run.stdout) as { peakServers: number }).peakServers).toBeGreaterThan(3)
  const wrong = await runCli(['import', hpa, '--metric', 'zork'])
  expect(wrong).toMatchObject({ status: 2, stdout: '' })
  expect(wrong.stderr).toMatch(/--metric: "zork" is not allowed/)
}, 60_000)
