import { basicAccess, dockerConfigJson, FakeRegistry, multiPlatformImage, RedisNode } from '@archpolicy/testkit';
import type { Measurement } from '@archpolicy/testkit';
import { numberOf, work } from './worker.ts';

const EIGHT = ['amd64', 'arm64/v8', 'arm/v7', '386', 'ppc64le', 's390x', 'riscv64', 'arm/v6'].map(
  (name) => `linux/${name}`,
);
const image = multiPlatformImage(EIGHT);
const TENANTS = 100;
const PROCESSES = 3;
const INSPECTIONS = 500;

/** What one run counted, by the name of the measurement. */
export type Counts = Readonly<Record<keyof typeof TARGETS, number>>;

/** What is counted, and what the count may be. */
const TARGETS = {
  'requests for an 8-platform tag never seen': 1,
  'requests for a known tag after a restart, with Redis': 0,
  'manifest GETs for 500 inspections of one new image by 3 processes': 1,
  'manifest GETs for 100 tenants with one private image': 1,
  'HEADs for 100 tenants with one private image': 99,
  'inspections that a wrong credential resolves, by tag and by digest': 0,
} as const;

/** One run: a registry and a Redis of its own. */
export async function countRequests(): Promise<Counts> {
  const [registry, redis] = await Promise.all([new FakeRegistry().start(), new RedisNode().start()]);
  try {
    for (const repository of ['new', 'crowd', 'private']) registry.push(repository, 'v1', image);
    const task = { kind: 'inspect', times: 1, redisUrl: redis.url };
    const counted = async (...tasks: readonly object[]): Promise<number> => {
      registry.forgetRequests();
      await Promise.all(tasks.map((more) => work({ ...task, ...more })));
      return registry.requests.length;
    };
    const references = [`${registry.host}/new:v1`];
    const first = await counted({ references });
    const restarted = await counted({ references });
    const each = { references: [`${registry.host}/crowd:v1`], times: Math.ceil(INSPECTIONS / PROCESSES) };
    await counted(...Array.from({ length: PROCESSES }, () => each));
    const crowd = registry.count('GET', '/manifests/');
    return { ...named(first, restarted, crowd), ...(await countTenants(registry)) };
  } finally {
    await Promise.all([registry.stop(), redis.stop()]);
  }
}

function named(first: number, restarted: number, crowd: number): Pick<Counts, NamedFirst> {
  return {
    'requests for an 8-platform tag never seen': first,
    'requests for a known tag after a restart, with Redis': restarted,
    'manifest GETs for 500 inspections of one new image by 3 processes': crowd,
  };
}

type NamedFirst =
  | 'requests for an 8-platform tag never seen'
  | 'requests for a known tag after a restart, with Redis'
  | 'manifest GETs for 500 inspections of one new image by 3 processes';

/** Many tenants at once in one process, each with its own credential; then one with a wrong one. */
async function countTenants(registry: FakeRegistry): Promise<Omit<Counts, NamedFirst>> {
  const pairs = Array.from({ length: TENANTS }, (_, at) => `tenant-${at}:password-${at}`);
  registry.access = basicAccess(pairs);
  registry.forgetRequests();
  const secrets = [...pairs, 'tenant-1:wrong'].map((pair) => dockerConfigJson({ [registry.host]: pair }));
  const byTag = { kind: 'inspect', times: 1, references: [`${registry.host}/private:v1`] };
  const resolved = numberOf(await work({ ...byTag, secrets }), 'resolved');
  // The refused request that tells how to ask, and those of the wrong credential, are no reads.
  const right = new Set(pairs.map((pair) => `Basic ${Buffer.from(pair).toString('base64')}`));
  const reads = registry.requests.filter(({ headers }) => right.has(headers.authorization ?? ''));
  const byDigest = { ...byTag, references: [`${registry.host}/private@${image.manifest.digest}`] };
  const wrong = numberOf(await work({ ...byDigest, secrets: secrets.slice(-1) }), 'resolved');
  return {
    'manifest GETs for 100 tenants with one private image': reads.filter(({ method }) => method === 'GET').length,
    'HEADs for 100 tenants with one private image': reads.filter(({ method }) => method === 'HEAD').length,
    'inspections that a wrong credential resolves, by tag and by digest': resolved - TENANTS + wrong,
  };
}

/** The runs as measurements. */
export function requestMeasurements(runs: readonly Counts[]): readonly Measurement[] {
  return (Object.keys(TARGETS) as (keyof typeof TARGETS)[]).map((name) => {
    const counts = runs.map((run) => run[name]);
    const most = TARGETS[name];
    return {
      name,
      unit: 'requests',
      runs: counts,
      target: `at most ${most}`,
      met: counts.every((count) => count <= most),
    };
  });
}
