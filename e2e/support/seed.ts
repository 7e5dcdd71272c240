/** Enough to tell runs apart, few enough to type. */
const SEEDS = 1_000_000;

/** The seed of this run: a new one, or that of `--globals '{"seed":1234}'` on jest's command line. */
export function getSeed(): number {
  const given: unknown = Reflect.get(globalThis, 'seed');
  return typeof given === 'number' ? given : Number(process.hrtime.bigint() % BigInt(SEEDS));
}
