import { describe, expect, test } from '@jest/globals';
import { onAbort } from '@archpolicy/async';
import { ANONYMOUS_SCOPE } from '../auth/auth-attempt.ts';
import { endpointsFor } from '../config/endpoint.ts';
import { DEFAULT_REGISTRIES } from '../config/registries.ts';
import { failed } from '../http/outcome.ts';
import type { Fetched } from '../http/outcome.ts';
import type { HttpResponse, Sender } from './sender.ts';
import { TokenService } from './token-service.ts';
import type { IssuedToken } from './token-service.ts';

const GRANT: HttpResponse = {
  kind: 'response',
  status: 200,
  headers: {},
  redirects: 0,
  body: Buffer.from('{"token":"t"}'),
};
const REQUEST = {
  realm: new URL('https://auth.example/token'),
  service: 'registry.example',
  scope: 'repository:team/app:pull',
};

/** A token service that waits for the test before it answers. A request whose inspection is aborted fails with `Deadline`. */
function start() {
  const answers: (() => void)[] = [];
  const sender: Sender = {
    send: (_, { signal }) =>
      new Promise((resolve) => {
        answers.push(() => {
          resolve(GRANT);
        });
        onAbort(signal, () => {
          resolve(failed('Deadline'));
        });
      }),
  };
  const clock = { now: () => 0, monotonic: () => 0, sleep: () => Promise.resolve() };
  const service = new TokenService(sender, clock);
  const inspect = (signal: AbortSignal): Promise<Fetched<IssuedToken>> => {
    const [endpoint] = endpointsFor('registry.example', 'team/app', DEFAULT_REGISTRIES);
    if (endpoint === undefined) throw new Error('no endpoint');
    const attempt = { endpoint, scope: ANONYMOUS_SCOPE };
    return service.token(REQUEST, { registries: DEFAULT_REGISTRIES, attempt, permit: undefined, signal });
  };
  return { answers, inspect };
}

describe('I6 a token request that several inspections share', () => {
  test('I6 is sent once', async () => {
    const { answers, inspect } = start();
    const { signal } = new AbortController();
    const tokens = [inspect(signal), inspect(signal)];
    for (const answer of answers) answer();
    expect(await Promise.all(tokens)).toMatchObject([{ kind: 'fetched' }, { kind: 'fetched' }]);
    expect(answers).toHaveLength(1);
  });

  test('I6 K5 is sent again by another one when the inspection that sent it has to yield', async () => {
    const { answers, inspect } = start();
    const first = new AbortController();
    const { signal } = new AbortController();
    const tokens = [inspect(first.signal), inspect(signal), inspect(signal)];
    first.abort();
    expect(await tokens[0]).toMatchObject({ reason: 'Deadline' });
    for (const answer of answers) answer();
    expect(await Promise.all(tokens.slice(1))).toMatchObject([{ kind: 'fetched' }, { kind: 'fetched' }]);
    expect(answers).toHaveLength(2);
  });

  test('I6 is not sent again by an inspection that has ended itself', async () => {
    const { answers, inspect } = start();
    const both = new AbortController();
    const tokens = [inspect(both.signal), inspect(both.signal)];
    both.abort();
    expect(await Promise.all(tokens)).toMatchObject([{ reason: 'Deadline' }, { reason: 'Deadline' }]);
    expect(answers).toHaveLength(1);
  });
});
