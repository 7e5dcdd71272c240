import { describe, expect, test } from '@jest/globals';
import { parseResolvConf } from './resolv-conf.ts';
import type { ResolverConfig } from './resolv-conf.ts';

const DEFAULTS: ResolverConfig = {
  servers: ['127.0.0.1'],
  searchDomains: [],
  ndots: 1,
  timeoutMs: 5_000,
  attempts: 2,
  omitsIpv6: false,
};
const ROWS: readonly (readonly [title: string, text: string, expected: Partial<ResolverConfig>])[] = [
  ['an empty file', '', {}],
  [
    'the file of a pod',
    'search a.svc.cluster.local svc.cluster.local\nnameserver 10.96.0.10\noptions ndots:5\n',
    { searchDomains: ['a.svc.cluster.local', 'svc.cluster.local'], servers: ['10.96.0.10'], ndots: 5 },
  ],
  [
    'four servers: the first three',
    'nameserver 10.0.0.1\nnameserver fd00::2\nnameserver 10.0.0.3\nnameserver 10.0.0.4\n',
    { servers: ['10.0.0.1', 'fd00::2', '10.0.0.3'] },
  ],
  [
    'servers that are no addresses',
    'nameserver dns.example\nnameserver\nnameserver 10.0.0.1\n',
    { servers: ['10.0.0.1'] },
  ],
  [
    'tabs and carriage returns',
    'nameserver\t10.0.0.1\r\nsearch\ta b\r\n',
    { servers: ['10.0.0.1'], searchDomains: ['a', 'b'] },
  ],
  ['comments, and keywords after a space', '#search a\n;search b\n search c\nsearch\n', {}],
  ['the last of domain and search', 'search a b\ndomain c d\n', { searchDomains: ['c'] }],
  [
    'options of several lines',
    'options ndots:2 timeout:1\noptions attempts:3 no-aaaa ndots:3\n',
    { ndots: 3, timeoutMs: 1_000, attempts: 3, omitsIpv6: true },
  ],
  [
    'options over their limits',
    'options ndots:99 timeout:99 attempts:99\n',
    { ndots: 15, timeoutMs: 30_000, attempts: 5 },
  ],
  [
    'options that are not numbers',
    'options ndots:x timeout: attempts:-1\n',
    { ndots: 0, timeoutMs: 1_000, attempts: 1 },
  ],
];

describe('I10 resolv.conf', () => {
  test.each(ROWS)('I10 %s', (_, text, expected) => {
    expect(parseResolvConf(text, 'web-1')).toEqual({ ...DEFAULTS, ...expected });
  });

  test('I10 without search domains, the domain of the machine is searched', () => {
    expect(parseResolvConf('', 'web-1.corp.example').searchDomains).toEqual(['corp.example']);
    expect(parseResolvConf('search a\n', 'web-1.corp.example').searchDomains).toEqual(['a']);
  });
});
