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
 * the platforms that the image declares decide; a sign makes the decision more certain, or contradicts it.
 */
export type Sign = 'PlatformRefused' | 'ExecFormatError' | 'ShortLived' | 'None';

/** The strongest sign of a pod, and the container that shows it. */
export interface PodSign {
  readonly sign: Sign;
  readonly container?: string;
}

/** Words of containerd in all its pull modes, and of CRI-O, old and newer. `not found` alone would be a missing tag. */
const PLATFORM_REFUSED =
  /no match for platform in manifest|no image found in (?:manifest list|image index) for architecture/u;

/** runc and Go say it in lower case, crun and shells with a capital E. */
const EXEC_FORMAT_ERROR = /exec format error/iu;

/** How it looks when a shell tries the program as a script, or an init program retries through a missing shell. */
const WRAPPED = /\u007fELF|\[FATAL tini|\[dumb-init\]/u;

/** runc and crun end with 1 or 255, shells with 126, 127 or 2. */
const REFUSED_EXIT_CODES: ReadonlySet<number> = new Set([1, 2, 126, 127, 255]);

/** The kernel refuses at once; start and finish carry whole seconds, so one tick may lie between them. */
const SHORT_LIVED_SECONDS = 1;

const STRENGTH: Readonly<Record<Sign, number>> = { PlatformRefused: 3, ExecFormatError: 2, ShortLived: 1, None: 0 };

/** The strongest sign among all containers: regular, init and ephemeral ones alike. */
export function readSigns(containers: readonly ContainerEvidence[]): PodSign {
  let strongest: PodSign = { sign: 'None' };
  for (const container of containers) {
    const sign = signOf(container);
    if (STRENGTH[sign] > STRENGTH[strongest.sign]) strongest = { sign, container: container.name };
  }
  return strongest;
}

/** Whether it is the platform that was refused: ordinary programs can be short-lived, too. */
export function isRefusal(sign: Sign): boolean {
  return sign === 'PlatformRefused' || sign === 'ExecFormatError';
}

/** Orders pods for attention: the more the status says, the higher. */
export function signStrength(sign: Sign): number {
  return STRENGTH[sign];
}

function signOf(container: ContainerEvidence): Sign {
  // Only the text of a pull counts here: a hook or a probe can put `exec format error` into a waiting message.
  if (container.waiting !== undefined && PLATFORM_REFUSED.test(container.waiting.message)) return 'PlatformRefused';
  // A crash loop shows its end in `state` most of the time and in `lastState` during the back-off: both are read.
  const now = signOfEnd(container.terminated);
  const before = signOfEnd(container.lastTerminated);
  return STRENGTH[now] >= STRENGTH[before] ? now : before;
}

function signOfEnd(end: TerminatedEvidence | undefined): Sign {
  if (end === undefined || end.exitCode === 0) return 'None';
  if (EXEC_FORMAT_ERROR.test(end.message)) return 'ExecFormatError';
  const looksRefused =
    end.reason === 'Error' &&
    REFUSED_EXIT_CODES.has(end.exitCode) &&
    end.seconds !== undefined &&
    end.seconds <= SHORT_LIVED_SECONDS &&
    (end.message === '' || WRAPPED.test(end.message));
  return looksRefused ? 'ShortLived' : 'None';
}
