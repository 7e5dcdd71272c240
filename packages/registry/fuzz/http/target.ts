import { Socket } from 'node:net';
import { FakeClock } from '@archpolicy/testkit';
import { untilSettled } from '@archpolicy/testkit/fuzz';
import type { CountedClass, FuzzTarget } from '@archpolicy/testkit/fuzz';
import type { UnresolvedReason } from '@archpolicy/core';
import { createInspector } from '../../src/create-inspector.ts';
import { fixedRegistries } from '../../src/config/registries-file.ts';
import { parseRegistries, Registries } from '../../src/config/registries.ts';
import type { PullSecret } from '../../src/auth/credential.ts';
import type { Inspector } from '../../src/inspect/inspector.ts';
import { REGISTRY_AXES } from './axes.ts';
import type { RegistryAxes } from './axes.ts';
import { toOutcome } from './outcome.ts';
import { imageOf } from './images.ts';
import { FuzzedServers } from './server.ts';
import type { RegistryCase } from './server.ts';

const REASONS: Readonly<Record<UnresolvedReason, true>> = {
  Deadline: true,
  RateLimited: true,
  Unavailable: true,
  Unauthorized: true,
  NotFound: true,
  Blocked: true,
  Malformed: true,
  TooLarge: true,
  BreakerOpen: true,
  InvalidReference: true,
  UnknownPlatform: true,
};
const CHECKS = ['platform available', 'platform missing', 'platform unknown'];

/** Longer than the deadline of the work of an inspection. */
const DEADLINE_MS = 16_000;
const BUDGET_MS = 30_000;
/** Longer than the soft TTL of a tag. */
const STALE_MS = 11 * 60_000;

/** Responses of registries, storages, mirrors and token services to an inspector with all its senders. */
export class HttpTarget implements FuzzTarget<RegistryAxes> {
  readonly name = 'registry';
  readonly axes = REGISTRY_AXES;
  readonly even = ['answer'] as const;
  readonly outcomes: ReadonlySet<string> = new Set(['resolved', 'another image', ...Object.keys(REASONS), ...CHECKS]);
  readonly batchSize = 240;
  readonly counted: readonly CountedClass[] = [Socket, Uint8Array];
  readonly #servers = new FuzzedServers();

  start(): Promise<void> {
    return this.#servers.start();
  }

  stop(): Promise<void> {
    return this.#servers.stop();
  }

  readonly connections = (): number => this.#servers.connections;

  async run(cases: readonly RegistryCase[]): Promise<readonly string[]> {
    this.#servers.serve(cases);
    const clock = new FakeClock();
    const registries = fixedRegistries(new Registries(parseRegistries(JSON.stringify(this.#registriesFile(cases)))));
    const inspector = createInspector({ clock, registries, resolve: resolveToLoopback });
    const settle = (results: readonly Promise<string>[]): Promise<readonly string[]> =>
      untilSettled(results, { progress: () => this.#servers.events, advance: () => clock.advance(DEADLINE_MS) });
    const first = await settle(cases.map((one) => this.#inspect(inspector, one)));
    this.#servers.phase = 'later';
    await clock.advance(STALE_MS);
    const later = await settle(cases.map((one, at) => this.#inspectLater(inspector, one, first[at] ?? '')));
    await inspector.close();
    return later;
  }

  async #inspect(inspector: Inspector, { number, choice }: RegistryCase): Promise<string> {
    // A platform check needs no earlier inspection.
    if (choice.answer.endsWith('platform check')) return 'resolved';
    const reference = this.#reference(number);
    const pullSecrets = pullSecretsFor(choice.credential, `c${number}.fuzz.test:${this.#servers.port}`);
    return toOutcome(await inspector.inspect({ reference, budgetMs: BUDGET_MS, pullSecrets }), choice);
  }

  /** Inspects again what needs a stale tag. For other cases, returns the first outcome. */
  async #inspectLater(inspector: Inspector, one: RegistryCase, first: string): Promise<string> {
    const { answer } = one.choice;
    if (['HEAD', 'GET after HEAD', 'each'].includes(answer)) return this.#inspect(inspector, one);
    if (!answer.endsWith('platform check')) return first;
    const { digest } = imageOf(answer).manifest;
    const check = { reference: this.#reference(one.number), digest, os: 'linux', architecture: 'arm64' as const };
    return `platform ${await inspector.checkPlatform(check)}`;
  }

  #reference(number: number): string {
    return `c${number}.fuzz.test:${this.#servers.port}/app:v1`;
  }

  /** All hosts use plain HTTP on loopback; a case that varies a mirror has one. */
  #registriesFile(cases: readonly RegistryCase[]): object {
    const common = { plainHttp: true, allowAddresses: ['127.0.0.0/8'] };
    const host = (letter: string, number: number): string => `${letter}${number}.fuzz.test:${this.#servers.port}`;
    const mirrored = cases
      .filter(({ choice }) => choice.answer === 'mirror')
      .map(({ number }) => ({ ...common, host: host('c', number), mirrors: [{ host: host('m', number) }] }));
    return { registries: [{ ...common, host: '*.fuzz.test:*' }, ...mirrored] };
  }
}

/** Resolves the names of the fuzzer to loopback, and no others. */
function resolveToLoopback(
  hostname: string,
  _: unknown,
  callback: (error: Error | null, addresses: readonly { address: string; family: number }[]) => void,
): void {
  if (hostname.endsWith('.fuzz.test')) callback(null, [{ address: '127.0.0.1', family: 4 }]);
  else callback(new Error('ENOTFOUND'), []);
}

function pullSecretsFor(credential: RegistryCase['choice']['credential'], host: string): PullSecret[] {
  if (credential === 'anonymous') return [];
  const entry = credential === 'basic' ? { username: 'user', password: 'password' } : { identitytoken: 'a-token' };
  return [{ type: 'kubernetes.io/dockerconfigjson', json: JSON.stringify({ auths: { [host]: entry } }) }];
}
