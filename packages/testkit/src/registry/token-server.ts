import { generateKeyPairSync, sign, verify } from 'node:crypto';
import type { JsonWebKey, KeyObject } from 'node:crypto';
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { encodeBody } from '../http/content-encoding.ts';
import type { AccessRule, Fault, SeenRequest } from './fake-registry.ts';

/** A user and its repositories. The name `''` is the anonymous user. */
export interface TokenUser {
  readonly name: string;
  readonly password: string;
  /** A refresh token of this user. */
  readonly identityToken?: string;
  /** Repositories that this user may pull. */
  readonly repositories: readonly string[];
}

interface TokenAccess {
  readonly type: string;
  readonly name: string;
  readonly actions: readonly string[];
}

interface Claims {
  readonly iss: string;
  readonly sub: string;
  readonly aud: string;
  readonly exp: number;
  readonly nbf: number;
  readonly iat: number;
  readonly jti: string;
  readonly access: readonly TokenAccess[];
}

const KEY_ID = 'testkit';
const ISSUER = 'testkit';

/**
 * A token service for Bearer challenges, on loopback. Issues signed tokens (ES256).
 * https://distribution.github.io/distribution/spec/auth/token/
 */
export class TokenServer {
  readonly requests: SeenRequest[] = [];
  readonly service = 'testkit-registry';
  /** Set to inject faults. */
  fault: (request: SeenRequest) => Fault | undefined = () => undefined;
  /** Returns the `Content-Encoding` of the token response for a repository; undefined means not encoded. */
  contentEncoding: (repository: string) => string | undefined = () => undefined;
  /** The name of the response field that contains the token. */
  field: 'token' | 'access_token' = 'token';
  /**
   * The lifetime of tokens in seconds, which the response also contains. If undefined, the response has no lifetime, and tokens
   * expire after 60 s.
   */
  expiresIn: number | undefined = 300;
  readonly #users: readonly TokenUser[];
  readonly #server: Server;
  readonly #keys: { readonly privateKey: KeyObject; readonly publicKey: KeyObject };
  #issued = 0;

  constructor(users: readonly TokenUser[]) {
    this.#users = users;
    this.#keys = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    this.#server = createServer((request, response) => {
      this.#serve(request, response).catch(() => response.destroy());
    });
  }

  async start(): Promise<this> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return this;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise<void>((resolve) => {
      this.#server.close(() => {
        resolve();
      });
    });
  }

  /** The realm for challenges. */
  get realm(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/token`;
  }

  get issuer(): string {
    return ISSUER;
  }

  /** The public key, for a registry that verifies tokens itself. */
  get jwks(): { readonly keys: readonly JsonWebKey[] } {
    return { keys: [{ ...this.#keys.publicKey.export({ format: 'jwk' }), kid: KEY_ID, alg: 'ES256', use: 'sig' }] };
  }

  /** Returns a rule with which a fake registry requires tokens of this server. */
  access(): AccessRule {
    const challenge = `Bearer realm="${this.realm}",service="${this.service}"`;
    return (request, repository) => {
      const [, token] = /^Bearer (.+)$/.exec(request.headers.authorization ?? '') ?? [];
      if (token !== undefined && this.allows(token, repository)) return undefined;
      const scope = `,scope="repository:${repository}:pull"`;
      return { kind: 'answer', status: 401, headers: { 'www-authenticate': challenge + scope } };
    };
  }

  /** Returns whether a token is signed by this server, not expired, and grants pull access to the repository. */
  allows(token: string, repository: string): boolean {
    const [header = '', payload = '', signature = ''] = token.split('.');
    const signed = verify(
      'sha256',
      Buffer.from(`${header}.${payload}`),
      { key: this.#keys.publicKey, dsaEncoding: 'ieee-p1363' },
      Buffer.from(signature, 'base64url'),
    );
    if (!signed) return false;
    const claims = JSON.parse(Buffer.from(payload, 'base64url').toString()) as Claims;
    const granted = claims.access.some(({ name, actions }) => name === repository && actions.includes('pull'));
    return granted && claims.aud === this.service && claims.exp * 1000 > Date.now();
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const seen: SeenRequest = { method: request.method ?? '', path: request.url ?? '', headers: request.headers };
    this.requests.push(seen);
    const fault = this.fault(seen);
    if (fault?.kind === 'hang') return;
    if (fault?.kind === 'late') await fault.until;
    if (fault?.kind === 'reset') response.destroy();
    else if (fault?.kind === 'answer') response.writeHead(fault.status, fault.headers).end(fault.body);
    else this.#respond(await parseParameters(request), request.headers.authorization, response);
  }

  #respond(parameters: URLSearchParams, authorization: string | undefined, response: ServerResponse): void {
    const user = this.#authenticate(parameters, authorization);
    if (user === undefined) {
      response.writeHead(401).end(JSON.stringify({ errors: [{ code: 'UNAUTHORIZED' }] }));
      return;
    }
    const [type = '', name = '', actions = ''] = (parameters.get('scope') ?? '').split(':');
    const mayPull = user.repositories.includes(name) || this.#anonymousUser.repositories.includes(name);
    const granted = mayPull ? actions.split(',').filter((action) => action === 'pull') : [];
    const token = this.#sign(user.name, [{ type, name, actions: granted }]);
    const lifetime = this.expiresIn === undefined ? {} : { expires_in: this.expiresIn };
    const body = Buffer.from(JSON.stringify({ [this.field]: token, ...lifetime }));
    const headers = { 'content-type': 'application/json' };
    const contentEncoding = this.contentEncoding(name);
    if (contentEncoding === undefined) response.writeHead(200, headers).end(body);
    else {
      response
        .writeHead(200, { ...headers, 'content-encoding': contentEncoding })
        .end(encodeBody(body, contentEncoding));
    }
  }

  get #anonymousUser(): TokenUser {
    return this.#users.find(({ name }) => name === '') ?? { name: '', password: '', repositories: [] };
  }

  /** Returns undefined for wrong credentials. */
  #authenticate(parameters: URLSearchParams, authorization: string | undefined): TokenUser | undefined {
    const refresh = parameters.get('refresh_token');
    if (refresh !== null) return this.#users.find(({ identityToken }) => identityToken === refresh);
    const [, encoded] = /^Basic (.+)$/.exec(authorization ?? '') ?? [];
    if (encoded === undefined) return this.#anonymousUser;
    const credential = Buffer.from(encoded, 'base64').toString();
    return this.#users.find(({ name, password }) => name !== '' && credential === `${name}:${password}`);
  }

  #sign(subject: string, access: readonly TokenAccess[]): string {
    const now = Math.floor(Date.now() / 1000);
    this.#issued += 1;
    const claims: Claims = {
      iss: ISSUER,
      sub: subject,
      aud: this.service,
      exp: now + (this.expiresIn ?? 60),
      nbf: now - 5,
      iat: now,
      jti: `${this.#issued}`,
      access,
    };
    const text = `${encode({ typ: 'JWT', alg: 'ES256', kid: KEY_ID })}.${encode(claims)}`;
    const signature = sign('sha256', Buffer.from(text), { key: this.#keys.privateKey, dsaEncoding: 'ieee-p1363' });
    return `${text}.${signature.toString('base64url')}`;
  }
}

function encode(document: object): string {
  return Buffer.from(JSON.stringify(document)).toString('base64url');
}

async function parseParameters(request: IncomingMessage): Promise<URLSearchParams> {
  if (request.method !== 'POST') return new URL(request.url ?? '', 'http://testkit').searchParams;
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return new URLSearchParams(Buffer.concat(chunks).toString());
}
