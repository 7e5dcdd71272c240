/**
 * `make bench-mutations`: passes a million mutated references and a million mutated manifests to their parsers, and
 * checks that no call throws or is slow. Writes docs/performance/mutations.json. Arguments: the number of inputs of
 * each kind, and a seed.
 */
import { spread, writePerformanceResult } from '@archpolicy/testkit';
import type { Measurement } from '@archpolicy/testkit';
import { feedManifests, feedReferences } from './feed.ts';

/** Each run has its own seed. */
const RUNS = 5;
const MILLION = 1_000_000;
/** Maximum duration of a call. A slower one would take a large part of the inspection budget of a pod, 400 ms. */
const SLOWEST_MS = 100;

function measurement(name: string, runs: readonly number[]): Measurement {
  const target = `none throws, and none takes more than ${SLOWEST_MS} ms of CPU`;
  const met = Math.max(...runs) <= SLOWEST_MS;
  const note = 'the slowest call of each run, collections of garbage that fell into it included';
  return { name, unit: 'ms', runs, target, met, ...(met ? {} : { note }) };
}

async function main(arguments_: readonly string[]): Promise<void> {
  const [count = MILLION, firstSeed = Date.now() % MILLION] = arguments_.map(Number);
  const each = Math.ceil(count / RUNS);
  const runs = Array.from({ length: RUNS }, (_, at) => {
    const seed = firstSeed + at;
    const references = feedReferences(each, seed);
    const manifests = feedManifests(each, seed);
    process.stdout.write(
      `seed ${seed}: ${each} of each, slowest reference ${references.toFixed(1)} ms, manifest ${manifests.toFixed(1)} ms\n`,
    );
    return { references, manifests };
  });
  // A shorter run only checks that the bench works.
  if (count < MILLION) return;
  const seeds = `seeds ${firstSeed} to ${firstSeed + RUNS - 1}`;
  const measurements = [
    measurement(
      `the slowest of ${each * RUNS} mutated references (${seeds})`,
      runs.map((run) => run.references),
    ),
    measurement(
      `the slowest of ${each * RUNS} mutated manifests (${seeds})`,
      runs.map((run) => run.manifests),
    ),
  ];
  for (const { name, runs: values, met } of measurements)
    process.stdout.write(`${met ? 'met   ' : 'MISSED'} ${name}: ${spread(values).max.toFixed(1)} ms\n`);
  await writePerformanceResult({
    name: 'mutations',
    title: 'Parsing hostile references and manifests',
    command: 'make bench-mutations',
    measurements,
  });
}

await main(process.argv.slice(2));
