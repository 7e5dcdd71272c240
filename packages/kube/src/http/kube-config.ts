import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import type { RequestOptions } from 'node:https';
import { dirname, resolve } from 'node:path';
import type { Clock } from '@archpolicy/async';
import {
  arrayAt,
  describeParseError,
  errorCode,
  isJsonObject,
  objectAt,
  textAt,
  withoutUndefined,
} from '@archpolicy/core';
import type { Json } from '@archpolicy/core';
import { selectClientTls } from '@archpolicy/tls';
import { KubeConfig } from '@kubernetes/client-node';
import { parseDocument } from 'yaml';
import { KubeError } from '../errors.ts';
import type { Credentials, CredentialSource, TlsCredentials } from './credentials.ts';

/**
 * How often the credentials are read again, so that rotated credentials take effect. client-go also reloads token files
 * every minute.
 */
const RELOAD_MS = 60_000;
/** Minimum time between two reads if the last read failed, or after a 401. */
const RETRY_MS = 1_000;

/** The names of certificates and keys in a kubeconfig. Messages contain these names. */
const FIELD_NAMES = { ca: 'certificate-authority', certificate: 'client-certificate', key: 'client-key' } as const;

/** The kubeconfig file, or the ServiceAccount of the pod. */
export type KubeConfigLocation = { readonly file: string } | 'in-cluster';

/** Logs problems of a kubeconfig. */
export interface KubeConfigLogger {
  warn(fields: Readonly<Record<string, unknown>>, message: string): void;
}

/**
 * A parsed kubeconfig, and the token file that it names. The library's `KubeConfig` ignores the token file or caches
 * its token, so this package reads the token file itself.
 */
interface LoadedKubeConfig {
  readonly config: KubeConfig;
  /** The current user's token file. It overrides a token in the kubeconfig, as in kubectl. */
  readonly tokenFile: string | undefined;
}

/**
 * Reads credentials from a kubeconfig, every minute and after a 401, so that rotated tokens and certificates take
 * effect. The library's `KubeConfig` runs exec plugins, and caches each plugin's token until the token expires.
 *
 * If a new CA bundle or client certificate is unusable, the previous one remains in use. If a read fails, all previous
 * credentials remain in use. client-go does the same for CA bundles and tokens.
 *
 * @see https://github.com/kubernetes/client-go/blob/v0.36.3/transport/ca_rotation.go and `token_source.go` beside it
 * @see https://github.com/kubernetes/client-go/blob/v0.36.3/tools/clientcmd/api/v1/types.go (the format of a kubeconfig)
 * @example {"current-context":"a","contexts":[{"name":"a","context":{"cluster":"c","user":"u"}}],
 *   "clusters":[{"name":"c","cluster":{"server":"https://10.0.0.1:6443","certificate-authority":"ca.crt"}}],
 *   "users":[{"name":"u","user":{"client-certificate":"u.crt","client-key":"u.key"}}]}
 */
export class KubeConfigCredentials implements CredentialSource {
  readonly #location: KubeConfigLocation;
  readonly #clock: Clock;
  readonly #logger: KubeConfigLogger | undefined;
  #loaded: LoadedKubeConfig | undefined;
  #current: Promise<Credentials> | undefined;
  /** The credentials of the last successful read. */
  #inUse: Credentials | undefined;
  #readAt = -Infinity;
  #retrySoon = false;
  #unauthorized = false;
  /** The problem that was logged last, so that a persistent problem is logged only once. */
  #lastLoggedProblem = '';

  constructor(location: KubeConfigLocation, clock: Clock, logger?: KubeConfigLogger) {
    this.#location = location;
    this.#clock = clock;
    this.#logger = logger;
  }

  /** @throws KubeError `BadConfig` if the read fails, and no earlier read returned usable credentials */
  read(): Promise<Credentials> {
    const age = this.#clock.monotonic() - this.#readAt;
    if (this.#current !== undefined && age < (this.#retrySoon ? RETRY_MS : RELOAD_MS)) return this.#current;
    const reading = this.#readFiles(this.#unauthorized);
    this.#current = reading;
    this.#readAt = this.#clock.monotonic();
    this.#retrySoon = false;
    this.#unauthorized = false;
    reading.catch(() => {
      // Failures are not cached, so the next call reads the files again.
      if (this.#current === reading) this.#current = undefined;
    });
    return reading;
  }

  expire(): void {
    this.#unauthorized = true;
    this.#retrySoon = true;
  }

  async #readFiles(unauthorized: boolean): Promise<Credentials> {
    try {
      const { credentials, problems } = this.#selectCredentials(await this.#load(unauthorized));
      this.#inUse = credentials;
      this.#report({ problems });
      return credentials;
    } catch (cause) {
      this.#loaded = undefined;
      const error = badConfig(cause);
      if (this.#inUse === undefined) throw error;
      this.#retrySoon = true;
      this.#report({ problems: [error.message], ...getSystemErrorCode(error.cause) });
      return this.#inUse;
    }
  }

  async #load(unauthorized: boolean): Promise<Credentials> {
    try {
      // Keeps the KubeConfig if it has an exec plugin, because the KubeConfig caches the plugin's token. A new
      // KubeConfig would run the plugin every minute.
      const keep = this.#loaded?.config.getCurrentUser()?.exec !== undefined && !unauthorized;
      if (this.#loaded === undefined || !keep) this.#loaded = loadKubeConfig(this.#location);
      return await toCredentials(this.#loaded);
    } catch (error) {
      throw badConfig(error);
    }
  }

  /** @throws KubeError `BadConfig` */
  #selectCredentials(next: Credentials): { readonly credentials: Credentials; readonly problems: readonly string[] } {
    const options = { nowMs: this.#clock.now(), names: FIELD_NAMES };
    const selection = selectClientTls(next.tls, this.#inUse?.tls, options);
    if (selection.kind === 'unusable') {
      throw new KubeError('BadConfig', `the kubeconfig cannot be used: ${selection.problems.join('; ')}`);
    }
    return { credentials: { ...next, tls: { ...next.tls, ...selection.tls } }, problems: selection.problems };
  }

  #report(fields: { readonly problems: readonly string[]; readonly code?: string }): void {
    const problem = JSON.stringify(fields);
    if (problem === this.#lastLoggedProblem) return;
    this.#lastLoggedProblem = problem;
    if (fields.problems.length > 0) {
      this.#logger?.warn(fields, 'kubeconfig partly unusable, keeping the previous credentials');
    }
  }
}

/**
 * Returns the name of the current context of a kubeconfig, for a question that names the cluster.
 *
 * @throws KubeError `BadConfig`
 */
export function readContextName(file: string): string {
  try {
    return loadKubeConfig({ file }).config.getCurrentContext();
  } catch (error) {
    throw badConfig(error);
  }
}

/** Matches the library's messages about an incomplete kubeconfig. These messages contain no text of the file. */
const INCOMPLETE = /^(?:No active cluster!|(?:clusters|users|contexts)\[\d{1,6}\]\.[a-z.]{1,40} is missing)$/;

/**
 * Converts an error to KubeError `BadConfig`. A system error becomes the cause, because it names a file or a program.
 * Any other error may quote credentials from the kubeconfig, so only the position of the error is kept.
 */
function badConfig(error: unknown): KubeError {
  if (error instanceof KubeError) return error;
  if (isSystemError(error)) return new KubeError('BadConfig', 'the kubeconfig cannot be used', { cause: error });
  const reason = error instanceof Error && INCOMPLETE.test(error.message) ? error.message : describeParseError(error);
  return new KubeError('BadConfig', `the kubeconfig cannot be used: ${reason}`);
}

function isSystemError(error: unknown): error is object {
  return typeof error === 'object' && error !== null && 'syscall' in error;
}

/** Returns the code of a failed system call, for the log. Messages are not logged, because a parser's message may quote a token. */
function getSystemErrorCode(error: unknown): { readonly code?: string } {
  return isSystemError(error) ? withoutUndefined({ code: errorCode(error) }) : {};
}

function loadKubeConfig(location: KubeConfigLocation): LoadedKubeConfig {
  const config = new KubeConfig();
  if (location === 'in-cluster') loadFromCluster(config);
  else config.loadFromFile(location.file);
  const user = config.getCurrentUser();
  const tokenFile =
    location === 'in-cluster' ? getServiceAccountTokenFile(user) : readTokenFilePath(location.file, user?.name);
  // Removes the token handling of KubeConfig, which would cache the token for a minute, even after a 401, and share one
  // token file among all users.
  if (tokenFile !== undefined) config.users = config.users.map((each) => ({ ...each, authProvider: null, token: '' }));
  return { config, tokenFile };
}

/** Loads the ServiceAccount of the pod. Outside a pod, `KubeConfig` builds a server without host and port. */
function loadFromCluster(config: KubeConfig): void {
  config.loadFromCluster();
  if (URL.parse(config.getCurrentCluster()?.server ?? '') !== null) return;
  const variables = 'KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT';
  throw new KubeError('BadConfig', `this process does not run in a pod: ${variables} do not name an API server`);
}

/** Returns the token file of the pod's ServiceAccount. */
function getServiceAccountTokenFile(user: { readonly authProvider?: unknown } | null): string | undefined {
  const provider = user?.authProvider as Json | undefined;
  return isJsonObject(provider) ? textAt(objectAt(provider, 'config'), 'tokenFile') : undefined;
}

/**
 * Reads `tokenFile` of a user in a kubeconfig. It is read here because the library's KubeConfig ignores the field, and
 * would send requests without credentials.
 */
function readTokenFilePath(file: string, user: string | undefined): string | undefined {
  // `parseDocument` is used because `parse` prints warnings that quote the text.
  const document = parseDocument(readFileSync(file, 'utf8'));
  const [error] = document.errors;
  if (error !== undefined) throw badConfig(error);
  const content = document.toJS() as Json;
  const users = isJsonObject(content) ? arrayAt(content, 'users') : [];
  const entry = users.filter(isJsonObject).find((one) => one['name'] === user);
  const tokenFile = entry && textAt(objectAt(entry, 'user'), 'tokenFile');
  return tokenFile === undefined ? undefined : resolve(dirname(file), tokenFile);
}

async function toCredentials({ config, tokenFile }: LoadedKubeConfig): Promise<Credentials> {
  const cluster = config.getCurrentCluster();
  if (cluster === null) throw new KubeError('BadConfig', 'the kubeconfig has no current cluster');
  if (cluster.proxyUrl !== undefined) throw new KubeError('BadConfig', 'proxy-url in a kubeconfig is not supported');
  const server = URL.parse(cluster.server);
  if (server === null) throw new KubeError('BadConfig', "the server of the kubeconfig's cluster is not a URL");
  // The library rejects this, too, but with an error that must not be shown because it may quote the kubeconfig.
  if (server.protocol === 'http:' && !cluster.skipTLSVerify) {
    throw new KubeError(
      'BadConfig',
      'the server of the kubeconfig uses http: this requires insecure-skip-tls-verify: true',
    );
  }
  const options = await getRequestOptions(config);
  const token = tokenFile === undefined ? {} : await readToken(tokenFile);
  return { server: server.origin, tls: toTlsCredentials(options), headers: { ...toHeaders(options), ...token } };
}

/** Runs the user's exec plugin, if configured. */
async function getRequestOptions(config: KubeConfig): Promise<RequestOptions> {
  const options: RequestOptions = {};
  try {
    await config.applyToHTTPSOptions(options);
  } catch (error) {
    // Drops the library's error, because it contains the plugin's output.
    if (config.getCurrentUser()?.exec === undefined || isSystemError(error)) throw error;
    throw new KubeError('BadConfig', "the exec plugin of the kubeconfig's user failed or returned no credential");
  }
  return options;
}

async function readToken(file: string): Promise<Record<string, string>> {
  const token = (await readFile(file, 'utf8')).trim();
  if (token === '') throw new KubeError('BadConfig', 'the token file of the kubeconfig is empty');
  return { authorization: `Bearer ${token}` };
}

function toTlsCredentials(options: RequestOptions): TlsCredentials {
  return {
    ...optionalPem('ca', options.ca),
    ...optionalPem('cert', options.cert),
    ...optionalPem('key', options.key),
    ...withoutUndefined({ servername: options.servername, rejectUnauthorized: options.rejectUnauthorized }),
  };
}

function optionalPem(name: 'ca' | 'cert' | 'key', value: unknown): TlsCredentials {
  if (value === undefined || value === null) return {};
  if (typeof value === 'string') return { [name]: value };
  if (Buffer.isBuffer(value)) return { [name]: value.toString('utf8') };
  throw new KubeError('BadConfig', `the kubeconfig has ${name} in an unsupported form`);
}

function toHeaders(options: RequestOptions): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(options.headers ?? {})) {
    // Token files often end in a newline, which is invalid in a header.
    if (typeof value === 'string') headers[name.toLowerCase()] = value.trim();
  }
  if (typeof options.auth === 'string')
    headers['authorization'] = `Basic ${Buffer.from(options.auth).toString('base64')}`;
  return headers;
}
