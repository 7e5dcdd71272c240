import { TenantRate } from '@archpolicy/async';
import type { Clock, TenantRateOptions } from '@archpolicy/async';
import { objectAt, readOwner, textAt } from '@archpolicy/core';
import type { Inspection, PlacementReason } from '@archpolicy/core';
import type { LogFields, Logger } from '@archpolicy/service';
import type { DecidedPod } from './mutate/pod-mutator.ts';
import type { AdmissionRequest } from './review/review.ts';

/** Whether a decision is what the policy intends for the pod. Decisions that are not are logged with level info. */
const AS_INTENDED: Readonly<Record<PlacementReason, boolean>> = {
  NotCreated: true,
  NamespaceUnknown: false,
  NodeAssigned: true,
  StaticPod: true,
  DaemonSetPod: true,
  PinnedToNode: true,
  Skipped: true,
  NoPolicy: true,
  NoImages: true,
  Malformed: false,
  Oversized: false,
  Audit: true,
  SelfCheckFailed: false,
  OwnerChoice: true,
  OwnerChoiceUnsupported: false,
  MatchesNothing: false,
  NothingToConstrain: true,
  OperatingSystemOpen: false,
  NodesWithoutArchitecture: false,
  NoCommonArchitecture: false,
  NotAllowedByPolicy: false,
  Unresolved: false,
  AppliedBarePod: false,
  ImagesSupport: true,
  OwnerChoiceNarrowed: true,
  Preferred: true,
  PreferredByPod: true,
  PreferredByNamespace: true,
  RolledOut: true,
  PreferredNotSchedulable: false,
  PartlyKnown: false,
  Fallback: false,
  AllowedByPolicy: true,
  LabelsCopied: true,
  Inspecting: true,
};

/** The lines of one kind: 30 at once, then 30 a minute; of one namespace 10 at once, then 6 a minute. */
const LINE_RATE: TenantRateOptions = {
  total: { perSecond: 0.5, burst: 30 },
  perTenant: { perSecond: 0.1, burst: 10 },
  maxTenants: 1_000,
};
/** Maximum number of images in a line. */
const MAX_IMAGES = 8;
/** Maximum length of a text of the pod: names have at most 253 characters, but the pod is not validated yet. */
const MAX_TEXT = 255;

export interface DecisionLogOptions {
  readonly logger: Pick<Logger, 'debug' | 'info' | 'error'> & {
    /** Without it, debug lines are always built. */
    isLevelEnabled?(level: 'debug'): boolean;
  };
  readonly clock: Pick<Clock, 'monotonic'>;
}

/** The lines of one kind that were left out since the last one. */
interface LineLimit {
  readonly rate: TenantRate;
  suppressed: number;
}

/**
 * Logs decisions about pods, with the fields that join a line with the pod, with the operator's lines and, by the uid of the
 * request, with the audit log. All decisions have level debug, except decisions that the policy did not intend. Tenants create
 * pods, so all lines above debug are limited, and each namespace has a share.
 */
export class DecisionLog {
  readonly #options: DecisionLogOptions;
  readonly #unintended: LineLimit;
  readonly #failed: LineLimit;

  constructor(options: DecisionLogOptions) {
    this.#options = options;
    const nowMs = options.clock.monotonic();
    this.#unintended = { rate: new TenantRate(LINE_RATE, nowMs), suppressed: 0 };
    this.#failed = { rate: new TenantRate(LINE_RATE, nowMs), suppressed: 0 };
  }

  decided(decided: DecidedPod): void {
    const { logger } = this.#options;
    const suppressed = AS_INTENDED[decided.placed.decision.reason]
      ? undefined
      : this.#take(this.#unintended, decided.request.namespace);
    if (suppressed !== undefined) logger.info({ ...toFields(decided), ...suppressed }, 'placement decided');
    else if (logger.isLevelEnabled?.('debug') !== false) logger.debug(toFields(decided), 'placement decided');
  }

  /** Logs that the decision about a pod failed or was late. */
  failed(request: AdmissionRequest, err: Error): void {
    const suppressed = this.#take(this.#failed, request.namespace);
    if (suppressed === undefined) return;
    const message = 'placement decision failed, admitting pod unchanged';
    this.#options.logger.error({ ...podFields(request), err, ...suppressed }, message);
  }

  /** Returns the number of lines that were left out before this line, or undefined if this line is left out, too. */
  #take(limit: LineLimit, namespace: string): { readonly suppressed?: number } | undefined {
    if (!limit.rate.tryTake(namespace, this.#options.clock.monotonic())) {
      limit.suppressed += 1;
      return undefined;
    }
    const { suppressed } = limit;
    limit.suppressed = 0;
    return suppressed === 0 ? {} : { suppressed };
  }
}

function toFields({ request, placed, policy, images }: DecidedPod): LogFields {
  const { kind, reason } = placed.decision;
  return {
    ...podFields(request),
    policy: policy?.name,
    mode: policy?.spec.mode,
    kind,
    reason,
    images: [...images].slice(0, MAX_IMAGES).map(describeImage),
    ...(images.size > MAX_IMAGES && { furtherImages: images.size - MAX_IMAGES }),
  };
}

function podFields({ uid, namespace, object }: DecidedPod['request']): LogFields {
  const metadata = objectAt(object, 'metadata');
  const name = textAt(metadata, 'name');
  const owner = readOwner(object);
  return {
    namespace: cut(namespace),
    // A pod that a controller creates has no name yet.
    ...(name === undefined ? { generateName: cut(textAt(metadata, 'generateName')) } : { pod: cut(name) }),
    owner: owner && `${owner.kind}/${owner.name}`,
    request: cut(uid),
  };
}

function describeImage([image, inspection]: readonly [string, Inspection]): LogFields {
  return inspection.kind === 'resolved'
    ? { image: cut(image), digest: inspection.facts.digest }
    : { image: cut(image), unresolved: inspection.reason };
}

function cut(text: string | undefined): string | undefined {
  return text?.slice(0, MAX_TEXT);
}
