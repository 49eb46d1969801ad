import { defineConfig } from 'vitest/config'
import { test } from './vitest.config.ts'

export default defineConfig({ test: { ...test, include: ['test/keda/*.test.ts'] } })
