import { type Html, html } from '../base/html.ts'

/** What is needed to run it again. */
export interface Repeat {
  /** The command line. */
  readonly command: string
  /** The text of the config file, where there was one. */
  readonly config?: string | undefined
}

const STYLE = html`<style>
:root{color-scheme:light dark;--text:light-dark(#1b1f26,#e6e9ee);--quiet:light-dark(#5b6472,#98a2b3);--line:light-dark(#dde1e7,#323843);--ground:light-dark(#fff,#14171c);--area:light-dark(#d3dae4,#333d4b)}
body{font:15px/1.5 system-ui,sans-serif;color:var(--text);background:var(--ground);max-width:60rem;margin:2rem auto;padding:0 1rem}
h1{font-size:1.4rem;margin-bottom:.2rem}h2{font-size:1.05rem;margin-top:2rem}h3{font-size:.95rem;margin:1.6rem 0 .3rem}.quiet{color:var(--quiet);margin-top:0}
figure{margin:1rem 0;display:flow-root}figcaption{color:var(--quiet);font-size:.85rem}figcaption span{margin-left:1rem;white-space:nowrap}figcaption i{display:inline-block;width:.8em;height:.8em;border-radius:2px;margin-right:.35em}figcaption i.dashed{height:0;width:1em;border-top:2px dashed;border-radius:0;vertical-align:middle}
.plot{position:relative;margin:.4rem 1.8rem 1.5rem 3.7rem}.plot svg{position:absolute;inset:0;width:100%;height:100%;overflow:visible}.plot path{vector-effect:non-scaling-stroke}.plot :is(b,u){position:absolute;font:11px/1 system-ui,sans-serif;color:var(--quiet);text-decoration:none;white-space:nowrap}.plot b{right:100%;transform:translateY(-50%);padding-right:.4rem}.plot u{top:100%;transform:translateX(-50%);padding-top:.4rem}
svg{width:100%;height:auto}svg text{fill:var(--quiet);font-size:11px}svg .grid{stroke:var(--line);fill:none}svg .area{fill:var(--area);stroke:none}
table{border-collapse:collapse;width:100%}td,th{text-align:left;padding:.3rem .6rem .3rem 0;border-top:1px solid var(--line);vertical-align:top}th{font-weight:600;white-space:nowrap}
.wide{overflow-x:auto}.figures{font-size:.8rem;font-variant-numeric:tabular-nums}.figures td,.figures th{text-align:right;white-space:nowrap}.figures td:first-child,.figures th:first-child{text-align:left}
td details{margin:.2rem 0}td details summary{margin:0}td table{font-size:.9em}.events td:nth-child(-n+2){white-space:nowrap}.same{display:none;color:var(--quiet)}main:has(#every:checked) .same{display:table-row}.toggle{margin:.4rem 0}main{overflow-wrap:break-word}pre{overflow-wrap:anywhere}.pairs td:first-child{white-space:nowrap;width:1%;padding-right:1.6rem}
@media (max-width:40rem){.plot .minor{display:none}body{margin:1rem auto}.pairs td:first-child{white-space:normal;width:38%}}
summary{cursor:pointer;color:var(--quiet);margin:.6rem 0}
pre{background:color-mix(in srgb,var(--line) 40%,transparent);padding:.8rem;border-radius:8px;overflow:auto;white-space:pre-wrap}
@media print{:root{color-scheme:light}body{margin:0;max-width:none;print-color-adjust:exact}figure,tr,pre{break-inside:avoid}h2,h3{break-after:avoid}.wide{overflow:visible}details::details-content{content-visibility:visible;block-size:auto}summary,.toggle{display:none}}</style>`

/** A row of a table; the cells are text. */
export function row(cells: readonly string[], tag: 'td' | 'th' = 'td'): Html {
  return html`<tr>${cells.map((cell) => (tag === 'th' ? html`<th>${cell}</th>` : html`<td>${cell}</td>`))}</tr>`
}

/** Names and values. */
export function pairs(lines: readonly (readonly [name: string, value: string])[]): Html {
  return html`<table class="pairs">${lines.map((line) => row(line))}</table>`
}

interface Page {
  readonly heading: string
  /** A tag, as of the `lang` attribute; default English. */
  readonly language?: string
  /** The heading of how to repeat it. */
  readonly repeat: string
}

/** One HTML file that needs nothing else, ending with how to repeat it. */
export function htmlPage(
  { heading, language = 'en', repeat }: Page,
  body: readonly Html[],
  sameAgain: string,
  { command, config }: Repeat,
): string {
  return html`<!doctype html>
<html lang="${language}"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<title>Concertina: ${command}</title>${STYLE}</head><body>
<main><h1>${heading}</h1>
${body.map((part) => html`${part}\n`)}
<h2>${repeat}</h2>
<p>${sameAgain}</p>
<pre>${command}</pre>${config === undefined ? undefined : html`\n<pre>${config}</pre>`}
</main></body></html>
`.text
}
