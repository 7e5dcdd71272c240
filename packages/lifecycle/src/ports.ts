import type { Clock } from '@archpolicy/async';
import type { Api } from '@archpolicy/kube';

/** What every command uses. */
export interface CommandParts {
  readonly api: Pick<Api, 'request' | 'list'>;
  /** The namespace in which ArchPolicy runs. */
  readonly namespace: string;
  readonly clock: Clock;
  /** Prints a line about the progress. */
  readonly report: (line: string) => void;
}
