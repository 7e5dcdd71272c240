import { describe, expect, test } from '@jest/globals';
import { PullSecretContent } from '@archpolicy/cluster-view';
import { PullSecretReader } from './pull-secrets.ts';

const secrets = [new PullSecretContent('shop', 'kubernetes.io/dockercfg', '{}')];
const signal = new AbortController().signal;

describe('pull secrets for those who can wait', () => {
  test('I5 are given in their order', async () => {
    const reader = new PullSecretReader({ read: () => Promise.resolve({ secrets, complete: true }) });
    expect(await reader.read('shop', ['a'], signal)).toEqual(secrets);
  });

  test('I4 are not given in part: what is missing now may come', async () => {
    const reader = new PullSecretReader({ read: () => Promise.resolve({ secrets, complete: false }) });
    await expect(reader.read('shop', ['a', 'b'], signal)).rejects.toMatchObject({ code: 'PullSecretsUnread' });
  });
});
