import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vite'

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url))

export default defineConfig({
  root: here('.'),
  // The pages also work under a path prefix that a proxy strips.
  base: './',
  build: {
    outDir: here('../dist/web'),
    emptyOutDir: true,
    modulePreload: false,
    rolldownOptions: { input: ['dashboard.html', 'admin.html', 'fleets.html', 'chat.html'].map(here) },
  },
})
