import { describe, expect, test } from '@jest/globals';
import type { JsonObject } from '../json/json.ts';
import { parseCronJob } from './parse-cron-job.ts';

const metadata = { namespace: 'shop', name: 'report', uid: 'u' };
const cronJob = (podSpec: JsonObject, spec: JsonObject = {}): JsonObject => ({
  metadata,
  spec: {
    ...spec,
    jobTemplate: { spec: { template: { metadata: { labels: { app: 'report' } }, spec: podSpec } } },
  },
});

describe('a CronJob', () => {
  test('is parsed to the images of its pods and their pull identity', () => {
    const podSpec = {
      containers: [{ image: 'a:1' }],
      initContainers: [{ image: 'b:1' }],
      imagePullSecrets: [{ name: 'regcred' }, { name: '../x' }],
      serviceAccountName: 'reporter',
    };
    expect(parseCronJob(cronJob(podSpec))).toEqual({
      ...metadata,
      suspended: false,
      podLabels: { app: 'report' },
      images: ['a:1', 'b:1'],
      puller: { imagePullSecrets: [{ name: 'regcred' }], serviceAccountName: 'reporter' },
    });
  });

  test('may be suspended', () => {
    expect(parseCronJob(cronJob({}, { suspend: true }))?.suspended).toBe(true);
  });

  test.each<[string, JsonObject]>([
    ['an empty object', {}],
    ['one without a name', { metadata: { namespace: 'shop', uid: 'u' } }],
  ])('is not %s', (_, raw) => {
    expect(parseCronJob(raw)).toBeUndefined();
  });

  test('of an unexpected shape has no images', () => {
    expect(parseCronJob({ metadata, spec: { jobTemplate: [] } })).toMatchObject({ images: [], puller: {} });
  });
});
