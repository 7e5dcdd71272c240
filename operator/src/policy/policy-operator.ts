import { onAbort } from '@archpolicy/async';
import {
  API_GROUP,
  API_VERSION,
  ARCHPOLICY_KIND,
  ARCHPOLICY_PLURAL,
  failed,
  ok,
  withoutUndefined,
} from '@archpolicy/core';
import type { Json } from '@archpolicy/core';
import type { PolicyEntry, PolicyView } from '@archpolicy/cluster-view';
import { V1ObjectMeta } from '@kubernetes/client-node';
import type { Api } from '@archpolicy/kube';
import type { Logger } from '@archpolicy/service';
import { OperatorError } from '../errors.ts';
import { EVENT_TYPES, Operator } from './dot-i.ts';
import type { OperatorLogger, ResourceEvent, ResourceMeta } from './dot-i.ts';

/**
 * The server in the URLs that the package requires. No connection to this server is made, because our own client sends
 * the requests to the address in its credentials.
 */
const PLACEHOLDER_SERVER = 'https://kubernetes.invalid';
/** Timeout of a status write. It can be long, because no other work waits for the write. */
const STATUS_TIMEOUT_MS = 10_000;
/** Timeout of the writes at the end of a term. They delay the release of the Lease. */
const LAST_WRITE_TIMEOUT_MS = 1_000;

export interface PolicyOperatorOptions {
  readonly policies: Pick<PolicyView, 'get' | 'list' | 'invalid' | 'subscribe'>;
  readonly api: Pick<Api, 'request'>;
  readonly logger: Logger;
  /** Called when a policy is added, changed or deleted. */
  readonly onPolicy: (name: string) => void;
}

/** The fields of the package's HTTP request that are used here. */
interface HttpRequest {
  readonly url?: string;
  readonly method?: string;
  readonly data?: Json;
  readonly headers?: Readonly<Record<string, string>>;
}

/**
 * ArchPolicy's operator, based on @dot-i/k8s-operator, which provides the life cycle, resource events and status
 * writes. Our reflector replaces the package's watch, because that watch exits the process on any error. Our client
 * replaces the package's HTTP client.
 */
export class PolicyOperator extends Operator {
  readonly #options: PolicyOperatorOptions;
  readonly #ends: (() => void)[] = [];
  #signal: AbortSignal = AbortSignal.abort();
  #timeoutMs = STATUS_TIMEOUT_MS;

  constructor(options: PolicyOperatorOptions) {
    super(toOperatorLogger(options.logger));
    this.#options = options;
  }

  /** Delivers policy events until the signal is aborted. */
  async run(signal: AbortSignal): Promise<void> {
    this.#signal = signal;
    await this.start();
    onAbort(signal, () => {
      this.stop();
    });
  }

  override stop(): void {
    for (const end of this.#ends.splice(0)) end();
    super.stop();
  }

  /**
   * Writes a status by JSON Merge Patch. The patch contains the resourceVersion of the policy from which the status was
   * computed. Returns false if the outcome is unknown. The next event of the policy then shows the outcome.
   */
  async writeStatus(
    policy: { readonly name: string; readonly resourceVersion: string },
    status: Json,
  ): Promise<boolean> {
    return (await this.patchResourceStatus(toMeta(policy), status)) !== null;
  }

  /** Allows writes after the signal of {@link run} was aborted. Each has a short timeout. */
  allowLastWrites(): void {
    this.#signal = new AbortController().signal;
    this.#timeoutMs = LAST_WRITE_TIMEOUT_MS;
  }

  protected override async init(): Promise<void> {
    await this.watchResource(API_GROUP, API_VERSION, ARCHPOLICY_PLURAL, ({ meta }) => {
      this.#options.onPolicy(meta.name);
      return Promise.resolve();
    });
  }

  /**
   * Replaces the watch of the package `@dot-i/k8s-operator` with the events of our reflector's store, because the
   * reflector continues after watch errors.
   */
  protected override watchResource(
    group: string,
    version: string,
    plural: string,
    onEvent: (event: ResourceEvent) => Promise<void>,
  ): Promise<void> {
    this.#registerPath(`${plural}.${group}/${version}`, () => this.getCustomResourceApiUri(group, version, plural));
    const { policies, logger } = this.#options;
    const deliver = (entry: PolicyEntry, type: ResourceEvent['type']): void => {
      onEvent(toEvent(entry, type)).catch((err: unknown) => {
        logger.error({ err }, 'failed to handle policy event');
      });
    };
    this.#ends.push(
      policies.subscribe(({ type, object }) => {
        deliver(object, TYPE_OF[type]);
      }),
    );
    for (const policy of policies.list()) deliver(ok(policy), EVENT_TYPES.Added);
    for (const invalid of policies.invalid()) deliver(failed(invalid), EVENT_TYPES.Added);
    return Promise.resolve();
  }

  /**
   * Returns the URL of a resource. The package's own function cannot be used, because it reads the server from a field
   * that client-node 2 does not have.
   */
  protected override getCustomResourceApiUri(group: string, version: string, plural: string): string {
    return `${PLACEHOLDER_SERVER}/apis/${group}/${version}/${plural}`;
  }

  /**
   * Sets our client as the transport of the package's requests. The package calls this function to add credentials; our
   * client already has them.
   */
  protected override applyGaxiosKubeConfigAuth(options: object): Promise<void> {
    Object.assign(options, { adapter: (request: HttpRequest) => this.#send(request) });
    return Promise.resolve();
  }

  async #send(request: HttpRequest): Promise<{ readonly status: number; readonly data: Json }> {
    const { url = PLACEHOLDER_SERVER, data, headers = {} } = request;
    const answer = await this.#options.api.request({
      method: 'PATCH',
      path: new URL(url).pathname,
      contentType: headers['Content-Type'] ?? 'application/merge-patch+json',
      ...withoutUndefined({ body: data }),
      signal: this.#signal,
      timeoutMs: this.#timeoutMs,
    });
    return answer.kind === 'ok'
      ? { status: answer.status, data: answer.body }
      : { status: answer.status, data: { reason: answer.reason } };
  }

  /**
   * Registers a path in a private field of the package. This is needed because the package registers a path only when
   * it starts its own watch, which is not used here.
   */
  #registerPath(id: string, build: () => string): void {
    const builders: unknown = Reflect.get(this, 'resourcePathBuilders');
    if (typeof builders !== 'object' || builders === null) {
      throw new OperatorError(
        'UnexpectedPackage',
        '@dot-i/k8s-operator has no field resourcePathBuilders: install the pinned version',
      );
    }
    Reflect.set(builders, id, build);
  }
}

const TYPE_OF = { added: EVENT_TYPES.Added, updated: EVENT_TYPES.Modified, deleted: EVENT_TYPES.Deleted } as const;
const RESOURCE_VERSION_UNKNOWN = '0';

function toMeta({ name, resourceVersion }: { readonly name: string; readonly resourceVersion: string }): ResourceMeta {
  const apiVersion = `${API_GROUP}/${API_VERSION}`;
  return { id: `${ARCHPOLICY_PLURAL}.${apiVersion}`, name, resourceVersion, apiVersion, kind: ARCHPOLICY_KIND };
}

function toEvent(entry: PolicyEntry, type: ResourceEvent['type']): ResourceEvent {
  const meta =
    entry.kind === 'ok'
      ? toMeta(entry.value)
      : toMeta({ name: entry.failure.name, resourceVersion: RESOURCE_VERSION_UNKNOWN });
  const { name, apiVersion, kind } = meta;
  return { meta, type, object: { apiVersion, kind, metadata: Object.assign(new V1ObjectMeta(), { name }) } };
}

/** Logs the package's messages in a field of the log line, so that the message of the log line is constant. */
function toOperatorLogger(logger: Logger): OperatorLogger {
  return {
    debug: (text) => {
      logger.debug({ text }, 'message of @dot-i/k8s-operator');
    },
    info: (text) => {
      logger.info({ text }, 'message of @dot-i/k8s-operator');
    },
    warn: (text) => {
      logger.warn({ text }, 'message of @dot-i/k8s-operator');
    },
    error: (text) => {
      logger.warn({ text }, 'message of @dot-i/k8s-operator');
    },
  };
}
