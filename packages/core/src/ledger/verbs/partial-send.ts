/**
 * Calls with many items of which some are answered before they are sent.
 *
 * @module
 */

/**
 * Sends the items that have no answer yet, if there are any, and gives all answers in the order of the items.
 *
 * @param answered - the answer that an item has already; undefined for one that is to be sent
 * @param send - gives one answer for each item it is given, in their order
 */
export async function sendRest<Item, Answer>(
  items: readonly Item[],
  answered: (item: Item, index: number) => Answer | undefined,
  send: (rest: readonly Item[]) => Promise<readonly Answer[]>,
): Promise<Answer[]> {
  const early = items.map(answered);
  const rest = items.filter((_, index) => early[index] === undefined);
  const sent = rest.length === 0 ? [] : await send(rest);
  const late = sent.values();
  return early.map((answer) => answer ?? (late.next().value as Answer));
}
