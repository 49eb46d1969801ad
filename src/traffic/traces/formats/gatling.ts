import { invalidTrace, type Point, type TraceFormat } from '../format.ts'

/** Gatling's `simulation.log` (text, up to 3.11): users are those who started and did not end. */
export const gatling: TraceFormat = {
  name: 'gatling',
  description: 'simulation.log of Gatling',
  matches: (text) => /^(RUN|USER|ASSERTION)\t/.test(text),
  read(text, file) {
    const changes = new Map<number, number>()
    for (const [i, line] of text.split(/\r?\n/).entries()) {
      const cells = line.split('\t')
      if (cells[0] !== 'USER') continue
      const event = cells.find((cell) => cell === 'START' || cell === 'END')
      const moments = cells.filter((cell) => /^\d{13}$/.test(cell)).map(Number)
      // Older logs repeat the start before the end.
      const at = event === 'END' ? moments.at(-1) : moments[0]
      if (event === undefined || at === undefined)
        throw invalidTrace(
          `${file}:${i + 1}`,
          'it is no USER line',
          'USER, scenario, START or END, milliseconds',
        )
      const second = Math.floor(at / 1000)
      changes.set(second, (changes.get(second) ?? 0) + (event === 'START' ? 1 : -1))
    }
    if (changes.size === 0) throw invalidTrace(file, 'it has no USER line', 'a simulation.log with users')
    const points: Point[] = []
    let users = 0
    for (const [time, change] of [...changes].sort(([a], [b]) => a - b)) {
      // The users stay the same until the second before.
      if (time - 1 > (points.at(-1)?.time ?? time)) points.push({ time: time - 1, value: users, where: file })
      users = Math.max(0, users + change)
      points.push({ time, value: users, where: file })
    }
    return { points, unit: 'seconds', values: 'users that started and did not end', notes: [] }
  },
}
