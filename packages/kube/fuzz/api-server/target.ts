import { Socket } from 'node:net';
import { FakeClock, RawServer } from '@archpolicy/testkit';
import type { RawAnswer, RawRequest } from '@archpolicy/testkit';
import { buildUsualDocument, renderApiAnswer, untilSettled } from '@archpolicy/testkit/fuzz';
import type { CountedClass, FuzzCase, FuzzTarget } from '@archpolicy/testkit/fuzz';
import { KubeError } from '../../src/errors.ts';
import { ApiClient } from '../../src/http/api-client.ts';
import { fixedCredentials } from '../../src/http/credentials.ts';
import { API_AXES } from './axes.ts';
import type { ApiAxes } from './axes.ts';
import { CALLS } from './calls.ts';

type ApiCase = FuzzCase<ApiAxes>;

const OUTCOMES = [
  'ok',
  'refused',
  'events',
  'no events',
  'evicted',
  'gone',
  'conflict',
  'budget',
  'throttled',
  'several-budgets',
  'forbidden',
  'invalid',
  'failed',
  'no-answer',
  'applied',
  'lease',
  'no lease',
  'synced',
];
const ERRORS = ['Aborted', 'Timeout', 'IdleTimeout', 'Network', 'TooLarge', 'Malformed', 'Refused', 'BadConfig'];

/** Longer than each timeout of a call and of a watch. */
const LATER_MS = 120_000;
/** Wrong responses to a reflector before the right ones. */
const WRONG_RESPONSES = 3;
interface Running {
  readonly one: ApiCase;
  requests: number;
  readonly answered: PromiseWithResolvers<undefined>;
}

/** Responses of an API server, or of a proxy before it, to the client and to the parts that use it. */
export class ApiServerTarget implements FuzzTarget<ApiAxes> {
  readonly name = 'API server';
  readonly axes = API_AXES;
  readonly even = ['call', 'document'] as const;
  readonly outcomes: ReadonlySet<string> = new Set([...OUTCOMES, ...ERRORS]);
  readonly batchSize = 120;
  readonly counted: readonly CountedClass[] = [Socket, Uint8Array];
  readonly #server = new RawServer();
  #running: ReadonlyMap<number, Running> = new Map();

  async start(): Promise<void> {
    this.#server.answer = (request) => this.#answer(request);
    await this.#server.start();
  }

  stop(): Promise<void> {
    return this.#server.stop();
  }

  readonly connections = (): number => this.#server.connections;

  async run(cases: readonly ApiCase[]): Promise<readonly string[]> {
    const clock = new FakeClock();
    this.#running = new Map(
      cases.map((one) => [one.number, { one, requests: 0, answered: Promise.withResolvers<undefined>() }]),
    );
    return untilSettled(
      cases.map((one) => this.#run(one, clock)),
      { progress: () => this.#server.events, advance: () => clock.advance(LATER_MS) },
    );
  }

  async #run({ number, choice }: ApiCase, clock: FakeClock): Promise<string> {
    const credentials = fixedCredentials({ server: `http://127.0.0.1:${this.#server.port}` });
    const client = new ApiClient({ credentials, clock, userAgent: `case-${number}` });
    const end = new AbortController();
    const answered = this.#running.get(number)?.answered.promise ?? Promise.resolve(undefined);
    try {
      return await CALLS[choice.call]({ api: client, clock, signal: end.signal, answered });
    } catch (error) {
      if (error instanceof KubeError) return error.code;
      throw error;
    } finally {
      await client.close();
    }
  }

  #answer(request: RawRequest): RawAnswer {
    const running = this.#running.get(Number(request.userAgent.replace('case-', '')));
    if (running === undefined) return { pieces: [], then: 'reset' };
    const { one, answered } = running;
    const { choice, random } = one;
    running.requests += 1;
    const isReflector = choice.call.startsWith('reflector');
    // The first list of the second reflector is right, so that a watch follows.
    const from = choice.call === 'reflector, later' ? 1 : 0;
    const isWrong = !isReflector || (running.requests > from && running.requests <= from + WRONG_RESPONSES);
    if (running.requests >= from + WRONG_RESPONSES) answered.resolve(undefined);
    const isWatch = request.path.includes('watch=') || choice.call.startsWith('watch');
    const right = Buffer.from(buildUsualDocument(isWatch, request.path.split('?')[0] ?? ''));
    if (!isWrong) return respond(right);
    return renderApiAnswer(choice, { right, method: request.method, random });
  }
}

function respond(body: Uint8Array): RawAnswer {
  const head = `HTTP/1.1 200 OK\r\ncontent-length: ${body.length}\r\n\r\n`;
  return { pieces: [Buffer.concat([Buffer.from(head), body])], then: 'keep' };
}
