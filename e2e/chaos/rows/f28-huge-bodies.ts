import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { gzipSync } from 'node:zlib';
import type { Observation } from '@archpolicy/testkit';
import { atMost, exactly, figure, same } from '../framework/observations.ts';
import type { Scenario, ScenarioContext } from '../framework/scenario.ts';
import { AdmissionGround } from '../parts/admission/ground.ts';
import { openLoop } from '../parts/admission/open-loop.ts';
import { buildReview, FAKE_CALLER } from '../parts/admission/reviews.ts';
import { countRefused } from '../parts/admission/verdicts.ts';
import type { WebhookReplica } from '../parts/admission/webhook-replica.ts';

const ID = 'f28';
const MIB = 1024 * 1024;
/** The limit of a body (design, section 8). */
const CAP_MIB = 3;
const CLIENTS = 16;
const STREAM_BYTES = 1024 * MIB;
const CHUNK = Buffer.alloc(64 * 1024, ' ');
const ANNOUNCED_BYTES = 7 * MIB + 1;
const MAX_FIRST_ANSWER_MS = 2_000;
const GIVE_UP_MS = 20_000;
/** Reviews of other API servers during the attack. */
const PER_SECOND = 20;
const SECONDS = 10;

/** Huge bodies: announced, without an announced length, and compressed. */
export const hugeBodies: Scenario = {
  id: 'F28',
  title: 'Huge bodies: announced, without a length, and compressed',
  rule: 'P1, P8',
  bar: 'Rejected with 413 or 415 before they are read, then disconnected; memory grows by at most twice the limit of a body for each client',
  done: '16 clients that send a chunked body of 1 GB each to a real webhook over TLS, and do not stop at its answer, while others send reviews; a body that announces 7 MiB and 1 byte; a gzip body',
  fakes: [FAKE_CALLER],
  run: observe,
};

async function observe(context: ScenarioContext): Promise<readonly Observation[]> {
  const ground = await AdmissionGround.open(context, ID);
  const { replica, client } = await ground.webhook();
  const ca = await readFile(join(ground.cluster.directory, 'webhook-tls', 'ca.crt'), 'utf8');
  const send = (request: RawRequest): Promise<RawAnswer> => sendRaw(replica.port, ca, request);
  const small = buildReview({ namespace: ID, images: ['127.0.0.1:1/app:v1'] });
  const announced = await send({ headers: `content-length: ${ANNOUNCED_BYTES}`, body: [], repeat: CHUNK });
  const gzip = gzipSync(small);
  const compressed = await send({ headers: `content-encoding: gzip\r\ncontent-length: ${gzip.length}`, body: [gzip] });
  const before = await replica.memoryMiB();
  const attack = { headers: 'transfer-encoding: chunked', body: [], repeat: chunk(CHUNK) };
  const [streams, verdicts, most] = await Promise.all([
    Promise.all(Array.from({ length: CLIENTS }, () => send(attack))),
    openLoop({ perSecond: PER_SECOND, count: PER_SECOND * SECONDS }, () => client.send(small)),
    peakMiB(replica, SECONDS * 1_000),
  ]);
  return [
    same('7 MiB and 1 byte, announced: status', String(announced.status), '413'),
    atMost(
      '7 MiB and 1 byte, announced: sent before the connection ended',
      announced.sentBytes / MIB,
      2 * CAP_MIB,
      'MiB',
    ),
    same('gzip: status', String(compressed.status), '415'),
    exactly(
      '1 GB without a length: answered otherwise than 413 or 429',
      streams.filter(({ status }) => status !== 413 && status !== 429).length,
      0,
      'bodies',
    ),
    atMost('1 GB without a length: sent before the connection ended, most', largest(streams) / MIB, 4 * CAP_MIB, 'MiB'),
    atMost(
      '1 GB without a length: slowest answer',
      Math.max(...streams.map(({ ms }) => ms)),
      MAX_FIRST_ANSWER_MS,
      'ms',
    ),
    exactly('connections that were left open', streams.filter(({ isEnded }) => !isEnded).length, 0, 'connections'),
    atMost('growth of the memory of the webhook', most - before, 2 * CAP_MIB * CLIENTS, 'MiB'),
    exactly('reviews of others refused or without an answer', countRefused(verdicts), 0, 'reviews'),
    figure('reviews of others, slowest', Math.max(...verdicts.map(({ ms }) => ms)), 'ms'),
    exactly('ends of the webhook', replica.isRunning ? 0 : 1, 0, 'ends'),
  ];
}

interface RawRequest {
  /** The header that states the length of the body. */
  readonly headers: string;
  readonly body: readonly Buffer[];
  /** Sent again and again, up to 1 GB. */
  readonly repeat?: Buffer;
}

interface RawAnswer {
  /** 0: none. */
  readonly status: number;
  /** Milliseconds until the status. */
  readonly ms: number;
  readonly sentBytes: number;
  /** Whether the server has ended the connection. */
  readonly isEnded: boolean;
}

/** Sends a request as fast as the server reads it, also after the answer, until the server ends the connection. */
async function sendRaw(port: number, ca: string, { headers, body, repeat }: RawRequest): Promise<RawAnswer> {
  const startedAt = performance.now();
  const socket = connect({ host: '127.0.0.1', port, ca });
  let [status, ms, sentBytes, isEnded] = [0, Number.NaN, 0, false];
  const ended = new Promise<void>((resolve) => {
    const end = (): void => {
      isEnded = true;
      resolve();
    };
    socket.on('error', end).on('close', end);
    setTimeout(resolve, GIVE_UP_MS).unref();
  });
  socket.on('data', (data: Buffer) => {
    const [, code] = /^HTTP\/1\.1 (\d+)/u.exec(data.toString('latin1')) ?? [];
    if (status !== 0 || code === undefined) return;
    status = Number(code);
    ms = performance.now() - startedAt;
  });
  socket.write(
    `POST /mutate?timeout=2s HTTP/1.1\r\nhost: webhook\r\ncontent-type: application/json\r\n${headers}\r\n\r\n`,
  );
  for (const part of body) socket.write(part);
  const pump = (): void => {
    while (repeat !== undefined && sentBytes < STREAM_BYTES && !socket.destroyed) {
      sentBytes += repeat.length;
      if (!socket.write(repeat)) return;
    }
  };
  socket.on('drain', pump);
  pump();
  await ended;
  sentBytes = Math.min(sentBytes, socket.bytesWritten);
  socket.destroy();
  return { status, ms, sentBytes, isEnded };
}

/** A chunk as HTTP/1.1 encodes it. */
function chunk(content: Buffer): Buffer {
  return Buffer.concat([Buffer.from(`${content.length.toString(16)}\r\n`), content, Buffer.from('\r\n')]);
}

function largest(answers: readonly RawAnswer[]): number {
  return Math.max(...answers.map(({ sentBytes }) => sentBytes));
}

async function peakMiB(replica: WebhookReplica, durationMs: number): Promise<number> {
  let most = 0;
  for (const end = performance.now() + durationMs; performance.now() < end;) {
    most = Math.max(most, await replica.memoryMiB());
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return most;
}
