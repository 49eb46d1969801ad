import { texts } from './texts.ts'

/** Where an own message is replaced. */
export interface EditForm {
  readonly element: HTMLFormElement
  focus(): void
}

/**
 * A form with a message's text: Enter saves, Escape cancels.
 * @param save replaces the message; its error is shown, and what was written stays
 */
export function editForm(body: string, save: (body: string) => Promise<void>, cancel: () => void): EditForm {
  const element = document.createElement('form')
  element.className = 'edit'
  const input = document.createElement('textarea')
  input.setAttribute('aria-label', texts.editMessage)
  input.rows = 1
  input.maxLength = 4000
  input.value = body
  const saveButton = document.createElement('button')
  saveButton.textContent = texts.save
  const cancelButton = document.createElement('button')
  cancelButton.type = 'button'
  cancelButton.textContent = texts.cancel
  cancelButton.addEventListener('click', cancel)
  const problem = document.createElement('p')
  problem.className = 'bad'
  problem.setAttribute('role', 'alert')
  element.append(input, saveButton, cancelButton, problem)

  element.addEventListener('submit', (event) => {
    event.preventDefault()
    const text = input.value.trimEnd()
    if (text.trim() === '' || saveButton.disabled) return
    saveButton.disabled = true
    problem.textContent = ''
    save(text).catch((error: Error) => {
      saveButton.disabled = false
      problem.textContent = texts.notSaved(texts.problem(error))
    })
  })
  input.addEventListener('keydown', (event) => {
    // While an input method composes, Enter chooses a word.
    if (event.isComposing) return
    if (event.key === 'Escape') cancel()
    else if (event.key === 'Enter' && !event.shiftKey) element.requestSubmit()
    else return
    event.preventDefault()
  })
  return {
    element,
    focus: () => {
      input.focus()
      input.setSelectionRange(input.value.length, input.value.length)
    },
  }
}
