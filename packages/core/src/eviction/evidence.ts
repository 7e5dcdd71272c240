import type { ContainerEvidence, TerminatedEvidence } from '../kubernetes/facts.ts';

/**
 * What the status of a pod's containers shows about the CPU architecture, strongest first:
 *
 * - `PlatformRefused`: the runtime refused to pull the image, because the image does not offer the node's platform.
 * - `ExecFormatError`: the kernel refused the program, according to the container's termination message.
 * - `ShortLived`: a container ended within a second of its start, as refused programs do. Ordinary programs can do so, too.
 * - `None`: no sign of a wrong architecture.
 *
 * No signal is proof: `PlatformRefused` also occurs if the OS or CPU variant differs, and `ExecFormatError` for a script without `#!`.
 * So decisions use only the platforms that the image declares. A signal confirms or contradicts a decision.
 */
export type Signal = 'PlatformRefused' | 'ExecFormatError' | 'ShortLived' | 'None';

/** The strongest signal of a pod, and the container that shows it. */
export interface PodSignal {
  readonly signal: Signal;
  readonly container?: string;
}

/** Matches the messages of containerd in all its pull modes, and of old and new CRI-O. `not found` alone means a missing tag. */
const PLATFORM_REFUSED =
  /no match for platform in manifest|no image found in (?:manifest list|image index) for architecture/u;

/**
 * Matches the message of a pull for which the registry returned "not found" for a manifest. A missing tag has another message in
 * containerd ("failed to resolve reference"), but the same message in CRI-O.
 *
 * @see https://github.com/containerd/containerd/blob/v1.6.20/remotes/docker/fetcher.go
 * @example failed to copy: httpReadSeeker: failed open: content at https://registry.test/v2/app/manifests/sha256:18ac… not found: not found
 * @example reading manifest sha256:18ac… in registry.test/app: manifest unknown
 */
const MANIFEST_NOT_FOUND =
  /content at \S+\/manifests\/\S+ not found|could not fetch content descriptor \S+ \([^)]*manifest[^)]*\) from remote: not found|manifest unknown/u;

/** Matches the error in lower case (runc and Go) and with a capital E (crun and shells). */
const EXEC_FORMAT_ERROR = /exec format error/iu;

/** Matches the output of a shell that runs the program as a script, or of an init program whose retry finds no shell. */
const WRAPPED = /\u007fELF|\[FATAL tini|\[dumb-init\]/u;

/** Exit codes of a refused program: 1 or 255 from runc and crun; 126, 127 or 2 from shells. */
const REFUSED_EXIT_CODES: ReadonlySet<number> = new Set([1, 2, 126, 127, 255]);

/**
 * The longest reported run of a program that the kernel refuses. The program ends at once, but its start and end are
 * reported in whole seconds, which may differ by one.
 */
const SHORT_LIVED_SECONDS = 1;

const STRENGTH: Readonly<Record<Signal, number>> = { PlatformRefused: 3, ExecFormatError: 2, ShortLived: 1, None: 0 };

/** Returns the strongest signal among the containers, init containers included. */
export function readSignals(containers: readonly ContainerEvidence[]): PodSignal {
  let strongest: PodSignal = { signal: 'None' };
  for (const container of containers) {
    const signal = readSignal(container);
    if (STRENGTH[signal] > STRENGTH[strongest.signal]) strongest = { signal, container: container.name };
  }
  return strongest;
}

/** Returns whether the node could not pull this image because the registry returned "not found" for a manifest. */
export function lacksManifest(containers: readonly ContainerEvidence[], image: string): boolean {
  return containers.some(
    (container) => container.image === image && MANIFEST_NOT_FOUND.test(container.waiting?.message ?? ''),
  );
}

/** Returns whether the signal is a refusal of the platform. `ShortLived` is no refusal: ordinary programs can end as fast. */
export function isRefusal(signal: Signal): boolean {
  return signal === 'PlatformRefused' || signal === 'ExecFormatError';
}

/** Returns the rank of a signal. A stronger signal has a higher rank. */
export function signalStrength(signal: Signal): number {
  return STRENGTH[signal];
}

function readSignal(container: ContainerEvidence): Signal {
  // Only pull errors count here: a hook or a probe can put `exec format error` into a waiting message.
  if (container.waiting !== undefined && PLATFORM_REFUSED.test(container.waiting.message)) return 'PlatformRefused';
  // In a crash loop, the last exit is in `state` at first, and in `lastState` during the back-off.
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
