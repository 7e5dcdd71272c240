import { RawServer } from '@archpolicy/testkit';
import type { RawAnswer, RawRequest } from '@archpolicy/testkit';
import { renderAnswer } from '@archpolicy/testkit/fuzz';
import type { FuzzCase, RightBodies } from '@archpolicy/testkit/fuzz';
import type { RegistryAxes } from './axes.ts';
import { fieldLines } from './fields.ts';
import { contentBodies, imageOf, TOKEN_BODIES } from './images.ts';

export type RegistryCase = FuzzCase<RegistryAxes>;

/** `first`: nothing is cached. `later`: cached tags are stale. */
export type Phase = 'first' | 'later';

/** A request of a case, by the host and the path that it was sent to. */
interface CaseRequest extends RawRequest {
  readonly server: 'registry' | 'mirror' | 'storage' | 'tokens';
  /** A tag or digest. */
  readonly reference: string;
  readonly isBlob: boolean;
}

const SERVERS: Readonly<Record<string, CaseRequest['server']>> = {
  c: 'registry',
  m: 'mirror',
  s: 'storage',
  t: 'tokens',
};

/** The registries, mirrors, storages and token services of all cases, on one port. The name of a host names the case. */
export class FuzzedServers {
  phase: Phase = 'first';
  readonly #server = new RawServer();
  #cases: ReadonlyMap<number, RegistryCase> = new Map();

  async start(): Promise<void> {
    this.#server.answer = (request) => this.#answer(request);
    await this.#server.start();
  }

  stop(): Promise<void> {
    return this.#server.stop();
  }

  serve(cases: readonly RegistryCase[]): void {
    this.phase = 'first';
    this.#cases = new Map(cases.map((one) => [one.number, one]));
  }

  get port(): number {
    return this.#server.port;
  }

  get connections(): number {
    return this.#server.connections;
  }

  get events(): number {
    return this.#server.events;
  }

  #answer(raw: RawRequest): RawAnswer {
    const [, letter = '', number = ''] = /^([a-z])([0-9]+)\.fuzz\.test(?::|$)/.exec(raw.host) ?? [];
    const one = this.#cases.get(Number(number));
    const server = SERVERS[letter];
    if (one === undefined || server === undefined) return respond(400);
    const isBlob = raw.path.includes('/blobs/') || raw.path.startsWith('/config');
    const reference = decodeURIComponent(raw.path.split('/').at(-1) ?? '');
    const request = { ...raw, server, reference, isBlob };
    const bodies = server === 'tokens' ? TOKEN_BODIES : contentBodies(imageOf(one.choice.answer), reference, isBlob);
    if (VARIED[one.choice.answer](request, this.phase)) return this.#vary(one, request, bodies);
    return this.#right(one, request, bodies);
  }

  #vary({ number, choice, random }: RegistryCase, { method, path }: CaseRequest, bodies?: RightBodies): RawAnswer {
    const { digest } = imageOf(choice.answer).manifest;
    const fields = fieldLines(choice.field, { number, port: this.port, path, digest });
    return renderAnswer(choice, { ...(bodies ?? TOKEN_BODIES), method, fields, random });
  }

  #right({ number, choice }: RegistryCase, request: CaseRequest, bodies?: RightBodies): RawAnswer {
    const { server, method, isBlob, path } = request;
    if (bodies === undefined) return respond(404);
    const host = (letter: string): string => `http://${letter}${number}.fuzz.test:${this.port}`;
    const needsToken = choice.answer === 'token' || choice.credential !== 'anonymous';
    if (server === 'registry' && needsToken && !request.isAuthorized)
      return respond(401, [`www-authenticate: Bearer realm="${host('t')}/token",service="s"`]);
    const redirected = choice.answer === (isBlob ? 'config redirect target' : 'redirect target');
    if (server === 'registry' && redirected)
      return respond(307, [`location: ${host('s')}${isBlob ? '/config' : ''}${path}`]);
    const { digest } = imageOf(choice.answer).manifest;
    const digestLine = server === 'tokens' || isBlob ? [] : [`docker-content-digest: ${digest}`];
    return respond(200, digestLine, bodies.right, method);
  }
}

type IsVaried = (request: CaseRequest, phase: Phase) => boolean;

const isManifest = ({ method, isBlob }: CaseRequest): boolean => method === 'GET' && !isBlob;

/** Whether the response to a request is the one that the case varies. */
const VARIED: Readonly<Record<RegistryCase['choice']['answer'], IsVaried>> = {
  each: () => true,
  token: ({ server }) => server === 'tokens',
  mirror: ({ server }) => server === 'mirror',
  'redirect target': ({ server, isBlob }) => server === 'storage' && !isBlob,
  'config redirect target': ({ server, isBlob }) => server === 'storage' && isBlob,
  manifest: (request) => request.server === 'registry' && isManifest(request),
  config: ({ isBlob }) => isBlob,
  'index child': ({ server, isBlob, reference }) => server === 'registry' && !isBlob && reference !== 'v1',
  HEAD: ({ method }, phase) => phase === 'later' && method === 'HEAD',
  'GET after HEAD': (request, phase) => phase === 'later' && isManifest(request),
  'index of a platform check': (request, phase) => phase === 'later' && isManifest(request),
  'HEAD of a platform check': ({ method }, phase) => phase === 'later' && method === 'HEAD',
};

function respond(
  status: number,
  fields: readonly string[] = [],
  body: Uint8Array = new Uint8Array(),
  method = 'GET',
): RawAnswer {
  const head = [`HTTP/1.1 ${status} Reason`, `content-length: ${body.length}`, ...fields].join('\r\n');
  return {
    pieces: [Buffer.concat([Buffer.from(`${head}\r\n\r\n`), method === 'HEAD' ? new Uint8Array() : body])],
    then: 'keep',
  };
}
