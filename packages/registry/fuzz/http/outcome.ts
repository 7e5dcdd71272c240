import type { Inspection } from '@archpolicy/core';
import type { RegistryChoice } from './axes.ts';
import { ARCHITECTURE, OTHER_ARCHITECTURE } from './images.ts';

/** Returns the outcome of an inspection. Another platform than the one of the image is right only if the body has it. */
export function toOutcome(inspection: Inspection, { body }: RegistryChoice): string {
  if (inspection.kind === 'unresolved') return inspection.reason;
  const architectures = inspection.facts.platforms.map(({ architecture }) => architecture).join();
  if (architectures === ARCHITECTURE) return 'resolved';
  return architectures === OTHER_ARCHITECTURE && body === 'another' ? 'another image' : `resolved as ${architectures}`;
}
