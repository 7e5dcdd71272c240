import { describe, expect, test } from '@jest/globals';
import { formatEnv, parseEnv } from './env-file.ts';

const env = {
  KUBECONFIG: '/c/kubeconfig',
  REGISTRY: '127.0.0.1:5000',
  REDIS_URL: 'redis://127.0.0.1:6379',
  WEBHOOK_URL: 'https://127.0.0.1:9443/mutate',
};

describe('CLUSTER_DIR/env', () => {
  test('is one KEY=value a line, without quotes, in a fixed order', () => {
    expect(formatEnv({ REGISTRY: env.REGISTRY, KUBECONFIG: env.KUBECONFIG })).toBe(
      'KUBECONFIG=/c/kubeconfig\nREGISTRY=127.0.0.1:5000\n',
    );
  });

  test('is read as it was written', () => {
    expect(parseEnv(formatEnv(env))).toEqual(env);
  });

  test('is read without keys that nobody knows', () => {
    expect(parseEnv('KUBECONFIG=/c/k\nOTHER=1\n\n')).toEqual({ KUBECONFIG: '/c/k' });
  });

  test.each(['/a b/kubeconfig', '/$HOME/k', "/it's"])(
    'refuses the path %s, which a shell would read otherwise',
    (path) => {
      expect(() => formatEnv({ KUBECONFIG: path })).toThrow(/CLUSTER_DIR: KUBECONFIG would be .*without spaces/);
    },
  );
});
