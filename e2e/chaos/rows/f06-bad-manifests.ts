import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import {
  buildIndex,
  CAPTURED_SCHEMA1,
  descriptor,
  FakeRegistry,
  multiPlatformImage,
  OCI_CONFIG,
  OCI_INDEX,
  OCI_MANIFEST,
  rawImage,
  singleImage,
  stored,
} from '@archpolicy/testkit';
import type { BuiltImage, Fault } from '@archpolicy/testkit';
import { atLeast, atMost, exactly, figure, same } from '../framework/observations.ts';
import type { Observation } from '@archpolicy/testkit';
import { FAKE_CALLER } from '../parts/admission/reviews.ts';
import type { Scenario, ScenarioContext } from '../framework/scenario.ts';
import { AdmissionGround } from '../parts/admission/ground.ts';
import { countRefused } from '../parts/admission/verdicts.ts';
import type { TimedVerdict } from '../parts/admission/review-client.ts';

const INPUTS = 1_000_000;
const SEED = 6;
const SLOWEST_MS = 100;
const FEED_DEADLINE_MS = 300_000;
/** The longest time of an inspection. */
const INSPECTION_MS = 5_000;
const MANY_BYTES = 4 * 1024 * 1024 + 1;

const arm64 = singleImage('linux/arm64', 'bad manifests');
const ofArm64 = (more: object = {}): object => descriptor(arm64.manifest, more);
const attestation = (): object => ofArm64({ platform: { os: 'unknown', architecture: 'unknown' } });
const forArm64 = { platform: { os: 'linux', architecture: 'arm64' } };

/** What placement may do: constrain the pod to arm64, or leave the architecture open. */
type Expected = 'arm64' | 'open';

interface Case {
  readonly name: string;
  readonly expected: Expected;
  readonly image?: BuiltImage;
  /** The answer to every request of the image's repository. */
  readonly fault?: Fault;
}

/** An answer of 200 with this body. */
function answer(body: Uint8Array | string, contentType = OCI_INDEX, headers: Record<string, string> = {}): Fault {
  return { kind: 'answer', status: 200, headers: { 'content-type': contentType, ...headers }, body };
}

function withoutArchitecture(): BuiltImage {
  const config = stored(OCI_CONFIG, { os: 'linux', rootfs: { type: 'layers', diff_ids: [] } });
  const manifest = { schemaVersion: 2, mediaType: OCI_MANIFEST, config: descriptor(config), layers: [] };
  return rawImage(OCI_MANIFEST, manifest, [config]);
}

/** An index that contains an index, and so on. */
function nested(depth: number): BuiltImage {
  if (depth === 0) return buildIndex([ofArm64(forArm64)], [arm64]);
  const inner = nested(depth - 1);
  return buildIndex([descriptor(inner.manifest)], [inner]);
}

const CASES: readonly Case[] = [
  { name: 'no platform', expected: 'arm64', image: buildIndex([ofArm64()], [arm64]) },
  { name: 'platform null', expected: 'arm64', image: buildIndex([ofArm64({ platform: null })], [arm64]) },
  { name: 'attestation', expected: 'arm64', image: buildIndex([ofArm64(forArm64), attestation()], [arm64]) },
  { name: 'attestations only', expected: 'open', image: buildIndex([attestation()], [arm64]) },
  { name: 'empty index', expected: 'open', image: buildIndex([], []) },
  {
    name: 'twice the same platform',
    expected: 'arm64',
    image: buildIndex([ofArm64(forArm64), ofArm64(forArm64)], [arm64]),
  },
  {
    name: 'variant only, so the config counts',
    expected: 'arm64',
    image: buildIndex([ofArm64({ platform: { variant: 'v8' } })], [arm64]),
  },
  { name: 'index of an index', expected: 'arm64', image: nested(1) },
  { name: 'index in an index in an index', expected: 'arm64', image: nested(2) },
  { name: 'one index deeper than is followed', expected: 'open', image: nested(3) },
  { name: 'schema 1', expected: 'arm64', image: { manifest: CAPTURED_SCHEMA1, children: [], blobs: [] } },
  { name: 'wrong media type', expected: 'arm64', fault: answer(arm64.manifest.body, 'text/html') },
  { name: 'config without an architecture', expected: 'open', image: withoutArchitecture() },
  { name: 'manifests is an object', expected: 'open', image: rawImage(OCI_INDEX, { schemaVersion: 2, manifests: {} }) },
  { name: 'no JSON', expected: 'open', fault: answer('<html>gateway</html>') },
  { name: 'wrong UTF-8', expected: 'open', fault: answer(Buffer.from([0xff, 0xfe, 0x7b, 0x22, 0xc3, 0x28])) },
  { name: 'no body', expected: 'open', fault: answer('') },
  { name: 'JSON nested 100,000 deep', expected: 'open', fault: answer('['.repeat(100_000)) },
  { name: 'more than 4 MiB', expected: 'open', fault: answer(Buffer.alloc(MANY_BYTES, ' ')) },
  { name: 'prototype keys', expected: 'open', fault: answer('{"__proto__":{"manifests":[]},"schemaVersion":2}') },
];

/** The body of this digest is another one. */
const CHANGED = 'changed';

const ID = 'f06';

/** Manifests are wrong, foreign or hostile. */
export const badManifests: Scenario = {
  id: 'F6',
  title: 'Manifests are wrong, foreign or hostile',
  rule: 'I3, I4, PL4',
  bar: 'No error, no wrong architecture; a body of another digest is discarded and counted',
  done: '20 kinds of manifests at a real webhook, and a million mutated references and manifests at the parsers',
  fakes: [FAKE_CALLER, 'the registry: a real one refuses such manifests'],
  run: observe,
};

async function observe(context: ScenarioContext): Promise<readonly Observation[]> {
  const { cleanUp } = context;
  const ground = await AdmissionGround.open(context, ID);
  const namespace = ID;
  const { client, replica } = await ground.webhook();
  const registry = await new FakeRegistry().start();
  cleanUp(() => registry.stop());
  prepare(registry);
  const reviewAll = (): Promise<readonly (readonly [Case, TimedVerdict])[]> =>
    Promise.all(
      CASES.map(async (one, index): Promise<readonly [Case, TimedVerdict]> => [
        one,
        await client.review({ namespace, images: [`${registry.host}/case-${index}:v1`] }),
      ]),
    );
  // An inspection of several requests may end after its pod has been answered. The next pod gets its result.
  const first = await reviewAll();
  await sleep(INSPECTION_MS);
  const verdicts = await reviewAll();
  const changed = await client.review({
    namespace,
    images: [`${registry.host}/${CHANGED}@${multiPlatformImage(['linux/amd64'], CHANGED).manifest.digest}`],
  });
  const mismatches = await replica.metric('archpolicy_registry_discarded_total{what="digest-mismatch"}');
  const fed = await feed();
  return [
    same('manifests that led to a wrong architecture', listNames([...first, ...verdicts].filter(isWrong)), ''),
    same('manifests that led to another result than expected', listNames(verdicts.filter(isMissed)), ''),
    figure('kinds of manifests', CASES.length, 'kinds'),
    exactly(
      'pods refused or without an answer',
      countRefused([...[...first, ...verdicts].map(([, verdict]) => verdict), changed]),
      0,
      'pods',
    ),
    exactly('a body of another digest: pods constrained by it', changed.kind === 'constrained' ? 1 : 0, 0, 'pods'),
    atLeast('a body of another digest: counted in archpolicy_registry_discarded_total', mismatches, 1, 'bodies'),
    exactly('ends of the webhook', replica.isRunning ? 0 : 1, 0, 'ends'),
    figure('mutated references and manifests without an error', INPUTS, 'inputs'),
    atMost('the slowest of them, CPU time', Math.max(fed.referenceMs, fed.manifestMs), SLOWEST_MS, 'ms'),
    figure('seed of the mutations', SEED, ''),
  ];
}

function prepare(registry: FakeRegistry): void {
  for (const [index, { image }] of CASES.entries()) {
    if (image !== undefined) registry.push(`case-${index}`, 'v1', image);
  }
  for (const [index, { fault }] of CASES.entries()) {
    if (fault !== undefined)
      for (const blob of arm64.blobs) registry.push(`case-${index}`, 'v1', { ...arm64, blobs: [blob] });
  }
  registry.fault = ({ path }) => {
    if (path.startsWith(`/v2/${CHANGED}/`)) return answer(multiPlatformImage(['linux/arm64'], 'other').manifest.body);
    const [, index] = /^\/v2\/case-(\d+)\/manifests\//u.exec(path) ?? [];
    return index === undefined ? undefined : CASES[Number(index)]?.fault;
  };
}

function listNames(verdicts: readonly (readonly [Case, TimedVerdict])[]): string {
  return verdicts.map(([{ name }]) => name).join(', ');
}

function isWrong([, { kind, architectures }]: readonly [Case, TimedVerdict]): boolean {
  return kind === 'constrained' && architectures.join() !== 'arm64';
}

/** Whether the pod was not constrained although the manifest contains its platform, or the other way round. */
function isMissed([{ expected }, { kind }]: readonly [Case, TimedVerdict]): boolean {
  return (kind === 'constrained') !== (expected === 'arm64');
}

async function feed(): Promise<{ readonly referenceMs: number; readonly manifestMs: number }> {
  const program = join(import.meta.dirname, '../parts/mutated-manifests.ts');
  const args = ['--disable-warning=ExperimentalWarning', program, String(INPUTS), String(SEED)];
  const { stdout } = await promisify(execFile)(process.execPath, args, { timeout: FEED_DEADLINE_MS });
  return JSON.parse(stdout) as { referenceMs: number; manifestMs: number };
}
