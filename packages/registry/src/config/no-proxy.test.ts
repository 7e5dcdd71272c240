import { describe, expect, test } from '@jest/globals';
import { NoProxy } from './no-proxy.ts';

const includes = (text: string, url: string): boolean => new NoProxy(text).includes(new URL(url));

describe('I7 NO_PROXY, as in golang.org/x/net/http/httpproxy', () => {
  test.each([
    ['corp.example', 'https://corp.example/v2/', true],
    ['corp.example', 'https://registry.corp.example/v2/', true],
    ['corp.example', 'https://xcorp.example/v2/', false],
    ['corp.example', 'https://corp.example.evil.example/v2/', false],
    ['.corp.example', 'https://registry.corp.example/v2/', true],
    ['.corp.example', 'https://corp.example/v2/', false],
    ['*.corp.example', 'https://registry.corp.example/v2/', true],
    ['*.corp.example', 'https://corp.example/v2/', false],
    ['CORP.example', 'https://Registry.Corp.Example/v2/', true],
    ['corp.example.', 'https://registry.corp.example./v2/', true],
    ['corp.example:5000', 'https://registry.corp.example:5000/v2/', true],
    ['corp.example:5000', 'https://registry.corp.example/v2/', false],
    ['corp.example:443', 'https://registry.corp.example/v2/', true],
    ['corp.example:80', 'http://registry.corp.example/v2/', true],
    ['10.0.0.5', 'https://10.0.0.5:5000/v2/', true],
    ['10.0.0.5', 'https://10.5/v2/', true],
    ['10.0.0.5', 'https://10.0.0.50/v2/', false],
    ['10.0.0.5:5000', 'https://10.0.0.5:5000/v2/', true],
    ['10.0.0.5:5000', 'https://10.0.0.5/v2/', false],
    ['10.96.0.0/12', 'https://10.111.1.1/v2/', true],
    ['10.96.0.0/12', 'https://10.112.0.1/v2/', false],
    ['10.96.0.0/12', 'https://[::ffff:10.96.0.1]/v2/', true],
    ['10.96.0.0/12', 'https://registry.corp.example/v2/', false],
    ['fd00::/8', 'https://[fd00::5]:5000/v2/', true],
    ['fd00::5', 'https://[fd00:0::5]/v2/', true],
    ['[fd00::5]:5000', 'https://[fd00::5]:5000/v2/', true],
    ['[fd00::5]:5000', 'https://[fd00::5]/v2/', false],
    ['[fd00::5]', 'https://[fd00::5]/v2/', true],
    ['*', 'https://docker.io/v2/', true],
    ['a.example, .svc  10.0.0.0/8', 'https://registry.tools.svc/v2/', true],
    ['a.example, .svc  10.0.0.0/8', 'https://10.1.2.3/v2/', true],
    ['', 'https://docker.io/v2/', false],
    [',, ,', 'https://docker.io/v2/', false],
    ['.', 'https://docker.io/v2/', false],
    ['*.', 'https://docker.io/v2/', false],
    [':443', 'https://docker.io/v2/', false],
    ['10.0.0.0/99', 'https://10.1.2.3/v2/', false],
    ['docker.io', 'https://registry-1.docker.io/v2/', true],
  ])('I7 NO_PROXY=%j, %s: %s', (text, url, expected) => {
    expect(includes(text, url)).toBe(expected);
  });

  test.each([
    'http://localhost:5000/',
    'https://a.localhost/',
    'https://127.0.0.1/',
    'https://127.1/',
    'https://[::1]/',
  ])('I7 %s never uses a proxy of the environment', (url) => {
    expect(includes('', url)).toBe(true);
  });
});
