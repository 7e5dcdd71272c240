import { describe } from '@jest/globals';
import { findMissingPrerequisite } from '../src/programs/prerequisites.ts';

const reason = await findMissingPrerequisite();

/** Describes a suite on a real node. Where there can be none it is skipped, with the reason in its title. */
export function describeReal(title: string, suite: () => void): void {
  if (reason === undefined) describe(title, suite);
  else describe.skip(`${title} (skipped: ${reason})`, suite);
}
