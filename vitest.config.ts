import { defineConfig } from 'vitest/config'

export const test = { testTimeout: 60_000, expect: { poll: { timeout: 10_000 } } }

export default defineConfig({
  test: { ...test, include: ['src/**/*.test.ts', 'test/**/*.test.ts'], exclude: ['test/keda/**'] },
})
