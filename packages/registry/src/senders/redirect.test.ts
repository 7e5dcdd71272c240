import { describe, expect, test } from '@jest/globals';
import { endpointsFor } from '../config/endpoint.ts';
import { parseRegistries, Registries } from '../config/registries.ts';
import { RedirectSender } from './redirect.ts';
import type { HttpRequest, Sender } from './sender.ts';

const FILE = `default: {blocked: true}
registries:
  - {host: registry.example}
  - {host: untrusted.example, blocked: true}`;

/** Sends a read of registry.example, which redirects it to a location. Returns the hosts of all requests. */
async function follow(location: string): Promise<readonly string[]> {
  const registries = new Registries(parseRegistries(FILE));
  const [endpoint] = endpointsFor('registry.example', 'app', registries);
  if (endpoint === undefined) throw new Error('the registry has no endpoint');
  const requests: HttpRequest[] = [];
  const network: Sender = {
    send: (request) => {
      requests.push(request);
      const status = request.url.host === 'registry.example' ? 307 : 200;
      return Promise.resolve({ kind: 'response', status, headers: { location }, redirects: 0, body: Buffer.alloc(0) });
    },
  };
  const { signal } = new AbortController();
  const context = { registries, attempt: { endpoint, scope: 'anonymous' }, permit: undefined, signal };
  const url = new URL('app/manifests/v1', endpoint.base);
  await new RedirectSender(network).send(
    { purpose: 'manifest', method: 'GET', url, host: 'registry.example', headers: {}, maxBytes: 1 },
    context,
  );
  return requests.map((request) => request.url.host);
}

describe('I7 redirects to another host', () => {
  test.each([
    'https://untrusted.example/blob',
    'https://untrusted.example./blob',
    'https://UNTRUSTED.example.:443/blob',
  ])('I7 %s is blocked, in any spelling', async (location) => {
    expect(await follow(location)).toEqual(['registry.example']);
  });

  test('I7 the default for images does not block a host without an entry', async () => {
    expect(await follow('https://storage.example/blob')).toEqual(['registry.example', 'storage.example']);
  });
});
