/** A worker thread: takes tasks, one at a time, and answers with what came of them. */
import { parentPort } from 'node:worker_threads'
import { ConcertinaError } from '../base/errors.ts'
import { perform, type Task } from './tasks.ts'

parentPort?.on('message', (task: Task) => {
  try {
    parentPort!.postMessage({ outcome: perform(task) })
  } catch (error) {
    if (!(error instanceof ConcertinaError)) throw error
    const { code, message, hint, where } = error
    parentPort!.postMessage({ error: { code, message, hint, where } })
  }
})
