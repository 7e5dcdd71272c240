import type { RegistryChoice } from './axes.ts';

/** The servers and the digest that header lines name. */
export interface FieldValues {
  /** Number of the case, in the names of its hosts. */
  readonly number: number;
  readonly port: number;
  readonly path: string;
  readonly digest: string;
}

const LATER = 'Fri, 01 Jan 2100 00:00:00 GMT';

/** Returns the header lines that concern registries. */
export function fieldLines(field: RegistryChoice['field'], values: FieldValues): readonly string[] {
  const [kind = ''] = field.split(': ');
  switch (kind) {
    case 'location':
      return [`location: ${locations(values)[field] ?? ''}`];
    case 'challenge':
      return challenges(values)[field] ?? [];
    case 'digest':
      return digests(values)[field] ?? [];
    default:
      return OTHERS[field] ?? [];
  }
}

const OTHERS: Readonly<Record<string, readonly string[]>> = {
  'retry-after: 1': ['retry-after: 1'],
  'retry-after: never': ['retry-after: never'],
  'retry-after: huge': ['retry-after: 99999999999999999999'],
  'retry-after: date': [`retry-after: ${LATER}`],
  'quota: none left': ['ratelimit-limit: 100;w=21600', 'ratelimit-remaining: 0;w=21600'],
  'quota: huge': ['ratelimit-limit: 1;w=999999999', 'ratelimit-remaining: 0;w=999999999'],
  'quota: malformed': ['ratelimit-limit: many', 'ratelimit-remaining: -1', 'ratelimit-remaining: 0'],
  'type: index': ['content-type: application/vnd.oci.image.index.v1+json'],
  'type: schema 1': ['content-type: application/vnd.docker.distribution.manifest.v1+prettyjws'],
  'type: unknown': ['content-type: application/x-unknown'],
};

function locations({ number, port, path }: FieldValues): Readonly<Record<string, string>> {
  return {
    'location: itself': path,
    'location: storage': `http://s${number}.fuzz.test:${port}/storage`,
    'location: other port': `http://c${number}.fuzz.test:1/v2/`,
    'location: https': `https://c${number}.fuzz.test:${port}/v2/`,
    'location: //': '//',
    'location: ftp': 'ftp://c.fuzz.test/v2/',
    'location: javascript': 'javascript:alert(1)',
    'location: credentials': `http://user:password@c${number}.fuzz.test:${port}/v2/`,
    'location: metadata service': 'http://169.254.169.254/latest/meta-data/',
    'location: loopback': `http://127.0.0.1:${port}/`,
    'location: IPv6': `http://[::ffff:7f00:1]:${port}/`,
    'location: unknown name': 'http://unknown.invalid/v2/',
    'location: bad port': 'http://c.fuzz.test:99999/v2/',
    'location: too long': `http://s${number}.fuzz.test:${port}/${'a'.repeat(20_000)}`,
    'location: NUL': '/v2/\u0000\u0001',
  };
}

function challenges({ number, port }: FieldValues): Readonly<Record<string, readonly string[]>> {
  const bearer = (realm: string): readonly string[] => [`www-authenticate: Bearer realm="${realm}",service="s"`];
  return {
    'challenge: token service': bearer(`http://t${number}.fuzz.test:${port}/token`),
    'challenge: registry': bearer(`http://c${number}.fuzz.test:${port}/v2/app/manifests/v1`),
    'challenge: no realm': ['www-authenticate: Bearer'],
    'challenge: basic': ['www-authenticate: Basic realm="r"'],
    'challenge: relative realm': bearer('/token'),
    'challenge: https': bearer(`https://t${number}.fuzz.test:${port}/token`),
    'challenge: metadata service': bearer('http://169.254.169.254/token'),
    'challenge: garbage': ['www-authenticate: =,"\\\u0000'],
    'challenge: many': [`www-authenticate: ${'Bearer realm="x", Basic a=b, '.repeat(500)}`],
    'challenge: unclosed': ['www-authenticate: Bearer realm="http://t.fuzz.test'],
    'challenge: negotiate': ['www-authenticate: Negotiate', 'www-authenticate: NTLM'],
  };
}

function digests({ digest }: FieldValues): Readonly<Record<string, readonly string[]>> {
  const line = (value: string): string => `docker-content-digest: ${value}`;
  return {
    'digest: right': [line(digest)],
    'digest: another': [line(`sha256:${'0'.repeat(64)}`)],
    'digest: malformed': [line('sha256:xyz')],
    'digest: sha512': [line(`sha512:${'0'.repeat(128)}`)],
    'digest: md5': [line(`md5:${'0'.repeat(32)}`)],
    'digest: two': [line(digest), line(`sha256:${'1'.repeat(64)}`)],
  };
}
