/**
 * A world whose ledger's hints can rest, as those of a change stream.
 *
 * @module
 */
import { makeWorld, type TestWorld } from './kit.ts';

/** A world, and what its watch was asked for. */
export interface RestingWorld extends TestWorld {
  /** Each call of `rest`. */
  readonly rests: boolean[];
}

/**
 * While hints rest none arrive; called for again they flow after a while.
 *
 * @param opensAfterMs - how long that takes
 */
export function restingWorld(opensAfterMs = 0): RestingWorld {
  const world = makeWorld();
  const watch = world.ledger.watch.bind(world.ledger);
  const rests: boolean[] = [];
  world.ledger.watch = async (listener) => {
    let isOpen = true;
    const opened = await watch((hint) => {
      if (isOpen) listener(hint);
    });
    const open = () => {
      isOpen = true;
      listener({ kind: 'opened' });
    };
    const rest = (isResting: boolean) => {
      rests.push(isResting);
      isOpen = false;
      if (isResting) return;
      if (opensAfterMs === 0) open();
      else world.clock.setTimer(open, opensAfterMs);
    };
    return { ...opened, rest };
  };
  return { ...world, rests };
}
