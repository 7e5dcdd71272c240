/** A generator that repeats its numbers for a seed (mulberry32), so that a failed run can be run again. */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** Enough to tell runs apart, few enough to type. */
const SEEDS = 1_000_000;

/** The seed of this run: a new one, or that of `--globals '{"seed":1234}'` on jest's command line. */
export function getSeed(): number {
  const given: unknown = Reflect.get(globalThis, 'seed');
  return typeof given === 'number' ? given : Number(process.hrtime.bigint() % BigInt(SEEDS));
}
