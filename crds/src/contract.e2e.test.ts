import { readFileSync } from 'node:fs';
import { parseArchPolicy } from '@archpolicy/core';
import type { Json, JsonObject } from '@archpolicy/core';
import { START_TIMEOUT_MILLISECONDS, startCluster } from '@archpolicy/e2e';
import type { TestCluster } from '@archpolicy/e2e';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import fc from 'fast-check';
import { parse } from 'yaml';
import { ACCEPTED } from './fixtures/accepted.ts';
import { dryRunCreate, policyOf } from './fixtures/dry-run.ts';
import type { ServerAnswer } from './fixtures/dry-run.ts';
import { specifications } from './fixtures/generated.ts';
import { REFUSED } from './fixtures/refused.ts';

const CRD = new URL('../archpolicies.yaml', import.meta.url);

// kubectl takes a moment, several of them on a busy machine more.
jest.setTimeout(60_000);

let cluster: TestCluster;

async function kubectl(args: readonly string[], stdin?: string): Promise<string> {
  const { status, stdout, stderr } = await cluster.kubectl(args, stdin);
  if (status !== 0) throw new Error(stderr);
  return stdout;
}

beforeAll(async () => {
  cluster = await startCluster({ only: 'api-server' });
  await kubectl(['apply', '--server-side', '--filename=-'], readFileSync(CRD, 'utf8'));
  await kubectl(['wait', '--for=condition=Established', 'crd/archpolicies.archpolicy.dev']);
}, START_TIMEOUT_MILLISECONDS);

afterAll(async () => {
  await cluster.stop();
});

/** The API server writes one path with dots and another with brackets. */
const plain = (path: string): string => path.replaceAll('[', '.').replaceAll(']', '');

/** Where the two parties differ about a specification; empty when they agree. */
function disagreement(spec: Json, answer: ServerAnswer): string {
  const ours = parseArchPolicy(policyOf('case', spec));
  if (answer.kind === 'refused') {
    if (ours.kind === 'ok') return `only the API server refuses: ${answer.message}`;
    const missing = ours.failure.filter(({ path }) => !plain(answer.message).includes(plain(path)));
    // Then the API server looks no further than at types and bounds, and the parser at everything.
    const stoppedEarly = answer.message.includes('some validation rules were not checked');
    const agree = stoppedEarly ? missing.length < ours.failure.length : missing.length === 0;
    return agree ? '' : `the parser complains of ${JSON.stringify(missing)}: ${answer.message}`;
  }
  if (ours.kind === 'failed') return `only the parser refuses: ${JSON.stringify(ours.failure)}`;
  const stored = parseArchPolicy(answer.object);
  if (stored.kind === 'failed') return `stored, but not read: ${JSON.stringify(stored.failure)}`;
  const [intended, kept, read] = [ours.value.spec, answer.object['spec'], stored.value.spec].map(canonical);
  if (intended !== kept) return `other defaults: ${intended ?? ''} / ${kept ?? ''}`;
  return intended === read ? '' : 'stored and read differ';
}

/** Keys in order: the API server sorts them. */
const canonical = (value: unknown): string => JSON.stringify(sorted(value as Json));

function sorted(value: Json | undefined): Json {
  if (Array.isArray(value)) return value.map((entry: Json) => sorted(entry));
  if (typeof value !== 'object' || value === null) return value ?? null;
  const entries = Object.entries(value as JsonObject).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([name, field]) => [name, sorted(field)]));
}

describe('API server and parser agree', () => {
  let accepted: readonly ServerAnswer[];
  let refused: readonly ServerAnswer[];

  beforeAll(async () => {
    accepted = await dryRunCreate(
      cluster.kubectl,
      ACCEPTED.map(([, spec]) => parse(spec) as Json),
    );
    refused = await dryRunCreate(
      cluster.kubectl,
      REFUSED.map(([, spec]) => parse(spec) as Json),
    );
  });

  test('on at least 60 objects', () => {
    expect(ACCEPTED.length + REFUSED.length).toBeGreaterThanOrEqual(60);
  });

  test.each(ACCEPTED.map(([name, spec], index) => [name, spec, index] as const))(
    'both accept, with the same defaults: %s',
    (_, spec, index) => {
      expect(accepted[index]).toMatchObject({ kind: 'stored' });
      expect(disagreement(parse(spec) as Json, accepted[index]!)).toBe('');
    },
  );

  test.each(REFUSED.map(([name, spec, says], index) => [name, spec, says, index] as const))(
    'both refuse, and say what to do: %s',
    (_, spec, says, index) => {
      expect(refused[index]).toMatchObject({ kind: 'refused', message: expect.stringContaining(says) });
      expect(disagreement(parse(spec) as Json, refused[index]!)).toBe('');
    },
  );

  test('on generated specifications', async () => {
    const seed = Math.trunc(Math.random() * 2 ** 31);
    const specs = fc.sample(specifications, { numRuns: 400, seed });
    const answers = await dryRunCreate(cluster.kubectl, specs);
    const differences = specs.flatMap((spec, index) => {
      const text = disagreement(spec, answers[index]!);
      return text === '' ? [] : [{ spec: JSON.stringify(spec), text }];
    });
    expect({ seed, differences }).toEqual({ seed, differences: [] });
    // The generator must reach both sides, or it proves nothing.
    expect(answers.filter(({ kind }) => kind === 'stored').length).toBeGreaterThan(40);
    expect(answers.filter(({ kind }) => kind === 'refused').length).toBeGreaterThan(40);
  });
});

describe('kubectl', () => {
  test('explains every field of the preference', async () => {
    const text = await kubectl(['explain', 'archpolicy.spec.preference']);
    expect(text).toContain('architectures\t<[]string> -required-');
    expect(text.replaceAll(/\s+/g, ' ')).toContain(
      'Require narrows a pod to the first of the architectures that its images support',
    );
    expect(text).not.toContain('<no description>');
  });

  test('explains every field there is', async () => {
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

  test('refuses a field that is misspelled', async () => {
    const { status, stderr } = await cluster.kubectl(
      ['create', '--dry-run=server', '--filename=-'],
      JSON.stringify(policyOf('typo', { prefrence: {} })),
    );
    expect(status).not.toBe(0);
    expect(stderr).toContain('unknown field "spec.prefrence"');
  });

  test('prints the columns of the contract', async () => {
    const policy = policyOf('default', {
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
