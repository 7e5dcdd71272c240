import { describe, expect, test } from '@jest/globals';
import { commonVariables } from './common.ts';
import { ConfigError, withVariableContext } from './config-error.ts';
import { address, commit, durationMs, formatDuration, oneOf, redisUrl, wholeNumber } from './schemas.ts';
import { describeVariables, readConfig, variable } from './variable.ts';

const message = (environment: Record<string, string>): string => {
  try {
    readConfig(commonVariables, environment);
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
  }
  return 'accepted';
};

describe('configuration', () => {
  test('defaults replace absent and empty variables', () => {
    expect(readConfig(commonVariables, { ARCHPOLICY_LOG_LEVEL: ' ' })).toEqual({
      kubeconfig: undefined,
      namespace: 'archpolicy-system',
      logLevel: 'info',
      metricsAddress: { host: '', port: 9090 },
      registriesFile: undefined,
      redisUrl: undefined,
      cacheKey: undefined,
      commit: 'unknown',
    });
  });

  test.each([
    [
      { ARCHPOLICY_METRICS_ADDRESS: '9090' },
      'ARCHPOLICY_METRICS_ADDRESS: "9090" is no host:port with a port from 0 to 65535; example: ARCHPOLICY_METRICS_ADDRESS=127.0.0.1:9090',
    ],
    [
      { ARCHPOLICY_LOG_LEVEL: 'loud' },
      'ARCHPOLICY_LOG_LEVEL: "loud" is none of debug, info, warn, error; example: ARCHPOLICY_LOG_LEVEL=info',
    ],
    [
      { ARCHPOLICY_NAMESPACE: 'A b' },
      'ARCHPOLICY_NAMESPACE: "A b" is no namespace name; example: ARCHPOLICY_NAMESPACE=archpolicy-system',
    ],
    [
      { ARCHPOLICY_REDIS_URL: 'http://user:geheim@redis' },
      'ARCHPOLICY_REDIS_URL: its value (not shown) is no redis://, redis+sentinel:// or redis+cluster:// URL; example: ARCHPOLICY_REDIS_URL=redis://redis.archpolicy-system:6379',
    ],
    [
      { ARCHPOLICY_CACHE_SECRET: 'shop/cache' },
      'ARCHPOLICY_CACHE_SECRET: "shop/cache" is no name of a Secret; example: ARCHPOLICY_CACHE_SECRET=archpolicy-cache',
    ],
    [
      { ARCHPOLICY_CACHE_KEY: 'geheim' },
      'ARCHPOLICY_CACHE_KEY: its value (not shown) is shorter than 32 characters or far too long; example: ARCHPOLICY_CACHE_KEY=$(openssl rand -base64 32)',
    ],
  ])('%j is rejected in one line that names the variable and gives an example', (environment, expected) => {
    expect(message(environment)).toBe(expected);
  });

  test('a long value with line breaks still gives one line', () => {
    const line = message({ ARCHPOLICY_LOG_LEVEL: 'x\ny\r\n'.repeat(1000) });
    expect(line).not.toMatch(/[\r\n]/u);
    expect(line.length).toBeLessThan(300);
  });

  test('variables that Kubernetes sets for a Service named archpolicy-webhook are no error', () => {
    expect(message({ ARCHPOLICY_WEBHOOK_SERVICE_HOST: '10.0.0.1' })).toBe('accepted');
  });

  test('help names each variable with its default', () => {
    const text = describeVariables(commonVariables);
    expect(text.split('\n')).toHaveLength(Object.keys(commonVariables).length);
    expect(text).toContain('ARCHPOLICY_METRICS_ADDRESS  host:port of /metrics, /healthz and /readyz (default: :9090)');
  });

  test('a default is parsed like a given value', () => {
    const broken = variable({
      name: 'ARCHPOLICY_X',
      description: '',
      example: '1',
      default: 'x',
      schema: wholeNumber({ min: 0, max: 9 }),
    });
    expect(() => readConfig({ broken }, {})).toThrow(ConfigError);
  });
});

describe('values', () => {
  test.each([
    [':9443', { host: '', port: 9443 }],
    ['127.0.0.1:0', { host: '127.0.0.1', port: 0 }],
    ['[::1]:65535', { host: '::1', port: 65_535 }],
    ['localhost:8080', { host: 'localhost', port: 8080 }],
    ['127.0.0.1', undefined],
    ['::1:80', undefined],
    ['a:65536', undefined],
    ['http://a:80', undefined],
    ['a:-1', undefined],
    ['', undefined],
  ])('address %j', (text, expected) => {
    expect(address.safeParse(text).data).toEqual(expected);
  });

  test.each([
    ['unknown', true],
    ['1f3870b', true],
    ['a'.repeat(40), true],
    ['a'.repeat(64), true],
    ['1f3870', false],
    ['a'.repeat(65), false],
    ['HEAD', false],
    ['1f3870b\n', false],
  ])('commit %j: %j', (text, accepted) => {
    expect(commit.safeParse(text).success).toBe(accepted);
  });

  const hour = durationMs({ min: 1, max: 3_600_000 });
  test.each([
    ['400ms', 400],
    ['30s', 30_000],
    ['1m30s', 90_000],
    ['1h', 3_600_000],
    ['2h', undefined],
    ['0s', undefined],
    ['10', undefined],
    ['1.5s', undefined],
    ['3 weeks', undefined],
    ['9'.repeat(40) + 's', undefined],
  ])('duration %j', (text, expected) => {
    expect(hour.safeParse(text).data).toBe(expected);
  });

  test.each([
    [0, '0ms'],
    [400, '400ms'],
    [1500, '1500ms'],
    [60_000, '1m'],
    [3_600_000, '1h'],
  ])('%d ms is written %s', (ms, expected) => {
    expect(formatDuration(ms)).toBe(expected);
  });

  test.each([
    ['0', 0],
    ['300', 300],
    ['301', undefined],
    ['-1', undefined],
    ['1e2', undefined],
    ['0x10', undefined],
    ['9'.repeat(20), undefined],
  ])('whole number %j', (text, expected) => {
    expect(wholeNumber({ min: 0, max: 300 }).safeParse(text).data).toBe(expected);
  });

  test.each([
    ['redis://redis:6379', true],
    ['rediss://user:geheim@redis/0', true],
    ['redis+sentinel://a:26379,b:26379/primary', true],
    ['rediss+cluster://a,b', true],
    ['redis:6379', false],
    ['https://redis', false],
  ])('Redis URL %s', (text, valid) => {
    expect(redisUrl.safeParse(text).success).toBe(valid);
  });

  test('a word outside the set is rejected', () => {
    expect(oneOf(['a', 'b']).safeParse('c').success).toBe(false);
    expect(oneOf(['a', 'b']).parse('b')).toBe('b');
  });
});

describe('withVariableContext', () => {
  const kubeconfig = { variable: 'ARCHPOLICY_KUBECONFIG', value: '/a/b', example: '/home/me/.kube/config' };
  const refused = (error: unknown, value: string | undefined = kubeconfig.value): Promise<string> =>
    withVariableContext({ ...kubeconfig, value }, () => Promise.reject(error as Error)).then(
      () => 'accepted',
      (thrown: unknown) => (thrown instanceof Error ? thrown.message : ''),
    );

  test('returns the result', async () => {
    expect(await withVariableContext(kubeconfig, () => Promise.resolve(7))).toBe(7);
  });

  test('throws an error with the message of the system call that failed', async () => {
    const cause = Object.assign(new Error('ENOENT: no such file'), { code: 'ENOENT', syscall: 'open' });
    expect(await refused(new Error('the kubeconfig cannot be used', { cause }))).toBe(
      'ARCHPOLICY_KUBECONFIG: "/a/b" cannot be used (the kubeconfig cannot be used: ENOENT: no such file); ' +
        'example: ARCHPOLICY_KUBECONFIG=/home/me/.kube/config',
    );
    expect(await refused('odd')).toContain('unexpected failure');
    expect(
      await withVariableContext({ ...kubeconfig, value: undefined }, () => Promise.reject(cause)).catch(String),
    ).toContain('ARCHPOLICY_KUBECONFIG: it is not set');
  });

  test('P5 throws an error without the input that a parser quotes', async () => {
    const cause = new SyntaxError('bad indentation: "token: geheim"');
    expect(await refused(new Error('the kubeconfig cannot be used', { cause }))).not.toContain('geheim');
  });
});
