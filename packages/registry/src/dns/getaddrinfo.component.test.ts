import { beforeAll, describe, expect, test } from '@jest/globals';
import type { NameAnswers, NameCase, NameStep } from './fixtures/compare-with-getaddrinfo.ts';
import { reasonWithoutNamespaces, runInNamespace } from './fixtures/network-namespace.ts';

const SCRIPT = new URL('fixtures/compare-with-getaddrinfo.ts', import.meta.url);
const IPV4 = ['10.9.0.1/24'];
const BOTH = ['10.9.0.1/24', '2001:db8:9::1/64'];
const SERVER = '127.0.0.1';
/** What kubelet writes for a pod; a short timeout, because getaddrinfo waits for it in some cases. */
const POD = `search shop.svc.cluster.local svc.cluster.local cluster.local corp.example
nameserver ${SERVER}
options ndots:5 timeout:1 attempts:1
`;
const ZONE = {
  'registry.example': { A: ['192.0.2.1'], AAAA: ['2001:db8::1'] },
  'v4.example': { A: ['192.0.2.4', '192.0.2.5'] },
  'v6.example': { AAAA: ['2001:db8::6'] },
  'empty.example': {},
  'mirror.shop.svc.cluster.local': { A: ['192.0.2.10'] },
  'mirror.tools.svc.cluster.local': { A: ['192.0.2.11'] },
  'hub.corp.example': { A: ['192.0.2.12'] },
  'a.b.corp.example': { A: ['192.0.2.13'] },
  'a.b': { A: ['192.0.2.14'] },
  'alias.example': { CNAME: 'second.example' },
  'second.example': { CNAME: 'third.example' },
  'third.example': { A: ['192.0.2.20'], AAAA: ['2001:db8::20'] },
  'dangling.example': { CNAME: 'missing.example' },
  'large.example': { A: ['192.0.2.30'], AAAA: ['2001:db8::30'], isTruncated: true },
  'broken.example': { fault: 'SERVFAIL' },
  'refused.example': { fault: 'REFUSED' },
} as const;

interface Row {
  readonly title: string;
  readonly steps: NameCase;
  /** The expected addresses of each name of each step, in any order. */
  readonly expected: readonly (readonly string[])[];
}

function row(title: string, step: Partial<NameStep> & { names: readonly string[] }, expected: Row['expected']): Row {
  const steps = [{ resolvConf: POD, hosts: '', servers: { [SERVER]: ZONE }, addresses: BOTH, ...step }];
  return { title, steps, expected };
}

const twoServers = `nameserver 127.0.0.2\nnameserver ${SERVER}\noptions timeout:1 attempts:1\n`;

const ROWS: readonly Row[] = [
  row('A and AAAA', { names: ['registry.example'] }, [['2001:db8::1', '192.0.2.1']]),
  row('A only, AAAA only, and neither', { names: ['v4.example', 'v6.example', 'empty.example'] }, [
    ['192.0.2.4', '192.0.2.5'],
    ['2001:db8::6'],
    [],
  ]),
  row('a machine without IPv6', { names: ['registry.example', 'v6.example'], addresses: IPV4 }, [['192.0.2.1'], []]),
  row('a machine without IPv4', { names: ['registry.example', 'v4.example'], addresses: ['2001:db8:9::1/64'] }, [
    ['2001:db8::1'],
    [],
  ]),
  row('a machine with a link-local IPv6 address', { names: ['registry.example'], addresses: [...IPV4, 'fe80::9/64'] }, [
    ['192.0.2.1', '2001:db8::1'],
  ]),
  row(
    'a machine with a unique local IPv6 address',
    { names: ['registry.example'], addresses: [...IPV4, 'fd00:9::9/64'] },
    [['192.0.2.1', '2001:db8::1']],
  ),
  row('search domains for names with fewer dots than ndots', { names: ['mirror', 'mirror.tools', 'hub'] }, [
    ['192.0.2.10'],
    ['192.0.2.11'],
    ['192.0.2.12'],
  ]),
  row('ndots 5: a search domain before the name as it is', { names: ['a.b'] }, [['192.0.2.13']]),
  row(
    'ndots 1: the name as it is before the search domains',
    { names: ['a.b', 'mirror.tools', 'mirror'], resolvConf: POD.replace('ndots:5', 'ndots:1') },
    [['192.0.2.14'], ['192.0.2.11'], ['192.0.2.10']],
  ),
  row('a trailing dot excludes the search domains', { names: ['a.b.', 'mirror.', 'registry.example.'] }, [
    ['192.0.2.14'],
    [],
    ['2001:db8::1', '192.0.2.1'],
  ]),
  row('a search domain that is the root', { names: ['a.b'], resolvConf: POD.replace(/^search .*/, 'search .') }, [
    ['192.0.2.14'],
  ]),
  row(
    '`domain` instead of `search`',
    { names: ['hub'], resolvConf: POD.replace(/^search .*/, 'domain corp.example') },
    [['192.0.2.12']],
  ),
  row('the last of `search` and `domain`', { names: ['hub', 'mirror'], resolvConf: `${POD}domain corp.example\n` }, [
    ['192.0.2.12'],
    [],
  ]),
  row(
    'comments and spaces in resolv.conf',
    { names: ['hub'], resolvConf: `# search x\n;search y\n search z\n${POD}` },
    [['192.0.2.12']],
  ),
  row(
    'the hosts file before DNS, with aliases, in any case',
    {
      names: ['registry.example', 'short', 'Upper.Example', 'other.example'],
      hosts:
        '# comment\n192.0.2.40\tregistry.example short # alias\n2001:db8::40 registry.example\n192.0.2.41 UPPER.example\n',
    },
    [['192.0.2.40', '2001:db8::40'], ['192.0.2.40'], ['192.0.2.41'], []],
  ),
  row('a name of the hosts file with one family only', { names: ['v6.example'], hosts: '192.0.2.42 v6.example\n' }, [
    ['192.0.2.42'],
  ]),
  row(
    'a name of the hosts file without an address of the family of the machine',
    { names: ['v4.example'], hosts: '2001:db8::43 v4.example\n', addresses: IPV4 },
    [['192.0.2.4', '192.0.2.5']],
  ),
  row('a trailing dot and the hosts file', { names: ['v4.example.'], hosts: '192.0.2.44 v4.example\n' }, [
    ['192.0.2.4', '192.0.2.5'],
  ]),
  row('a chain of aliases, and one that ends nowhere', { names: ['alias.example', 'dangling.example'] }, [
    ['192.0.2.20', '2001:db8::20'],
    [],
  ]),
  row('truncated answers over TCP', { names: ['large.example'] }, [['192.0.2.30', '2001:db8::30']]),
  row('SERVFAIL and REFUSED', { names: ['broken.example', 'refused.example'] }, [[], []]),
  row(
    'SERVFAIL for a search domain: the search continues',
    {
      names: ['hub'],
      servers: { [SERVER]: { ...ZONE, 'hub.shop.svc.cluster.local': { fault: 'SERVFAIL' } } },
    },
    [['192.0.2.12']],
  ),
  row(
    'no answer for a search domain: the search ends',
    { names: ['hub', 'a.b'], servers: { [SERVER]: { ...ZONE, '*.svc.cluster.local': { fault: 'silent' } } } },
    [[], ['192.0.2.14']],
  ),
  row(
    'a silent server before a good one',
    {
      names: ['v4.example'],
      resolvConf: twoServers,
      servers: { '127.0.0.2': { '*.': { fault: 'silent' } }, [SERVER]: ZONE },
    },
    [['192.0.2.4', '192.0.2.5']],
  ),
  row(
    'a failing server before a good one',
    {
      names: ['v4.example'],
      resolvConf: twoServers,
      servers: { '127.0.0.2': { '*.': { fault: 'SERVFAIL' } }, [SERVER]: ZONE },
    },
    [['192.0.2.4', '192.0.2.5']],
  ),
  row('a server without a listener before a good one', { names: ['v4.example'], resolvConf: twoServers }, [
    ['192.0.2.4', '192.0.2.5'],
  ]),
  row(
    'the first of two servers has the answer',
    { names: ['v4.example'], resolvConf: twoServers, servers: { '127.0.0.2': {}, [SERVER]: ZONE } },
    [[]],
  ),
  row('no nameserver: the one of this machine', { names: ['v4.example'], resolvConf: 'options timeout:1\n' }, [
    ['192.0.2.4', '192.0.2.5'],
  ]),
  row('no-aaaa', { names: ['v4.example', 'v6.example'], resolvConf: POD.replace('ndots:5', 'ndots:5 no-aaaa') }, [
    ['192.0.2.4', '192.0.2.5'],
    [],
  ]),
  row(
    'names that DNS cannot contain',
    { names: [`${'x'.repeat(64)}.example`, 'a..example', `${'x.'.repeat(130)}example`] },
    [[], [], []],
  ),
  {
    title: 'changed files apply from the next lookup on',
    steps: [
      { resolvConf: POD, hosts: '', servers: { [SERVER]: ZONE }, addresses: IPV4, names: ['hub', 'v4.example'] },
      {
        resolvConf: `nameserver 127.0.0.2\n`,
        servers: { '127.0.0.2': { hub: { A: ['192.0.2.50'] } } },
        addresses: IPV4,
        names: ['hub'],
      },
      { hosts: '192.0.2.51 hub\n', servers: { '127.0.0.2': {} }, addresses: IPV4, names: ['hub'] },
      { hosts: '', servers: { '127.0.0.2': { hub: { A: ['192.0.2.52'] } } }, addresses: IPV4, names: ['hub'] },
    ],
    expected: [['192.0.2.12'], ['192.0.2.4', '192.0.2.5'], ['192.0.2.50'], ['192.0.2.51'], ['192.0.2.52']],
  },
];

const skipReason = reasonWithoutNamespaces();
const sorted = (addresses: readonly string[] = []): readonly string[] => [...addresses].sort();

(skipReason === undefined ? describe : describe.skip)(
  `I10 names of hosts resolve as with getaddrinfo${skipReason === undefined ? '' : ` (skipped: ${skipReason})`}`,
  () => {
    let results: readonly (readonly NameAnswers[])[] = [];

    beforeAll(async () => {
      const output = await runInNamespace(
        SCRIPT,
        ROWS.map(({ steps }) => steps),
      );
      results = output as readonly (readonly NameAnswers[])[];
    }, 120_000);

    test.each(ROWS.map((value, index) => [value.title, index] as const))('I10 %s', (_, index) => {
      const answers = results[index] ?? [];
      expect(answers.map(({ resolver }) => sorted(resolver))).toEqual(ROWS[index]?.expected.map(sorted));
      expect(answers.map(({ resolver }) => sorted(resolver))).toEqual(
        answers.map(({ getaddrinfo }) => sorted(getaddrinfo)),
      );
      // Sockets try the families by the first address; within a family the order does not matter to them.
      const families = (addresses: readonly string[]): readonly boolean[] =>
        addresses.map((text) => text.includes(':'));
      expect(answers.map(({ resolver }) => families(resolver))).toEqual(
        answers.map(({ getaddrinfo }) => families(getaddrinfo)),
      );
    });
  },
);
