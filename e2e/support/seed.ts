/** Number of possible seeds: enough to distinguish runs, but a seed is short enough to type. */
const SEEDS = 1_000_000;

/** Returns the seed of this run: a new one, or the one given by `--globals '{"seed":1234}'` to jest. */
export function getSeed(): number {
  const given: unknown = Reflect.get(globalThis, 'seed');
  return typeof given === 'number' ? given : Number(process.hrtime.bigint() % BigInt(SEEDS));
}
