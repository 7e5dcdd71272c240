import type { z } from 'zod';

/**
 * A rule that a schema cannot express. It has two forms: CEL for the API server and a predicate for the parser. Both
 * are in one object, so that they are changed together. The contract test compares them on a real API server.
 */
export interface Rule<T> {
  /** The rule as a CEL expression on `self`. */
  readonly cel: string;
  readonly holds: (value: T) => boolean;
  /** The change that the user has to make, in one line. */
  readonly message: string;
  /** The rejected field, relative to the field that has the rule. */
  readonly path?: readonly string[];
}

/** Parts of the CRD that zod does not generate. */
export interface FieldMeta {
  readonly description: string;
  readonly [extension: `x-kubernetes-${string}`]: unknown;
  readonly pattern?: string;
  readonly maxProperties?: number;
}

/**
 * Adds rules to a schema: `parse` checks them, and the CRD contains them. Call this function after zod's methods,
 * because these remove the metadata.
 */
export function ruled<S extends z.ZodType>(schema: S, rules: readonly Rule<z.output<S>>[], meta: FieldMeta): S {
  const checked = schema.superRefine((value, context) => {
    for (const { holds, message, path = [] } of rules) {
      if (!holds(value)) context.addIssue({ code: 'custom', message, path: [...path] });
    }
  });
  return checked.meta({
    ...meta,
    'x-kubernetes-validations': rules.map(({ cel, message, path = [] }) => ({
      rule: cel,
      message,
      ...(path.length > 0 && { fieldPath: path.map((field) => `.${field}`).join('') }),
    })),
  });
}

/** Returns a CEL expression that matches the subject with a regular expression. */
export function celMatches(subject: string, pattern: string): string {
  return `${subject}.matches(r'${pattern}')`;
}
