import { describe, expect, test } from '@jest/globals';
import { PullSecretContent } from '@archpolicy/cluster-view';
import { PullSecretReader } from './pull-secrets.ts';

const secrets = [new PullSecretContent('shop', 'kubernetes.io/dockercfg', '{}')];
const signal = new AbortController().signal;

describe('PullSecretReader', () => {
  test('I5 returns the secrets in the order of their names', async () => {
    const reader = new PullSecretReader({ read: () => Promise.resolve({ secrets, complete: true }) });
    expect(await reader.read('shop', ['a'], signal)).toEqual(secrets);
  });

  test('I4 rejects an incomplete read: a retry may find the missing secrets', async () => {
    const reader = new PullSecretReader({ read: () => Promise.resolve({ secrets, complete: false }) });
    await expect(reader.read('shop', ['a', 'b'], signal)).rejects.toMatchObject({ code: 'PullSecretsUnread' });
  });
});
