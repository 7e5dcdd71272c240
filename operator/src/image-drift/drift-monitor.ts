import type { Inspector } from '@archpolicy/registry';
import { ChangeReports } from './drift-reporter.ts';
import type { ChangeReportsOptions } from './drift-reporter.ts';
import { Contents } from './tag-history.ts';
import { SeenInspector } from './observing-inspector.ts';

export interface ContentWatchOptions extends Omit<ChangeReportsOptions, 'contents' | 'clock' | 'onChange'> {
  readonly inspector: Pick<Inspector, 'inspect'>;
  readonly clock: ConstructorParameters<typeof Contents>[0] & ChangeReportsOptions['clock'];
  readonly metrics: { readonly contentChange: ChangeReportsOptions['onChange'] };
  /** The image runs elsewhere than before. */
  readonly onChanged: (image: string) => void;
}

/** Notices what the contents behind tags lose and gain, in all that the operator inspects, and tells it. */
export class ContentWatch {
  /** To be asked in place of the inspector that was given. */
  readonly inspector: Pick<Inspector, 'inspect'>;
  readonly #reports: ChangeReports;

  constructor(options: ContentWatchOptions) {
    const contents = new Contents(options.clock, (change) => {
      this.#reports.changed(change);
      options.onChanged(change.image);
    });
    // Whoever was not shown an image is not told of it either, however often pods name it (P4).
    const shown = new Contents(options.clock, (change) => {
      this.#reports.tell(change);
    });
    this.#reports = new ChangeReports({ ...options, contents, onChange: options.metrics.contentChange });
    this.inspector = new SeenInspector(options.inspector, (image, inspection, audience) => {
      contents.see(image, inspection);
      shown.see(image, inspection, audience);
    });
  }

  /** What pods of the policy lost where they run, in sentences. */
  lossesOf(policy: string): readonly string[] {
    return this.#reports.lossesOf(policy);
  }
}
