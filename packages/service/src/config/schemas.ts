import { parseGoDuration } from '@archpolicy/core';
import { z } from 'zod';
import { Secret } from '../secret.ts';

/** Where a server listens. An empty host means all interfaces. */
export interface Address {
  readonly host: string;
  /** 0 to 65535; 0 lets the system choose a free port. */
  readonly port: number;
}

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

const MAX_PORT = 65_535;

/** `host:port`, `[IPv6]:port` or `:port`. */
export const address: z.ZodType<Address, string> = z.string().transform((text, context) => {
  const match = /^(?:\[(?<v6>[0-9a-fA-F:.]+)\]|(?<host>[A-Za-z0-9._-]*)):(?<port>\d{1,5})$/u.exec(text);
  const port = Number(match?.groups?.['port']);
  if (match === null || port > MAX_PORT) {
    context.issues.push({ code: 'custom', message: 'is no host:port with a port from 0 to 65535', input: text });
    return z.NEVER;
  }
  return { host: match.groups?.['v6'] ?? match.groups?.['host'] ?? '', port };
});

export const logLevel: z.ZodType<LogLevel, string> = oneOf(LOG_LEVELS);

/** One of a closed set of words. */
export function oneOf<const T extends string>(words: readonly T[]): z.ZodType<T, string> {
  return z.string().transform((text, context) => {
    const word = words.find((candidate) => candidate === text);
    if (word !== undefined) return word;
    context.issues.push({ code: 'custom', message: `is none of ${words.join(', ')}`, input: text });
    return z.NEVER;
  });
}

/** Parses a whole number. The bounds are included. */
export function wholeNumber(bounds: { readonly min: number; readonly max: number }): z.ZodType<number, string> {
  return z.string().transform((text, context) => {
    const value = /^\d{1,15}$/u.test(text) ? Number(text) : Number.NaN;
    if (value >= bounds.min && value <= bounds.max) return value;
    const message = `is no whole number from ${bounds.min} to ${bounds.max}`;
    context.issues.push({ code: 'custom', message, input: text });
    return z.NEVER;
  });
}

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/**
 * Parses a duration such as `400ms`, `30s` or `1m30s` into milliseconds. The bounds are in milliseconds, and included.
 */
export function durationMs(bounds: { readonly min: number; readonly max: number }): z.ZodType<number, string> {
  return z.string().transform((text, context) => {
    const value = isWholeDuration(text) ? parseGoDuration(text) : undefined;
    if (value !== undefined && value >= bounds.min && value <= bounds.max) return value;
    const message = `is no duration from ${formatDuration(bounds.min)} to ${formatDuration(bounds.max)}`;
    context.issues.push({ code: 'custom', message, input: text });
    return z.NEVER;
  });
}

/** Whether a duration has no fractions. Every setting is a whole number of milliseconds. */
function isWholeDuration(text: string): boolean {
  return /^(?:\d{1,9}(?:ms|s|m|h))+$/u.test(text);
}

/** Formats milliseconds in the largest unit of which they are a multiple. */
export function formatDuration(ms: number): string {
  const [unit, size] = Object.entries(UNIT_MS).findLast(([, candidate]) => ms > 0 && ms % candidate === 0) ?? ['ms', 1];
  return `${ms / size}${unit}`;
}

/** A namespace's name: a DNS label. */
export const namespaceName: z.ZodType<string, string> = z
  .string()
  .regex(/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/u, 'is no namespace name');

/** A Secret's name: a DNS subdomain. */
export const secretName: z.ZodType<string, string> = z
  .string()
  .max(253, 'is no name of a Secret')
  .regex(/^[a-z0-9](?:[-.a-z0-9]*[a-z0-9])?$/u, 'is no name of a Secret');

/** An abbreviated or full commit hash (SHA-1 or SHA-256), or `unknown`. */
export const commit: z.ZodType<string, string> = z
  .string()
  .regex(/^(?:[0-9a-f]{7,64}|unknown)$/u, 'is no commit hash of 7 to 64 hexadecimal digits');

/** A path of a file or directory. */
export const path: z.ZodType<string, string> = z
  .string()
  .max(4096, 'is too long for a path')
  .refine((text) => !text.includes('\0'), 'is no path');

/** One node, Sentinels or a Cluster, with `rediss` for TLS. */
const REDIS_URL = /^rediss?(?:\+sentinel|\+cluster)?:\/\/[^/]/u;

/** The URL of Redis. It may contain a password and so is never shown. */
export const redisUrl: z.ZodType<Secret, string> = z.string().transform((text, context) => {
  if (REDIS_URL.test(text)) return new Secret(text);
  const message = 'is no redis://, redis+sentinel:// or redis+cluster:// URL';
  context.issues.push({ code: 'custom', message, input: '' });
  return z.NEVER;
});

/** The URL of a proxy, which the process parses. It may contain a password and so is never shown. */
export const proxyUrl: z.ZodType<Secret, string> = z.string().transform((text) => new Secret(text));

/** https://pkg.go.dev/golang.org/x/net/http/httpproxy#Config */
export const noProxy: z.ZodType<string, string> = z.string().max(64 * 1024, 'is too long for a list of hosts');

/**
 * Allowed length of the cache key, which consists of random bytes in any text form. 32 characters of base64 or hex have
 * 128 bits or more. The key is never shown.
 */
const KEY_LENGTH = { min: 32, max: 4096 } as const;

/** The key that encrypts values in Redis. */
export const cacheKey: z.ZodType<Secret, string> = z.string().transform((text, context) => {
  if (text.length >= KEY_LENGTH.min && text.length <= KEY_LENGTH.max) return new Secret(text);
  context.issues.push({
    code: 'custom',
    message: `is shorter than ${KEY_LENGTH.min} characters or far too long`,
    input: '',
  });
  return z.NEVER;
});
