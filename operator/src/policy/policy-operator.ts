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
import { EVENT_TYPES, Operator } from './doti.ts';
import type { OperatorLogger, ResourceEvent, ResourceMeta } from './doti.ts';

/** Never dialled: requests go through our own client, which knows the server. */
const PLACEHOLDER_SERVER = 'https://kubernetes.invalid';
/** Nothing waits for a status. */
const STATUS_TIMEOUT_MS = 10_000;

export interface PolicyOperatorOptions {
  readonly policies: Pick<PolicyView, 'get' | 'list' | 'invalid' | 'subscribe'>;
  readonly api: Pick<Api, 'request'>;
  readonly logger: Logger;
  /** A policy came, changed or went. */
  readonly onPolicy: (name: string) => void;
}

/** What the package's status write asks of its HTTP client, as far as it is used here. */
interface HttpRequest {
  readonly url?: string;
  readonly method?: string;
  readonly data?: Json;
  readonly headers?: Readonly<Record<string, string>>;
}

/**
 * ArchPolicy's operator in the sense of @dot-i/k8s-operator: life cycle, resource events and status writes are the
 * package's; its watch, which ends the process on any error, is replaced by our reflector, and its HTTP client by ours.
 */
export class PolicyOperator extends Operator {
  readonly #options: PolicyOperatorOptions;
  readonly #ends: (() => void)[] = [];
  #signal: AbortSignal = AbortSignal.abort();

  constructor(options: PolicyOperatorOptions) {
    super(loggerFor(options.logger));
    this.#options = options;
  }

  /** Feeds policies until the signal is aborted. */
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
   * Writes a status by JSON Merge Patch, locked on the version of the policy that was looked at. False: nobody knows
   * what came of it, and the next event of the policy shows it.
   */
  async writeStatus(
    policy: { readonly name: string; readonly resourceVersion: string },
    status: Json,
  ): Promise<boolean> {
    return (await this.patchResourceStatus(metaOf(policy), status)) !== null;
  }

  protected override async init(): Promise<void> {
    await this.watchResource(API_GROUP, API_VERSION, ARCHPOLICY_PLURAL, ({ meta }) => {
      this.#options.onPolicy(meta.name);
      return Promise.resolve();
    });
  }

  /** Events from the reflector's store, which outlives every error of a watch; never through the package's own. */
  protected override watchResource(
    group: string,
    version: string,
    plural: string,
    onEvent: (event: ResourceEvent) => Promise<void>,
  ): Promise<void> {
    this.#registerPath(`${plural}.${group}/${version}`, () => this.getCustomResourceApiUri(group, version, plural));
    const { policies, logger } = this.#options;
    const tell = (entry: PolicyEntry, type: ResourceEvent['type']): void => {
      onEvent(eventOf(entry, type)).catch((err: unknown) => {
        logger.error({ err }, 'a policy event could not be taken in');
      });
    };
    this.#ends.push(
      policies.subscribe(({ type, object }) => {
        tell(object, TYPE_OF[type]);
      }),
    );
    for (const policy of policies.list()) tell(ok(policy), EVENT_TYPES.Added);
    for (const invalid of policies.invalid()) tell(failed(invalid), EVENT_TYPES.Added);
    return Promise.resolve();
  }

  /** The package reads the server from a field that client-node 2 does not have. */
  protected override getCustomResourceApiUri(group: string, version: string, plural: string): string {
    return `${PLACEHOLDER_SERVER}/apis/${group}/${version}/${plural}`;
  }

  /** The package's HTTP client asks here for credentials: it gets our transport, which has them. */
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
      timeoutMs: STATUS_TIMEOUT_MS,
    });
    return answer.kind === 'ok'
      ? { status: answer.status, data: answer.body }
      : { status: answer.status, data: { reason: answer.reason } };
  }

  /** Only the package's own watch would register a path, and the field is private to it. */
  #registerPath(id: string, build: () => string): void {
    const builders: unknown = Reflect.get(this, 'resourcePathBuilders');
    if (typeof builders !== 'object' || builders === null) {
      throw new OperatorError('UnexpectedPackage', '@dot-i/k8s-operator keeps no resourcePathBuilders any more');
    }
    Reflect.set(builders, id, build);
  }
}

const TYPE_OF = { added: EVENT_TYPES.Added, updated: EVENT_TYPES.Modified, deleted: EVENT_TYPES.Deleted } as const;
const RESOURCE_VERSION_UNKNOWN = '0';

function metaOf({ name, resourceVersion }: { readonly name: string; readonly resourceVersion: string }): ResourceMeta {
  const apiVersion = `${API_GROUP}/${API_VERSION}`;
  return { id: `${ARCHPOLICY_PLURAL}.${apiVersion}`, name, resourceVersion, apiVersion, kind: ARCHPOLICY_KIND };
}

function eventOf(entry: PolicyEntry, type: ResourceEvent['type']): ResourceEvent {
  const meta =
    entry.kind === 'ok'
      ? metaOf(entry.value)
      : metaOf({ name: entry.failure.name, resourceVersion: RESOURCE_VERSION_UNKNOWN });
  const { name, apiVersion, kind } = meta;
  return { meta, type, object: { apiVersion, kind, metadata: Object.assign(new V1ObjectMeta(), { name }) } };
}

/** The package writes sentences of its own into messages: here they are a field. */
function loggerFor(logger: Logger): OperatorLogger {
  return {
    debug: (said) => {
      logger.debug({ said }, 'operator package');
    },
    info: (said) => {
      logger.info({ said }, 'operator package');
    },
    warn: (said) => {
      logger.warn({ said }, 'operator package');
    },
    error: (said) => {
      logger.warn({ said }, 'operator package');
    },
  };
}
