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
import { mutatedBody, mutatedText } from '@archpolicy/testkit/mutations';
import fc from 'fast-check';

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

/**
 * Passes mutated references to their parser. Returns the CPU time of the slowest call, milliseconds.
 * @throws Error with seed and smallest counterexample if a call throws
 */
export function feedReferences(count: number, seed: number): number {
  return slowest(mutatedText(REFERENCES), readReference, count, seed);
}

/** As `feedReferences`, with manifests and configs. */
export function feedManifests(count: number, seed: number): number {
  return slowest(mutatedBody(bodies()), readBody, count, seed);
}
