import type { ContainerEvidence, TerminatedEvidence } from '../kubernetes/facts.ts';

/**
 * What the status of a pod's containers says about the CPU architecture, from the strongest to nothing:
 *
 * - `PlatformRefused`: the runtime would not pull the image, because it offers no platform of the node.
 * - `ExecFormatError`: the kernel refused the program, and the container's termination message says so.
 * - `ShortLived`: it ended within a second of its start, in the way refused programs end. Ordinary programs do too.
 * - `None`: nothing that speaks of architectures.
 *
 * None of them is proof: the first also means another OS or CPU variant, the second also a script without `#!`. Only
 * the platforms that the image declares decide; a signal makes the decision more certain, or contradicts it.
 */
export type Signal = 'PlatformRefused' | 'ExecFormatError' | 'ShortLived' | 'None';

/** The strongest signal of a pod, and the container that shows it. */
export interface PodSignal {
  readonly signal: Signal;
  readonly container?: string;
}

/** Words of containerd in all its pull modes, and of CRI-O, old and newer. `not found` alone would be a missing tag. */
const PLATFORM_REFUSED =
  /no match for platform in manifest|no image found in (?:manifest list|image index) for architecture/u;

/**
 * A registry without a manifest that the node was to pull. A missing tag has other words in containerd ("failed to resolve
 * reference"), and the same in CRI-O.
 *
 * @see https://github.com/containerd/containerd/blob/v1.6.20/remotes/docker/fetcher.go
 * @example failed to copy: httpReadSeeker: failed open: content at https://registry.test/v2/app/manifests/sha256:18ac… not found: not found
 * @example reading manifest sha256:18ac… in registry.test/app: manifest unknown
 */
const MANIFEST_NOT_FOUND =
  /content at \S+\/manifests\/\S+ not found|could not fetch content descriptor \S+ \([^)]*manifest[^)]*\) from remote: not found|manifest unknown/u;

/** runc and Go say it in lower case, crun and shells with a capital E. */
const EXEC_FORMAT_ERROR = /exec format error/iu;

/** How it looks when a shell tries the program as a script, or an init program retries through a missing shell. */
const WRAPPED = /\u007fELF|\[FATAL tini|\[dumb-init\]/u;

/** runc and crun end with 1 or 255, shells with 126, 127 or 2. */
const REFUSED_EXIT_CODES: ReadonlySet<number> = new Set([1, 2, 126, 127, 255]);

/** The kernel refuses at once; start and finish carry whole seconds, so one tick may lie between them. */
const SHORT_LIVED_SECONDS = 1;

const STRENGTH: Readonly<Record<Signal, number>> = { PlatformRefused: 3, ExecFormatError: 2, ShortLived: 1, None: 0 };

/** The strongest signal among the containers, init containers included. */
export function readSignals(containers: readonly ContainerEvidence[]): PodSignal {
  let strongest: PodSignal = { signal: 'None' };
  for (const container of containers) {
    const signal = readSignal(container);
    if (STRENGTH[signal] > STRENGTH[strongest.signal]) strongest = { signal, container: container.name };
  }
  return strongest;
}

/** Whether the node could not pull this image because the registry returned "not found" for a manifest. */
export function lacksManifest(containers: readonly ContainerEvidence[], image: string): boolean {
  return containers.some(
    (container) => container.image === image && MANIFEST_NOT_FOUND.test(container.waiting?.message ?? ''),
  );
}

/** Whether it is the platform that was refused: ordinary programs can be short-lived, too. */
export function isRefusal(signal: Signal): boolean {
  return signal === 'PlatformRefused' || signal === 'ExecFormatError';
}

/** Orders pods for attention: the more the status says, the higher. */
export function signalStrength(signal: Signal): number {
  return STRENGTH[signal];
}

function readSignal(container: ContainerEvidence): Signal {
  // Only the text of a pull counts here: a hook or a probe can put `exec format error` into a waiting message.
  if (container.waiting !== undefined && PLATFORM_REFUSED.test(container.waiting.message)) return 'PlatformRefused';
  // A crash loop shows its end in `state` most of the time and in `lastState` during the back-off: both are read.
  const now = readEnd(container.terminated);
  const before = readEnd(container.lastTerminated);
  return STRENGTH[now] >= STRENGTH[before] ? now : before;
}

function readEnd(end: TerminatedEvidence | undefined): Signal {
  if (end === undefined || end.exitCode === 0) return 'None';
  if (EXEC_FORMAT_ERROR.test(end.message)) return 'ExecFormatError';
  const endsAsRefused =
    end.reason === 'Error' &&
    REFUSED_EXIT_CODES.has(end.exitCode) &&
    end.seconds !== undefined &&
    end.seconds <= SHORT_LIVED_SECONDS &&
    (end.message === '' || WRAPPED.test(end.message));
  return endsAsRefused ? 'ShortLived' : 'None';
}
