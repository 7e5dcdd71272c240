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

/**
 * Interval of polling. The kubelet updates a mounted ConfigMap within about a minute, and reading a file of some KB
 * costs little.
 */
const RELOAD_INTERVAL_MS = 10_000;

/**
 * Provides the current registries file. Reloads it when the file itself, or a file that it names, changes. The files
 * are polled, because the kubelet updates a mounted ConfigMap by swapping symbolic links, which file watchers miss.
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
   * Reads the file for the first time. Logs unusable TLS files, which make only their own host unreachable.
   * @throws RegistryError with code RegistriesFile: at the start there is no previous file
   */
  static async open(options: WatchOptions): Promise<WatchedRegistries> {
    const watched = new WatchedRegistries(options, await readRegistriesFile(options.path));
    watched.#recordValid();
    watched.#logTlsProblems();
    return watched;
  }

  current(): Registries {
    return this.#current;
  }

  /** Polls the file until the signal aborts. */
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
   * Reads the file again. Ignores an invalid file, and logs it once. Keeps the current TLS files of a host if the new
   * ones are unusable or less usable than the current ones. The rest of the registries file takes effect.
   */
  async reload(): Promise<void> {
    const { path, clock, logger, metrics } = this.#options;
    try {
      const next = await readRegistriesFile(path, { current: this.#current, nowMs: clock.now() });
      this.#isInvalid = false;
      const isUnchanged = next.equals(this.#current);
      if (!isUnchanged) this.#current = next;
      this.#recordValid();
      this.#logTlsProblems();
      if (next.tlsProblems.length > 0) metrics.registriesFile({ outcome: 'refused' });
      else if (!isUnchanged) metrics.registriesFile({ outcome: 'loaded' });
      if (!isUnchanged) logger.info({ path }, 'registries file loaded');
    } catch (err) {
      metrics.registriesFile({ outcome: 'refused' });
      if (!this.#isInvalid) logger.error({ path, err }, 'registries file rejected, using the last valid one');
      this.#isInvalid = true;
    }
  }

  #recordValid(): void {
    const { clock, metrics } = this.#options;
    if (this.#current.tlsProblems.length === 0) metrics.registriesFileValid(clock.now());
  }

  /** Logs the problems once per change. */
  #logTlsProblems(): void {
    const problems = this.#current.tlsProblems;
    if (isDeepStrictEqual(problems, this.#loggedTlsProblems)) return;
    this.#loggedTlsProblems = problems;
    const { path, logger } = this.#options;
    if (problems.length > 0) logger.error({ path, problems }, 'registry TLS files not used');
  }
}

/** The registries for an inspector, and the loop that keeps them up to date. */
export interface FollowedRegistries {
  readonly source: RegistriesSource;
  /** Polls the file until the signal aborts. */
  readonly run: (signal: AbortSignal) => Promise<void>;
}

/**
 * Opens the registries file, and follows its changes. Without a path, returns the defaults.
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
