import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { RawServer } from '@archpolicy/testkit';
import { Pools } from './pools.ts';

/** More than the pools that are kept. */
const HOSTS = 70;

let server: RawServer;

beforeEach(async () => {
  server = await new RawServer().start();
});

afterEach(() => server.stop());

test('P2 closing ends the requests of all hosts, also of the hosts whose pools were evicted', async () => {
  let requests = 0;
  const allArrived = new Promise<void>((resolve) => {
    server.answer = () => {
      requests += 1;
      if (requests === HOSTS) resolve();
      return { pieces: [], then: 'keep' };
    };
  });
  const pools = new Pools({
    resolve: () => {
      throw new Error('the host is an address');
    },
  });
  let ended = 0;
  for (let at = 0; at < HOSTS; at += 1) {
    const settings = { guard: { refused: [], allowed: ['127.0.0.0/8', `10.0.${at}.0/24`], nat64Prefixes: [] } };
    const sent = pools
      .get(`http://${server.host}`, settings)
      .request({ method: 'GET', path: '/', signal: new AbortController().signal });
    sent.catch(() => (ended += 1));
  }
  await allArrived;
  await pools.close();
  await new Promise(setImmediate);
  expect(ended).toBe(HOSTS);
});
