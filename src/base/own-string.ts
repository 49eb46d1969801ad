/**
 * The same text in memory of its own: a part that was cut from a longer text keeps all of it alive, so one that is kept for
 * long must not be such a part.
 */
export const ownString = (text: string): string => JSON.parse(JSON.stringify(text)) as string
