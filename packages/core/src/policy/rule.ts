import type { z } from 'zod';

/**
 * A rule that a schema cannot say, said twice: as CEL for the API server and as a predicate for the parser. They stand
 * side by side so that one is not changed without the other; the contract test on a real API server holds them together.
 */
export interface Rule<T> {
  /** CEL over `self`. */
  readonly cel: string;
  readonly holds: (value: T) => boolean;
  /** What to do about it, in one line. */
  readonly message: string;
  /** The field that the refusal is about, below the ruled one. */
  readonly path?: readonly string[];
}

/** Anything that goes into the CRD beside what zod says by itself. */
export interface FieldMeta {
  readonly description: string;
  readonly [extension: `x-kubernetes-${string}`]: unknown;
  readonly pattern?: string;
  readonly maxProperties?: number;
}

/** The schema with its rules, which `parse` checks and the CRD carries. Call it last: zod's methods drop the metadata. */
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

/** A regular expression as a raw CEL string. */
export function celMatches(subject: string, pattern: string): string {
  return `${subject}.matches(r'${pattern}')`;
}
