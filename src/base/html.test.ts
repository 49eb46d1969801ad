import { expect, it } from 'vitest'
import { html } from './html.ts'

it('escapes text in elements and attributes, and keeps markup', () => {
  const name = `<b title="x">'&`
  const rows = [1, 2].map((n) => html`<i>${n}</i>`)
  expect(html`<p title="${name}">${name}${rows}${undefined}</p>`.text).toBe(
    '<p title="&#60;b title=&#34;x&#34;&#62;&#39;&#38;">&#60;b title=&#34;x&#34;&#62;&#39;&#38;<i>1</i><i>2</i></p>',
  )
})
