import { describe, expect, test } from '@jest/globals';
import { NoProxy } from './no-proxy.ts';
import { selectProxy } from './proxies.ts';
import type { EnvironmentProxies } from './proxies.ts';
import { parseProxyUrl } from './proxy-url.ts';
import { parseRegistries, Registries } from './registries.ts';

describe('I7 the URL of a proxy', () => {
  const basic = (text: string): string => `Basic ${Buffer.from(text).toString('base64')}`;

  test.each([
    ['http://proxy.corp:3128', { url: 'http://proxy.corp:3128' }],
    ['https://proxy.corp', { url: 'https://proxy.corp' }],
    ['proxy.corp:3128', { url: 'http://proxy.corp:3128' }],
    ['http://proxy.corp:3128/', { url: 'http://proxy.corp:3128' }],
    ['http://[fd00::1]:3128', { url: 'http://[fd00::1]:3128' }],
    ['http://user:p%40ss@proxy.corp', { url: 'http://proxy.corp', authorization: basic('user:p@ss') }],
    ['user:pass@proxy.corp:3128', { url: 'http://proxy.corp:3128', authorization: basic('user:pass') }],
    ['http://user@proxy.corp', { url: 'http://proxy.corp', authorization: basic('user:') }],
  ])('I7 %s', (text, expected) => {
    expect(parseProxyUrl(text)).toEqual(expected);
  });

  test.each([
    '',
    'socks5://proxy.corp',
    'http://',
    'http://proxy.corp/path',
    'http://%zz@proxy.corp',
    'http://a b',
    'file:///x',
  ])('I7 %j is invalid', (text) => {
    expect(parseProxyUrl(text)).toBeUndefined();
  });
});

describe('P5 the credential of a proxy', () => {
  test('P5 an invalid proxy is rejected without quoting it', () => {
    const load = (): unknown =>
      parseRegistries('registries: [{host: a.example, proxy: "socks5://user:canary@proxy.corp:1080"}]');
    expect(load).toThrow(/registries\.0\.proxy/);
    expect(load).not.toThrow(/canary|proxy\.corp:1080/);
  });
});

describe('I7 the proxy of a request', () => {
  const environment: EnvironmentProxies = {
    https: { url: 'http://env-https' },
    http: { url: 'http://env-http' },
    noProxy: new NoProxy('.svc,10.0.0.0/8,storage.corp.example'),
  };
  const registries = new Registries(
    parseRegistries(`registries:
      - {host: own.example, proxy: "http://own-proxy:3128"}
      - {host: direct.example, proxy: none}
      - {host: listed.example}
      - {host: "proxied.svc", proxy: "http://own-proxy:3128"}
      - {host: docker.io, proxy: "http://hub-proxy"}`),
  );
  const select = (url: string, host: string, endpointHost = host): string | undefined =>
    selectProxy({ url: new URL(url), host, endpointHost }, registries, environment)?.url;

  test.each([
    ['https://quay.io/v2/', 'quay.io', 'http://env-https'],
    ['http://quay.io/v2/', 'quay.io', 'http://env-http'],
    ['https://registry.tools.svc/v2/', 'registry.tools.svc', undefined],
    ['https://10.1.2.3:5000/v2/', '10.1.2.3:5000', undefined],
    ['https://own.example/v2/', 'own.example', 'http://own-proxy:3128'],
    ['https://direct.example/v2/', 'direct.example', undefined],
    ['https://listed.example/v2/', 'listed.example', 'http://env-https'],
    ['https://registry-1.docker.io/v2/', 'docker.io', 'http://hub-proxy'],
    ['https://proxied.svc/v2/', 'proxied.svc', 'http://own-proxy:3128'],
    ['https://localhost:5000/v2/', 'localhost:5000', undefined],
  ])('I7 %s: %s', (url, host, expected) => {
    expect(select(url, host)).toBe(expected);
  });

  test.each([
    ['a token service uses the proxy of its registry', 'https://auth.docker.io/token', 'docker.io', 'http://hub-proxy'],
    ['a host with a proxy of its own uses that', 'https://own.example/blob', 'docker.io', 'http://own-proxy:3128'],
    ['a host in NO_PROXY is reached directly', 'https://storage.corp.example/blob', 'docker.io', undefined],
    ['the setting none of a proxy is not inherited', 'https://cdn.example/blob', 'direct.example', 'http://env-https'],
    ['a loopback address is reached directly', 'http://127.0.0.1/token', 'docker.io', undefined],
  ])('I7 %s', (_, url, endpointHost, expected) => {
    expect(select(url, new URL(url).host, endpointHost)).toBe(expected);
  });
});
