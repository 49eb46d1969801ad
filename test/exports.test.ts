import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'
import { expect, it } from 'vitest'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const { entryPoints } = JSON.parse(readFileSync(join(ROOT, 'typedoc.json'), 'utf8')) as {
  entryPoints: string[]
}

const parse = (file: string) =>
  ts.createSourceFile(file, readFileSync(file, 'utf8'), ts.ScriptTarget.Latest, true)

type Declaration = ts.DeclarationStatement | ts.VariableStatement

function namesOf(statement: ts.Statement): string[] {
  if (ts.isVariableStatement(statement))
    return statement.declarationList.declarations.map(({ name }) => name.getText())
  const { name } = statement as ts.DeclarationStatement
  return name ? [name.getText()] : []
}

const isExported = (statement: ts.Statement) =>
  ts.canHaveModifiers(statement) &&
  (ts.getModifiers(statement) ?? []).some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword)

/** What a module exports, by name, followed through its re-exports to the declarations. */
function exportsOf(file: string): Map<string, Declaration> {
  const found = new Map<string, Declaration>()
  for (const statement of parse(file).statements) {
    if (ts.isExportDeclaration(statement)) {
      const from = statement.moduleSpecifier as ts.StringLiteral
      const theirs = exportsOf(join(dirname(file), from.text))
      const { exportClause } = statement
      if (exportClause === undefined) for (const [name, declaration] of theirs) found.set(name, declaration)
      else if (ts.isNamedExports(exportClause))
        for (const { name, propertyName } of exportClause.elements)
          found.set(name.text, theirs.get((propertyName ?? name).text)!)
    } else if (isExported(statement)) {
      for (const name of namesOf(statement)) found.set(name, statement as Declaration)
    }
  }
  return found
}

it.each(entryPoints)('every export of %s says what it is', (entry) => {
  const all = [...exportsOf(join(ROOT, entry))]
  expect(all.length).toBeGreaterThan(0)
  const silent = all.filter(([, declaration]) => ts.getJSDocCommentsAndTags(declaration).length === 0)
  expect(silent.map(([name]) => name)).toEqual([])
})
