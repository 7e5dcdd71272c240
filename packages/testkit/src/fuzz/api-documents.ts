import type { RawAnswer } from '../http/index.ts';
import type { Random } from '@archpolicy/async';
import type { ApiAnswerChoice } from './api-axes.ts';
import { renderAnswer } from './http-answer.ts';

const POD = {
  kind: 'Pod',
  apiVersion: 'v1',
  metadata: { name: 'a', namespace: 'shop', uid: 'u', resourceVersion: '7' },
};
const LEASE = {
  kind: 'Lease',
  apiVersion: 'coordination.k8s.io/v1',
  metadata: { name: 'a', namespace: 'shop', resourceVersion: '7' },
};
const EVENT = { type: 'ADDED', object: POD };
const list = (items: unknown, metadata: object = { resourceVersion: '7' }): object => ({
  kind: 'PodList',
  metadata,
  items,
});
const event = (value: unknown): string => `${JSON.stringify(value)}\n`;
const status = (more: object): object => ({ kind: 'Status', apiVersion: 'v1', status: 'Failure', ...more });
const LONG_LINE_BYTES = 9 * 1024 * 1024;
const LEVELS = 20_000;
const longLine = `"${'a'.repeat(LONG_LINE_BYTES)}"\n`;
const deepObject = `${'{"a":'.repeat(LEVELS)}1${'}'.repeat(LEVELS)}`;

const DOCUMENTS: Readonly<Record<Exclude<ApiAnswerChoice['document'], 'usual'>, string>> = {
  Status: JSON.stringify(status({ reason: 'InternalError', message: 'failed', code: 500 })),
  'Status of a budget': JSON.stringify(
    status({
      reason: 'TooManyRequests',
      code: 429,
      details: { causes: [{ reason: 'DisruptionBudget', message: 'm' }] },
    }),
  ),
  'Status 410': JSON.stringify(status({ reason: 'Expired', code: 410 })),
  'Status without fields': JSON.stringify({ kind: 'Status' }),
  'Status with wrong types': JSON.stringify(
    status({ reason: 7, message: {}, code: 'x', details: [null, { causes: 7 }] }),
  ),
  'list without items': JSON.stringify({ kind: 'PodList', metadata: { resourceVersion: '7' } }),
  'items that are no list': JSON.stringify(list({ a: 1 })),
  'items that are no objects': JSON.stringify(list([null, 7, 'x', [], [[]]])),
  'objects without metadata': JSON.stringify(list([{}, { metadata: null }, { metadata: [] }])),
  'objects without names': JSON.stringify(list([{ metadata: { namespace: 7 } }, { metadata: { name: '' } }])),
  'next page': JSON.stringify(list([POD], { resourceVersion: '7', continue: 'token' })),
  'endless pages': JSON.stringify(list([], { continue: 'token', remainingItemCount: -1 })),
  'no resource version': JSON.stringify(list([POD], {})),
  'event without object': event({ type: 'ADDED' }),
  'event of unknown type': event({ type: 'RENAMED', object: POD }),
  'ERROR event': event({ type: 'ERROR', object: status({ code: 500 }) }),
  'ERROR event 410': event({ type: 'ERROR', object: status({ code: 410, reason: 'Gone' }) }),
  'ERROR event without object': event({ type: 'ERROR' }),
  BOOKMARK: event({ type: 'BOOKMARK', object: { kind: 'Pod', metadata: { resourceVersion: '9' } } }),
  DELETED: event({ type: 'DELETED', object: POD }),
  'event twice': event(EVENT) + event(EVENT),
  'blank lines': `\n\n${event(EVENT)}\r\n\n`,
  'half an event': event(EVENT).slice(0, 40),
  'a long line': longLine,
  'a number': '7\n',
  'lease of another holder': JSON.stringify({
    ...LEASE,
    spec: { holderIdentity: 'other', leaseDurationSeconds: 15, renewTime: 'x' },
  }),
  'lease with wrong types': JSON.stringify({
    ...LEASE,
    spec: { holderIdentity: 7, leaseDurationSeconds: '15', leaseTransitions: {} },
  }),
  prototype:
    '{"__proto__":{"kind":"PodList"},"constructor":1,"metadata":{"__proto__":null},"items":[{"__proto__":{}}]}',
  'deep object': deepObject,
};

const RETRY_AFTER: Readonly<Record<ApiAnswerChoice['retryAfter'], readonly string[]>> = {
  none: [],
  '1': ['retry-after: 1'],
  '0': ['retry-after: 0'],
  '-1': ['retry-after: -1'],
  never: ['retry-after: never'],
  huge: ['retry-after: 99999999999999'],
  date: ['retry-after: Fri, 01 Jan 2100 00:00:00 GMT'],
  two: ['retry-after: 1', 'retry-after: 2'],
};

/** Returns the right document for a request of the fuzzers. */
export function buildUsualDocument(isWatch: boolean, path: string): string {
  if (isWatch) return event(EVENT);
  if (path.includes('/leases'))
    return JSON.stringify({ ...LEASE, spec: { holderIdentity: 'me', leaseDurationSeconds: 15 } });
  return JSON.stringify(path.endsWith('/pods') ? list([POD]) : POD);
}

export interface ApiAnswerContext {
  /** The usual document. */
  readonly right: Uint8Array;
  readonly method: string;
  readonly random: Random;
}

const MAX_BYTES = 128 * 1024;

/** Renders the answer of the API server that a choice describes. */
export function renderApiAnswer(choice: ApiAnswerChoice, { right, method, random }: ApiAnswerContext): RawAnswer {
  const document = choice.document === 'usual' ? right : Buffer.from(DOCUMENTS[choice.document]);
  const bodies = { right: document, another: right, maxBytes: MAX_BYTES };
  return renderAnswer(choice, { ...bodies, method, fields: RETRY_AFTER[choice.retryAfter], random });
}
