import { readFileSync } from 'node:fs';
import { parseArchPolicy } from '@archpolicy/core';
import type { Json, JsonObject } from '@archpolicy/core';
import { START_TIMEOUT_MILLISECONDS, startCluster } from '@archpolicy/e2e';
import type { TestCluster } from '@archpolicy/e2e';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import fc from 'fast-check';
import { parse } from 'yaml';
import { ACCEPTED } from './fixtures/accepted.ts';
import { dryRunCreate, createPolicy } from './fixtures/dry-run.ts';
import type { ServerAnswer } from './fixtures/dry-run.ts';
import { specifications } from './fixtures/generated.ts';
import { REJECTED } from './fixtures/rejected.ts';

const CRD = new URL('../archpolicies.yaml', import.meta.url);

// kubectl is slow on a loaded machine.
jest.setTimeout(60_000);

let cluster: TestCluster;

function kubectl(args: readonly string[], stdin?: string): Promise<string> {
  return cluster.kubectlOutput(args, stdin);
}

beforeAll(async () => {
  cluster = await startCluster({ only: 'api-server' });
  await kubectl(['apply', '--server-side', '--filename=-'], readFileSync(CRD, 'utf8'));
  await kubectl(['wait', '--for=condition=Established', 'crd/archpolicies.archpolicy.dev']);
}, START_TIMEOUT_MILLISECONDS);

afterAll(async () => {
  await cluster.stop();
});

/** The path with dots only: the API server writes some with brackets. */
const toDotted = (path: string): string => path.replaceAll('[', '.').replaceAll(']', '');

/** Returns how API server and parser differ about a specification, or '' if they agree. */
function findDifference(spec: Json, answer: ServerAnswer): string {
  const parsed = parseArchPolicy(createPolicy('case', spec));
  if (answer.kind === 'rejected') {
    if (parsed.kind === 'ok') return `only the API server rejects it: ${answer.message}`;
    const missing = parsed.failure.filter(({ path }) => !toDotted(answer.message).includes(toDotted(path)));
    // In this case the API server checked only types and bounds, while the parser checks everything.
    const stoppedEarly = answer.message.includes('some validation rules were not checked');
    const agree = stoppedEarly ? missing.length < parsed.failure.length : missing.length === 0;
    return agree ? '' : `only the parser reports ${JSON.stringify(missing)}: ${answer.message}`;
  }
  if (parsed.kind === 'failed') return `only the parser rejects it: ${JSON.stringify(parsed.failure)}`;
  const stored = parseArchPolicy(answer.object);
  if (stored.kind === 'failed') return `stored, but the parser rejects it: ${JSON.stringify(stored.failure)}`;
  const [intended, kept, read] = [parsed.value.spec, answer.object['spec'], stored.value.spec].map(canonical);
  if (intended !== kept) return `different defaults: ${intended ?? ''} / ${kept ?? ''}`;
  return intended === read ? '' : 'the stored and the parsed policy differ';
}

/** JSON with sorted keys: the API server sorts them. */
const canonical = (value: unknown): string => JSON.stringify(sortKeys(value as Json));

function sortKeys(value: Json | undefined): Json {
  if (Array.isArray(value)) return value.map((entry: Json) => sortKeys(entry));
  if (typeof value !== 'object' || value === null) return value ?? null;
  const entries = Object.entries(value as JsonObject).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([name, field]) => [name, sortKeys(field)]));
}

describe('API server and parser agree', () => {
  let accepted: readonly ServerAnswer[];
  let rejected: readonly ServerAnswer[];

  beforeAll(async () => {
    accepted = await dryRunCreate(
      cluster.kubectl,
      ACCEPTED.map(([, spec]) => parse(spec) as Json),
    );
    rejected = await dryRunCreate(
      cluster.kubectl,
      REJECTED.map(([, spec]) => parse(spec) as Json),
    );
  });

  test('on at least 60 objects', () => {
    expect(ACCEPTED.length + REJECTED.length).toBeGreaterThanOrEqual(60);
  });

  test.each(ACCEPTED.map(([name, spec], index) => [name, spec, index] as const))(
    'both accept, with the same defaults: %s',
    (_, spec, index) => {
      expect(accepted[index]).toMatchObject({ kind: 'stored' });
      expect(findDifference(parse(spec) as Json, accepted[index]!)).toBe('');
    },
  );

  test.each(REJECTED.map(([name, spec, message], index) => [name, spec, message, index] as const))(
    'both reject, with a message that names the remedy: %s',
    (_, spec, message, index) => {
      expect(rejected[index]).toMatchObject({ kind: 'rejected', message: expect.stringContaining(message) });
      expect(findDifference(parse(spec) as Json, rejected[index]!)).toBe('');
    },
  );

  test('on generated specifications', async () => {
    const seed = Math.trunc(Math.random() * 2 ** 31);
    const specs = fc.sample(specifications, { numRuns: 400, seed });
    const answers = await dryRunCreate(cluster.kubectl, specs);
    const differences = specs.flatMap((spec, index) => {
      const text = findDifference(spec, answers[index]!);
      return text === '' ? [] : [{ spec: JSON.stringify(spec), text }];
    });
    expect({ seed, differences }).toEqual({ seed, differences: [] });
    // The test proves something only if the generator reaches both outcomes.
    expect(answers.filter(({ kind }) => kind === 'stored').length).toBeGreaterThan(40);
    expect(answers.filter(({ kind }) => kind === 'rejected').length).toBeGreaterThan(40);
  });
});

describe('kubectl', () => {
  test('explains each field of the preference', async () => {
    const text = await kubectl(['explain', 'archpolicy.spec.preference']);
    expect(text).toContain('architectures\t<[]string> -required-');
    expect(text.replaceAll(/\s+/g, ' ')).toContain(
      'Require constrains a pod to the first of the architectures that its images support',
    );
    expect(text).not.toContain('<no description>');
  });

  test('explains each field', async () => {
    const text = await kubectl(['explain', 'archpolicy.spec', '--recursive']);
    expect(text).toContain('maxEvictionsPerMinute\t<integer>');
    for (const field of [
      '',
      '.spec',
      '.spec.remediation',
      '.spec.podSelector',
      '.spec.images',
      '.status',
      '.status.pods',
    ]) {
      expect(await kubectl(['explain', `archpolicy${field}`])).not.toContain('<no description>');
    }
  });

  test('rejects a misspelled field', async () => {
    const { status, stderr } = await cluster.kubectl(
      ['create', '--dry-run=server', '--filename=-'],
      JSON.stringify(createPolicy('typo', { prefrence: {} })),
    );
    expect(status).not.toBe(0);
    expect(stderr).toContain('unknown field "spec.prefrence"');
  });

  test('prints the columns of the contract', async () => {
    const policy = createPolicy('default', {
      mode: 'Audit',
      preference: { architectures: ['amd64', 'arm64'] },
      priority: 7,
    });
    await kubectl(['create', '--filename=-'], JSON.stringify(policy));
    const now = new Date().toISOString();
    const status = {
      observedGeneration: 1,
      conditions: [{ type: 'Ready', status: 'True', reason: 'Synced', message: 'in effect', lastTransitionTime: now }],
      pods: { matched: 40, constrained: 30, gated: 1, misplaced: 2, unresolved: 3, unschedulable: 4, evicted: 5 },
      architectures: [{ name: 'amd64', nodes: 12, pods: 340 }],
      workloads: { total: 9, portable: 6 },
      lastRecheckTime: now,
      relaxed: [{ owner: 'shop/Deployment/web', until: now }],
    };
    await kubectl([
      'patch',
      'archpol',
      'default',
      '--subresource=status',
      '--type=merge',
      `--patch=${JSON.stringify({ status })}`,
    ]);

    const table = async (...args: string[]): Promise<string[][]> =>
      (await kubectl(['get', 'archpolicies', ...args]))
        .trimEnd()
        .split('\n')
        .map((line) => line.split(/\s{2,}/));
    const narrow = ['NAME', 'MODE', 'PREFERS', 'PODS', 'PORTABLE', 'MISPLACED', 'EVICTED', 'READY', 'AGE'];
    const cells = ['default', 'Audit', 'amd64', '40', '6', '2', '5', 'True', expect.stringMatching(/^\d+s$/)];
    const wide = ['PRIORITY', 'GATED', 'UNRESOLVED', 'LAST RECHECK'];
    const wideCells = ['7', '1', '3', expect.stringMatching(/^\d+s$/)];
    expect(await table()).toEqual([narrow, cells]);
    expect(await table('--output=wide')).toEqual([
      [...narrow, ...wide],
      [...cells, ...wideCells],
    ]);

    const stored = parseArchPolicy(
      JSON.parse(await kubectl(['get', 'archpol', 'default', '--output=json'])) as JsonObject,
    );
    expect(stored).toMatchObject({ kind: 'ok', value: { name: 'default', generation: 1, status } });
  });
});
