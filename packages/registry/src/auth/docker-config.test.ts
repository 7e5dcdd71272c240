import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { parseDockerConfig } from './docker-config.ts';

const encode = (text: string): string => Buffer.from(text).toString('base64');
const credentials = (auths: object): unknown[] =>
  parseDockerConfig(JSON.stringify({ auths }), 'kubernetes.io/dockerconfigjson').entries.map(({ value }) => value);
const alice = { kind: 'basic', username: 'alice', password: 'pass' };

describe('I5 docker config files', () => {
  test.each([
    ['auth', { auth: encode('alice:pass') }, [alice]],
    ['auth without padding', { auth: encode('alice:pass').replace(/=+$/, '') }, [alice]],
    ['auth with a trailing NUL of old tools', { auth: encode('alice:pass\0') }, [alice]],
    ['a password with colons', { auth: encode('alice:p:a:ss') }, [{ ...alice, password: 'p:a:ss' }]],
    ['an empty password', { auth: encode('alice:') }, [{ ...alice, password: '' }]],
    ['username and password', { username: 'alice', password: 'pass' }, [alice]],
    ['both: auth has precedence', { auth: encode('alice:pass'), username: 'x', password: 'y' }, [alice]],
    ['an identity token', { auth: encode('00000000:'), identitytoken: 'T' }, [{ kind: 'identity-token', token: 'T' }]],
    ['a registry token', { registrytoken: 'T' }, [{ kind: 'bearer', token: 'T' }]],
    ['auth without a colon', { auth: encode('alice') }, []],
    ['auth without a user', { auth: encode(':pass') }, []],
    ['a username that cannot be sent', { username: 'a:b', password: 'x' }, []],
    ['only a username', { username: 'alice' }, []],
    ['numbers', { username: 1, password: 2 }, []],
    ['nothing', {}, []],
    ['null', null, []],
  ])('I5 an entry with %s', (_, entry, expected) => {
    expect(credentials({ 'registry.corp': entry })).toEqual(expected);
  });

  test('I5 an invalid entry does not affect the others', () => {
    expect(
      credentials({ a: null, '': { auth: encode('x:y') }, b: { auth: '%%%' }, c: { auth: encode('alice:pass') } }),
    ).toEqual([alice]);
  });

  test('I5 dockercfg has no auths', () => {
    const json = JSON.stringify({ 'registry.corp': { auth: encode('alice:pass') } });
    expect(parseDockerConfig(json, 'kubernetes.io/dockercfg').entries).toHaveLength(1);
    expect(parseDockerConfig(json, 'kubernetes.io/dockerconfigjson').entries).toEqual([]);
  });

  test('I5 unusable keys are counted by reason', () => {
    const entry = { auth: encode('alice:pass') };
    const auths = {
      '': entry,
      'a/%b': entry,
      [`${'a'.repeat(64)}.io`]: entry,
      '*a*b*c*d*e': entry,
      'registry.corp': entry,
    };
    const json = JSON.stringify({ auths });
    expect(parseDockerConfig(json, 'kubernetes.io/dockerconfigjson').unusable).toEqual([
      'malformed',
      'malformed',
      'too-long',
      'too-many-wildcards',
    ]);
  });

  test.each([
    ['too many values', `{"auths":{"a":{"auth":"YTpi","x":[${'0,'.repeat(10_000)}0]}}}`],
    ['too deep nesting', `{"auths":{"a":{"auth":"YTpi","x":${'['.repeat(40)}${']'.repeat(40)}}}}`],
  ])('P8 a config with %s is not parsed', (_, json) => {
    expect(parseDockerConfig(json, 'kubernetes.io/dockerconfigjson').entries).toEqual([]);
  });

  test('I5 any text is parsed without throwing', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), fc.json(), (text, auths) => {
        parseDockerConfig(text, 'kubernetes.io/dockercfg');
        parseDockerConfig(`{"auths":${auths}}`, 'kubernetes.io/dockerconfigjson');
      }),
    );
  });
});
