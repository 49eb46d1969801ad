import { existsSync, readFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vite'

const cli = fileURLToPath(new URL('../dist/cli/', import.meta.url))

/** The compiled modules that a module imports, directly and through others, but not by `import()`. */
function reachable(module: string, found = new Set<string>()): Set<string> {
  // Tools that read this config may do so before anything is compiled.
  if (found.has(module) || !existsSync(module)) return found
  found.add(module)
  const imports = readFileSync(module, 'utf8').matchAll(
    /^(?:import|export)\s(?:[^'"]*\sfrom\s)?['"](\.[^'"]+)/gm,
  )
  for (const [, path] of imports) reachable(resolve(dirname(module), path!), found)
  return found
}

const start = reachable(`${cli}program.js`)
const service = reachable(`${cli}commands/serve.js`)
const config = reachable(`${cli}config/config.js`)
/** What `serve` needs of other packages, and what reading a config does. */
const LIBRARIES = /\/node_modules\/(zod|croner|d3-random)\//
const OF_CONFIG = /\/node_modules\/(yaml|csv-parse)\//

/** Vite's config for the CLI: one file for what every command needs, and a few for what only some do. */
export default defineConfig({
  build: {
    ssr: `${cli}program.js`,
    outDir: cli,
    emptyOutDir: false,
    copyPublicDir: false,
    minify: false,
    target: 'node20',
    rolldownOptions: {
      external: ['ws', 'jose', 'prom-client', 'ioredis', /^@nats-io\//, /^@grpc\//, /^@aws-sdk\//],
      output: {
        entryFileNames: 'program.bundle.js',
        chunkFileNames: 'bundle/[name].js',
        // Each file costs time: a service is started with two, or three with a config, and a command's help needs the first only.
        codeSplitting: {
          groups: [
            {
              name: 'start',
              test: (id: string) => start.has(id) || /\/node_modules\/commander\//.test(id),
              priority: 3,
            },
            { name: 'service', test: (id: string) => service.has(id) || LIBRARIES.test(id), priority: 2 },
            { name: 'config', test: (id: string) => config.has(id) || OF_CONFIG.test(id), priority: 1 },
          ],
        },
        banner:
          '/*! Contains commander and csv-parse (MIT License), croner (MIT License), zod (MIT License, Copyright (c) 2025 Colin McDonnell), yaml (ISC License, Copyright Eemeli Aro) and d3-random (ISC License, Copyright 2010-2021 Mike Bostock). */',
      },
    },
  },
  ssr: { noExternal: true, target: 'node' },
})
