import { describe, expect, test } from '@jest/globals';
import { formatEnv, parseEnv } from './env-file.ts';

const env = {
  KUBECONFIG: '/c/kubeconfig',
  REGISTRY: '127.0.0.1:5000',
  REDIS_URL: 'redis://127.0.0.1:6379',
  WEBHOOK_URL: 'https://127.0.0.1:9443/mutate',
};

describe('CLUSTER_DIR/env', () => {
  test('has one KEY=value per line, without quotes, in a fixed order', () => {
    expect(formatEnv({ REGISTRY: env.REGISTRY, KUBECONFIG: env.KUBECONFIG })).toBe(
      'KUBECONFIG=/c/kubeconfig\nREGISTRY=127.0.0.1:5000\n',
    );
  });

  test('parses to the values that were formatted', () => {
    expect(parseEnv(formatEnv(env))).toEqual(env);
  });

  test('ignores unknown keys when parsed', () => {
    expect(parseEnv('KUBECONFIG=/c/k\nOTHER=1\n\n')).toEqual({ KUBECONFIG: '/c/k' });
  });

  test.each(['/a b/kubeconfig', '/$HOME/k', "/it's"])(
    'rejects the path %s, which a shell would expand or split',
    (path) => {
      expect(() => formatEnv({ KUBECONFIG: path })).toThrow(/CLUSTER_DIR: KUBECONFIG would be .*without spaces/);
    },
  );
});
