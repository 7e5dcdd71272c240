import type { Clock, Random } from '@archpolicy/async';
import type { Api } from '@archpolicy/kube';
import { WEBHOOK, WEBHOOK_TLS_SECRET } from '@archpolicy/process';
import type { Check, CheckResult, Logger, Registry } from '@archpolicy/service';
import type { WebhookConfig } from './config.ts';
import { declareCertificateMetrics, declareClientCaMetrics } from './metrics.ts';
import type { ConnectionsOptions, ServerTlsSettings } from './server/connections.ts';
import { certificateFiles } from './tls/certificate-files.ts';
import { certificateSecret } from './tls/certificate-secret.ts';
import type { CertificateSource } from './tls/certificate-source.ts';
import { CertificateWatch } from './tls/certificate-watch.ts';
import { ClientCaWatch } from './tls/client-ca-watch.ts';
import type { ClientRejection } from './tls/client-rejections.ts';

export interface ServerTlsParts {
  readonly config: Pick<WebhookConfig, 'tlsDirectory' | 'namespace' | 'clientCaFile'>;
  readonly api: Pick<Api, 'request'>;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly metrics: Registry;
  /** Called with each change of the certificate or the file that can be used. */
  readonly onChange: (changed: ServerTlsSettings) => void;
}

/** The options of the server that can change while it runs. */
export type ServerTlsOptions = Pick<ConnectionsOptions, 'certificate' | 'clientCa' | 'onClientRejected'>;

/** Interval at which a lasting reason for rejected clients is logged again. */
const LOG_MS = 60_000;

/** The server's TLS: the serving certificate and, if they are configured, the authorities of its clients. */
export class ServerTls {
  readonly #certificates: CertificateWatch;
  readonly #clientCa: ClientCaWatch | undefined;
  readonly #onClientRejected: (rejection: ClientRejection) => void;

  constructor(parts: ServerTlsParts) {
    const { config, clock, logger, metrics, onChange } = parts;
    const serverName = `${WEBHOOK}.${config.namespace}.svc`;
    this.#certificates = new CertificateWatch({
      source: certificateSource(parts, serverName),
      serverName,
      clock,
      logger,
      onCertificate: (certificate) => {
        onChange({ certificate });
      },
      onRead: declareCertificateMetrics(metrics),
    });
    const { onRead, onRejected } = declareClientCaMetrics(metrics);
    this.#onClientRejected = reportRejections({ clock, logger, onRejected });
    if (config.clientCaFile === undefined) return;
    this.#clientCa = new ClientCaWatch({
      file: config.clientCaFile,
      clock,
      logger,
      onClientCa: ({ pem }) => {
        onChange({ clientCa: pem });
      },
      onRead,
    });
  }

  /** When the serving certificate expires, epoch milliseconds. NaN while there is none. */
  get certificateExpiryMs(): number {
    return this.#certificates.current?.notAfterMs ?? Number.NaN;
  }

  /** Polls certificate and file until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    await Promise.all([this.#certificates.run(signal), this.#clientCa?.run(signal)]);
  }

  /**
   * Waits until the certificate and the file have had a content that can be used. Resolves with a function that returns the options of a server
   * that starts when it is called.
   * @throws the signal's reason
   */
  async waitForFirst(signal: AbortSignal): Promise<() => ServerTlsOptions> {
    const [first, firstCa] = await Promise.all([
      this.#certificates.waitForFirst(signal),
      this.#clientCa?.waitForFirst(signal),
    ]);
    return () => {
      const certificate = this.#certificates.current ?? first;
      const clientCa = this.#clientCa?.current ?? firstCa;
      if (clientCa === undefined) return { certificate };
      return { certificate, clientCa: clientCa.pem, onClientRejected: this.#onClientRejected };
    };
  }

  /** The readiness checks, by name. */
  get checks(): Readonly<Record<string, Check>> {
    const clientCa = this.#clientCa;
    return {
      certificate: () => this.#certificates.check(),
      ...(clientCa !== undefined && { clientCa: () => clientCa.check() }),
    };
  }

  /** Whether all checks pass. */
  get isReady(): boolean {
    return Object.values(this.checks).every((check): CheckResult['ok'] => check().ok);
  }
}

function certificateSource({ config, api, random }: ServerTlsParts, serverName: string): CertificateSource {
  const { tlsDirectory, namespace } = config;
  if (tlsDirectory !== undefined) return certificateFiles(tlsDirectory, serverName);
  return certificateSecret({ api, secret: { namespace, name: WEBHOOK_TLS_SECRET }, serverName, random });
}

/**
 * Returns a function that counts and logs rejected clients. An API server that is rejected admits all pods unchanged,
 * without an error that its users see, so the webhook's log must show it.
 */
function reportRejections({
  clock,
  logger,
  onRejected,
}: Pick<ServerTlsParts, 'clock' | 'logger'> & {
  readonly onRejected: (reason: ClientRejection['reason']) => void;
}): (rejection: ClientRejection) => void {
  const loggedAt = new Map<ClientRejection['reason'], number>();
  return ({ reason, code, address }) => {
    onRejected(reason);
    const now = clock.monotonic();
    if (now - (loggedAt.get(reason) ?? Number.NEGATIVE_INFINITY) < LOG_MS) return;
    loggedAt.set(reason, now);
    logger.warn({ reason, code, address }, 'client rejected because of its certificate');
  };
}
