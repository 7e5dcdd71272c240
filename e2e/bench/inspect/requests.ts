import { basicAccess, dockerConfigJson, FakeRegistry, multiPlatformImage, RedisNode } from '@archpolicy/testkit';
import type { Measurement } from '@archpolicy/testkit';
import { getNumber, runTask } from './worker.ts';

const EIGHT = ['amd64', 'arm64/v8', 'arm/v7', '386', 'ppc64le', 's390x', 'riscv64', 'arm/v6'].map(
  (name) => `linux/${name}`,
);
const image = multiPlatformImage(EIGHT);
const TENANTS = 100;
const PROCESSES = 3;
const INSPECTIONS = 500;

/** The counts of one run, by the name of the measurement. */
export type Counts = Readonly<Record<keyof typeof TARGETS, number>>;

/** Measurements and their maximum counts. */
const TARGETS = {
  'requests for a new 8-platform tag': 1,
  'HEADs for a stale tag that has not moved': 1,
  'other requests for a stale tag that has not moved': 0,
  'requests for a cached tag after a restart, with Redis': 0,
  'manifest GETs for 500 inspections of one new image by 3 processes': 1,
  'manifest GETs for 100 tenants with one private image': 1,
  'HEADs for 100 tenants with one private image': 99,
  'inspections that a wrong credential resolves, by tag and by digest': 0,
} as const;

/**
 * The number of requests that other projects needed in an earlier measurement. This bench does not measure them again.
 */
const OTHER_PROJECTS: Partial<Record<keyof typeof TARGETS, string>> = {
  'requests for a new 8-platform tag': 'noe: 19, multiarch-tuning-operator: 5',
};

/** Counts the requests of one run with its own registry and Redis. */
export async function countRequests(): Promise<Counts> {
  const [registry, redis] = await Promise.all([new FakeRegistry().start(), new RedisNode().start()]);
  try {
    for (const repository of ['new', 'known', 'crowd', 'private']) registry.push(repository, 'v1', image);
    const task = { kind: 'inspect', times: 1, redisUrl: redis.url };
    const counted = async (...tasks: readonly object[]): Promise<number> => {
      registry.forgetRequests();
      await Promise.all(tasks.map((more) => runTask({ ...task, ...more })));
      return registry.requests.length;
    };
    const references = [`${registry.host}/new:v1`];
    const first = await counted({ references });
    const restarted = await counted({ references });
    await counted({ kind: 'revalidate', references: [`${registry.host}/known:v1`] });
    const heads = registry.count('HEAD');
    const others = registry.requests.length - heads;
    const each = { references: [`${registry.host}/crowd:v1`], times: Math.ceil(INSPECTIONS / PROCESSES) };
    await counted(...Array.from({ length: PROCESSES }, () => each));
    const crowd = registry.count('GET', '/manifests/');
    return {
      'requests for a new 8-platform tag': first,
      'HEADs for a stale tag that has not moved': heads,
      // The first inspection is not part of the revalidation.
      'other requests for a stale tag that has not moved': others - first,
      'requests for a cached tag after a restart, with Redis': restarted,
      'manifest GETs for 500 inspections of one new image by 3 processes': crowd,
      ...(await countTenants(registry)),
    };
  } finally {
    await Promise.all([registry.stop(), redis.stop()]);
  }
}

type TenantCount =
  | 'manifest GETs for 100 tenants with one private image'
  | 'HEADs for 100 tenants with one private image'
  | 'inspections that a wrong credential resolves, by tag and by digest';

/**
 * Inspects an image for many tenants concurrently, each with its own credential, and then for a tenant with a wrong
 * credential.
 */
async function countTenants(registry: FakeRegistry): Promise<Pick<Counts, TenantCount>> {
  const pairs = Array.from({ length: TENANTS }, (_, at) => `tenant-${at}:password-${at}`);
  registry.access = basicAccess(pairs);
  registry.forgetRequests();
  const secrets = [...pairs, 'tenant-1:wrong'].map((pair) => dockerConfigJson({ [registry.host]: pair }));
  const byTag = { kind: 'inspect', times: 1, references: [`${registry.host}/private:v1`] };
  const resolved = getNumber(await runTask({ ...byTag, secrets }), 'resolved');
  // Count only requests with a right credential, because the challenge discovery and requests with a wrong credential
  // read nothing.
  const right = new Set(pairs.map((pair) => `Basic ${Buffer.from(pair).toString('base64')}`));
  const reads = registry.requests.filter(({ headers }) => right.has(headers.authorization ?? ''));
  const byDigest = { ...byTag, references: [`${registry.host}/private@${image.manifest.digest}`] };
  const wrong = getNumber(await runTask({ ...byDigest, secrets: secrets.slice(-1) }), 'resolved');
  return {
    'manifest GETs for 100 tenants with one private image': reads.filter(({ method }) => method === 'GET').length,
    'HEADs for 100 tenants with one private image': reads.filter(({ method }) => method === 'HEAD').length,
    'inspections that a wrong credential resolves, by tag and by digest': resolved - TENANTS + wrong,
  };
}

/** Converts the runs to measurements. */
export function requestMeasurements(runs: readonly Counts[]): readonly Measurement[] {
  return (Object.keys(TARGETS) as (keyof typeof TARGETS)[]).map((name) => {
    const counts = runs.map((run) => run[name]);
    const most = TARGETS[name];
    const neighbours = OTHER_PROJECTS[name];
    return {
      name,
      unit: 'requests',
      runs: counts,
      target: neighbours === undefined ? `at most ${most}` : `at most ${most} (${neighbours})`,
      met: counts.every((count) => count <= most),
    };
  });
}
