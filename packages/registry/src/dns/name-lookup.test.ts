import { describe, expect, test } from '@jest/globals';
import { FakeClock } from '@archpolicy/testkit';
import { onAbort } from '@archpolicy/async';
import { resolveName } from './name-lookup.ts';
import type { LookupOutcome } from './name-lookup.ts';
import type { Query, QueryOutcome, SendQuery } from './query.ts';
import { parseResolvConf } from './resolv-conf.ts';
import { ServerOrder } from './server-order.ts';

const POD = 'search one.example two.example\nnameserver 10.0.0.1\nnameserver 10.0.0.2\noptions ndots:5\n';
const found = (address: string, family: 4 | 6 = 4): QueryOutcome => ({
  kind: 'addresses',
  records: [{ address, family, ttlMs: 1_000 }],
});
const NO_NAME: QueryOutcome = { kind: 'no-name' };

/** Answers by `name family server`, `name family` or `name`; a query without an entry is never answered. */
function answers(table: Readonly<Record<string, QueryOutcome>>): {
  sendQuery: SendQuery;
  sent: string[];
  pending: Set<string>;
} {
  const sent: string[] = [];
  const pending = new Set<string>();
  const sendQuery = ({ name, family, server }: Query, signal: AbortSignal): Promise<QueryOutcome> => {
    const query = `${name} ${family} ${server}`;
    sent.push(query);
    const outcome = table[query] ?? table[`${name} ${family}`] ?? table[name];
    if (outcome !== undefined) return Promise.resolve(outcome);
    pending.add(query);
    return new Promise((resolve) => {
      onAbort(signal, () => {
        pending.delete(query);
        resolve({ kind: 'no-answer' });
      });
    });
  };
  return { sendQuery, sent, pending };
}

interface Run {
  readonly outcome: LookupOutcome;
  readonly sent: readonly string[];
  readonly tookMs: number;
}

/** Looks the name up, while the time passes in steps until the lookup has ended. */
async function run(
  table: Readonly<Record<string, QueryOutcome>>,
  {
    resolvConf = POD,
    host = 'hub',
    families = [4] as readonly (4 | 6)[],
    order = new ServerOrder(),
    clock = new FakeClock(),
  } = {},
): Promise<Run> {
  const { sendQuery, sent, pending } = answers(table);
  const config = parseResolvConf(resolvConf, 'web-1');
  const startMs = clock.monotonic();
  let outcome: LookupOutcome | undefined;
  const work = resolveName({ host, config, families }, { sendQuery, order, clock }, new AbortController().signal);
  void work.then((value) => (outcome = value));
  await clock.advance(0);
  while (outcome === undefined && clock.monotonic() - startMs < 60_000) await clock.advance(50);
  expect(pending.size).toBe(0);
  return { outcome: await work, sent, tookMs: clock.monotonic() - startMs };
}

describe('I10 the lookup of a name', () => {
  test('I10 queries the search domains, then the name as it is', async () => {
    const { outcome, sent } = await run({
      'hub.one.example': NO_NAME,
      'hub.two.example': NO_NAME,
      hub: found('192.0.2.1'),
    });
    expect(outcome).toMatchObject({ kind: 'found', records: [{ address: '192.0.2.1' }] });
    expect(sent).toEqual(['hub.one.example 4 10.0.0.1', 'hub.two.example 4 10.0.0.1', 'hub 4 10.0.0.1']);
  });

  test('I10 queries the next server after 1 s, and later puts the silent one last', async () => {
    const [order, clock] = [new ServerOrder(), new FakeClock()];
    const table = { 'hub.one.example 4 10.0.0.2': found('192.0.2.1') };
    const first = await run(table, { order, clock });
    expect(first.sent).toEqual(['hub.one.example 4 10.0.0.1', 'hub.one.example 4 10.0.0.2']);
    expect(first.tookMs).toBe(1_000);
    const second = await run(table, { order, clock });
    expect(second.sent).toEqual(['hub.one.example 4 10.0.0.2']);
    expect(second.tookMs).toBe(0);
  });

  test('I10 ends after 5 s if no server answers', async () => {
    const { outcome, tookMs } = await run({});
    expect(outcome).toEqual({ kind: 'no-answer' });
    expect(tookMs).toBe(5_000);
  });

  test.each([
    ['timeout:1 attempts:1', ['1', '2'], 2_000],
    ['timeout:1 attempts:2', ['1', '2', '1', '2'], 4_000],
  ])('I10 options %s', async (options, servers, tookMs) => {
    const result = await run({}, { resolvConf: POD.replace('ndots:5', options), host: 'a.b.' });
    expect(result.sent).toEqual(servers.map((server) => `a.b. 4 10.0.0.${server}`));
    expect(result.tookMs).toBe(tookMs);
  });

  test('I10 a failing server is followed by the next one, and is no proof that the name does not exist', async () => {
    const failing = { 'a.b.': { kind: 'server-failed' } } as const;
    const result = await run(failing, { host: 'a.b.', resolvConf: POD.replace('ndots:5', 'attempts:1') });
    expect(result.sent).toEqual(['a.b. 4 10.0.0.1', 'a.b. 4 10.0.0.2']);
    expect(result.outcome).toEqual({ kind: 'no-answer' });
  });

  test('I10 a name that no server has does not exist', async () => {
    expect((await run({ 'a.b.': NO_NAME }, { host: 'a.b.' })).outcome).toEqual({ kind: 'not-found' });
    expect((await run({ 'a.b.': { kind: 'no-data' } }, { host: 'a.b.' })).outcome).toEqual({ kind: 'not-found' });
    expect((await run({}, { families: [] })).outcome).toEqual({ kind: 'not-found' });
  });

  test('I10 addresses of one family wait 0.25 s for those of the other', async () => {
    const result = await run({ 'a.b. 4': found('192.0.2.1') }, { host: 'a.b.', families: [6, 4] });
    expect(result.outcome).toMatchObject({ kind: 'found', records: [{ address: '192.0.2.1' }] });
    expect(result.tookMs).toBe(250);
  });

  test('I10 a name without one family that exists is not queried again for it', async () => {
    const result = await run({ 'a.b. 4': NO_NAME }, { host: 'a.b.', families: [6, 4] });
    expect(result.outcome).toEqual({ kind: 'not-found' });
    expect(result.tookMs).toBe(0);
  });

  test('I10 the signal cancels the lookup', async () => {
    const { sendQuery, pending } = answers({});
    const controller = new AbortController();
    const parts = { sendQuery, order: new ServerOrder(), clock: new FakeClock() };
    const lookup = { host: 'hub', config: parseResolvConf(POD), families: [4, 6] as const };
    const work = resolveName(lookup, parts, controller.signal);
    expect(pending.size).toBe(2);
    controller.abort();
    expect(await work).toEqual({ kind: 'no-answer' });
    expect(pending.size).toBe(0);
  });
});
