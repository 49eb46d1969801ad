import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['src/**/*.test.ts', 'test/**/*.test.ts'],
    testTimeout: 60_000,
    expect: { poll: { timeout: 10_000 } },
    // Real processes on a shared machine now and then miss a deadline: there a failed test gets one more chance, and
    // the report names it with `(retry x1)`.
    retry: process.env.CI ? 1 : 0,
  },
})
