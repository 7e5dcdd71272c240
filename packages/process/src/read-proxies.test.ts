import { describe, expect, test } from '@jest/globals';
import { commonVariables, readConfig } from '@archpolicy/service';
import type { EnvironmentProxies } from '@archpolicy/registry';
import { readProxies } from './read-proxies.ts';

const read = (environment: Record<string, string>): EnvironmentProxies =>
  readProxies(readConfig(commonVariables, environment));

describe('I7 the proxies of the environment', () => {
  test.each([
    ['none', {}, undefined, undefined],
    ['HTTPS_PROXY', { HTTPS_PROXY: 'http://a:1' }, 'http://a:1', undefined],
    ['https_proxy', { https_proxy: 'http://a:1' }, 'http://a:1', undefined],
    ['both: upper case first', { https_proxy: 'http://b:1', HTTPS_PROXY: 'http://a:1' }, 'http://a:1', undefined],
    ['an empty value', { HTTPS_PROXY: '', https_proxy: 'http://b:1' }, 'http://b:1', undefined],
    ['HTTP_PROXY', { HTTP_PROXY: 'a:1' }, undefined, 'http://a:1'],
  ])('I7 %s', (_, environment, https, http) => {
    const proxies = read(environment);
    expect([proxies.https?.url, proxies.http?.url]).toEqual([https, http]);
  });

  test('I7 NO_PROXY, in upper and lower case', () => {
    for (const name of ['NO_PROXY', 'no_proxy']) {
      expect(read({ [name]: '.svc,10.0.0.0/8' }).noProxy.includes(new URL('https://a.svc/'))).toBe(true);
    }
  });

  test('P5 the error of an invalid URL names the variable, and contains no part of the URL', () => {
    for (const name of ['HTTPS_PROXY', 'https_proxy']) {
      const invalid = (): unknown => read({ [name]: 'socks5://user:canary@proxy.corp:1080' });
      expect(invalid).toThrow(/^HTTPS_PROXY: its value \(not shown\)/);
      expect(invalid).not.toThrow(/canary|corp:1080/);
    }
  });
});
