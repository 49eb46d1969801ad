#!/usr/bin/env node
import { existsSync } from 'node:fs'

// The build makes a few files of the many: they start in a fraction of the time.
const bundle = new URL('./program.bundle.js', import.meta.url)
const { main } = (
  existsSync(bundle) ? await import(bundle.href) : await import('./program.ts')
) as typeof import('./program.ts')
await main()
