/**
 * `make bench-mutations`: passes a million mutated references and a million mutated manifests to their parsers, and
 * checks that no call throws or is slow. Writes docs/performance/mutations.json. Arguments: the number of inputs of
 * each kind, and a seed.
 */
import { readdirSync, readFileSync } from 'node:fs';
import {
  DOCUMENT_BOUNDS,
  formatReference,
  isArchitecture,
  isWithinBounds,
  parseConfig,
  parseManifest,
  parseReference,
} from '@archpolicy/core';
import type { Json } from '@archpolicy/core';
import { spread, writePerformanceResult } from '@archpolicy/testkit';
import type { Measurement } from '@archpolicy/testkit';
import { mutatedBody, mutatedText } from '@archpolicy/testkit/mutations';
import fc from 'fast-check';

/** Each run has its own seed. */
const RUNS = 5;
const MILLION = 1_000_000;
/** Maximum duration of a call. A slower one would take a large part of the inspection budget of a pod, 400 ms. */
const SLOWEST_MS = 100;

const CORPUS = new URL('../../../packages/core/src/manifest/testdata/', import.meta.url);
const DIGEST = `sha256:${'a'.repeat(64)}`;
const REFERENCES = [
  'nginx',
  'grafana/loki:3.0',
  'index.docker.io/nginx:1',
  'registry.corp:5000/team/app:v1',
  'localhost:5000/app',
  '[2001:db8::1]:5000/a/b:c',
  `nginx:1.27@${DIGEST}`,
  `quay.io/a/b@sha512:${'0'.repeat(128)}`,
  'a.b/c__d/e--f/g.h_i:J-k_L.m',
  'UPPER/Case:tag',
  '',
];

function bodies(): readonly Json[] {
  return readdirSync(CORPUS).map(
    (name) => (JSON.parse(readFileSync(new URL(name, CORPUS), 'utf8')) as { readonly manifest: Json }).manifest,
  );
}

/** Checks that an accepted reference has one canonical form. */
function readReference(text: string): void {
  const parse = parseReference(text);
  if (parse.kind === 'failed') return;
  const again = parseReference(formatReference(parse.value));
  if (again.kind === 'failed') throw new Error(`${JSON.stringify(text)} has no canonical form`);
}

/** Parses a response body of a registry in the same way as an inspection. */
function readBody(body: Uint8Array): void {
  if (!isWithinBounds(body, DOCUMENT_BOUNDS)) return;
  const json = parsed(body);
  if (json === undefined) return;
  parseConfig(json, 'image');
  const manifest = parseManifest(json);
  for (const entry of manifest.kind === 'index' ? manifest.entries : []) {
    const isKnown = entry.kind !== 'platform' || isArchitecture(entry.platform.architecture);
    if (!isKnown) throw new Error('a platform of no known architecture');
  }
}

function parsed(body: Uint8Array): Json | undefined {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body)) as Json;
  } catch {
    return undefined;
  }
}

/** Returns the CPU time of the slowest call, milliseconds. @throws Error with seed and smallest counterexample if a call throws */
function slowest<T>(inputs: fc.Arbitrary<T>, read: (input: T) => void, numRuns: number, seed: number): number {
  let slowestMs = 0;
  const property = fc.property(inputs, (input) => {
    const before = process.threadCpuUsage();
    read(input);
    const { user, system } = process.threadCpuUsage(before);
    slowestMs = Math.max(slowestMs, (user + system) / 1000);
  });
  fc.assert(property, { numRuns, seed });
  return slowestMs;
}

function measurement(name: string, runs: readonly number[]): Measurement {
  const target = `none throws, and none takes more than ${SLOWEST_MS} ms of CPU`;
  const met = Math.max(...runs) <= SLOWEST_MS;
  const note = 'the slowest call of each run, collections of garbage that fell into it included';
  return { name, unit: 'ms', runs, target, met, ...(met ? {} : { note }) };
}

async function main(arguments_: readonly string[]): Promise<void> {
  const [count = MILLION, firstSeed = Date.now() % MILLION] = arguments_.map(Number);
  const each = Math.ceil(count / RUNS);
  const corpus = bodies();
  const runs = Array.from({ length: RUNS }, (_, at) => {
    const seed = firstSeed + at;
    const references = slowest(mutatedText(REFERENCES), readReference, each, seed);
    const manifests = slowest(mutatedBody(corpus), readBody, each, seed);
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
