import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http'

/** What goes wrong between us and AWS, and what the stand-in for AWS does not do by itself. All may be changed at any time. */
export interface Faults {
  /** Every nth call is throttled; 0 for none. */
  throttleEvery: number
  /** Looks at the group are answered from this long ago. */
  staleMs: number
  /** A hook holds an instance that is to end until it is completed, or this long after the last heartbeat; 0 for none. */
  hookMs: number
  /** The answer to the next calls of this action is lost, after they were carried out. */
  loseAnswer: string | undefined
}

interface Answer {
  readonly status: number
  readonly type: string
  readonly body: string
}

const xml = (action: string, inner = ''): Answer => ({
  status: 200,
  type: 'text/xml',
  body: `<${action}Response xmlns="http://autoscaling.amazonaws.com/doc/2011-01-01/"><${action}Result>${inner}</${action}Result><ResponseMetadata><RequestId>1</RequestId></ResponseMetadata></${action}Response>`,
})
const rejection = (code: string, message: string): Answer => ({
  status: 400,
  type: 'text/xml',
  body: `<ErrorResponse><Error><Type>Sender</Type><Code>${code}</Code><Message>${message}</Message></Error><RequestId>1</RequestId></ErrorResponse>`,
})

async function bodyOf(stream: IncomingMessage): Promise<string> {
  let text = ''
  for await (const chunk of stream) text += chunk
  return text
}

const CALM: Faults = { throttleEvery: 0, staleMs: 0, hookMs: 0, loseAnswer: undefined }

/** A proxy before moto that adds throttling, stale reads, lost answers, lifecycle hooks and the limit of a group's size. */
export class FaultProxy {
  readonly faults: Faults = { ...CALM }
  /** Calls by action. */
  readonly calls = new Map<string, number>()
  throttled = 0
  readonly #moto: number
  readonly #server = createServer((req, res) => void this.#handle(req, res))
  readonly #held = new Map<string, { end: () => Promise<Answer>; timer: NodeJS.Timeout }>()
  readonly #looks: { at: number; answer: Answer }[] = []
  #count = 0
  #max = Number.POSITIVE_INFINITY
  #min = 0
  #desired = 0

  constructor(motoPort: number) {
    this.#moto = motoPort
  }

  async start(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve))
    const { port } = this.#server.address() as { port: number }
    return `http://127.0.0.1:${port}`
  }

  close(): void {
    for (const { timer } of this.#held.values()) clearTimeout(timer)
    this.#server.close()
    this.#server.closeAllConnections()
  }

  /** Forgets everything between two tests. */
  reset(): void {
    Object.assign(this.faults, CALM)
    for (const { timer } of this.#held.values()) clearTimeout(timer)
    this.#held.clear()
    this.#looks.length = 0
    this.calls.clear()
    this.throttled = 0
  }

  async #handle(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const body = await bodyOf(req)
    const answer = await this.#answer(req, new URLSearchParams(body), body)
    if (answer === 'lost') req.socket.destroy()
    else res.writeHead(answer.status, { 'content-type': answer.type }).end(answer.body)
  }

  async #answer(req: IncomingMessage, query: URLSearchParams, body: string): Promise<Answer | 'lost'> {
    const action = query.get('Action') ?? ''
    const id = query.get('InstanceId') ?? ''
    this.calls.set(action, (this.calls.get(action) ?? 0) + 1)
    const { throttleEvery, hookMs, loseAnswer } = this.faults
    if (throttleEvery > 0 && ++this.#count % throttleEvery === 0) {
      this.throttled++
      return rejection('Throttling', 'Rate exceeded')
    }
    const forward = () => this.#forward(req, body)
    if (action === 'SetDesiredCapacity' && Number(query.get('DesiredCapacity')) > this.#max) {
      return rejection('ValidationError', `New SetDesiredCapacity value is above max value ${this.#max}`)
    }
    const decrements = query.get('ShouldDecrementDesiredCapacity') === 'true'
    if (action === 'TerminateInstanceInAutoScalingGroup' && decrements && this.#desired <= this.#min) {
      return rejection('ValidationError', `it would violate the group's min size constraint ${this.#min}`)
    }
    // Until the next look brings what moto made of it.
    if (action === 'TerminateInstanceInAutoScalingGroup' && decrements) this.#desired--
    if (action === 'SetDesiredCapacity') this.#desired = Number(query.get('DesiredCapacity'))
    if (action === 'TerminateInstanceInAutoScalingGroup' && hookMs > 0) {
      if (!this.#held.has(id)) this.hold(id, forward)
      return xml(action)
    }
    const held = this.#held.get(id)
    if (action === 'RecordLifecycleActionHeartbeat' || action === 'CompleteLifecycleAction') {
      if (!held)
        return rejection('ValidationError', `No active Lifecycle Action found with instance ID ${id}`)
      clearTimeout(held.timer)
      if (action === 'CompleteLifecycleAction') {
        this.#held.delete(id)
        await held.end()
      } else this.hold(id, held.end)
      return xml(action)
    }
    const answer = action === 'DescribeAutoScalingGroups' ? await this.#look(forward) : await forward()
    if (action !== loseAnswer) return answer
    this.faults.loseAnswer = undefined
    return 'lost'
  }

  /** Lets a hook hold an instance, as when AWS ends it by itself. */
  hold(id: string, end: () => Promise<Answer>): void {
    const timer = setTimeout(() => {
      this.#held.delete(id)
      void end()
    }, this.faults.hookMs)
    this.#held.set(id, { end, timer })
  }

  isHeld(id: string): boolean {
    return this.#held.has(id)
  }

  async #look(forward: () => Promise<Answer>): Promise<Answer> {
    const answer = await forward()
    this.#max = Number(/<MaxSize>(\d+)</.exec(answer.body)?.[1] ?? Number.POSITIVE_INFINITY)
    this.#min = Number(/<MinSize>(\d+)</.exec(answer.body)?.[1] ?? 0)
    this.#desired = Number(/<DesiredCapacity>(\d+)</.exec(answer.body)?.[1] ?? 0)
    const marked = { ...answer, body: this.#markHeld(answer.body) }
    const now = Date.now()
    this.#looks.push({ at: now, answer: marked })
    const old = this.#looks.findLast(({ at }) => at <= now - this.faults.staleMs)
    return this.faults.staleMs > 0 ? (old ?? this.#looks[0]!).answer : marked
  }

  /** Shows held instances as waiting; each `member` of the list is one instance. */
  #markHeld(text: string): string {
    return text.replace(
      /<member>(?:(?!<\/?member>)[\s\S])*<InstanceId>(?:(?!<\/?member>)[\s\S])*<\/member>/g,
      (member) => {
        const id = /<InstanceId>([^<]+)</.exec(member)?.[1] ?? ''
        if (!this.#held.has(id)) return member
        return member.replace(/<LifecycleState>[^<]*</, '<LifecycleState>Terminating:Wait<')
      },
    )
  }

  #forward(req: IncomingMessage, body: string): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const headers = { ...req.headers, 'content-length': Buffer.byteLength(body) }
      const target = { host: '127.0.0.1', port: this.#moto, method: req.method, path: req.url, headers }
      const call = request(target, async (response) => {
        const text = await bodyOf(response)
        const type = response.headers['content-type'] ?? 'text/xml'
        resolve({ status: response.statusCode ?? 500, type, body: text })
      })
      call.once('error', reject)
      call.end(body)
    })
  }
}
