/**
 * Texts that handlers and libraries leave behind, made fit to be stored.
 *
 * @module
 */

/**
 * The text in at most so many characters, and without half a character: MongoDB would store that as another text. What
 * is cut in the middle of a character loses all of it.
 */
export function storableText(text: string, longest: number): string {
  const cut = text.slice(0, longest);
  const isSplit = text.length > longest && /[\uD800-\uDBFF]$/.test(cut);
  return (isSplit ? cut.slice(0, -1) : cut).toWellFormed();
}
