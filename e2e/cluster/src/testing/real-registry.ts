import { WatchedProcess } from '@archpolicy/testkit';
import { stringify } from 'yaml';
import { readConfig } from '../config.ts';
import { ClusterError } from '../errors.ts';
import { ensureTools } from '../toolchain/tools.ts';

export interface RealRegistryOptions {
  /** Where its content lies; several registries may serve the same. */
  readonly content: string;
  /** Verifies tokens of this service by itself; without, everybody may read and push. */
  readonly tokens?: {
    readonly realm: string;
    readonly service: string;
    readonly issuer: string;
    readonly jwks: object;
  };
  /** Redirects whoever reads a blob to this URL, as registries do whose blobs lie in object storage. */
  readonly redirectBlobsTo?: string;
}

/** The distribution project's registry on a free port of loopback, plain HTTP. It ends with the process that started it. */
export class RealRegistry {
  readonly host: string;
  readonly #process: WatchedProcess;

  private constructor(host: string, process: WatchedProcess) {
    this.host = host;
    this.#process = process;
  }

  /** @throws ClusterError, Error when its program is missing and cannot be built, or it does not start */
  static async start(options: RealRegistryOptions, signal: AbortSignal): Promise<RealRegistry> {
    const { paths } = await ensureTools(['registry'], readConfig(), () => undefined, signal);
    const process = await WatchedProcess.start({
      // Only its own traces would go anywhere, and nobody listens there.
      command: 'env',
      args: (directory) => [
        'OTEL_TRACES_EXPORTER=none',
        paths.registry ?? 'registry',
        'serve',
        `${directory}/config.yaml`,
      ],
      files: (directory) => ({
        'config.yaml': configuration(options, directory),
        'jwks.json': JSON.stringify(options.tokens?.jwks ?? {}),
      }),
      ready: 'listening on',
    });
    const [, host] = /listening on (127\.0\.0\.1:[0-9]+)/.exec(process.log) ?? [];
    if (host !== undefined) return new RealRegistry(host, process);
    await process.stop();
    throw new ClusterError('request', 'the registry did not say where it listens');
  }

  async stop(): Promise<void> {
    await this.#process.stop();
  }
}

function configuration({ content, tokens, redirectBlobsTo }: RealRegistryOptions, directory: string): string {
  const redirect = [{ name: 'redirect', options: { baseurl: redirectBlobsTo } }];
  return stringify({
    version: 0.1,
    log: { level: 'info', accesslog: { disabled: true } },
    storage: { filesystem: { rootdirectory: content } },
    http: { addr: '127.0.0.1:0' },
    ...(redirectBlobsTo === undefined ? {} : { middleware: { storage: redirect } }),
    ...(tokens === undefined ? {} : { auth: { token: { ...tokens, jwks: `${directory}/jwks.json` } } }),
  });
}
