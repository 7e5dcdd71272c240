import type { FaultResult } from '@archpolicy/testkit';

/** Returns a function that prints lines with the seconds since now. */
export function createPrinter(): (line: string) => void {
  const startedAt = performance.now();
  return (line) => {
    const seconds = Math.round((performance.now() - startedAt) / 1000);
    process.stderr.write(`[${String(seconds).padStart(4)} s] ${line}\n`);
  };
}

/** Prints what a scenario has seen. */
export function reportResult(
  { id, held, observations, problem, seconds }: FaultResult,
  print: (line: string) => void,
): void {
  for (const { what, value, bar, held: isHeld } of observations) {
    print(`  ${isHeld ? 'ok' : 'NOT HELD'}  ${what}: ${value}${bar === undefined ? '' : ` (${bar})`}`);
  }
  if (problem !== undefined) print(`  ${problem}`);
  print(`${id} ${held ? 'held' : 'DID NOT HOLD'}, ${seconds} s`);
}
