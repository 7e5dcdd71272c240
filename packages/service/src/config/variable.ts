import { failed, ok } from '@archpolicy/core';
import type { Result } from '@archpolicy/core';
import type { z } from 'zod';
import { ConfigError } from './config-error.ts';

/** The environment as given by `main.ts`. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** The variables of proxies have the names that all programs use. */
export type VariableName = `ARCHPOLICY_${string}` | 'HTTPS_PROXY' | 'HTTP_PROXY' | 'NO_PROXY';

/** One variable: its parser and its line in `--help`. */
export interface Variable<T> {
  readonly name: VariableName;
  /** A second name, which is read if the first one is absent or empty. */
  readonly otherName?: string;
  /** The meaning of the variable, in half a line. */
  readonly description: string;
  /** A valid value, for error messages. */
  readonly example: string;
  /** The value of an absent or empty variable, as text. */
  readonly default?: string;
  /** Whether the value is secret, and so never shown. */
  readonly secret?: boolean;
  readonly parse: (text: string | undefined) => Result<T, string>;
}

interface Row<T> extends Omit<Variable<T>, 'parse' | 'default'> {
  readonly schema: z.ZodType<T, string>;
}

/** A variable with a default. */
export function variable<T>(row: Row<T> & { readonly default: string }): Variable<T> {
  const { schema, ...rest } = row;
  return { ...rest, parse: (text) => parse(schema, text ?? row.default) };
}

/** Returns a variable that may be absent. The value of an absent variable is `undefined`. */
export function optionalVariable<T>(row: Row<T>): Variable<T | undefined> {
  const { schema, ...rest } = row;
  return { ...rest, parse: (text) => (text === undefined ? ok(undefined) : parse(schema, text)) };
}

function parse<T>(schema: z.ZodType<T, string>, text: string): Result<T, string> {
  const result = schema.safeParse(text);
  return result.success ? ok(result.data) : failed(result.error.issues.map(({ message }) => message).join(' and '));
}

/** A process's variables, by their names in code. */
export type Variables = Readonly<Record<string, Variable<unknown>>>;

/** The parsed values of a table of variables. */
export type Config<V extends Variables> = {
  readonly [K in keyof V]: V[K] extends Variable<infer T> ? T : never;
};

/** Maximum length of a value in a message: enough to recognize the value, and short enough for one line. */
const SHOWN_VALUE_LENGTH = 80;

/**
 * Reads a process's configuration. An empty variable counts as absent. Unknown `ARCHPOLICY_*` variables are no error:
 * Kubernetes sets such variables for every Service of the namespace (`ARCHPOLICY_WEBHOOK_SERVICE_HOST`).
 * @throws ConfigError for the first variable that is wrong
 */
export function readConfig<V extends Variables>(variables: V, environment: Environment): Config<V> {
  const entries = Object.entries(variables).map(([key, row]) => {
    const text = nonEmpty(environment[row.name]) ?? nonEmpty(environment[row.otherName ?? row.name]);
    const result = row.parse(text);
    if (result.kind === 'failed') {
      throw new ConfigError(row.name, `${shown(row, text)} ${result.failure}`, row.example);
    }
    return [key, result.value] as const;
  });
  // The entries have the keys of the table and the parsed values, but the type of Object.fromEntries does not show
  // this.
  return Object.fromEntries(entries) as Config<V>;
}

function nonEmpty(text: string | undefined): string | undefined {
  const trimmed = text?.trim() ?? '';
  return trimmed.length > 0 ? trimmed : undefined;
}

function shown(row: Variable<unknown>, text: string | undefined): string {
  if (row.secret === true) return 'its value (not shown)';
  const value = text ?? row.default ?? '';
  return JSON.stringify(value.length > SHOWN_VALUE_LENGTH ? `${value.slice(0, SHOWN_VALUE_LENGTH)}…` : value);
}

/** Renders the variables as lines of `--help`: name, meaning, default. */
export function describeVariables(variables: Variables): string {
  const rows = Object.values(variables);
  const width = Math.max(...rows.map(({ name }) => name.length));
  return rows
    .map((row) => {
      const fallback = row.default ?? `none; e.g. ${row.example}`;
      return `  ${row.name.padEnd(width)}  ${row.description} (default: ${fallback})`;
    })
    .join('\n');
}
