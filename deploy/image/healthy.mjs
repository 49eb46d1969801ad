// Ends with 0 when the process in this container answers its health check.
const url = process.env.HEALTH_URL ?? 'http://127.0.0.1:8080/healthz'
const response = await fetch(url, { signal: AbortSignal.timeout(4000) }).catch(() => undefined)
process.exitCode = response?.ok ? 0 : 1
