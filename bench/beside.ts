/** Training steps beside the peers', in turns. @module */
import { median, summary, timed } from "./measure.ts";
import { nets, stepOf } from "./nets.ts";
import type { Peer } from "./peers.ts";

/** A peer's time beside ours in the same turns. */
export interface PeerTime {
  /** Median of ours, in milliseconds. */
  readonly ours_ms: number;
  /** Median of theirs. */
  readonly ms: number;
  /** Median of ours over theirs, turn by turn. */
  readonly ratio: number;
  /** Where that lies with a probability of 95 %. */
  readonly interval: readonly [number, number];
}

/** A turn takes about so long, for each. */
const TURN_MS = 200;
const ROUNDS = 15;
/** Who takes longer than this for its turns gets fewer. */
const MOST_MS = 8000;

/**
 * Times a step of a net in turns with those peers that have it.
 *
 * @param make makes our step, where it is no training step of a net
 */
export async function besidePeers(
  peers: readonly Peer[],
  net: string,
  make: () => () => void = () => stepOf(nets[net]()),
): Promise<Record<string, PeerTime>> {
  const step = make();
  timed(step, 3);
  const turnOf = (ms: number) => Math.max(1, Math.round(TURN_MS / ms));
  const steps = turnOf(timed(step, 2));
  const rivals: { name: string; turn: () => Promise<number>; ours: number[]; theirs: number[] }[] = [];
  for (const { name, time } of peers) {
    const once = await time(net, 1);
    if (once === undefined) continue; // it does not have the net
    const theirs = turnOf((await time(net, 1))!);
    rivals.push({ name, turn: async () => (await time(net, theirs))!, ours: [], theirs: [] });
  }
  for (let round = 0; round < ROUNDS; round++) {
    const ours = timed(step, steps);
    for (const rival of rivals) {
      if (round > 4 && rival.theirs.reduce((sum, ms) => sum + ms, 0) > MOST_MS) continue;
      rival.theirs.push(await rival.turn());
      rival.ours.push(ours);
    }
  }
  return Object.fromEntries(rivals.map(({ name, ours, theirs }) => {
    const ratios = summary(ours.map((time, i) => time / theirs[i]));
    return [name, { ours_ms: median(ours), ms: median(theirs), ratio: ratios.median, interval: ratios.interval }];
  }));
}
