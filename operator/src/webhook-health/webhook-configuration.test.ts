import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { parse } from 'yaml';
import {
  arrayAt,
  DIAGNOSIS_LABELS,
  isJsonObject,
  parseInstalledWebhook,
  reportsFailures,
  webhookCall,
} from '@archpolicy/core';
import type { JsonObject } from '@archpolicy/core';
import { FakeClock } from '@archpolicy/testkit';
import { silent } from '../fixtures/objects.ts';
import { WebhookConfiguration } from './webhook-configuration.ts';

type Answer = Awaited<ReturnType<ConstructorParameters<typeof WebhookConfiguration>[0]['api']['request']>>;

const ROOT = join(import.meta.dirname, '..', '..', '..');
const SHIPPED = join(ROOT, 'deploy', 'base', 'webhook-configuration', 'mutating-webhook-configuration.yaml');
const refused = (status: number): Answer => ({ kind: 'refused', status, reason: 'NotFound', message: '', details: {} });
const ok = (body: JsonObject): Answer => ({ kind: 'ok', status: 200, body });

function shipped(): JsonObject {
  const object: unknown = parse(readFileSync(SHIPPED, 'utf8'));
  if (!isJsonObject(object as JsonObject)) throw new Error('no object');
  return object as JsonObject;
}

function rig(start: Answer | Error) {
  const clock = new FakeClock();
  const state = { answer: start, changes: 0, paths: [] as string[] };
  const configuration = new WebhookConfiguration({
    api: {
      request: ({ path }) => {
        state.paths.push(path);
        return state.answer instanceof Error ? Promise.reject(state.answer) : Promise.resolve(state.answer);
      },
    },
    clock,
    logger: silent,
  });
  configuration.subscribe(() => (state.changes += 1));
  return { clock, state, configuration };
}

describe('the installed webhook configuration', () => {
  test.each([
    ['shop', 'called'],
    ['archpolicy-probe', 'called'],
    ['kube-system', 'not-called'],
    ['archpolicy-system', 'not-called'],
  ])('R3 the configuration of deploy/ parses: in %s the webhook is %s', (name, expected) => {
    const installed = parseInstalledWebhook(shipped());
    expect(installed.kind).toBe('installed');
    expect(webhookCall(installed, { name, labels: {}, annotations: {} }, {})).toBe(expected);
  });

  test('P1 the webhooks of deploy/ whose failure rejects a pod select only labelled dry runs in the namespace of probes', () => {
    const rejecting = arrayAt(shipped(), 'webhooks')
      .filter(isJsonObject)
      .filter((webhook) => webhook['failurePolicy'] !== 'Ignore');
    expect(rejecting).toMatchObject([
      {
        name: 'probe.archpolicy.dev',
        namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'archpolicy-probe' } },
        objectSelector: { matchLabels: DIAGNOSIS_LABELS },
      },
    ]);
    expect(reportsFailures(shipped())).toBe(true);
  });

  test('R3 is read by name, and a change is detected within seconds', async () => {
    const { clock, state, configuration } = rig(ok(shipped()));
    const end = new AbortController();
    const running = configuration.run(end.signal);
    await clock.advance(0);
    expect(configuration.installed?.kind).toBe('installed');
    await clock.advance(2_000);
    expect(state.changes).toBe(1);
    state.answer = refused(404);
    await clock.advance(2_000);
    expect([configuration.installed, state.changes]).toEqual([{ kind: 'absent' }, 2]);
    end.abort();
    await running;
    const path = '/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/archpolicy';
    expect(new Set(state.paths)).toEqual(new Set([path]));
  });

  test.each([
    ['forbids the read', refused(403)],
    ['is busy', refused(429)],
    ['cannot be reached', new Error('refused')],
  ])('P2 while the API server %s, the last known value is used', async (_, answer) => {
    const { clock, state, configuration } = rig(ok(shipped()));
    const end = new AbortController();
    const running = configuration.run(end.signal);
    await clock.advance(0);
    state.answer = answer;
    await clock.advance(60_000);
    expect([configuration.installed?.kind, state.changes]).toEqual(['installed', 1]);
    end.abort();
    await running;
  });

  test('R3 is undefined before the first read', async () => {
    const { configuration } = rig(refused(403));
    await configuration.refresh(new AbortController().signal);
    expect(configuration.installed).toBeUndefined();
  });
});
