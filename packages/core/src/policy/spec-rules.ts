import type { Rule } from './rule.ts';

/**
 * The fields that the rules read. They are declared again here, because the schema contains the rules, so that a type
 * from the schema would be circular.
 */
interface RuledSpec {
  readonly architectures?: readonly string[] | undefined;
  readonly scaleFromZero: readonly string[];
  readonly preference?: { readonly architectures: readonly string[] } | undefined;
  readonly rollout?: { readonly architecture: string } | undefined;
  readonly whenUnresolved: string;
  readonly fallbackArchitecture?: string | undefined;
}

/**
 * Requires that spec.architectures contains the architectures in `named`, because the policy would never use other
 * architectures.
 */
function within(
  path: readonly string[],
  named: (spec: RuledSpec) => readonly (string | undefined)[],
  cel: { readonly present: string; readonly inside: string },
): Rule<RuledSpec> {
  return {
    cel: `!has(self.architectures) || !(${cel.present}) || ${cel.inside}`,
    holds: (spec) => named(spec).every((name) => name === undefined || (spec.architectures?.includes(name) ?? true)),
    message: `name only architectures of spec.architectures in spec.${path.join('.')}, or add the missing ones to spec.architectures`,
    path,
  };
}

/** The rules on combinations of fields. */
export const specRules: readonly Rule<RuledSpec>[] = [
  {
    cel: "self.whenUnresolved != 'Fallback' || has(self.fallbackArchitecture)",
    holds: ({ whenUnresolved, fallbackArchitecture }) =>
      whenUnresolved !== 'Fallback' || fallbackArchitecture !== undefined,
    message: 'set spec.fallbackArchitecture, or choose another whenUnresolved',
    path: ['whenUnresolved'],
  },
  within(['preference', 'architectures'], ({ preference }) => preference?.architectures ?? [], {
    present: 'has(self.preference)',
    inside: 'self.preference.architectures.all(a, a in self.architectures)',
  }),
  within(['rollout', 'architecture'], ({ rollout }) => [rollout?.architecture], {
    present: 'has(self.rollout)',
    inside: 'self.rollout.architecture in self.architectures',
  }),
  within(['fallbackArchitecture'], ({ fallbackArchitecture }) => [fallbackArchitecture], {
    present: 'has(self.fallbackArchitecture)',
    inside: 'self.fallbackArchitecture in self.architectures',
  }),
  within(['scaleFromZero'], ({ scaleFromZero }) => scaleFromZero, {
    present: 'has(self.scaleFromZero)',
    inside: 'self.scaleFromZero.all(a, a in self.architectures)',
  }),
];
