import { isDeepStrictEqual } from 'node:util';
import type { Clock } from '@archpolicy/async';
import type { RegistryMetrics } from '../metrics.ts';
import type { Logger } from '../logger.ts';
import type { HostTlsProblem } from './host-tls.ts';
import type { Registries } from './registries.ts';
import { fixedRegistries, readRegistriesFile } from './registries-file.ts';
import type { RegistriesSource } from './registries-file.ts';

interface WatchOptions {
  readonly path: string;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: RegistryMetrics;
}

/** The kubelet brings a changed ConfigMap within a minute or so; reading some KB this often costs nothing. */
const RELOAD_INTERVAL_MS = 10_000;

/**
 * A registries file that follows its changes, and those of the files that it names. It is read again and compared,
 * because a mounted ConfigMap changes by swapping symbolic links, which file watchers miss.
 */
export class WatchedRegistries implements RegistriesSource {
  readonly #options: WatchOptions;
  #current: Registries;
  #isInvalid = false;
  #loggedTlsProblems: readonly HostTlsProblem[] = [];

  private constructor(options: WatchOptions, first: Registries) {
    this.#options = options;
    this.#current = first;
  }

  /**
   * Reads the file for the first time. TLS files that cannot be used are logged: their host alone is not reached.
   * @throws RegistryError with code RegistriesFile: at the start there is no good one to go on with
   */
  static async open(options: WatchOptions): Promise<WatchedRegistries> {
    const watched = new WatchedRegistries(options, await readRegistriesFile(options.path));
    watched.#logTlsProblems();
    return watched;
  }

  current(): Registries {
    return this.#current;
  }

  /** Follows the file until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    for (;;) {
      try {
        await this.#options.clock.sleep(RELOAD_INTERVAL_MS, signal);
      } catch {
        return;
      }
      await this.reload();
    }
  }

  /**
   * Reads the file again. An invalid file is ignored, and logged once. TLS files that are worse than
   * those in use leave these in use for their host; the rest of the file takes effect.
   */
  async reload(): Promise<void> {
    const { path, clock, logger, metrics } = this.#options;
    try {
      const next = await readRegistriesFile(path, { current: this.#current, nowMs: clock.now() });
      this.#isInvalid = false;
      const isUnchanged = next.equals(this.#current);
      if (!isUnchanged) this.#current = next;
      this.#logTlsProblems();
      if (next.tlsProblems.length > 0) metrics.registriesFile({ outcome: 'refused' });
      else if (!isUnchanged) metrics.registriesFile({ outcome: 'loaded' });
      if (!isUnchanged) logger.info({ path }, 'registries file loaded');
    } catch (err) {
      metrics.registriesFile({ outcome: 'refused' });
      if (!this.#isInvalid) logger.error({ path, err }, 'registries file refused, the last good one stays in force');
      this.#isInvalid = true;
    }
  }

  /** Once for each change. */
  #logTlsProblems(): void {
    const problems = this.#current.tlsProblems;
    if (isDeepStrictEqual(problems, this.#loggedTlsProblems)) return;
    this.#loggedTlsProblems = problems;
    const { path, logger } = this.#options;
    if (problems.length > 0) logger.error({ path, problems }, 'TLS files of registries not used');
  }
}

/** Where an inspector learns about registries, and what keeps that up to date. */
export interface FollowedRegistries {
  readonly source: RegistriesSource;
  /** Follows the file until the signal aborts. */
  readonly run: (signal: AbortSignal) => Promise<void>;
}

/**
 * The registries file, followed as it changes; without a path the defaults, which do not.
 * @throws RegistryError with code RegistriesFile
 */
export async function followRegistries(
  path: string | undefined,
  parts: Omit<WatchOptions, 'path'>,
): Promise<FollowedRegistries> {
  if (path === undefined) return { source: fixedRegistries(), run: () => Promise.resolve() };
  const source = await WatchedRegistries.open({ path, ...parts });
  return { source, run: (signal) => source.run(signal) };
}
