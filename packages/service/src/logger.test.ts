import { describe, expect, test } from '@jest/globals';
import { inspect } from 'node:util';
import { createLogger } from './logger.ts';
import { Secret } from './secret.ts';

const capture = () => {
  const lines: string[] = [];
  const logger = createLogger({ name: 'test', level: 'info', destination: { write: (line) => void lines.push(line) } });
  return { logger, lines };
};

const logged = (fields: Record<string, unknown>): Record<string, unknown> => {
  const { logger, lines } = capture();
  logger.info(fields, 'm');
  return JSON.parse(lines[0]!) as Record<string, unknown>;
};

describe('logger', () => {
  test('a line is one JSON object with time, level, name, fields and message', () => {
    expect(logged({ pod: 'a' })).toEqual({
      level: 'info',
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT/u),
      name: 'test',
      pod: 'a',
      msg: 'm',
    });
  });

  test.each([
    ['a\u0000\u001b[31mb\rc', 'a[31mbc'],
    ['a\u009b31mb\u007f', 'a31mb'],
    ['a\u202eb\u200bc', 'abc'],
    ['a\n\tb', 'a\n\tb'],
  ])('I11 a text without the characters that change how a terminal shows it: %j', (text, expected) => {
    expect(logged({ text, nested: [{ text }] })).toMatchObject({ text: expected, nested: [{ text: expected }] });
  });

  test('a level below the configured one writes nothing', () => {
    const { logger, lines } = capture();
    logger.debug({}, 'm');
    expect(lines).toEqual([]);
  });

  test('a child adds its fields to each line', () => {
    const { logger, lines } = capture();
    logger.child({ controller: 'remediation' }).warn({ key: 'a/b' }, 'm');
    expect(JSON.parse(lines[0]!)).toMatchObject({ controller: 'remediation', key: 'a/b', level: 'warn' });
  });

  test('P5 a secret is not written when it is bound to a child, or when the error is the only field', () => {
    const { logger, lines } = capture();
    logger.child({ password: 'geheim' }).child({ token: 'geheim' }).info({}, 'm');
    logger.error(new Error('https://user:geheim@host'), 'm');
    expect(lines).toHaveLength(2);
    expect(lines.map((line) => [line.includes('geheim'), line.includes('[redacted]')])).toEqual([
      [false, true],
      [false, true],
    ]);
  });

  test.each<[string, Record<string, unknown>]>([
    ['by name', { password: 'geheim' }],
    ['by name, deep down', { request: { headers: { Authorization: 'geheim' } } }],
    ['by name, in a list', { auths: [{ identityToken: 'geheim' }] }],
    ['as a Secret', { value: new Secret('geheim') }],
    ['in a URL', { url: 'https://user:geheim@registry.example/v2/' }],
    ['in a signed URL', { url: 'https://s3.example/blob?X-Amz-Signature=geheim' }],
    ['after a scheme', { header: 'Bearer geheim.geheim' }],
    ['in an error', { err: new Error('401 from https://user:geheim@registry.example') }],
    ['in an error that caused another', { err: new Error('outer', { cause: new Error('Basic geheimgeheim') }) }],
    ['as a private key', { text: '-----BEGIN EC PRIVATE KEY-----\ngeheim' }],
  ])('P5 a secret is not written: %s', (_, fields) => {
    const line = JSON.stringify(logged(fields));
    expect(line).not.toContain('geheim');
    expect(line).toContain('[redacted]');
  });

  test('P5 the error of a parser is written with its position and without its quotes of the input', () => {
    let cause: unknown;
    try {
      JSON.parse('{"password": "geheim" "host": 1}');
    } catch (error) {
      cause = error;
    }
    const message = 'syntax error at line 1, column 23';
    expect(logged({ err: new Error('no configuration', { cause }) })).toMatchObject({
      err: { message: 'no configuration', cause: { type: 'SyntaxError', message } },
    });
    expect(logged({ err: cause })).toMatchObject({ err: { type: 'SyntaxError', message } });
  });

  test('an error is written with its code and causes', () => {
    const cause = Object.assign(new Error('refused'), { code: 'ECONNREFUSED' });
    expect(logged({ err: new Error('no answer', { cause }) })).toMatchObject({
      err: { type: 'Error', message: 'no answer', cause: { code: 'ECONNREFUSED', message: 'refused' } },
    });
  });

  test('long texts and deep, circular and hostile values are cut', () => {
    const circular: Record<string, unknown> = {};
    circular['self'] = circular;
    const hostile = {
      toJSON: () => {
        throw new Error('no');
      },
    };
    const line = JSON.stringify(
      logged({ text: 'x'.repeat(100_000), circular, hostile, bytes: Buffer.alloc(9), n: 1n }),
    );
    expect(line.length).toBeLessThan(4000);
    expect(line).toContain('[too deep]');
    expect(line).toContain('[unserialisable]');
  });
});

describe('Secret', () => {
  test('P5 only reveal shows the value', () => {
    const secret = new Secret('geheim');
    expect([String(secret), JSON.stringify({ secret }), inspect(secret), inspect({ secret })].join()).not.toContain(
      'geheim',
    );
    expect(secret.reveal()).toBe('geheim');
  });
});
