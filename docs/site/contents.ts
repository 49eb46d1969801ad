/** A page of the site: its file in the repository, and its title in each language that has it. */
interface Page {
  readonly file: string
  readonly en: string
  /** Of its translation, which is `docs/zh/NAME` for `docs/NAME`. */
  readonly zh?: string
}

interface Section {
  readonly en: string
  readonly zh: string
  readonly pages: readonly Page[]
}

/** Every page, in the order of the sidebar. A page that is not in it is not built, and a test names it. */
export const CONTENTS: readonly Section[] = [
  {
    en: 'Begin',
    zh: '开始',
    pages: [
      { file: 'docs/README.md', en: 'The guide', zh: '指南' },
      { file: 'README.md', en: 'Overview', zh: '概览' },
      { file: 'docs/first-run.md', en: 'First run', zh: '首次运行' },
      { file: 'docs/from-python.md', en: 'From the Python demo', zh: '从 Python 演示迁移' },
    ],
  },
  {
    en: 'Decide',
    zh: '作决定',
    pages: [
      { file: 'docs/your-traffic.md', en: 'Your own traffic' },
      { file: 'docs/import.md', en: 'What you have today' },
      { file: 'docs/choose-a-policy.md', en: 'Choose a policy' },
      { file: 'docs/policies.md', en: 'Policies', zh: '策略' },
      { file: 'docs/slo.md', en: 'The policy slo' },
      { file: 'docs/compare.md', en: 'Compare, tune, replay' },
      { file: 'docs/model.md', en: 'What is simulated' },
      { file: 'docs/compare-tools.md', en: 'Beside other tools' },
    ],
  },
  {
    en: 'Run',
    zh: '运行',
    pages: [
      { file: 'docs/fleet.md', en: 'Running a fleet', zh: '运行集群' },
      { file: 'docs/dashboard.md', en: 'The dashboard' },
      { file: 'docs/cluster.md', en: 'Many machines' },
      { file: 'docs/image.md', en: 'The image' },
      { file: 'docs/kubernetes.md', en: 'Kubernetes' },
      { file: 'deploy/helm/concertina/README.md', en: 'The Helm chart' },
      { file: 'docs/aws.md', en: 'AWS' },
      { file: 'docs/workloads.md', en: 'Any workload' },
      { file: 'docs/errors.md', en: 'Errors' },
    ],
  },
  {
    en: 'Build on it',
    zh: '在其上开发',
    pages: [
      { file: 'docs/add-chat.md', en: 'Add chat to an app' },
      { file: 'docs/compare-chat.md', en: 'Beside other ways to chat' },
      { file: 'docs/from-socket.io.md', en: 'From Socket.IO' },
      { file: 'docs/tokens.md', en: 'Tokens' },
      { file: 'docs/server-api.md', en: 'The server API' },
      { file: 'docs/webhooks.md', en: 'Webhooks' },
      { file: 'docs/react.md', en: 'React' },
      { file: 'clients/python/README.md', en: 'The Python client' },
      { file: 'docs/protocol.md', en: 'The chat protocol' },
      { file: 'docs/write-a-policy.md', en: 'Write a policy' },
    ],
  },
  {
    en: 'Work on it',
    zh: '参与开发',
    pages: [
      { file: 'CONTRIBUTING.md', en: 'Contributing' },
      { file: 'docs/architecture.md', en: 'Architecture' },
      { file: 'docs/glossary.md', en: 'Words' },
      { file: 'docs/decisions/README.md', en: 'Decisions' },
      { file: 'CHANGELOG.md', en: 'Changelog' },
      { file: 'SECURITY.md', en: 'Security' },
    ],
  },
]

/** Beside those of the sidebar: pages that another page leads to. */
export const WITHOUT_ENTRY = /^docs\/decisions\/\d{4}-[a-z-]+\.md$/

/** Of a page in English, the file of its translation. */
export const translationOf = (file: string): string =>
  file === 'README.md' ? 'README.zh-CN.md' : file.replace(/^docs\//, 'docs/zh/')

/** Of a file in the repository, its page below the root of the site. */
export function pageOf(file: string): string {
  if (file === 'README.md') return 'overview.md'
  if (file === 'README.zh-CN.md') return 'zh/overview.md'
  return file
    .toLowerCase()
    .replace(/^docs\//, '')
    .replace(/(^|\/)readme\.md$/, '$1index.md')
}
