import type { RequestOptions } from 'node:https';
import { KubeConfig } from '@kubernetes/client-node';
import type { Clock } from '../clock.ts';
import { KubeError } from '../errors.ts';
import type { Credentials, CredentialSource, TlsCredentials } from './credentials.ts';

/** Rotated tokens and certificates are seen within this time; client-go re-reads token files every minute, too. */
const REREAD_MS = 60_000;
/** After a 401 the files are read again, but not in a loop while the API server keeps refusing. */
const REREAD_AFTER_REFUSAL_MS = 1_000;

/** Where the kubeconfig is: a file, or the account that the cluster gives to its pods. */
export type KubeConfigLocation = { readonly file: string } | 'in-cluster';

/**
 * Credentials from a kubeconfig, read again every minute and after a 401, so that rotated tokens and certificates are
 * picked up. Exec plugins run as KubeConfig runs them, and keep their token until it expires.
 */
export class KubeConfigCredentials implements CredentialSource {
  readonly #location: KubeConfigLocation;
  readonly #clock: Clock;
  #config: KubeConfig | undefined;
  #current: Promise<Credentials> | undefined;
  #readAt = -Infinity;
  #expired = false;

  constructor(location: KubeConfigLocation, clock: Clock) {
    this.#location = location;
    this.#clock = clock;
  }

  read(): Promise<Credentials> {
    const age = this.#clock.monotonic() - this.#readAt;
    if (this.#current !== undefined && age < (this.#expired ? REREAD_AFTER_REFUSAL_MS : REREAD_MS)) {
      return this.#current;
    }
    const reading = this.#load(this.#expired);
    this.#current = reading;
    this.#readAt = this.#clock.monotonic();
    this.#expired = false;
    reading.catch(() => {
      // A failure is not kept: the next call reads again.
      if (this.#current === reading) this.#current = undefined;
    });
    return reading;
  }

  expire(): void {
    this.#expired = true;
  }

  async #load(refused: boolean): Promise<Credentials> {
    try {
      // An exec plugin's token lives in the KubeConfig: a new one would run the plugin every minute.
      const keep = this.#config?.getCurrentUser()?.exec !== undefined && !refused;
      if (this.#config === undefined || !keep) this.#config = loadKubeConfig(this.#location);
      return await credentialsOf(this.#config);
    } catch (cause) {
      throw cause instanceof KubeError
        ? cause
        : new KubeError('bad-config', 'the kubeconfig cannot be used', { cause });
    }
  }
}

function loadKubeConfig(location: KubeConfigLocation): KubeConfig {
  const config = new KubeConfig();
  if (location === 'in-cluster') config.loadFromCluster();
  else config.loadFromFile(location.file);
  return config;
}

async function credentialsOf(config: KubeConfig): Promise<Credentials> {
  const cluster = config.getCurrentCluster();
  if (cluster === null) throw new KubeError('bad-config', 'the kubeconfig has no current cluster');
  if (cluster.proxyUrl !== undefined) throw new KubeError('bad-config', 'proxy-url in a kubeconfig is not supported');
  const options: RequestOptions = {};
  await config.applyToHTTPSOptions(options);
  return { server: new URL(cluster.server).origin, tls: tlsOf(options), headers: headersOf(options) };
}

function tlsOf(options: RequestOptions): TlsCredentials {
  return {
    ...optionalPem('ca', options.ca),
    ...optionalPem('cert', options.cert),
    ...optionalPem('key', options.key),
    ...(options.servername === undefined ? {} : { servername: options.servername }),
    ...(options.rejectUnauthorized === undefined ? {} : { rejectUnauthorized: options.rejectUnauthorized }),
  };
}

function optionalPem(name: 'ca' | 'cert' | 'key', value: unknown): TlsCredentials {
  if (value === undefined || value === null) return {};
  if (typeof value === 'string') return { [name]: value };
  if (Buffer.isBuffer(value)) return { [name]: value.toString('utf8') };
  throw new KubeError('bad-config', `the kubeconfig gives ${name} in a form that is not supported`);
}

function headersOf(options: RequestOptions): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(options.headers ?? {})) {
    // Token files often end in a newline, which no header may carry.
    if (typeof value === 'string') headers[name.toLowerCase()] = value.trim();
  }
  if (typeof options.auth === 'string')
    headers['authorization'] = `Basic ${Buffer.from(options.auth).toString('base64')}`;
  return headers;
}
